/** Nothing that can go elsewhere is still on a node when its work begins (design.md §4: "no evictable Pod left on the node"). */
import { type DrainRules, podNames, verdictOn } from "../../drain/filter.ts";
import type { NodePod } from "../../kube/nodePod.ts";
import { Pods } from "../../kube/resource.ts";
import { toleratesAll } from "../../kube/taint.ts";
import { LABEL_MANAGED_BY, MANAGED_BY_NODEOPUPGRADE } from "../../labels.ts";
import type { Law } from "../law.ts";
import type { Ledger } from "../ledger/Ledger.ts";
import type { NodeRecord } from "../ledger/records.ts";
import { asNodePod, asPod, type NodeOpView } from "../ledger/view.ts";

/** A Pod and when it came, in milliseconds of the cluster's clock. */
interface Resident {
  readonly pod: NodePod;
  readonly since: number;
}

const isOfUpgrade = ({ metadata }: NodeOpView): boolean =>
  metadata.labels?.[LABEL_MANAGED_BY] === MANAGED_BY_NODEOPUPGRADE;

/** By which rules the operation drains; undefined where it does not. What refuses a drain has to be gone as well. */
const rulesOf = (operation: NodeOpView): DrainRules | undefined => {
  const { cordon, drainOptions } = operation.spec ?? {};
  return cordon !== true || drainOptions?.enabled !== true
    ? undefined
    : {
        force: drainOptions.force === true,
        ignoreDaemonSets: drainOptions.ignoreDaemonSets !== false,
        deleteEmptyDirData: true,
        keepsUnmanaged: isOfUpgrade(operation),
      };
};

/**
 * Whether any other node could take one of these Pods all the time since this one was held; one that was ever ours may have
 * been away.
 */
const hasOtherNode = (
  { nodes }: Ledger,
  { name, signed }: NodeRecord,
  pods: ReadonlyArray<NodePod>,
): boolean =>
  [...nodes.values()].some(
    (other) =>
      other.name !== name &&
      other.exists &&
      other.ready &&
      !other.unschedulable &&
      other.signed === undefined &&
      other.readyChanged.at <= (signed?.at ?? 0) &&
      other.taintsChanged.at <= (signed?.at ?? 0) &&
      pods.some(({ spec }) => toleratesAll(spec?.tolerations ?? [], other.taints)),
  );

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
        const operation = ledger.operations.get(job.operation);
        const node = ledger.nodes.get(job.node ?? "");
        const rules = operation === undefined ? undefined : rulesOf(operation.object);
        if (rules === undefined || node?.signed === undefined || job.original) return;
        const heldAt = node.signed.at;
        const resident = [...(residents.get(node.name)?.values() ?? [])]
          .filter(({ since }) => since < heldAt)
          .map(({ pod }) => ({ pod, verdict: verdictOn(pod, rules)._tag }));
        const evictable = resident.filter(({ verdict }) => verdict === "Evict");
        const left = resident.filter(({ verdict }) => verdict !== "Stay").map(({ pod }) => pod);
        if (
          isOfUpgrade(operation!.object) &&
          !hasOtherNode(
            ledger,
            node,
            evictable.map(({ pod }) => pod),
          )
        )
          return;
        if (left.length > 0)
          report(
            `Job ${job.name} was created for node ${node.name} before it was drained: ${podNames(left)}`,
          );
      },
    };
  },
};
