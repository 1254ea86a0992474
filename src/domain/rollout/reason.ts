/** The reasons that appear in a node's status, in conditions and in notes. CamelCase, as Kubernetes' reasons are. */

/** Why a node's way through an operation ended without success. */
export const FAILURE_REASONS = [
  "PreflightFailed",
  "PreflightDeadlineExceeded",
  "DrainRefused",
  "DrainTimeout",
  "JobFailed",
  "JobGone",
  "UpgradeDeadlineExceeded",
  "RebootFailed",
  "RebootDeadlineExceeded",
  "FellBack",
  "NodeGone",
  "NotReady",
  "OperationDeleted",
] as const;
export type FailureReason = (typeof FAILURE_REASONS)[number];

/** Whether a node failed before anything was done to it but cordoning and draining it: it can take Pods again at once. */
export const isDrainFailure = (reason: string | undefined): boolean =>
  reason === "DrainRefused" || reason === "DrainTimeout";

/** The node was left out: its preflight found it up to date, or it was not Ready in time. Nothing was done to it. */
export const SKIPPED = "Skipped";

/** A target that cannot start because its Node is not Ready, and the failure that this becomes. */
export const NOT_READY = "NotReady" satisfies FailureReason;

/** A live operation holds the node: whoever has claimed it too waits, and its clock stands still. */
export const HELD_BY_ANOTHER = "HeldByAnother";

/**
 * Whether a failure stops the rest of a `stopOnFailure` operation: the node "doesn't complete the upgrade and reboot
 * successfully" (reference page, Basic Example). A deleted operation starts nothing more anyway.
 */
export const tripsStopOnFailure = (entry: { readonly phase: string; readonly reason?: string }) =>
  entry.phase === "Failed" && entry.reason !== "OperationDeleted";
