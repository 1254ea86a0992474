/**
 * The simulated node lifecycle controller of kube-controller-manager (pkg/controller/nodelifecycle): says of a node that is not
 * heard of any more that nobody knows how it is, taints nodes that are not ready, and calls their Pods not ready either. Kubelets of this world renew no Leases, which
 * would be most of all commits; `heardOf` stands for them.
 */
import { Clock, Effect } from "effect";
import { kubeTime, type KubeObject } from "../../domain/kube/object.ts";
import { Nodes, Pods } from "../../domain/kube/resource.ts";
import type { KubeTransport } from "../KubeTransport.ts";
import { sameJson } from "./json.ts";
import { isAny, Mirror } from "./Mirror.ts";
import { statusOf } from "./nodeStatus.ts";
import { isPod, isPodReady, type Pod } from "./pod.ts";
import { isGone, patchObject, whileTransient } from "./requests.ts";
import { together } from "./together.ts";
import { type Taint, taintsOf } from "./scheduling.ts";

export interface NodeLifecycleOptions {
  /** When the kubelet of a node was last alive, in milliseconds; undefined for a node without a machine. */
  readonly heardOf: (node: string) => number | undefined;
}

/** kube-controller-manager --node-monitor-period and --node-monitor-grace-period. */
const PERIOD_MILLIS = 5_000;
const GRACE_MILLIS = 50_000;

const NOT_READY = "node.kubernetes.io/not-ready";
const UNREACHABLE = "node.kubernetes.io/unreachable";

/** Runs until its process ends. */
export const nodeLifecycle = ({
  heardOf,
}: NodeLifecycleOptions): Effect.Effect<never, never, KubeTransport> =>
  Effect.gen(function* () {
    const nodes = new Mirror({
      resource: Nodes,
      is: isAny,
      onChange: () => {},
    });
    const pods = new Mirror({ resource: Pods, is: isPod, onChange: () => {} });
    /** Nodes that were not ready when they were looked at last. */
    const unready = new Set<string>();
    const look = Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis;
      for (const node of nodes.objects.values()) {
        const heard = heardOf(node.metadata.name);
        const silent = heard !== undefined && now - heard > GRACE_MILLIS;
        const current = silent ? yield* tellUnknown(nodes, node, now) : node;
        yield* taint(nodes, current, now);
        const { name } = node.metadata;
        if (readiness(current) === "True") unready.delete(name);
        else if (!unready.has(name)) {
          unready.add(name);
          yield* tellPodsUnready(pods, name, now);
        }
      }
    });
    const watch = Effect.forever(Effect.delay(look, PERIOD_MILLIS));
    return yield* together([nodes.run, pods.run, watch]);
  });

const readiness = (node: KubeObject): string | undefined =>
  statusOf(node).conditions?.find(({ type }) => type === "Ready")?.status;

/** What the kubelet said last holds no longer: conditions are Unknown. */
const tellUnknown = (nodes: Mirror, node: KubeObject, now: number) => {
  const { conditions = [] } = statusOf(node);
  if (conditions.every(({ status }) => status === "Unknown")) return Effect.succeed(node);
  const status = {
    conditions: conditions.map((condition) => ({
      ...condition,
      status: "Unknown",
      reason: "NodeStatusUnknown",
      message: "Kubelet stopped posting node status.",
      lastTransitionTime: kubeTime(now),
    })),
  };
  return write(nodes, node, { status }, "status");
};

/** Who waits for Pods that are ready must not count on those of a node that is not (MarkPodsNotReady). */
const tellPodsUnready = Effect.fnUntraced(function* (pods: Mirror<Pod>, node: string, now: number) {
  const lost = [...pods.objects.values()].filter(
    (pod) => pod.spec.nodeName === node && isPodReady(pod),
  );
  for (const pod of lost) {
    const conditions = pod.status?.conditions?.map((condition) =>
      condition.type === "Ready"
        ? { ...condition, status: "False", lastTransitionTime: kubeTime(now) }
        : condition,
    );
    yield* patchObject(Pods, pod, { status: { conditions } }, "status").pipe(
      whileTransient,
      Effect.catchIf(isGone, () => Effect.void),
      Effect.orDie,
    );
  }
});

/** The taints that go with the condition Ready; those of others stay. */
const taint = (nodes: Mirror, node: KubeObject, now: number) => {
  const key = keyOf(readiness(node));
  const before = taintsOf(node);
  const own = (key === undefined ? [] : ["NoSchedule", "NoExecute"]).map((effect): Taint => {
    const known = before.find((one) => one.key === key && one.effect === effect);
    return known ?? { key: key ?? "", effect, timeAdded: kubeTime(now) };
  });
  const others = before.filter((one) => one.key !== NOT_READY && one.key !== UNREACHABLE);
  const taints = [...others, ...own];
  if (sameJson(taints, before)) return Effect.succeed(node);
  // Taints are a list: a change of somebody else meanwhile must not be lost.
  const { resourceVersion } = node.metadata;
  return write(nodes, node, { metadata: { resourceVersion }, spec: { taints } });
};

const keyOf = (ready: string | undefined): string | undefined => {
  if (ready === "True" || ready === undefined) return undefined;
  return ready === "Unknown" ? UNREACHABLE : NOT_READY;
};

/** A node that changed or went meanwhile is looked at again soon. */
const write = (nodes: Mirror, node: KubeObject, patch: object, subresource?: "status") =>
  patchObject(Nodes, node, { ...patch }, subresource).pipe(
    whileTransient,
    Effect.tap((written) => Effect.sync(() => nodes.observe(written))),
    Effect.catchIf(isGone, () => Effect.succeed(node)),
    Effect.orDie,
  );
