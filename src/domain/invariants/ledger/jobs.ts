/** Projects commits on Jobs that a NodeOp controls: created, resumed, complete, failed, gone. */
import type { Commit } from "../../history.ts";
import { controllerOf, objectKey } from "../../kube/object.ts";
import { isOriginal, type Ledger } from "./Ledger.ts";
import type { JobRecord, Moment } from "./records.ts";
import { asJob, hasCondition, type JobView } from "./view.ts";

/** Takes in a commit on a Job. */
export const projectJob = (ledger: Ledger, commit: Commit, moment: Moment): void => {
  const object = commit.after ?? commit.before;
  if (object === undefined) return;
  const known = ledger.jobs.get(object.metadata.uid);
  if (commit.after === undefined) {
    if (known !== undefined) known.gone = moment;
    return;
  }
  const view = asJob(commit.after);
  const job = known ?? register(ledger, view, commit, moment);
  if (job === undefined) return;
  if (known === undefined) ledger.facts.push({ is: "JobCreated", job, commit });
  projectSuspension(ledger, job, view, moment);
  projectOutcome(ledger, job, view, moment);
};

const register = (
  ledger: Ledger,
  view: JobView,
  { actor }: Commit,
  moment: Moment,
): JobRecord | undefined => {
  const owner = controllerOf(view.metadata);
  if (owner?.kind !== "NodeOp") return undefined;
  const job: JobRecord = {
    uid: view.metadata.uid,
    name: objectKey(view.metadata),
    operation: owner.uid,
    node: view.spec?.template?.spec?.nodeName,
    created: moment,
    original: isOriginal(actor),
    suspended: true,
    resumed: undefined,
    complete: undefined,
    failed: undefined,
    gone: undefined,
    pods: [],
  };
  ledger.jobs.set(job.uid, job);
  return job;
};

/** A Job that is created running was never suspended: that counts as being resumed, too. */
const projectSuspension = (ledger: Ledger, job: JobRecord, view: JobView, moment: Moment): void => {
  const suspended = view.spec?.suspend === true;
  if (job.suspended && !suspended) {
    job.resumed ??= moment;
    job.suspended = false;
    ledger.facts.push({ is: "JobResumed", job });
  }
  job.suspended = suspended;
};

const projectOutcome = (ledger: Ledger, job: JobRecord, view: JobView, moment: Moment): void => {
  if (job.complete === undefined && hasCondition(view.status, "Complete")) {
    job.complete = moment;
    ledger.facts.push({ is: "JobCompleted", job });
  }
  if (job.failed === undefined && hasCondition(view.status, "Failed", "FailureTarget")) {
    job.failed = moment;
    const operation = ledger.operations.get(job.operation);
    if (operation !== undefined) operation.jobFailed ??= { ...moment, job: job.name };
  }
};
