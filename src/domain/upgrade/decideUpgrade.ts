/** What one pass over a NodeOpUpgrade does: make its NodeOp, pass on what steers, mirror the status. Pure and total. */
import type { NodeOp } from "../api/nodeop.ts";
import type { NodeOpUpgrade, NodeOpUpgradeStatus } from "../api/nodeopupgrade.ts";
import { controllerOf, type NewKubeObject } from "../kube/object.ts";
import { hasFinishedAll, NO_ENTRIES } from "../rollout/census.ts";
import { isEnded } from "../rollout/summary.ts";
import { isOriginals } from "../takeover/original.ts";
import { needsTakeover } from "../takeover/takeOver.ts";
import { steering, translate } from "../translate.ts";
import { mirror, mirrorIntervalMillis, stalled } from "./mirror.ts";

/** What is known of the NodeOp of the upgrade's name. */
export type OwnOperation =
  | { readonly _tag: "Exists"; readonly operation: NodeOp }
  /** Not in the cache. */
  | { readonly _tag: "Unknown" }
  /** There, by a live read, but not what a NodeOp is: what is wrong with it. */
  | { readonly _tag: "Invalid"; readonly problems: string }
  /** Not there, by a live read. */
  | { readonly _tag: "Absent" };

export type UpgradeDecision =
  | { readonly _tag: "Nothing" }
  /** Look the NodeOp up live, then decide again. */
  | { readonly _tag: "Confirm" }
  | { readonly _tag: "Create"; readonly object: NewKubeObject }
  /** A merge patch of the NodeOp's spec. */
  | { readonly _tag: "Steer"; readonly operation: NodeOp; readonly patch: object }
  | { readonly _tag: "Store"; readonly status: NodeOpUpgradeStatus }
  /** Only the mirror is left, and it is not due before `at` (milliseconds since the epoch). */
  | { readonly _tag: "Later"; readonly at: number };

/** When it is, and when the mirror was last written, both in milliseconds since the epoch. */
export interface Moment {
  readonly now: number;
  readonly mirroredAt: number;
}

/** Decides one pass. */
export const decideUpgrade = (
  upgrade: NodeOpUpgrade,
  own: OwnOperation,
  moment: Moment,
): UpgradeDecision => {
  const { now } = moment;
  if (upgrade.metadata.deletionTimestamp !== undefined) return { _tag: "Nothing" };
  if (own._tag === "Exists") return withOperation(upgrade, own.operation, moment);
  // An ended upgrade never runs again, whatever became of its NodeOp.
  if (isEnded(upgrade.status) || hasEndedAsOriginals(upgrade)) return { _tag: "Nothing" };
  if (own._tag === "Unknown") return { _tag: "Confirm" };
  if (own._tag === "Invalid")
    return store(
      upgrade,
      stalled(upgrade, now, { reason: "NodeOpInvalid", message: own.problems }),
    );
  if (upgrade.status?.nodeOpName === undefined)
    return { _tag: "Create", object: translate(upgrade) };
  return store(
    upgrade,
    stalled(upgrade, now, {
      reason: "NodeOpDeleted",
      message: `NodeOp ${upgrade.metadata.name} was deleted before it ended; delete this NodeOpUpgrade and create one with a new name to go on`,
    }),
  );
};

/**
 * Whether the Go original had brought it to its end, as far as its entries tell; its phase does not (kairos.md, defect
 * 28). The original would make a NodeOp that was deleted again, and so run twice.
 */
const hasEndedAsOriginals = ({ status }: NodeOpUpgrade): boolean =>
  isOriginals(status) && hasFinishedAll(status?.nodeStatuses ?? NO_ENTRIES);

const withOperation = (
  upgrade: NodeOpUpgrade,
  operation: NodeOp,
  { now, mirroredAt }: Moment,
): UpgradeDecision => {
  if (controllerOf(operation.metadata)?.uid !== upgrade.metadata.uid) {
    if (hasEndedAsOriginals(upgrade)) return { _tag: "Nothing" };
    return store(
      upgrade,
      stalled(upgrade, now, {
        reason: "NodeOpNameTaken",
        message: `NodeOp ${operation.metadata.name} exists and does not belong to this NodeOpUpgrade; delete it, or create a NodeOpUpgrade with another name`,
      }),
    );
  }
  // It is taken over first; one that has ended is left alone, and its NodeOpUpgrade with it.
  if (needsTakeover(operation)) return { _tag: "Nothing" };
  const patch = isEnded(operation.status) ? undefined : steering(upgrade, operation);
  if (patch !== undefined) return { _tag: "Steer", operation, patch };
  const next = mirror(upgrade, operation, now);
  const dueAt = mirroredAt + mirrorIntervalMillis(upgrade.status ?? {}, next);
  return next === upgrade.status || dueAt <= now
    ? store(upgrade, next)
    : { _tag: "Later", at: dueAt };
};

const store = (upgrade: NodeOpUpgrade, status: NodeOpUpgradeStatus): UpgradeDecision =>
  status === upgrade.status ? { _tag: "Nothing" } : { _tag: "Store", status };
