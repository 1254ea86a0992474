/** What keeps a drain from its end, as a sentence that names Pods and budgets. */
import { type DisruptionBudget, protects } from "../kube/disruptionBudget.ts";
import type { NodePod } from "../kube/nodePod.ts";
import { millisOf, objectKey } from "../kube/object.ts";
import type { DrainPlan } from "./filter.ts";
import { podNames } from "./filter.ts";
import { blockedPods, type DrainProgress, isSlowToDetach } from "./progress.ts";
import { attachmentNames } from "./volumes.ts";

/** A Pod that is there so long after it should have gone has something that keeps it: a finalizer, a kubelet that is away. */
const STUCK_MILLIS = 30_000;

/** `PodDisruptionBudget shop/db allows 0 disruptions (1 of 2 healthy)`. */
const describeBudget = ({ metadata, status }: DisruptionBudget): string => {
  const allowed = status?.disruptionsAllowed ?? 0;
  const { currentHealthy, desiredHealthy } = status ?? {};
  const health =
    currentHealthy === undefined || desiredHealthy === undefined
      ? ""
      : ` (${currentHealthy} healthy, ${desiredHealthy} needed)`;
  return `PodDisruptionBudget ${objectKey(metadata)} allows ${allowed} disruptions${health}`;
};

/** Why this Pod cannot be evicted: the budgets that protect it, else what the server said. */
const blockerOf = (pod: NodePod, progress: DrainProgress): string => {
  const delayed = progress.delayed.get(pod.metadata.uid);
  const budgets =
    delayed?.why === "Budget"
      ? progress.budgets.filter((budget) => protects(budget, pod.metadata))
      : [];
  if (budgets.length === 0) return delayed?.detail ?? "its eviction is refused";
  const all = budgets.map(describeBudget).join(", ");
  return budgets.length === 1
    ? all
    : `the Eviction API does not support several budgets for one Pod: ${all}`;
};

/** What blocks the drain: reason and sentence; undefined while nothing has for long. */
export const blockers = (
  plan: DrainPlan,
  progress: DrainProgress,
  now: number,
):
  | {
      readonly reason: "DrainBlocked" | "PodsTerminating" | "VolumesAttached";
      readonly message: string;
    }
  | undefined => {
  const wanted = new Set(plan.evict);
  const blocked = blockedPods(progress, now).filter((pod) => wanted.has(pod));
  const byBlocker = new Map<string, Array<NodePod>>();
  for (const pod of blocked) {
    const blocker = blockerOf(pod, progress);
    byBlocker.set(blocker, [...(byBlocker.get(blocker) ?? []), pod]);
  }
  if (byBlocker.size > 0) {
    const sentences = [...byBlocker].map(([blocker, pods]) => `${podNames(pods)}: ${blocker}`);
    return {
      reason: "DrainBlocked",
      message: `Draining is blocked: ${sentences.toSorted().join("; ")}`,
    };
  }
  const stuck = plan.leaving.filter(
    ({ metadata }) => now - millisOf(metadata.deletionTimestamp ?? "") >= STUCK_MILLIS,
  );
  if (stuck.length > 0)
    return {
      reason: "PodsTerminating",
      message: `Draining waits for Pods that should have ended: ${podNames(stuck)}`,
    };
  const { attached = [] } = progress;
  return plan.evict.length > 0 || plan.leaving.length > 0 || !isSlowToDetach(progress, now)
    ? undefined
    : {
        reason: "VolumesAttached",
        message: `Draining waits for volumes that should have been detached: ${attachmentNames(attached)}`,
      };
};
