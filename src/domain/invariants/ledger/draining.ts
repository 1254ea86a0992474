/** What laws about drains have in common: by which rules an operation drains, and whether there is anywhere to go. */
import type { DrainRules } from "../../drain/filter.ts";
import { type Toleration, toleratesAll } from "../../kube/taint.ts";
import { LABEL_MANAGED_BY, MANAGED_BY_NODEOPUPGRADE } from "../../labels.ts";
import type { Ledger } from "./Ledger.ts";
import type { JobRecord, NodeRecord } from "./records.ts";
import type { NodeOpView } from "./view.ts";

export const isOfUpgrade = ({ metadata }: NodeOpView): boolean =>
  metadata.labels?.[LABEL_MANAGED_BY] === MANAGED_BY_NODEOPUPGRADE;

/** The drain that should have come before a Job: whose, of which node, held since when, and by which rules. */
export interface DrainBefore {
  readonly operation: NodeOpView;
  readonly node: NodeRecord;
  readonly heldAt: number;
  readonly rules: DrainRules;
}

/** Undefined where none has to come before this Job: nothing is drained, or it is the Go original's. */
export const drainBefore = (ledger: Ledger, job: JobRecord): DrainBefore | undefined => {
  const operation = ledger.operations.get(job.operation)?.object;
  const node = ledger.nodes.get(job.node ?? "");
  const rules = operation === undefined ? undefined : drainRulesOf(operation);
  if (operation === undefined || rules === undefined) return undefined;
  if (node?.signed === undefined || job.original) return undefined;
  return { operation, node, heldAt: node.signed.at, rules };
};

/** By which rules the operation drains; undefined where it does not. What refuses a drain has to be gone as well. */
const drainRulesOf = (operation: NodeOpView): DrainRules | undefined => {
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
  { node: { name }, heldAt }: Pick<DrainBefore, "node" | "heldAt">,
  tolerations: ReadonlyArray<ReadonlyArray<Toleration>>,
): boolean =>
  [...nodes.values()].some(
    (other) =>
      other.name !== name &&
      other.exists &&
      other.ready &&
      !other.unschedulable &&
      other.signed === undefined &&
      other.readyChanged.at <= heldAt &&
      other.taintsChanged.at <= heldAt &&
      tolerations.some((tolerated) => toleratesAll(tolerated, other.taints)),
  );
