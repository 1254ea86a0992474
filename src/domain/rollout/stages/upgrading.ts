/** Stage Upgrading: the Job whose uid is stored is resumed and runs; no other Job ever does (design.md §4 "upgrade"). */
import { failureOf, isComplete, isNotedAsSuspended, isSuspended } from "../../kube/job.ts";
import { advised } from "../../kube/refusal.ts";
import type { Job } from "../../kube/job.ts";
import {
  isTerminal,
  kubeletRefusal,
  startProblem,
  terminationOf,
  wasRefusedByKubelet,
} from "../../kube/pod.ts";
import { COMMAND_CONTAINER } from "../children.ts";
import { jobPodDueAt } from "../deadline.ts";
import { act, advance, confirm, wait, type Step } from "../decision.ts";
import { endEarly, moveTo } from "../entry.ts";
import { isLive, type NodeInFlight } from "../observed.ts";
import { completed } from "./releasing.ts";
import { versionOf } from "./actions.ts";

export const upgrading = (at: NodeInFlight): Step => {
  const job = at.children.job;
  if (job === undefined || job.metadata.uid !== at.entry.jobUID) return jobGone(at);
  const failure = failureOf(job);
  if (failure !== undefined)
    return advance(
      endEarly(at, {
        reason: "JobFailed",
        message: `Job failed: ${failure}${lastExit(at)}`,
        mayReboot: false,
      }),
    );
  if (isComplete(job)) return onComplete(at);
  if (isSuspended(job)) return resume(at, job);
  return running(at, job);
};

/**
 * The Job controller writes into each new Job that it is suspended: a resume that is under way at that moment meets a
 * conflict. So that write is awaited, but only for a moment, because the controller may be away.
 */
const resume = (at: NodeInFlight, job: Job): Step => {
  const noticedBy = Date.parse(at.entry.stageStartedAt ?? "") + NOTICE_MILLIS;
  const note = { reason: "Job", message: `Job ${job.metadata.name} is being resumed` };
  return at.now < noticedBy && !isNotedAsSuspended(job)
    ? wait(note, noticedBy)
    : act(note, { _tag: "ResumeJob", node: at.name, job: versionOf(job) });
};

const NOTICE_MILLIS = 2000;

/** How the command ended last, where its Pods still tell. */
export const lastExit = (at: NodeInFlight): string => {
  const ends = at.children.jobPods.flatMap((pod) => terminationOf(pod, COMMAND_CONTAINER) ?? []);
  const last = ends.find(({ exitCode }) => exitCode !== 0);
  if (last !== undefined) return ` (the command exited ${last.exitCode})`;
  // Its Job counts a Pod that the kubelet refused as failed, as Kubernetes does: at least the reason is told.
  const refused = at.children.jobPods.find(wasRefusedByKubelet);
  return refused === undefined ? "" : ` (${kubeletRefusal(refused)})`;
};

/** A Job that was stored and is not there is never created again: its script may have run. */
export const jobGone = (at: NodeInFlight, mayReboot = false): Step => {
  const name = at.entry.jobName ?? "of this node";
  if (!isLive(at.observed, { _tag: "Job", node: at.name }))
    return confirm(
      { reason: "Job", message: `Job ${name} is not in the cache; it is being looked up` },
      { _tag: "Job", node: at.name },
    );
  return advance(
    endEarly(at, {
      reason: "JobGone",
      message: `Job not found: ${name} was deleted before it completed`,
      mayReboot,
    }),
  );
};

const onComplete = (at: NodeInFlight): Step => {
  if (!at.operation.spec.rebootOnSuccess) return completed(at, "Job completed successfully");
  const version = installedVersion(at);
  // The Pods' cache may lag behind the Jobs': without the version that was installed, a fallback could pass for success.
  if (version === undefined && !isLive(at.observed, { _tag: "JobPods", node: at.name }))
    return confirm(
      { reason: "Job", message: "the installed version is being looked up" },
      { _tag: "JobPods", node: at.name },
    );
  return advance(
    moveTo(at, "Rebooting", {
      phase: "Completed",
      rebootStatus: "pending",
      ...(version === undefined ? {} : { version }),
    }),
  );
};

/** What the upgrade script left as its termination message; other commands leave none. */
const installedVersion = (at: NodeInFlight): string | undefined => {
  for (const pod of at.children.jobPods) {
    const end = terminationOf(pod, COMMAND_CONTAINER);
    const version = end?.exitCode === 0 ? end.message?.trim() : undefined;
    if (version !== undefined && version !== "") return version;
  }
  return undefined;
};

/** The Job is under way: what its Pods cannot do is told. */
export const running = (at: NodeInFlight, job: Job): Step => {
  const { name } = job.metadata;
  if (at.children.jobPods.length === 0) return withoutPod(at, job);
  for (const pod of at.children.jobPods) {
    const problem = startProblem(pod);
    if (problem !== undefined)
      return wait({
        ...problem,
        message: `Pod ${pod.metadata.name} of Job ${name}: ${problem.message}`,
        problem: true,
      });
  }
  const refused = at.children.jobPods.find(wasRefusedByKubelet);
  return refused !== undefined && at.children.jobPods.every(isTerminal)
    ? wait({
        reason: "PodRefused",
        message: `${kubeletRefusal(refused)}; Job ${name} makes another one`,
        problem: true,
      })
    : wait({ reason: "Job", message: `Job ${name} runs` });
};

/** While a Job stays without a Pod, its Events are read again after so long. */
const EVENTS_AGAIN_MILLIS = 60_000;

/** A Job that runs and has no Pod: after a while its controller's Events are asked why. */
const withoutPod = (at: NodeInFlight, job: Job): Step => {
  const { name } = job.metadata;
  const dueAt = jobPodDueAt(at.entry, job);
  if (at.now < dueAt) return wait({ reason: "Job", message: `Job ${name} has no Pod yet` }, dueAt);
  const evidence = { _tag: "JobEvents", node: at.name } as const;
  if (!isLive(at.observed, evidence))
    return confirm(
      { reason: "Job", message: `why Job ${name} has no Pod is being looked up` },
      evidence,
    );
  const { podRefusal } = at.children;
  return wait(
    podRefusal === undefined
      ? {
          reason: "JobWithoutPod",
          message: `Job ${name} has no Pod, and no Event says why; look at kube-controller-manager`,
          problem: true,
        }
      : {
          reason: "JobPodsRefused",
          message: `Job ${name} has no Pod: ${advised(podRefusal)}`,
          problem: true,
        },
    at.now + EVENTS_AGAIN_MILLIS,
  );
};
