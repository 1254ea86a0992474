/**
 * Stage Followed: the Go original had made the Job of this node, so Job and reboot Pod are its own, and do their work
 * unasked. They are followed to their end and judged as the original would (kairos.md a6); what it takes on trust is asked
 * for proof where there is one.
 */
import { failureOf, isFinished, isSuspended, type Job } from "../../kube/job.ts";
import { isTerminal } from "../../kube/pod.ts";
import { bootIDOf, isReady, type Node } from "../../kube/node.ts";
import { millisOf } from "../../kube/object.ts";
import {
  areRebootsReported,
  mayStillReboot,
  NO_ORIGINAL_CHILDREN,
  type OriginalChildren,
} from "../../takeover/original.ts";
import { act, advance, confirm, wait, type Step } from "../decision.ts";
import { SETTLE_MILLIS } from "../deadline.ts";
import { endEarly, moveTo } from "../entry.ts";
import { isLive, type NodeInFlight } from "../observed.ts";
import { deletions, RELEASING } from "./actions.ts";
import { completed } from "./releasing.ts";
import { jobGone, lastExit, running } from "./upgrading.ts";

export const followed = (at: NodeInFlight): Step =>
  at.entry.phase === "Completed" ? reboot(at) : job(at);

/**
 * Whether the host may go down without a grant: the original's reboot Pod acts by itself once the Job has left its
 * sentinel. So a node that is given up has to settle first.
 */
export const mayRebootUnasked = (at: NodeInFlight): boolean =>
  at.entry.stage === "Followed" && at.operation.spec.rebootOnSuccess;

const originalOf = (at: NodeInFlight): OriginalChildren =>
  at.children.original ?? NO_ORIGINAL_CHILDREN;

const jobsOf = (at: NodeInFlight): ReadonlyArray<Job> =>
  at.children.job === undefined ? originalOf(at).jobs : [at.children.job, ...originalOf(at).jobs];

/** The Job that the entry names decides; where the original made a second one, both have to end. */
const job = (at: NodeInFlight): Step => {
  const named = at.children.job;
  if (named === undefined) return jobGone(at, mayRebootUnasked(at));
  const failure = failureOf(named);
  if (failure !== undefined)
    return advance(
      endEarly(at, {
        reason: "JobFailed",
        message: `Job failed: ${failure}${lastExit(at)}`,
        mayReboot: mayRebootUnasked(at) && originalOf(at).jobs.some((other) => !hasFailed(other)),
      }),
    );
  const unfinished = jobsOf(at).find((each) => !isFinished(each));
  if (unfinished !== undefined) return underWay(at, unfinished);
  if (!at.operation.spec.rebootOnSuccess) return completed(at, "Job completed successfully");
  return advance(moveTo(at, "Followed", { phase: "Completed", rebootStatus: "pending" }));
};

const hasFailed = (each: Job): boolean => failureOf(each) !== undefined;

/** The original never suspends a Job: somebody else did, and only they can resume it. */
const underWay = (at: NodeInFlight, unfinished: Job): Step => {
  const { name } = unfinished.metadata;
  return isSuspended(unfinished)
    ? wait({
        reason: "JobSuspended",
        message: `Job ${name} of the Go operator is suspended; it goes on when it is resumed`,
        problem: true,
      })
    : running(at, unfinished);
};

const reboot = (at: NodeInFlight): Step => {
  const { rebootPods } = originalOf(at);
  if (areRebootsReported(jobsOf(at), rebootPods)) return verify(at);
  if (mayStillReboot(rebootPods))
    return wait({
      reason: "Reboot",
      message: "Job completed: waits for the Go operator's reboot Pod to report the reboot",
    });
  const evidence = { _tag: "RebootPod", node: at.name } as const;
  return isLive(at.observed, evidence)
    ? unreported(at)
    : confirm({ reason: "Reboot", message: "its reboot Pod is being looked up" }, evidence);
};

/** Another boot than the one in which the Job was met; undefined where that one is not known. */
const hasRebooted = ({ entry }: NodeInFlight, node: Node): boolean | undefined => {
  const bootID = bootIDOf(node);
  return entry.bootID === undefined || bootID === undefined ? undefined : bootID !== entry.bootID;
};

/**
 * No reboot Pod is left that could report. It may have been evicted while the host was down (kairos#4362): then another
 * boot is the proof. Its script cannot be made again: ours waits for another sentinel.
 */
const unreported = (at: NodeInFlight): Step => {
  const { node } = at;
  if (node === undefined) return wait({ reason: "Reboot", message: "its Node is gone" });
  if (!isReady(node))
    return wait({
      reason: "Reboot",
      message: "its reboot Pod is gone: waits for the node to be Ready",
    });
  if (hasRebooted(at, node) === true) return verify(at);
  const pods = originalOf(at).rebootPods;
  const what = pods.length === 0 ? "is gone" : `ended (${pods[0]?.status?.phase ?? "unknown"})`;
  return advance(
    endEarly(at, {
      reason: "RebootFailed",
      message: `Reboot failed: the Go operator's reboot Pod ${what} before it reported a reboot`,
      mayReboot: true,
    }),
  );
};

/** Going down takes a while. A host that has not by then has most likely ignored its reboot command (kairos.md, defect 1). */
const unproved = (at: NodeInFlight, tellAt: number): Step =>
  wait(
    {
      reason: "RebootUnproved",
      message:
        "the Go operator's reboot Pod reported a reboot, but the node is still in the boot of its Job",
      problem: at.now >= tellAt,
    },
    at.now < tellAt ? tellAt : undefined,
  );

/** The original's record comes seconds before the host goes down, and the Node's NotReady up to 50 s after that. */
const STEADY_MILLIS = 60_000;

/**
 * The report counts together with the Ready Node, in another boot where the one before is known. Where it is not, the
 * report was there before us: a Node that is Ready a minute later has gone down and come back, as far as anybody can tell.
 */
const verify = (at: NodeInFlight): Step => {
  const { node } = at;
  if (node === undefined || !isReady(node))
    return wait({ reason: "Reboot", message: "rebooted: waits for the node to be Ready" });
  const rebooted = hasRebooted(at, node);
  // Stored times are cut to whole seconds.
  const since = millisOf(at.entry.stageStartedAt ?? "") + 1000;
  if (rebooted === false) return unproved(at, since + SETTLE_MILLIS);
  const steadyAt = since + STEADY_MILLIS;
  if (rebooted === undefined && at.now < steadyAt)
    return wait(
      { reason: "Reboot", message: "rebooted: waits a minute for the node to stay Ready" },
      steadyAt,
    );
  if (!isLive(at.observed, { _tag: "Node", node: at.name }))
    return confirm(
      { reason: "Reboot", message: "the reboot is being confirmed" },
      { _tag: "Node", node: at.name },
    );
  // Pods of attempts that never got to a Job wait for ever.
  const idle = deletions(at, ...originalOf(at).rebootPods.filter((pod) => !isTerminal(pod)));
  return idle.length > 0
    ? act(RELEASING, ...idle)
    : completed(at, "Job and reboot completed successfully");
};
