/** A scene in which the Go original works until it stops: what it leaves is what it would leave in a cluster. */
import { Jobs, Pods } from "../../../src/domain/kube/resource.ts";
import type { KubeObject } from "../../../src/domain/kube/object.ts";
import { GoOriginal, type GoOriginalOptions } from "../../support/goOriginal.ts";
import { Scene, type SceneOptions } from "./harness.ts";

export const NODES = ["cp-1", "worker-1"];

export interface OriginalSceneOptions {
  readonly scene?: SceneOptions;
  readonly spec?: object;
  readonly dies?: GoOriginalOptions["dies"];
  /** It dies after the write that makes this so. */
  readonly diesOnce?: (scene: Scene) => boolean;
  /** It stops after the pass that makes this so; default: when nothing happens any more. */
  readonly until?: (scene: Scene) => boolean;
  /** Seconds between its end and what follows. */
  readonly pause?: number;
}

/** Runs the original over the operation `op`, pass by pass, a second apart. */
export const sceneOfOriginal = (
  options: OriginalSceneOptions = {},
): { readonly scene: Scene; readonly original: GoOriginal } => {
  const scene = new Scene({ nodes: NODES, ...options.scene });
  scene.createOperation(options.spec);
  const { dies, until = () => false } = options;
  const original = new GoOriginal({
    fake: scene.fake,
    now: () => scene.world.now,
    dies,
    diesOnce: () => options.diesOnce?.(scene) === true,
  });
  for (let second = 0; second < 1200 && original.isAlive && !until(scene); second++) {
    original.reconcile();
    scene.pass(1);
  }
  original.isAlive = false;
  scene.pass(options.pause ?? 0);
  return { scene, original };
};

/** The nodes on which Jobs were created, by whomever, in order. */
export const jobsOn = (scene: Scene): ReadonlyArray<string> =>
  scene.commits
    .filter(({ resource, before }) => resource.kind === Jobs.kind && before === undefined)
    .map(({ after }) => after?.metadata.labels?.["kairos.io/node"] ?? "")
    .toSorted();

/** Everything in which the end of an operation that nothing disturbed is not as it should be. */
export const flaws = (
  scene: Scene,
  nodes: ReadonlyArray<string> = NODES,
): ReadonlyArray<string> => {
  const { nodeStatuses = {} } = scene.status();
  return [
    ...scene.violations(),
    ...nodes
      .filter((node) => {
        const { phase, rebootStatus, stage } = nodeStatuses[node] ?? {};
        return phase !== "Completed" || rebootStatus === "pending" || stage !== undefined;
      })
      .map((node) => `${node}: ${JSON.stringify(nodeStatuses[node])}`),
    ...nodes.filter((node) => scene.marks(node) !== "").map((node) => `${node} is marked`),
    ...waitingRebootPods(scene),
    ...(jobsOn(scene).join() === nodes.join() ? [] : [`Jobs on ${jobsOn(scene).join()}`]),
  ];
};

/** What operators of ours wrote. */
export const writes = (scene: Scene): ReadonlyArray<string> =>
  scene.requests
    .filter(({ request }) => !["get", "list", "watch"].includes(request.verb))
    .map(({ request }) => `${request.verb} ${request.resource.plural}`);

/** All reboot Pods. */
const rebootPods = (scene: Scene): ReadonlyArray<KubeObject> => {
  const answer = scene.fake.handle("user", {
    verb: "list",
    resource: Pods,
    query: { labelSelector: "kairos.io/reboot=true" },
  });
  const { items = [] } = (answer.ok ? answer.object : {}) as {
    readonly items?: ReadonlyArray<KubeObject>;
  };
  return items;
};

/** The reboot Pod of a node, if it has one. */
export const rebootPodOf = (scene: Scene, node: string): KubeObject | undefined =>
  rebootPods(scene).find(({ metadata }) => metadata.labels?.["kairos.io/node"] === node);

/** Reboot Pods that have not ended: a privileged Pod that waits for ever. */
const waitingRebootPods = (scene: Scene): ReadonlyArray<string> =>
  rebootPods(scene)
    .filter(
      ({ status }) => (status as { readonly phase?: string } | undefined)?.phase === "Running",
    )
    .map(({ metadata }) => `${metadata.name} still waits`);
