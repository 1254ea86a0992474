/** One node in flight: where it is, what is next, and why (design.md §4). Pure and total. */
import { kubeTime, millisOf } from "../kube/object.ts";
import { advance, confirm, wait, type Note, type Step, type Stepped } from "./decision.ts";
import { deadlineOf, isReboot, isUnwatched } from "./deadline.ts";
import { endEarly, isOnItsWay, restarted, sentenceOf } from "./entry.ts";
import { isLive, isSameNode, type NodeInFlight } from "./observed.ts";
import { HELD_BY_ANOTHER, type FailureReason } from "./reason.ts";
import { cancelling, settling } from "./stages/cancelling.ts";
import { claimed } from "./stages/claimed.ts";
import { followed, mayRebootUnasked } from "./stages/followed.ts";
import { preparing } from "./stages/preparing.ts";
import { rebooting } from "./stages/rebooting.ts";
import { releasing } from "./stages/releasing.ts";
import { upgrading } from "./stages/upgrading.ts";

/** What this node needs next. The entry must have a stage: nodes that have not started are `admit`'s, ended ones nobody's. */
export const stepNode = (at: NodeInFlight): Step =>
  untilDeadline(at, tellProblems(at, mustEnd(at) ?? inTime(at, byStage(at))));

/**
 * A node that waits is looked at again at its stage's deadline at the latest. So a Wait holds until then, or until
 * something of `NodeInFlight` changes; it need not be worked out again before.
 */
const untilDeadline = (at: NodeInFlight, step: Step): Step => {
  if (step._tag !== "Wait") return step;
  const deadline = deadlineOf(at.entry, at.operation.spec);
  return deadline === undefined || (step.until !== undefined && step.until <= deadline)
    ? step
    : { ...step, until: deadline };
};

const byStage = (at: NodeInFlight): Step => {
  switch (at.entry.stage) {
    case "Claimed":
      return claimed(at);
    case "Preparing":
      return preparing(at);
    case "Upgrading":
      return upgrading(at);
    case "Rebooting":
      return rebooting(at);
    case "Followed":
      return followed(at);
    case "Releasing":
      return releasing(at);
    case "Settling":
      return settling(at);
    default:
      return cancelling(at);
  }
};

/** The way out of every stage on the way: after the grant, or where none is needed, the reboot has to settle first. */
const endingOf =
  (at: NodeInFlight) =>
  (reason: FailureReason, message: string): Step =>
    advance(
      endEarly(at, {
        reason,
        message,
        mayReboot: at.entry.stage === "Rebooting" || mayRebootUnasked(at),
      }),
    );

/** What ends a node's way early in every stage, whatever has been done: its Node is gone or replaced, the operation is deleted. */
const mustEnd = (at: NodeInFlight): Step | undefined => {
  if (!isOnItsWay(at.entry)) return undefined;
  const end = endingOf(at);
  if (!isSameNode(at)) {
    const evidence = { _tag: "Node", node: at.name } as const;
    return isLive(at.observed, evidence)
      ? end("NodeGone", `Node ${at.name} was deleted or replaced while it was worked on`)
      : confirm({ reason: "NodeGone", message: "its Node is not in the cache" }, evidence);
  }
  if (at.operation.metadata.deletionTimestamp !== undefined)
    return end("OperationDeleted", "the operation was deleted before this node was done");
  return undefined;
};

/**
 * Evidence first, deadline second: what is done counts, however late it is seen. A deadline that passed while nobody looked
 * ends nothing: the operator, or the API server, was away, and the stage's clock starts anew.
 */
const inTime = (at: NodeInFlight, step: Step): Step => {
  if (!isOnItsWay(at.entry)) return step;
  const deadline = deadlineOf(at.entry, at.operation.spec);
  if (deadline === undefined || at.now < deadline || isEvidence(at, step)) return step;
  return isUnwatched(at.observed, deadline) ? advance(restarted(at)) : deadlinePassed(at);
};

/** Whether a step shows that the stage is over, looks whether it is, or lets a node go that is done. */
const isEvidence = (at: NodeInFlight, step: Step): boolean => {
  switch (step._tag) {
    case "Advance":
      // A drain that begins is stored in the stage that it belongs to.
      return step.entry.stage !== at.entry.stage || step.entry.phase !== at.entry.phase;
    case "Confirm":
      // What cannot be read, and why a Job has no Pod, are no signs of an end.
      return (
        !at.observed.problems.has(at.name) &&
        step.evidence.every((evidence) => evidence._tag !== "JobEvents")
      );
    case "Act":
      return step.actions.every((action) => action._tag === "Release");
    case "Wait":
      return false;
  }
};

const deadlinePassed = (at: NodeInFlight): Step => {
  const end = endingOf(at);
  const { deadlines } = at.operation.spec;
  const because = at.entry.reason === undefined ? "" : `; last: ${at.entry.message ?? ""}`;
  switch (isReboot(at.entry) ? "Rebooting" : at.entry.stage) {
    case "Claimed":
      return end(
        "PreflightDeadlineExceeded",
        `Preflight failed: no verdict within ${deadlines.preflightSeconds} s${because}`,
      );
    case "Rebooting":
      return end(
        "RebootDeadlineExceeded",
        `Reboot failed: the node was not back within ${deadlines.rebootSeconds} s${because}`,
      );
    default:
      return end(
        "UpgradeDeadlineExceeded",
        `Job failed: not completed within ${deadlines.upgradeSeconds} s${because}`,
      );
  }
};

/**
 * What a person must know is never only in a log: the sentence of a problem is stored in the node's entry, once, before
 * anything else is done about it, and taken back when it is over. Entries on their way out keep the reason that sent
 * them there.
 */
const tellProblems = (at: NodeInFlight, step: Step): Step => {
  if (step._tag === "Advance" || !isOnItsWay(at.entry)) return step;
  // A node that waits has no request that could go wrong.
  const failing = step._tag === "Wait" ? undefined : at.observed.problems.get(at.name);
  const note = failing ?? step.note;
  if (note.problem !== true) return takeBack(at, step);
  if (isTold(at, note)) return step;
  return advance({
    ...at.entry,
    reason: note.reason,
    message: note.message,
    lastUpdated: kubeTime(at.now),
    // Its clock stood still until now.
    ...(at.entry.reason === HELD_BY_ANOTHER && note.reason !== HELD_BY_ANOTHER
      ? { stageStartedAt: kubeTime(at.now) }
      : {}),
  });
};

// By reason, if that says it: a kubelet words the same image problem in turns as ErrImagePull and as back-off, with other details.
const isTold = ({ entry }: NodeInFlight, note: Note): boolean =>
  entry.reason === note.reason && (note.isExact !== true || entry.message === note.message);

/** A told problem stays at least so long: a container that crashes again and again is well in between. */
const TOLD_MILLIS_MIN = 60_000;

/**
 * A node that waits and has no problem any more says again what its stage is about. Where something is to be done, that
 * comes first: the stage after it has a sentence of its own.
 */
const takeBack = (at: NodeInFlight, step: Step): Step => {
  const { reason, ...entry } = at.entry;
  if (reason === undefined || step._tag !== "Wait") return step;
  const told = entry.lastUpdated === undefined ? 0 : millisOf(entry.lastUpdated);
  const over = told + TOLD_MILLIS_MIN;
  if (at.now < over) return wait(step.note, Math.min(step.until ?? over, over));
  return advance({
    ...entry,
    message: sentenceOf(entry.stage),
    lastUpdated: kubeTime(at.now),
  });
};

/** Whether a step is about requests, or tells what is wrong with them: otherwise nothing is wrong with them any more. */
export const isAboutRequests = ({ step, entry }: Pick<Stepped, "step" | "entry">): boolean =>
  step._tag !== "Wait" && (step._tag !== "Advance" || step.entry.stage === entry.stage);
