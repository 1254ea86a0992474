/**
 * What the status of a Job may say, so that whoever plays the Job controller keeps to its order: SuccessCriteriaMet before
 * Complete, FailureTarget before Failed, nothing active at the end (batch validation.go validateJobStatus).
 */
import type { KubeObject } from "../../../domain/kube/object.ts";
import { type FieldError, invalid, invalidUnshown, notNegative, required } from "../fieldError.ts";
import { asArray, asObject, at, field, type JsonObject, sameJson } from "../json.ts";
import type { Draft } from "./Kind.ts";

const CONDITIONS = "status.conditions";

/** The types of the conditions that are true. */
const trueConditions = (job: JsonObject): ReadonlySet<unknown> =>
  new Set(
    (asArray(at(job, "status", "conditions")) ?? [])
      .filter((one) => field(one, "status") === "True")
      .map((one) => field(one, "type")),
  );

const numberAt = (job: JsonObject, name: string): number => {
  const value = at(job, "status", name);
  return typeof value === "number" ? value : 0;
};

const refused = (wrong: boolean, message: string): ReadonlyArray<FieldError> =>
  wrong ? [invalidUnshown(CONDITIONS, message)] : [];

const conditionErrors = (
  now: ReadonlySet<unknown>,
  before: ReadonlySet<unknown>,
): ReadonlyArray<FieldError> => {
  const has = (type: string) => now.has(type);
  const became = (type: string) => now.has(type) !== before.has(type);
  const completes = became("Complete") || became("SuccessCriteriaMet");
  return [
    ...refused(
      has("Complete") && has("Failed"),
      "cannot set Complete=True and Failed=true conditions",
    ),
    ...refused(
      has("Complete") && has("FailureTarget"),
      "cannot set Complete=True and FailureTarget=true conditions",
    ),
    ...refused(
      became("Failed") && has("Failed") && !has("FailureTarget"),
      "cannot set Failed=True condition without the FailureTarget=true condition",
    ),
    ...refused(
      completes && has("Complete") && !has("SuccessCriteriaMet"),
      "cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
    ),
    ...refused(
      has("SuccessCriteriaMet") && has("Failed"),
      "cannot set SuccessCriteriaMet=True and Failed=true conditions",
    ),
    ...refused(
      has("SuccessCriteriaMet") && has("FailureTarget"),
      "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions",
    ),
    ...["Failed", "Complete", "FailureTarget"].flatMap((type) =>
      refused(before.has(type) && !has(type), `cannot disable the terminal ${type}=True condition`),
    ),
    ...refused(
      before.has("SuccessCriteriaMet") && !has("SuccessCriteriaMet"),
      "cannot disable the SuccessCriteriaMet=True condition",
    ),
  ];
};

/** What a finished Job must and must not have. */
const finishedErrors = (
  job: Draft,
  old: KubeObject,
  complete: boolean,
): ReadonlyArray<FieldError> => {
  const errors: Array<FieldError> = [];
  const active = numberAt(job, "active");
  const completionTime = at(job, "status", "completionTime");
  const pods = asObject(at(job, "status", "uncountedTerminatedPods"));
  const uncounted = [field(pods, "succeeded"), field(pods, "failed")].some(
    (list) => (asArray(list)?.length ?? 0) > 0,
  );
  if (complete && completionTime === undefined) {
    errors.push(required("status.completionTime", "completionTime is required for Complete jobs"));
  }
  if (active > 0) {
    errors.push(invalid("status.active", active, "active>0 is invalid for finished job"));
  }
  if (at(job, "status", "startTime") === undefined) {
    errors.push(required("status.startTime", "startTime is required for finished job"));
  }
  if (uncounted) {
    errors.push(invalid("status.uncountedTerminatedPods", pods, "must be empty for finished job"));
  }
  if (numberAt(job, "terminating") > 0) {
    errors.push(
      invalid(
        "status.terminating",
        numberAt(job, "terminating"),
        "terminating>0 is invalid for finished job",
      ),
    );
  }
  return sameJson(job["status"], old["status"]) ? [] : errors;
};

const isSuspended = (job: JsonObject, status: "True" | "False"): boolean =>
  (asArray(at(job, "status", "conditions")) ?? []).some(
    (one) => field(one, "type") === "Suspended" && field(one, "status") === status,
  );

/** Times are set once; only a Job that is or was suspended starts again. */
const timeErrors = (job: Draft, old: KubeObject): ReadonlyArray<FieldError> => {
  const changed = (name: string) => {
    const before = at(old, "status", name);
    return before !== undefined && before !== at(job, "status", name);
  };
  const completionTime = at(job, "status", "completionTime");
  const resuming = isSuspended(old, "True") && isSuspended(job, "False");
  const restarts = at(job, "spec", "suspend") === true || resuming;
  return [
    ...(completionTime !== undefined && changed("completionTime")
      ? [invalid("status.completionTime", completionTime, "field is immutable")]
      : []),
    ...(changed("startTime") && !restarts
      ? [
          invalid(
            "status.startTime",
            at(job, "status", "startTime") ?? null,
            "field is immutable for unsuspended job once set",
          ),
        ]
      : []),
  ];
};

/** What is wrong with a write to the status of a Job. */
export const jobStatusErrors = (job: Draft, old: KubeObject): ReadonlyArray<FieldError> => {
  const now = trueConditions(job);
  const finished = now.has("Complete") || now.has("Failed");
  const completionTime = at(job, "status", "completionTime");
  const ready = numberAt(job, "ready");
  const counters = ["active", "succeeded", "failed", "ready", "terminating"];
  const decreased = ["failed", "succeeded"].filter(
    (name) => numberAt(job, name) < numberAt(old, name),
  );
  return [
    ...counters.flatMap((name) => notNegative(`status.${name}`, at(job, "status", name))),
    ...(completionTime !== undefined && !now.has("Complete")
      ? [
          invalid(
            "status.completionTime",
            completionTime,
            "cannot set completionTime when there is no Complete=True condition",
          ),
        ]
      : []),
    ...conditionErrors(now, trueConditions(old)),
    ...(finished ? finishedErrors(job, old, now.has("Complete")) : []),
    ...(ready > numberAt(job, "active")
      ? [invalid("status.ready", ready, "cannot set more ready pods than active")]
      : []),
    ...decreased.map((name) =>
      invalid(`status.${name}`, numberAt(job, name), `cannot decrease the ${name} counter`),
    ),
    ...timeErrors(job, old),
  ];
};
