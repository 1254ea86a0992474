/** Until when a node may stay in a stage (design.md §3 `deadlines`, §4). Times count from what is stored, so a restart changes nothing. */
import type { NodeOpSpec } from "../api/nodeop.ts";
import type { NodeStatus } from "../api/status.ts";
import type { Job } from "../kube/job.ts";
import { millisOf } from "../kube/object.ts";
import type { Observed } from "./observed.ts";
import { HELD_BY_ANOTHER } from "./reason.ts";

/** A kubelet gets this long to end the Pods of a node whose deadline has passed, and a boot this long to prove stable. */
export const SETTLE_MILLIS = 5 * 60_000;

// Stored times are cut to whole seconds: counting from the end of that second, a deadline never fires early.
const after = (time: string | undefined, seconds: number): number | undefined =>
  time === undefined || seconds === 0 ? undefined : millisOf(time) + 1000 + seconds * 1000;

type Limits = Pick<NodeOpSpec, "deadlines" | "drainOptions">;

/** The seconds that a node may take to drain: the shorter of both that are set; 0 is no limit. */
const drainSeconds = ({ deadlines, drainOptions }: Limits): number => {
  const limits = [deadlines.drainSeconds, drainOptions?.timeoutSeconds ?? 0];
  return Math.min(...limits.filter((seconds) => seconds > 0), Number.POSITIVE_INFINITY);
};

/** When the drain of this node fails, in milliseconds since the epoch; undefined: never, or it has nothing to drain yet. */
export const drainEndsAt = (entry: NodeStatus, limits: Limits): number | undefined => {
  const seconds = drainSeconds(limits);
  return Number.isFinite(seconds) ? after(entry.drainingSince, seconds) : undefined;
};

/** The drain has a time of its own, and what comes after it as long as before. */
const preparingEndsAt = (entry: NodeStatus, limits: Limits): number | undefined => {
  const { upgradeSeconds } = limits.deadlines;
  if (entry.drainingSince === undefined) return after(entry.stageStartedAt, upgradeSeconds);
  const drained = drainEndsAt(entry, limits);
  return drained === undefined || upgradeSeconds === 0
    ? undefined
    : drained + upgradeSeconds * 1000;
};

/** When the stage of this entry ends in failure, in milliseconds since the epoch; undefined: never. */
export const deadlineOf = (entry: NodeStatus, limits: Limits): number | undefined => {
  const { deadlines } = limits;
  switch (entry.stage) {
    case "Claimed":
      return after(entry.stageStartedAt, deadlines.preflightSeconds);
    case "Preparing":
      // Whoever holds the node may take longer than that: nothing has been done to it, and nothing can be.
      if (entry.reason === HELD_BY_ANOTHER) return undefined;
      return preparingEndsAt(entry, limits);
    case "Upgrading":
      return after(entry.stageStartedAt, deadlines.upgradeSeconds);
    case "Rebooting":
      return after(entry.stageStartedAt, deadlines.rebootSeconds);
    case "Followed":
      return after(
        entry.stageStartedAt,
        isReboot(entry) ? deadlines.rebootSeconds : deadlines.upgradeSeconds,
      );
    default:
      return undefined;
  }
};

/**
 * When a target whose turn it is and that is not Ready is given up, in milliseconds since the epoch; undefined: never.
 *
 * `since` is when the operator first stored that its turn had come and it was not Ready: a time of the operator's clock,
 * as those of the stages are. The Node's own `lastTransitionTime` would compare the clocks of two machines, and count
 * time in which the operation did not exist or every slot was taken. Stored, it outlives the operator.
 */
export const readyDeadline = (
  since: string,
  deadlines: NodeOpSpec["deadlines"],
): number | undefined => after(since, deadlines.readySeconds);

/** After an outage kubelets and agents need this long to say what they have done meanwhile. */
const CATCHING_UP_MILLIS = 60_000;

/**
 * Whether a deadline passed while no operator followed the cluster, or before those who work on the nodes could report: it
 * says nothing about their work.
 */
export const isUnwatched = ({ followedSince }: Observed, deadline: number): boolean =>
  followedSince !== undefined && deadline < followedSince + CATCHING_UP_MILLIS;

/** Whether it is the reboot that the stage of this entry waits for. */
export const isReboot = ({ stage, phase }: NodeStatus): boolean =>
  stage === "Rebooting" || (stage === "Followed" && phase === "Completed");

/** When a cancelled node is given up although its Job's Pod has not ended: its upgrade's deadline, but not at once. */
export const cancellingGivesUpAt = (
  entry: NodeStatus,
  deadlines: NodeOpSpec["deadlines"],
): number | undefined => {
  const deadline = after(entry.stageStartedAt, deadlines.upgradeSeconds);
  return deadline === undefined
    ? undefined
    : Math.max(deadline, endingSince(entry) + SETTLE_MILLIS);
};

/** When a granted reboot that never showed is given up: the reboot's deadline. */
export const settlingGivesUpAt = (
  entry: NodeStatus,
  deadlines: NodeOpSpec["deadlines"],
): number | undefined => after(entry.stageStartedAt, deadlines.rebootSeconds);

/** A Job that has had no Pod for so long has one that its controller cannot create. */
const JOB_POD_SECONDS = 30;

/** When a Job without a Pod is asked why, in milliseconds since the epoch: it was resumed at its start time. */
export const jobPodDueAt = (entry: NodeStatus, job: Job): number =>
  after(job.status?.startTime ?? entry.stageStartedAt, JOB_POD_SECONDS) ?? 0;

/** Since when the node is on its way out, or in its present boot while its reboot settles. */
export const endingSince = (entry: NodeStatus): number =>
  entry.endingSince === undefined ? 0 : millisOf(entry.endingSince) + 1000;
