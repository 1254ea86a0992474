/** "Before the end the Job is suspended" (design.md §4, "Ending early"): a node that has ended has nothing at work. */
import type { Law } from "../law.ts";
import type { Claim, JobRecord } from "../ledger/records.ts";

/** Whether a Job may make a Pod, now or later. */
const mayRun = ({ suspended, complete, failed, gone }: JobRecord): boolean =>
  !suspended && (complete ?? failed ?? gone) === undefined;

export const endedJobsRest: Law = {
  law: "EndedJobsRest",
  says: "The Job of a node that has ended is finished, suspended or gone, and is never resumed.",
  monitor: ({ ledger, report, seconds }) => {
    const check = (claim: Claim | undefined, job: JobRecord | undefined): void => {
      // What the Go original ends, it leaves as it is.
      if (claim?.released === undefined || job === undefined || claim.operation.original) return;
      if (mayRun(job))
        report(
          `Job ${job.name} may run on node ${claim.node}, which has ended in NodeOp ${claim.operation.key} at ${seconds(claim.released.at)}`,
        );
    };
    return {
      Released: ({ claim }) => check(claim, ledger.jobs.get(claim.jobUID ?? "")),
      JobResumed: ({ job }) =>
        check(ledger.operations.get(job.operation)?.claims.get(job.node ?? ""), job),
    };
  },
};
