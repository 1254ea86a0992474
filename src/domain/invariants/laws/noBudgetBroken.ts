/**
 * Disruption budgets bind us: an eviction leaves as many healthy Pods as the budget asks for (Kubernetes, "Disruptions"), and
 * what is not evicted is not deleted either (the Go original deleted Pods, whatever their budgets; kairos.md b).
 */
import type { Commit } from "../../history.ts";
import { Pods } from "../../kube/resource.ts";
import { objectKey } from "../../kube/object.ts";
import type { Law } from "../law.ts";
import { isOperator } from "../ledger/Ledger.ts";
import { concerns, type WorkloadPod } from "../ledger/workloads.ts";

/** How long the disruption controller may take to count again what fell ill by itself: evictions go by its count. */
const COUNTED_MILLIS = 1000;

/** Whether the commit takes a Pod that ran from its application: by an eviction of anybody, or because the operator deletes it. */
const isTaken = ({ resource, verb, actor, before, after }: Commit): boolean =>
  resource.plural === Pods.plural &&
  (verb === "evict" || (verb === "delete" && isOperator(actor))) &&
  before !== undefined &&
  before.metadata.deletionTimestamp === undefined &&
  (after === undefined || after.metadata.deletionTimestamp !== undefined);

export const noBudgetBroken: Law = {
  law: "NoBudgetBroken",
  says: "No eviction, and no deletion by us, leaves fewer healthy Pods than a disruption budget asks for.",
  monitor: ({ ledger: { workloads }, options, report }) => {
    /** The Pods as they were before the commit that is looked at. */
    const known = new Map<string, WorkloadPod>();
    const judge = ({ at, before }: Commit): void => {
      const pod = known.get(before?.metadata.uid ?? "");
      if (before === undefined || pod?.healthy !== true) return;
      for (const [uid, budget] of workloads.budgets) {
        if (!concerns(budget, pod)) continue;
        const disturbed = workloads.disturbed.get(uid) ?? Number.NEGATIVE_INFINITY;
        if (disturbed < at && at - disturbed <= COUNTED_MILLIS + options.lagMillis) continue;
        const pods = workloads.podsOf(budget);
        const healthy = pods.filter((one) => one.healthy).length;
        const needed = workloads.needs(budget, [...pods, pod]);
        if (healthy < needed)
          report(
            `the end of Pod ${objectKey(before.metadata)} leaves ${healthy} healthy Pods, PodDisruptionBudget ${budget.key} asks for ${needed}`,
          );
      }
    };
    return {
      Committed: ({ commit }) => {
        if (commit.resource.plural !== Pods.plural) return;
        if (workloads.budgets.size > 0 && isTaken(commit)) judge(commit);
        const uid = (commit.after ?? commit.before)?.metadata.uid ?? "";
        const now = workloads.pods.get(uid);
        if (now === undefined) known.delete(uid);
        else known.set(uid, now);
      },
    };
  },
};
