/** What the simulated Job controller reads and writes of Jobs (batch/v1), as plain JSON. */
import type { KubeObject, ObjectMeta } from "../../domain/kube/object.ts";
import { isRecord } from "./json.ts";
import { type Condition, type Pod, type PodSpec, trueCondition } from "./pod.ts";

/** On a Job's Pods until the controller has counted how they ended. */
export const JOB_TRACKING = "batch.kubernetes.io/job-tracking";

export interface PodFailurePolicyRule {
  readonly action: "Ignore" | "Count" | "FailJob";
  readonly onPodConditions?: ReadonlyArray<{ readonly type: string; readonly status?: string }>;
  readonly onExitCodes?: {
    readonly containerName?: string;
    readonly operator: "In" | "NotIn";
    readonly values: ReadonlyArray<number>;
  };
}

interface JobSpec {
  readonly parallelism?: number;
  readonly completions?: number;
  readonly backoffLimit?: number;
  readonly suspend?: boolean;
  readonly activeDeadlineSeconds?: number;
  readonly podReplacementPolicy?: "TerminatingOrFailed" | "Failed";
  readonly podFailurePolicy?: { readonly rules: ReadonlyArray<PodFailurePolicyRule> };
  readonly template: { readonly metadata?: Partial<ObjectMeta>; readonly spec: PodSpec };
}

export interface JobStatus {
  readonly conditions?: ReadonlyArray<Condition>;
  readonly startTime?: string;
  readonly completionTime?: string;
  readonly active?: number;
  readonly ready?: number;
  readonly terminating?: number;
  readonly succeeded?: number;
  readonly failed?: number;
  /** Pods that have ended but are not counted in `succeeded` and `failed` yet, by uid. */
  readonly uncountedTerminatedPods?: {
    readonly succeeded?: ReadonlyArray<string>;
    readonly failed?: ReadonlyArray<string>;
  };
}

export interface Job extends KubeObject {
  readonly spec: JobSpec;
  readonly status?: JobStatus;
}

export const isJob = (object: KubeObject): object is Job =>
  isRecord(object["spec"]) && isRecord(object["spec"]["template"]);

/** Complete or Failed: the Job has ended and nothing of it runs. */
export const isFinished = (job: Job): boolean =>
  trueCondition(job.status?.conditions, "Complete") !== undefined ||
  trueCondition(job.status?.conditions, "Failed") !== undefined;

/** Whether a Pod is replaced, and counted, only once it has ended (pod_replacement_policy). */
export const onlyReplacesFailed = ({ spec }: Job): boolean =>
  spec.podReplacementPolicy === "Failed" || spec.podFailurePolicy !== undefined;

/** What the Job's policy says about a Pod that failed: the first rule that matches; counted without one. */
export const failureAction = (job: Job, pod: Pod): PodFailurePolicyRule["action"] => {
  const rules = job.spec.podFailurePolicy?.rules ?? [];
  return rules.find((rule) => matches(rule, pod))?.action ?? "Count";
};

const matches = (rule: PodFailurePolicyRule, pod: Pod): boolean => {
  const { onPodConditions, onExitCodes } = rule;
  if (onExitCodes !== undefined)
    return exitCodes(pod, onExitCodes.containerName).some(
      (code) => code !== 0 && onExitCodes.values.includes(code) === (onExitCodes.operator === "In"),
    );
  return (onPodConditions ?? []).some(({ type, status = "True" }) =>
    pod.status?.conditions?.some((entry) => entry.type === type && entry.status === status),
  );
};

const exitCodes = (pod: Pod, container: string | undefined): ReadonlyArray<number> =>
  [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]
    .filter(({ name }) => container === undefined || name === container)
    .flatMap(({ state }) => (state.terminated === undefined ? [] : [state.terminated.exitCode]));
