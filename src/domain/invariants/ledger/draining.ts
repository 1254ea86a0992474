/** What laws about drains have in common: by which rules an operation drains, and whether there is anywhere to go. */
import type { DrainRules } from "../../drain/filter.ts";
import { type Toleration, toleratesAll } from "../../kube/taint.ts";
import { LABEL_MANAGED_BY, MANAGED_BY_NODEOPUPGRADE } from "../../labels.ts";
import type { Ledger } from "./Ledger.ts";
import type { NodeRecord } from "./records.ts";
import type { NodeOpView } from "./view.ts";

export const isOfUpgrade = ({ metadata }: NodeOpView): boolean =>
  metadata.labels?.[LABEL_MANAGED_BY] === MANAGED_BY_NODEOPUPGRADE;

/** By which rules the operation drains; undefined where it does not. What refuses a drain has to be gone as well. */
export const drainRulesOf = (operation: NodeOpView): DrainRules | undefined => {
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
 * Whether any other node could take a Pod with one of these tolerations all the time since this one was held; one that was
 * ever ours may have been away.
 */
export const hasOtherNode = (
  { nodes }: Ledger,
  { name, signed }: NodeRecord,
  tolerations: ReadonlyArray<ReadonlyArray<Toleration>>,
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
      tolerations.some((tolerated) => toleratesAll(tolerated, other.taints)),
  );
