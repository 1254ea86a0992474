/** The reasons that appear in a node's status, in conditions and in notes. CamelCase, as Kubernetes' reasons are. */

/** Why a node's way through an operation ended without success. */
export const FAILURE_REASONS = [
  "PreflightFailed",
  "PreflightDeadlineExceeded",
  "JobFailed",
  "JobGone",
  "UpgradeDeadlineExceeded",
  "RebootFailed",
  "RebootDeadlineExceeded",
  "FellBack",
  "NodeGone",
  "OperationDeleted",
] as const;
export type FailureReason = (typeof FAILURE_REASONS)[number];

/** The node was up to date: its preflight said so, nothing was done to it. */
export const SKIPPED = "Skipped";

/**
 * Whether a failure stops the rest of a `stopOnFailure` operation: the node "doesn't complete the upgrade and reboot
 * successfully" (reference page, Basic Example). A deleted operation starts nothing more anyway.
 */
export const tripsStopOnFailure = (entry: { readonly phase: string; readonly reason?: string }) =>
  entry.phase === "Failed" && entry.reason !== "OperationDeleted";
