/**
 * `kubectl drain --dry-run=server` and our plan for the same Pods agree, under every combination of flags, but for listed
 * differences that are there on purpose. The control plane has no controllers: Pods stay as the table has them.
 */
import { describe, expect, layer } from "@effect/vitest";
import { Array, Context, Effect, Layer } from "effect";
import { Namespaces, Nodes, Pods, ServiceAccounts } from "../../../src/domain/kube/resource.ts";
import { NodePodResource } from "../../../src/programs/operator/resources.ts";
import { KubeApi } from "../../../src/services/KubeApi.ts";
import { kubeApiLayer } from "../../../src/services/kubeApiLayer.ts";
import { KubeTransport } from "../../../src/services/KubeTransport.ts";
import { liveTransportLayer } from "../../../src/services/live/liveTransport.ts";
import { findAssets } from "../../support/controlPlane/assets.ts";
import { startControlPlane } from "../../support/controlPlane/ControlPlane.ts";
import { kubectl } from "../../support/controlPlane/kubectl.ts";
import type { NodePod } from "../../../src/domain/kube/nodePod.ts";
import { type Drained, drainedByKubectl, planned } from "./outcomes.ts";
import {
  bodyOf,
  DAEMON_SET,
  type Difference,
  type Flags,
  NAMESPACE,
  ROWS,
  type RowPod,
} from "./rows.ts";

const BOTH = [false, true];
const KUBECTL_FLAGS = BOTH.flatMap((force) =>
  BOTH.flatMap((ignoreDaemonSets) =>
    BOTH.map((deleteEmptyDirData) => ({ force, ignoreDaemonSets, deleteEmptyDirData })),
  ),
);
type KubectlFlags = (typeof KUBECTL_FLAGS)[number];

const argumentsOf = ({ force, ignoreDaemonSets, deleteEmptyDirData }: KubectlFlags) => [
  `--force=${force}`,
  `--ignore-daemonsets=${ignoreDaemonSets}`,
  `--delete-emptydir-data=${deleteEmptyDirData}`,
];

/** kubectl drain sends ten requests at once, and five a second from then on: a few nodes are done without a wait. */
const NODES_AT_ONCE = 3;
const NONE: ReadonlySet<string> = new Set();

const DAEMON_SET_BODY = {
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: DAEMON_SET, namespace: NAMESPACE },
  spec: {
    selector: { matchLabels: { app: DAEMON_SET } },
    template: {
      metadata: { labels: { app: DAEMON_SET } },
      spec: { containers: [{ name: "c", image: "registry/image:1" }] },
    },
  },
};

/** A server with the rows on it. */
class Server extends Context.Service<
  Server,
  {
    /** The Pods of each node as the API server lists them. */
    readonly pods: ReadonlyMap<string, ReadonlyArray<NodePod>>;
    readonly drain: (flags: KubectlFlags) => Effect.Effect<ReadonlyMap<string, Drained>>;
  }
>()("nodeop/test/contract/drain/Server") {
  static readonly layer = Layer.effect(
    Server,
    Effect.gen(function* () {
      const assets = findAssets();
      if (assets === undefined) return yield* Effect.die(new Error("KUBEBUILDER_ASSETS is unset"));
      const controlPlane = yield* startControlPlane({ assets, controllers: false });
      const live = liveTransportLayer({ kubeconfig: controlPlane.kubeconfig });
      const services = yield* Layer.build(Layer.provideMerge(kubeApiLayer, live));
      yield* Effect.provideContext(createRows, services);
      yield* kubectl(controlPlane, ["apply", "-f", "-"], {
        input: JSON.stringify(DAEMON_SET_BODY),
      });
      const api = Context.get(services, KubeApi);
      const pods = yield* Effect.forEach(ROWS, ({ node }) =>
        Effect.map(
          api.list(NodePodResource, { fieldSelector: `spec.nodeName=${node}` }),
          ({ items }) => [node, items] as const,
        ),
      );
      const names = new Map(ROWS.map((row) => [row.node, new Set(Object.keys(row.pods))]));
      const drainSome = (flags: KubectlFlags, some: ReadonlyArray<string>) =>
        kubectl(controlPlane, ["drain", ...some, "--dry-run=server", ...argumentsOf(flags)]).pipe(
          Effect.map((stdout) => ({ code: 0, stdout, stderr: "" })),
          Effect.catch((failed) => Effect.succeed(failed)),
          Effect.map((said) =>
            drainedByKubectl(said, new Map(some.map((node) => [node, names.get(node) ?? NONE]))),
          ),
        );
      const drain = (flags: KubectlFlags) =>
        Effect.forEach(
          Array.chunksOf([...names.keys()], NODES_AT_ONCE),
          (some) => drainSome(flags, some),
          { concurrency: 5 },
        ).pipe(Effect.map((parts) => new Map(parts.flatMap((part) => [...part]))));
      return Server.of({ pods: new Map(pods), drain });
    }),
  );
}

const createRows = Effect.gen(function* () {
  const { request } = yield* KubeTransport;
  const create = (resource: typeof Pods, body: object, namespace?: string) =>
    request({ verb: "create", resource, body, namespace });
  yield* create(Namespaces, { metadata: { name: NAMESPACE } });
  yield* create(ServiceAccounts, { metadata: { name: "default" } }, NAMESPACE);
  for (const { node, pods } of ROWS) {
    yield* create(Nodes, { metadata: { name: node } });
    for (const [name, pod] of Object.entries(pods)) yield* createPod(node, name, pod);
  }
});

const createPod = Effect.fnUntraced(function* (node: string, name: string, pod: RowPod) {
  const { request } = yield* KubeTransport;
  const at = { resource: Pods, namespace: NAMESPACE, name };
  yield* request({ verb: "create", ...at, name: undefined, body: bodyOf(node, name, pod) });
  const { phase = "Running", terminating = false } = pod;
  const status = { status: { phase } };
  yield* request({ verb: "patch", ...at, subresource: "status", body: status });
  if (terminating) yield* request({ verb: "delete", ...at });
});

/** The listed difference that is to be there under these flags, if any. */
const listed = (differences: ReadonlyArray<Difference>, flags: Flags): Difference | undefined =>
  differences.find(({ when }) =>
    Object.entries(when).every(([name, value]) => flags[name as keyof Flags] === value),
  );

/** As `kubectl` and as `nodeop` where they agree in outcome and words; else a difference. */
const differenceOf = (kubectls: Drained, ours: Drained) =>
  kubectls.outcome === ours.outcome && kubectls.says.join() === ours.says.join()
    ? undefined
    : { kubectl: kubectls.outcome, nodeop: ours.outcome };

describe.runIf(findAssets() !== undefined)("nodes drained by kubectl and by us", () => {
  layer(Server.layer, { timeout: "1 minute", excludeTestServices: true })((it) => {
    it.effect.each(KUBECTL_FLAGS)(
      "lose the same Pods for the same reasons, but for listed differences: --force=$force --ignore-daemonsets=$ignoreDaemonSets --delete-emptydir-data=$deleteEmptyDirData",
      (flags) =>
        Effect.gen(function* () {
          const { drain, pods } = yield* Server;
          const drained = yield* drain(flags);
          for (const keepsUnmanaged of BOTH)
            for (const { node, differences = [] } of ROWS) {
              const all = { ...flags, keepsUnmanaged };
              const ours = planned(pods.get(node) ?? [], all);
              const kubectls = drained.get(node)!;
              const { why: _why, when: _when, ...expected } = listed(differences, all) ?? {};
              expect(
                differenceOf(kubectls, ours) ?? {},
                `${node} with ${JSON.stringify(all)}\nkubectl: ${kubectls.says.join("; ")}\nnodeop: ${ours.says.join("; ")}`,
              ).toEqual(expected);
            }
        }),
    );
  });
});
