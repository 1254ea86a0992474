/** How a node's entry in `status.nodeStatuses` changes: claimed, moved to a stage, ended early, finished. */
import type { NodeStatus } from "../api/status.ts";
import { kubeTime } from "../kube/object.ts";
import { isUnfinished } from "../takeover/original.ts";
import { bootIDOf, type Node } from "../kube/node.ts";
import type { NodeInFlight } from "./observed.ts";
import { NOT_READY, SKIPPED, type FailureReason } from "./reason.ts";

type Stage = NonNullable<NodeStatus["stage"]>;

/**
 * An entry with a stage holds a slot; one without has ended (design.md §4), unless the Go original left it unfinished: then
 * its node is still being worked on, and the takeover gives it a stage.
 */
export const isInFlight = (entry: NodeStatus): boolean =>
  entry.stage !== undefined || isUnfinished(entry);

/** The entry that claims a node. With a preflight its stage is Claimed, without one there is nothing to find out first. */
export const claim = (options: {
  readonly node: Node;
  readonly now: number;
  readonly preflight: boolean;
  readonly reboots: boolean;
}): NodeStatus => {
  const time = kubeTime(options.now);
  return {
    phase: options.preflight ? "Preflight" : "Pending",
    stage: options.preflight ? "Claimed" : "Preparing",
    message: sentenceOf(options.preflight ? "Claimed" : "Preparing"),
    rebootStatus: options.reboots ? "pending" : "not-requested",
    nodeUID: options.node.metadata.uid,
    startedAt: time,
    stageStartedAt: time,
    lastUpdated: time,
  };
};

/** The entry of a target that was never started: its Node was not Ready for `seconds`. It has failed, or is left out. */
export const neverReady = (options: {
  readonly node: Node;
  readonly now: number;
  readonly seconds: number;
  readonly skips: boolean;
  readonly reboots: boolean;
}): NodeStatus => {
  const time = kubeTime(options.now);
  const { skips, reboots, seconds } = options;
  return {
    phase: skips ? "Completed" : "Failed",
    reason: skips ? SKIPPED : NOT_READY,
    message: `${skips ? "Skipped" : "Not started"}: the node was not Ready for ${seconds} s`,
    rebootStatus: skips || !reboots ? "not-requested" : "cancelled",
    nodeUID: options.node.metadata.uid,
    lastUpdated: time,
    finishedAt: time,
  };
};

/** The stages in which a node's work is still ahead of it; in the others it is being let go, well or not. */
export const isOnItsWay = ({ stage }: NodeStatus): boolean =>
  stage !== "Releasing" && stage !== "Cancelling" && stage !== "Settling";

/** What a node's message says in a stage on its way, as long as there is nothing wrong to tell (the original's words). */
export const sentenceOf = (stage: Stage | undefined): string => {
  switch (stage) {
    case "Claimed":
      return "Preflight in progress";
    case "Preparing":
      return "Preparing the node for its Job";
    case "Upgrading":
      return "Job is running";
    case "Rebooting":
      return "Job completed successfully";
    case "Followed":
      return "Going on with what the Go operator began";
    default:
      return "";
  }
};

/** The entry in its next stage, whose clock starts now and whose sentence it says. What an earlier problem left in `reason` is cleared. */
export const moveTo = (at: NodeInFlight, stage: Stage, change: Partial<NodeStatus>): NodeStatus => {
  const { reason: _reason, drainingSince: _drainingSince, ...kept } = at.entry;
  const time = kubeTime(at.now);
  return {
    ...kept,
    message: sentenceOf(stage),
    ...change,
    stage,
    stageStartedAt: time,
    lastUpdated: time,
  };
};

/** The entry with the clock of its stage started anew: nobody was there when its time was up. */
export const restarted = (at: NodeInFlight): NodeStatus => {
  const time = kubeTime(at.now);
  const { drainingSince } = at.entry;
  return {
    ...at.entry,
    stageStartedAt: time,
    ...(drainingSince === undefined ? {} : { drainingSince: time }),
    lastUpdated: time,
  };
};

/**
 * The entry on its way out without success. It keeps its slot and the clock of the stage that it leaves. After the grant
 * the host may reboot at any moment, so the reboot has to settle first.
 */
export const endEarly = (
  at: NodeInFlight,
  why: { readonly reason: FailureReason; readonly message: string; readonly mayReboot: boolean },
): NodeStatus => {
  const time = kubeTime(at.now);
  const bootID = at.node === undefined ? undefined : bootIDOf(at.node);
  return {
    ...at.entry,
    phase: "Failed",
    stage: why.mayReboot ? "Settling" : "Cancelling",
    reason: why.reason,
    message: why.message,
    endingSince: time,
    lastUpdated: time,
    ...(why.mayReboot && bootID !== undefined ? { bootID } : {}),
  };
};

/** The terminal entry: the original's keys, its reason, when it started and ended, and which Node it was. */
export const finish = (
  at: NodeInFlight,
  outcome: { readonly phase: "Completed" | "Failed"; readonly message: string },
): NodeStatus => {
  const { entry } = at;
  const time = kubeTime(at.now);
  return {
    phase: outcome.phase,
    message: outcome.message,
    rebootStatus: finalRebootStatus(entry, outcome.phase),
    lastUpdated: time,
    finishedAt: time,
    ...(entry.jobName === undefined ? {} : { jobName: entry.jobName }),
    ...(entry.startedAt === undefined ? {} : { startedAt: entry.startedAt }),
    ...(entry.nodeUID === undefined ? {} : { nodeUID: entry.nodeUID }),
    ...(entry.version === undefined ? {} : { version: entry.version }),
    ...(outcome.phase === "Failed" || entry.reason === SKIPPED
      ? { reason: entry.reason ?? "" }
      : {}),
  };
};

const finalRebootStatus = (
  entry: NodeStatus,
  phase: "Completed" | "Failed",
): NonNullable<NodeStatus["rebootStatus"]> => {
  if (entry.rebootStatus === "not-requested" || entry.reason === SKIPPED) return "not-requested";
  return phase === "Completed" ? "completed" : "cancelled";
};
