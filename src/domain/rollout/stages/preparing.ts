/**
 * Stage Preparing: reboot Pod, hold and cordon, drain, and the suspended Job, in this order (design.md §4). Nothing is made
 * for a node that another operation holds.
 */
import { childNames } from "../../names.ts";
import {
  isRunning,
  isTerminal,
  isTerminating,
  kubeletRefusal,
  startProblem,
  wasRefusedByKubelet,
} from "../../kube/pod.ts";
import type { Pod } from "../../kube/pod.ts";
import { job, rebootPod } from "../children.ts";
import { act, advance, confirm, wait, type Action, type Step } from "../decision.ts";
import { betweenLooks, drain, hasNowhereToDrain } from "../drain.ts";
import { moveTo, sentenceOf } from "../entry.ts";
import { cordonsToo, holdObstacle, isHeldAsWanted } from "../hold.ts";
import { isLive, type NodeInFlight } from "../observed.ts";
import { HELD_BY_ANOTHER } from "../reason.ts";
import { deletePod, deletions, versionOf } from "./actions.ts";

export const preparing = (at: NodeInFlight): Step => {
  // The preflight's verdict is stored: its Pod has nothing more to tell. A reboot Pod of the Go original waits for a Job
  // that was never made: the takeover would have followed it.
  const { preflightPod, original } = at.children;
  const leftover = deletions(
    at,
    preflightPod,
    ...(original?.preflightPods ?? []),
    ...(original?.rebootPods ?? []),
  );
  const step =
    heldByAnother(at) ??
    rebootPodRuns(at) ??
    betweenLooks(at) ??
    nodeIsHeld(at) ??
    drain(at) ??
    jobIsThere(at);
  return leftover.length === 0 ? step : alongside(step, leftover);
};

/** Sends `extra` in this pass whatever else the node waits for. */
const alongside = (step: Step, extra: ReadonlyArray<Action>): Step =>
  step._tag === "Act"
    ? { ...step, actions: [...extra, ...step.actions] }
    : act(
        { reason: "Preflight", message: "Pods that it needs no more are being deleted" },
        ...extra,
      );

/** The reboot Pod comes before anything is disturbed, and runs: its image is there (reference page, step 4). */
const rebootPodRuns = (at: NodeInFlight): Step | undefined => {
  if (!at.operation.spec.rebootOnSuccess) return undefined;
  const pod = at.children.rebootPod;
  if (pod !== undefined && isRunning(pod) && !isTerminating(pod)) return undefined;
  return rebootPodAgain(at, pod);
};

/** What to do about a reboot Pod that is not there or does not run: make it, take a dead one away, or wait. */
export const rebootPodAgain = (at: NodeInFlight, pod: Pod | undefined): Step => {
  if (pod === undefined) {
    const note = { reason: "RebootPod", message: "its reboot Pod is being created" };
    return at.node === undefined
      ? wait(note)
      : act(note, {
          _tag: "CreateRebootPod",
          node: at.name,
          object: rebootPod({
            operation: at.operation,
            node: at.node,
            settings: at.observed.settings,
          }),
        });
  }
  const { name } = pod.metadata;
  if (isTerminating(pod))
    return wait({ reason: "RebootPod", message: `reboot Pod ${name} is being deleted` });
  if (wasRefusedByKubelet(pod))
    return act(
      {
        reason: "PodRefused",
        message: `${kubeletRefusal(pod)}; it is made again`,
        problem: true,
      },
      deletePod(at.name, pod),
    );
  if (isTerminal(pod))
    return act(
      {
        reason: "RebootPodEnded",
        message: `reboot Pod ${name} ended (${pod.status?.reason ?? pod.status?.phase ?? "unknown"}) before its time; it is made again`,
        problem: true,
      },
      deletePod(at.name, pod),
    );
  const problem = startProblem(pod);
  return problem === undefined
    ? wait({ reason: "RebootPod", message: `reboot Pod ${name} is starting` })
    : wait({ ...problem, message: `reboot Pod ${name}: ${problem.message}`, problem: true });
};

/** While another operation holds the node its clock stands still; it starts when the node is let go. */
const heldByAnother = (at: NodeInFlight): Step | undefined => {
  const obstacle = at.node === undefined ? undefined : holdObstacle(at.observed, at.node);
  if (obstacle?._tag === "UnknownHolder")
    return confirm(
      { reason: "Hold", message: `held by ${obstacle.holder}, which may be gone` },
      { _tag: "Holder", holder: obstacle.holder },
    );
  if (obstacle?._tag === "HeldByAnother")
    return wait({
      reason: HELD_BY_ANOTHER,
      message: `Waiting: the node is held by ${obstacle.holder}`,
      problem: true,
      isExact: true,
    });
  return at.entry.reason === HELD_BY_ANOTHER
    ? advance(moveTo(at, "Preparing", { phase: "Pending" }))
    : undefined;
};

/** Hold and cordon in one PATCH; believed only when a live read shows both. */
const nodeIsHeld = (at: NodeInFlight): Step | undefined => {
  const { node, observed } = at;
  if (node === undefined) return wait({ reason: "Hold", message: "its Node is gone" });
  if (!isHeldAsWanted(at, node))
    return act(
      { reason: "Hold", message: "the node is being held and cordoned" },
      { _tag: "Hold", node: at.name, at: versionOf(node), cordon: cordonsToo(at, node) },
    );
  return isLive(observed, { _tag: "Node", node: at.name })
    ? undefined
    : confirm(
        { reason: "Hold", message: "the hold is being confirmed" },
        { _tag: "Node", node: at.name },
      );
};

const UNDRAINED =
  "; not drained, because no other node is Ready, schedulable and free of taints that keep its Pods off";

/** The Job is created suspended; storing its uid is what lets it be resumed. */
const jobIsThere = (at: NodeInFlight): Step => {
  const current = at.children.job;
  const { job: name } = childNames(at.operation.metadata, {
    name: at.name,
    uid: at.entry.nodeUID ?? "",
  });
  if (current === undefined)
    return at.node === undefined
      ? wait({ reason: "Job", message: "its Node is gone" })
      : act(
          { reason: "Job", message: `Job ${name} is being created` },
          {
            _tag: "CreateJob",
            node: at.name,
            object: job({
              operation: at.operation,
              node: at.node,
              settings: at.observed.settings,
            }),
          },
        );
  if (isTerminating(current))
    return wait({ reason: "Job", message: `Job ${name} is being deleted` });
  return advance(
    moveTo(at, "Upgrading", {
      phase: "Running",
      jobName: current.metadata.name,
      jobUID: current.metadata.uid,
      ...(hasNowhereToDrain(at) ? { message: `${sentenceOf("Upgrading")}${UNDRAINED}` } : {}),
    }),
  );
};
