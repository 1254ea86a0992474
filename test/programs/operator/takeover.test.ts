/** Whatever the Go original was doing when it stopped, nodeop goes on from there: every target ends once, nothing is left. */
import { describe, expect, it } from "@effect/vitest";
import { Jobs, NodeOps } from "../../../src/domain/kube/resource.ts";
import { ORIGINAL_FINALIZER } from "../../../src/domain/labels.ts";
import { GoOriginal, type GoOriginalOptions } from "../../support/goOriginal.ts";
import { Scene, type SceneOptions } from "./harness.ts";

const NODES = ["cp-1", "worker-1"];
const SPEC = { preflight: { command: ["/bin/true"] } };

/** A scene in which the original works until it dies, or until `holds`. */
const withOriginal = (
  options: {
    readonly scene?: SceneOptions;
    readonly spec?: object;
    readonly dies?: GoOriginalOptions["dies"];
    readonly until?: (scene: Scene) => boolean;
  } = {},
): { readonly scene: Scene; readonly original: GoOriginal } => {
  const scene = new Scene({ nodes: NODES, ...options.scene });
  scene.createOperation({ ...SPEC, ...options.spec });
  const original = new GoOriginal({
    fake: scene.fake,
    now: () => scene.world.now,
    dies: options.dies,
  });
  const until = options.until ?? (() => false);
  for (let second = 0; second < 1200 && original.isAlive && !until(scene); second++) {
    original.reconcile();
    scene.pass(1);
  }
  original.isAlive = false;
  return { scene, original };
};

const jobsOn = (scene: Scene): ReadonlyArray<string> => {
  const created = scene.commits.filter(
    ({ resource, before }) => resource.kind === Jobs.kind && before === undefined,
  );
  return created.map(({ after }) => after?.metadata.labels?.["kairos.io/node"] ?? "").toSorted();
};

/** Everything in which the end is not as it should be. */
const flaws = (scene: Scene): ReadonlyArray<string> => {
  const { nodeStatuses = {} } = scene.status();
  return [
    ...scene.violations(),
    ...NODES.filter((node) => {
      const { phase, rebootStatus, stage } = nodeStatuses[node] ?? {};
      return phase !== "Completed" || rebootStatus !== "completed" || stage !== undefined;
    }).map((node) => `${node}: ${JSON.stringify(nodeStatuses[node])}`),
    ...NODES.filter((node) => scene.marks(node) !== "").map((node) => `${node} is marked`),
    ...(jobsOn(scene).join() === NODES.join() ? [] : [`Jobs on ${jobsOn(scene).join()}`]),
  ];
};

describe("an original that stops at its K-th write", () => {
  it("has left nothing from which nodeop does not go on: one Job per node, every node done, no cordon left", () => {
    const { original, scene: undisturbed } = withOriginal();
    expect(undisturbed.status().nodeStatuses).toMatchObject({
      "cp-1": { phase: "Completed", rebootStatus: "completed" },
      "worker-1": { phase: "Completed", rebootStatus: "completed" },
    });
    const failures: Array<string> = [];
    for (let at = 1; at <= original.writes; at++)
      for (const before of [true, false]) {
        const { scene } = withOriginal({ dies: { at, before } });
        scene.startOperator();
        scene.pass(2400);
        for (const flaw of flaws(scene))
          failures.push(`${before ? "before" : "after"} write ${at}: ${flaw}`);
      }
    expect(failures).toEqual([]);
  });
});
void NodeOps;
void ORIGINAL_FINALIZER;
