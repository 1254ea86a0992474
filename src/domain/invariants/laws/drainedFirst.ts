/** Nothing that can go elsewhere is still on a node when its work begins (design.md §4: "no evictable Pod left on the node"). */
import { podNames, verdictOn } from "../../drain/filter.ts";
import type { NodePod } from "../../kube/nodePod.ts";
import { Pods } from "../../kube/resource.ts";
import type { Law } from "../law.ts";
import { drainBefore, hasOtherNode, isOfUpgrade } from "../ledger/draining.ts";
import { asNodePod, asPod } from "../ledger/view.ts";

/** A Pod and when it came, in milliseconds of the cluster's clock. */
interface Resident {
  readonly pod: NodePod;
  readonly since: number;
}

export const drainedFirst: Law = {
  law: "DrainedFirst",
  says: "A node's Job is created only when no Pod is left of those that were there when it was cordoned and that its drain must evict.",
  monitor: ({ ledger, report }) => {
    /** All Pods by uid, by the name of their node. */
    const residents = new Map<string, Map<string, Resident>>();
    return {
      Committed: ({ commit }) => {
        const object = commit.after ?? commit.before;
        if (commit.resource.kind !== Pods.kind || object === undefined) return;
        const node = asPod(object).spec?.nodeName;
        if (node === undefined) return;
        const on = residents.get(node) ?? new Map<string, Resident>();
        residents.set(node, on);
        const { uid } = object.metadata;
        if (commit.after === undefined) on.delete(uid);
        else on.set(uid, { pod: asNodePod(commit.after), since: on.get(uid)?.since ?? commit.at });
      },
      JobCreated: ({ job }) => {
        const drain = drainBefore(ledger, job);
        if (drain === undefined) return;
        const { operation, node, heldAt, rules } = drain;
        const resident = [...(residents.get(node.name)?.values() ?? [])]
          .filter(({ since }) => since < heldAt)
          .map(({ pod }) => ({ pod, verdict: verdictOn(pod, rules)._tag }));
        const evictable = resident.filter(({ verdict }) => verdict === "Evict");
        const left = resident.filter(({ verdict }) => verdict !== "Stay").map(({ pod }) => pod);
        const tolerations = evictable.map(({ pod }) => pod.spec?.tolerations ?? []);
        if (isOfUpgrade(operation) && !hasOtherNode(ledger, drain, tolerations)) return;
        if (left.length > 0)
          report(
            `Job ${job.name} was created for node ${node.name} before it was drained: ${podNames(left)}`,
          );
      },
    };
  },
};
