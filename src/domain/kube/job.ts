/** What nodeop uses of a Job, and what it can tell from it. */
import { Schema } from "effect";
import { ViewMeta } from "./view.ts";

/** A Job reduced to what the rollout looks at; caches hold nothing else of it. */
export const Job = Schema.Struct({
  metadata: ViewMeta,
  spec: Schema.optionalKey(Schema.Struct({ suspend: Schema.optionalKey(Schema.Boolean) })),
  status: Schema.optionalKey(
    Schema.Struct({
      startTime: Schema.optionalKey(Schema.String),
      conditions: Schema.optionalKey(
        Schema.Array(
          Schema.Struct({
            type: Schema.String,
            status: Schema.String,
            reason: Schema.optionalKey(Schema.String),
            message: Schema.optionalKey(Schema.String),
          }),
        ),
      ),
    }),
  ),
});
export interface Job extends Schema.Schema.Type<typeof Job> {}

const condition = (job: Job, type: string) =>
  job.status?.conditions?.find((entry) => entry.type === type && entry.status === "True");

/** Complete, not merely SuccessCriteriaMet: only then have all its Pods terminated (Kubernetes, "Job termination"). */
export const isComplete = (job: Job): boolean => condition(job, "Complete") !== undefined;

/** Why the Job failed. FailureTarget already counts: Failed follows once its Pods have ended. */
export const failureOf = (job: Job): string | undefined => {
  const failed = condition(job, "Failed") ?? condition(job, "FailureTarget");
  return failed === undefined ? undefined : (failed.message ?? failed.reason ?? failed.type);
};

/** Whether the Job has ended for good. */
export const isFinished = (job: Job): boolean =>
  isComplete(job) || condition(job, "Failed") !== undefined;

export const isSuspended = (job: Job): boolean => job.spec?.suspend === true;

/** Whether the Job controller has written into the Job that it is suspended. */
export const isNotedAsSuspended = (job: Job): boolean => condition(job, "Suspended") !== undefined;
