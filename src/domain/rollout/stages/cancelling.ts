/** Stages Cancelling and Settling: the way out without success, which frees the slot last (design.md §4 "Ending early"). */
import { isFinished, isSuspended, type Job } from "../../kube/job.ts";
import { bootIDOf, isReady } from "../../kube/node.ts";
import { ANNOTATION_STOPPED } from "../../labels.ts";
import { isTerminal, isTerminating } from "../../kube/pod.ts";
import { kubeTime } from "../../kube/object.ts";
import { cancellingGivesUpAt, endingSince, settlingGivesUpAt, SETTLE_MILLIS } from "../deadline.ts";
import { act, advance, confirm, wait, type Action, type Note, type Step } from "../decision.ts";
import { finish } from "../entry.ts";
import { NO_ORIGINAL_CHILDREN } from "../../takeover/original.ts";
import { isLive, isSameNode, type NodeInFlight } from "../observed.ts";
import { isDrainFailure } from "../reason.ts";
import { rebootStateOf } from "../report.ts";
import { deletions, release, RELEASING, versionOf } from "./actions.ts";

/** Never granted: over when the Job has no live Pod, or the node is gone, or its time is up. */
export const cancelling = (at: NodeInFlight): Step => {
  const stops = stop(at);
  if (stops !== undefined) return stops;
  const givesUpAt = cancellingGivesUpAt(at.entry, at.operation.spec.deadlines);
  if (!isSameNode(at) || isDue(at, givesUpAt)) return fail(at);
  if (at.children.jobPods.some((pod) => !isTerminal(pod)))
    return wait(ending("waits for the Job's Pod to end"), givesUpAt);
  if (!isLive(at.observed, { _tag: "JobPods", node: at.name }))
    return confirm(ending("the end of the Job's Pods is being confirmed"), {
      _tag: "JobPods",
      node: at.name,
    });
  return fail(at);
};

/**
 * Granted: the host may still go down. Over when the reboot was reported, or the Pod is gone and the Node has been Ready
 * for five minutes in one boot, or the reboot's deadline passes.
 */
export const settling = (at: NodeInFlight): Step => {
  const pod = at.children.rebootPod;
  // A report survives only as long as its Pod: remember at once that nothing is left to settle.
  if (pod !== undefined && rebootStateOf(pod)._tag === "Completed")
    return advance({ ...at.entry, stage: "Cancelling", lastUpdated: kubeTime(at.now) });
  const stops = stop(at);
  if (stops !== undefined) return stops;
  const givesUpAt = settlingGivesUpAt(at.entry, at.operation.spec.deadlines);
  if (isDue(at, givesUpAt)) return fail(at);
  // Also where the Node is gone: its machine may live on, and the agent on it act until its Pod has ended.
  const hasOriginals = (at.children.original?.rebootPods.length ?? 0) > 0;
  if (pod !== undefined || hasOriginals)
    return wait(ending("waits for the reboot Pod to end"), givesUpAt);
  if (!isLive(at.observed, { _tag: "RebootPod", node: at.name }))
    return confirm(ending("the end of the reboot Pod is being confirmed"), {
      _tag: "RebootPod",
      node: at.name,
    });
  if (!isSameNode(at)) return fail(at);
  return settled(at, givesUpAt);
};

/** Five minutes Ready in one boot, seen live at their end; any other boot or NotReady in between starts them anew. */
const settled = (at: NodeInFlight, givesUpAt: number | undefined): Step => {
  const bootID = at.node === undefined ? undefined : bootIDOf(at.node);
  const isSteady = at.node !== undefined && isReady(at.node) && bootID === at.entry.bootID;
  const settledAt = endingSince(at.entry) + SETTLE_MILLIS;
  if (!isSteady) return unsteady(at, bootID, givesUpAt);
  if (at.now < settledAt)
    return wait(
      ending("Ready: waits five minutes for a reboot that may still come"),
      Math.min(settledAt, givesUpAt ?? settledAt),
    );
  return isLive(at.observed, { _tag: "Node", node: at.name })
    ? fail(at)
    : confirm(ending("its boot is being confirmed"), { _tag: "Node", node: at.name });
};

const unsteady = (
  at: NodeInFlight,
  bootID: string | undefined,
  givesUpAt: number | undefined,
): Step => {
  const restarted = kubeTime(at.now);
  const isReadyNow = at.node !== undefined && isReady(at.node);
  const { bootID: _previous, ...kept } = at.entry;
  if (isReadyNow)
    return advance({
      ...kept,
      ...(bootID === undefined ? {} : { bootID }),
      endingSince: restarted,
      lastUpdated: restarted,
    });
  // NotReady: the boot that counts is not known yet, so no boot id is remembered and the next Ready starts the clock.
  if (at.entry.bootID !== undefined) return advance({ ...kept, lastUpdated: restarted });
  return wait(ending("waits for the node to be Ready"), givesUpAt);
};

/**
 * Stops what still runs for this node: the Job is suspended, its helpers are deleted by uid. A Job that is suspended
 * already is marked all the same: the change of its resourceVersion is what a resume that is still on its way, from an
 * earlier process, is refused by (test/model, repair fencedStop).
 */
const stop = (at: NodeInFlight): Step | undefined => {
  const { job, preflightPod, rebootPod, original = NO_ORIGINAL_CHILDREN } = at.children;
  // A Job that was stored and is not in the cache may exist all the same, and be resumed by a request that is still on its way.
  if (
    job === undefined &&
    at.entry.jobUID !== undefined &&
    !isLive(at.observed, { _tag: "Job", node: at.name })
  )
    return confirm(ending("its Job is being looked up"), { _tag: "Job", node: at.name });
  const actions: ReadonlyArray<Action> = [
    ...(job === undefined ? original.jobs : [job, ...original.jobs])
      .filter((each) => !isFinished(each) && !isStopped(each) && !isTerminating(each))
      .map((each) => ({ _tag: "SuspendJob", node: at.name, job: versionOf(each) }) as const),
    ...deletions(at, preflightPod, rebootPod, ...original.preflightPods, ...original.rebootPods),
  ];
  return actions.length === 0
    ? undefined
    : act(ending("its Job is being stopped, its Pods are being deleted"), ...actions);
};

const isStopped = (job: Job): boolean =>
  isSuspended(job) && job.metadata.annotations?.[ANNOTATION_STOPPED] !== undefined;

/** Lets the node go, uncordoned where that is due, and then stores the failure that frees the slot. */
const fail = (at: NodeInFlight): Step => {
  if (!isLive(at.observed, { _tag: "Node", node: at.name }))
    return confirm(RELEASING, { _tag: "Node", node: at.name });
  const patch = release(at, uncordonsOnFailure(at));
  return patch === undefined
    ? advance(finish(at, { phase: "Failed", message: at.entry.message ?? "Failed" }))
    : act(RELEASING, patch);
};

/** A failed node stays cordoned unless the user wants it back, or only its drain failed; a deleted operation leaves no cordon behind. */
const uncordonsOnFailure = (at: NodeInFlight): boolean =>
  at.operation.spec.uncordonOnFailure ||
  isDrainFailure(at.entry.reason) ||
  at.operation.metadata.deletionTimestamp !== undefined;

const isDue = (at: NodeInFlight, time: number | undefined): boolean =>
  time !== undefined && at.now >= time;

const ending = (message: string): Note => ({ reason: "Ending", message });
