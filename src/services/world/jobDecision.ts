/**
 * What the Job controller does next with one Job and its Pods: a pure function (Kubernetes, pkg/controller/job/job_controller.go:
 * syncJob, manageJob, trackJobStatusAndRemoveFinalizers). Pods are counted exactly once, in two commits: first their uids
 * go to `uncountedTerminatedPods`, then, when their finalizers are gone, to the counts.
 */
import { kubeTime, millisOf } from "../../domain/kube/object.ts";
import {
  failureAction,
  isFinished,
  type Job,
  JOB_TRACKING,
  type JobStatus,
  onlyReplacesFailed,
} from "./job.ts";
import { sameJson } from "./json.ts";
import { type Condition, isTerminalPhase, type Pod, trueCondition } from "./pod.ts";

export interface JobSituation {
  readonly job: Job;
  /** All Pods that the Job controls. */
  readonly pods: ReadonlyArray<Pod>;
  /** Before this moment no Pod replaces one that failed. */
  readonly replaceAt: number;
  /** From this moment an outcome that is decided may become terminal. */
  readonly settleAt: number;
  readonly now: number;
}

export interface JobDecision {
  /** The status to write, once the Pods to create exist; undefined when it is written already. */
  readonly status: JobStatus | undefined;
  /** Pods that are counted, or need not be: their finalizer goes, once the status is written. */
  readonly release: ReadonlyArray<Pod>;
  /** Pods of a suspended Job: released uncounted, then deleted. */
  readonly withdraw: ReadonlyArray<Pod>;
  /** Pods of a Job whose outcome is decided: deleted, and counted when they have ended. */
  readonly remove: ReadonlyArray<Pod>;
  /** How many Pods to create. */
  readonly create: number;
  /** When time alone changes the decision. */
  readonly wakeAt: number;
}

const BACKOFF_LIMIT_DEFAULT = 6;

export const decideJob = (situation: JobSituation): JobDecision => {
  const { job, pods } = situation;
  if (isFinished(job) || job.metadata.deletionTimestamp !== undefined)
    return { ...nothing, release: pods.filter(isTracked) };
  const tally = tallyOf(job, pods);
  const conditions = outcome(situation, tally);
  const decided = isDecided(conditions);
  const suspended = job.spec.suspend === true;
  const active = pods.filter(isActive);
  const missing = decided || suspended ? 0 : missingPods(job, pods, tally);
  const create = situation.now >= situation.replaceAt ? missing : 0;
  const status = nextStatus(situation, tally, conditions, create);
  const changed = !sameJson(status, job.status ?? {});
  return {
    status: changed ? status : undefined,
    release: pods.filter((pod) => isTracked(pod) && tally.recorded.has(pod.metadata.uid)),
    withdraw: suspended && !decided ? active : [],
    remove: decided ? active : [],
    create,
    wakeAt: Math.min(
      missing > create ? situation.replaceAt : Infinity,
      decided && situation.now < situation.settleAt ? situation.settleAt : Infinity,
      decided ? Infinity : deadlineOf(job),
    ),
  };
};

const nothing: JobDecision = {
  status: undefined,
  release: [],
  withdraw: [],
  remove: [],
  create: 0,
  wakeAt: Infinity,
};

const isTracked = (pod: Pod): boolean => pod.metadata.finalizers?.includes(JOB_TRACKING) === true;

const isTerminal = (pod: Pod): boolean => isTerminalPhase(pod.status?.phase);

const isTerminating = (pod: Pod): boolean =>
  pod.metadata.deletionTimestamp !== undefined && !isTerminal(pod);

const isActive = (pod: Pod): boolean =>
  pod.metadata.deletionTimestamp === undefined && !isTerminal(pod);

/** Whether a Pod counts as failed. By default one that is being deleted does so at once. */
export const hasFailed = (job: Job, pod: Pod): boolean =>
  pod.status?.phase === "Failed" || (isTerminating(pod) && !onlyReplacesFailed(job));

/** The Pods that have ended so far. */
interface Tally {
  readonly succeeded: number;
  readonly failed: number;
  /** What `uncountedTerminatedPods` shall say. */
  readonly uncounted: {
    readonly succeeded: ReadonlyArray<string>;
    readonly failed: ReadonlyArray<string>;
  };
  /** Counted for good. */
  readonly counted: { readonly succeeded: number; readonly failed: number };
  /** Pods that need no finalizer once the status is written: their end is on record, or does not count. */
  readonly recorded: ReadonlySet<string>;
}

const uidsOf = (pods: ReadonlyArray<Pod>): ReadonlyArray<string> =>
  pods.map((pod) => pod.metadata.uid);

const tallyOf = (job: Job, pods: ReadonlyArray<Pod>): Tally => {
  const before = job.status?.uncountedTerminatedPods;
  const stored = { succeeded: before?.succeeded ?? [], failed: before?.failed ?? [] };
  const tracked = new Set(uidsOf(pods.filter(isTracked)));
  const known = new Set([...stored.succeeded, ...stored.failed]);
  const ignored: Array<string> = [];
  const fresh = pods.filter((pod) => tracked.has(pod.metadata.uid) && !known.has(pod.metadata.uid));
  const succeeded = uidsOf(fresh.filter((pod) => pod.status?.phase === "Succeeded"));
  const failed: Array<string> = [];
  for (const pod of fresh.filter((one) => hasFailed(job, one)))
    if (failureAction(job, pod) === "Ignore") ignored.push(pod.metadata.uid);
    else failed.push(pod.metadata.uid);
  const isPending = (uid: string) => tracked.has(uid);
  const settled = (uids: ReadonlyArray<string>) => uids.filter((uid) => !isPending(uid)).length;
  const counted = {
    succeeded: (job.status?.succeeded ?? 0) + settled(stored.succeeded),
    failed: (job.status?.failed ?? 0) + settled(stored.failed),
  };
  const uncounted = {
    succeeded: [...stored.succeeded.filter(isPending), ...succeeded],
    failed: [...stored.failed.filter(isPending), ...failed],
  };
  return {
    succeeded: counted.succeeded + uncounted.succeeded.length,
    failed: counted.failed + uncounted.failed.length,
    uncounted,
    counted,
    recorded: new Set([...ignored, ...uncounted.succeeded, ...uncounted.failed]),
  };
};

const isDecided = (conditions: ReadonlyArray<Condition>): boolean =>
  trueCondition(conditions, "FailureTarget") !== undefined ||
  trueCondition(conditions, "SuccessCriteriaMet") !== undefined;

/** The Job's conditions after this step: the outcome is decided first and becomes terminal in a later commit. */
const outcome = (situation: JobSituation, tally: Tally): ReadonlyArray<Condition> => {
  const { job, pods, now, settleAt } = situation;
  const before = job.status?.conditions ?? [];
  const success = trueCondition(before, "SuccessCriteriaMet");
  const failure = trueCondition(before, "FailureTarget");
  const pending = tally.uncounted.succeeded.length + tally.uncounted.failed.length > 0;
  const quiet = pods.every((pod) => isTerminal(pod)) && !pending && now >= settleAt;
  const add = (type: string, reason: string, message: string) => [
    ...before,
    {
      type,
      status: "True",
      reason,
      message,
      lastProbeTime: kubeTime(now),
      lastTransitionTime: kubeTime(now),
    },
  ];
  if (success !== undefined)
    return quiet ? add("Complete", success.reason ?? "", success.message ?? "") : before;
  if (failure !== undefined)
    return quiet ? add("Failed", failure.reason ?? "", failure.message ?? "") : before;
  const failed = failureOf(situation, tally);
  if (failed !== undefined) return add("FailureTarget", ...failed);
  if (tally.succeeded >= (job.spec.completions ?? 1))
    return add(
      "SuccessCriteriaMet",
      "CompletionsReached",
      "Reached expected number of succeeded pods",
    );
  return suspension(job, before, now);
};

/** Why the Job has failed: reason and message. The policy of Pod failures speaks first, a deadline beats the back-off limit. */
const failureOf = (
  { job, pods, now }: JobSituation,
  tally: Tally,
): readonly [reason: string, message: string] | undefined => {
  const fatal = pods.find(
    (pod) => pod.status?.phase === "Failed" && failureAction(job, pod) === "FailJob",
  );
  if (fatal !== undefined)
    return [
      "PodFailurePolicy",
      `Pod ${fatal.metadata.name} failed in a way for which the policy fails the Job`,
    ];
  if (now >= deadlineOf(job))
    return ["DeadlineExceeded", "Job was active longer than specified deadline"];
  const limit = job.spec.backoffLimit ?? BACKOFF_LIMIT_DEFAULT;
  if (tally.failed > limit || restartsExceed(job, pods, limit))
    return ["BackoffLimitExceeded", "Job has reached the specified backoff limit"];
  return undefined;
};

/** With `OnFailure`, restarts inside of Pods count towards the limit as well (pastBackoffLimitOnFailure). */
const restartsExceed = (job: Job, pods: ReadonlyArray<Pod>, limit: number): boolean => {
  if (job.spec.template.spec.restartPolicy !== "OnFailure") return false;
  let restarts = 0;
  for (const { status } of pods.filter((pod) => !isTerminal(pod)))
    for (const container of [
      ...(status?.initContainerStatuses ?? []),
      ...(status?.containerStatuses ?? []),
    ])
      restarts += container.restartCount;
  return restarts > 0 && restarts >= limit;
};

const deadlineOf = ({ spec, status }: Job): number =>
  spec.activeDeadlineSeconds === undefined ||
  status?.startTime === undefined ||
  spec.suspend === true
    ? Infinity
    : millisOf(status.startTime) + spec.activeDeadlineSeconds * 1000;

/** Condition Suspended says whether the Job is; it appears when the Job is suspended for the first time. */
const suspension = (
  job: Job,
  before: ReadonlyArray<Condition>,
  now: number,
): ReadonlyArray<Condition> => {
  const known = before.find(({ type }) => type === "Suspended");
  const status = job.spec.suspend === true ? "True" : "False";
  if (known === undefined ? status === "False" : known.status === status) return before;
  const words =
    status === "True"
      ? { reason: "JobSuspended", message: "Job suspended" }
      : { reason: "JobResumed", message: "Job resumed" };
  const times = { lastProbeTime: kubeTime(now), lastTransitionTime: kubeTime(now) };
  const others = before.filter(({ type }) => type !== "Suspended");
  return [...others, { type: "Suspended", status, ...words, ...times }];
};

const nextStatus = (
  { job, pods, now }: JobSituation,
  tally: Tally,
  conditions: ReadonlyArray<Condition>,
  created: number,
): JobStatus => {
  const active = pods.filter(isActive);
  const uncounted = tally.uncounted.succeeded.length + tally.uncounted.failed.length > 0;
  const completed = trueCondition(conditions, "Complete");
  return {
    ...(conditions.length === 0 ? {} : { conditions }),
    ...startTime(job, conditions, now),
    ...(completed === undefined ? {} : { completionTime: kubeTime(now) }),
    ...positive({
      active: active.length + created,
      succeeded: tally.counted.succeeded,
      failed: tally.counted.failed,
    }),
    ready: active.filter((pod) => trueCondition(pod.status?.conditions, "Ready") !== undefined)
      .length,
    terminating: pods.filter(isTerminating).length,
    uncountedTerminatedPods: uncounted ? tally.uncounted : {},
  };
};

/** These counts are `omitempty` in the API: a zero is not written. */
const positive = (counts: Readonly<Record<"active" | "succeeded" | "failed", number>>) =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));

/** Set when the Job first runs, and anew each time it is resumed. */
const startTime = (job: Job, conditions: ReadonlyArray<Condition>, now: number) => {
  const known = job.status?.startTime;
  // A suspended Job has none: it starts anew when it is resumed.
  if (trueCondition(conditions, "Suspended") !== undefined) return {};
  const wasSuspended = trueCondition(job.status?.conditions, "Suspended") !== undefined;
  const resumed = wasSuspended && trueCondition(conditions, "Suspended") === undefined;
  return { startTime: known === undefined || resumed ? kubeTime(now) : known };
};

const missingPods = (job: Job, pods: ReadonlyArray<Pod>, tally: Tally): number => {
  const { parallelism = 1, completions = 1 } = job.spec;
  const wanted = Math.min(parallelism, completions - tally.succeeded);
  const present = pods.filter(
    (pod) => isActive(pod) || (onlyReplacesFailed(job) && isTerminating(pod)),
  );
  return Math.max(0, wanted - present.length);
};
