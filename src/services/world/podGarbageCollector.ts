/**
 * The simulated Pod garbage collector of kube-controller-manager (pkg/controller/podgc): ends Pods of nodes that are gone, and
 * Pods that are to go and never had a node. Of ended Pods it keeps the 12,500 that a real one keeps: it never removes any.
 */
import { Clock, Effect } from "effect";
import { kubeTime } from "../../domain/kube/object.ts";
import { Nodes, Pods } from "../../domain/kube/resource.ts";
import type { KubeTransport } from "../KubeTransport.ts";
import { disrupt } from "./disruption.ts";
import { isAny, Mirror } from "./Mirror.ts";
import { isPod, isTerminalPhase, type Pod } from "./pod.ts";
import { deleteObject, getObject, isGone, patchObject, whileTransient } from "./requests.ts";
import { together } from "./together.ts";

/** gcCheckPeriod and quarantineTime. */
const PERIOD_MILLIS = 20_000;
const QUARANTINE_MILLIS = 40_000;

/** Runs until its process ends. */
export const podGarbageCollector: Effect.Effect<never, never, KubeTransport> = Effect.gen(
  function* () {
    const nodes = new Mirror({
      resource: Nodes,
      is: isAny,
      onChange: () => {},
    });
    const pods = new Mirror({ resource: Pods, is: isPod, onChange: () => {} });
    /** Since when nodes that Pods name have been missing. */
    const missing = new Map<string, number>();
    const collect = Effect.gen(function* () {
      if (!nodes.listed || !pods.listed) return;
      const now = yield* Clock.currentTimeMillis;
      for (const name of nodes.objects.keys()) missing.delete(name);
      for (const pod of pods.objects.values()) {
        const node = pod.spec.nodeName;
        if (node === undefined) {
          if (pod.metadata.deletionTimestamp !== undefined) yield* endUnscheduled(pod);
          continue;
        }
        if (nodes.objects.has(node)) continue;
        const since = missing.get(node) ?? now;
        missing.set(node, since);
        if (now - since >= QUARANTINE_MILLIS && (yield* isMissing(node)))
          yield* endOrphaned(pod, now);
      }
    });
    const work = Effect.forever(Effect.delay(collect, PERIOD_MILLIS));
    return yield* together([nodes.run, pods.run, work]);
  },
);

/** Whether the node is not there by a live read: caches may be behind. */
const isMissing = (name: string) =>
  getObject(Nodes, undefined, name).pipe(
    whileTransient,
    Effect.as(false),
    Effect.catchTag("NotFound", () => Effect.succeed(true)),
    Effect.orDie,
  );

const endOrphaned = (pod: Pod, now: number) => {
  const condition = {
    reason: "DeletionByPodGC",
    message: "PodGC: node no longer exists",
    lastTransitionTime: kubeTime(now),
  };
  return end(pod, disrupt(pod, condition, "Failed"));
};

const endUnscheduled = (pod: Pod) =>
  end(pod, patchObject(Pods, pod, { status: { phase: "Failed" } }, "status"));

/** No kubelet will say that the Pod has ended: it is called Failed, then removed without grace. */
const end = (pod: Pod, fail: ReturnType<typeof patchObject>) =>
  (isTerminalPhase(pod.status?.phase) ? Effect.void : Effect.asVoid(fail)).pipe(
    Effect.andThen(deleteObject(Pods, pod, { gracePeriodSeconds: 0 })),
    whileTransient,
    Effect.catchIf(isGone, () => Effect.void),
    Effect.orDie,
  );
