/** "The upgrade logs can be found in the Job's Pod logs" (reference page): so nobody of ours removes them. */
import type { Law } from "../law.ts";
import { isOperator, type Ledger } from "../ledger/Ledger.ts";
import type { Commit } from "../../history.ts";
import { Jobs, Pods } from "../../kube/resource.ts";
import { asPod } from "../ledger/view.ts";

/** Whether this commit removes an object or marks it for removal; a mark that was there is no news. */
export const removes = (commit: Commit): boolean =>
  commit.before !== undefined &&
  commit.before.metadata.deletionTimestamp === undefined &&
  (commit.after === undefined || commit.after.metadata.deletionTimestamp !== undefined);

const isFinishedPod = (commit: Commit): boolean => {
  const phase = commit.before === undefined ? undefined : asPod(commit.before).status?.phase;
  return phase === "Succeeded" || phase === "Failed";
};

/**
 * Whether the actor removes it on its own account or on ours. The Job controller ends the running Pod of a suspended or
 * failed Job, which is what suspending is for; the garbage collector follows a Job that a person deleted.
 */
const isOurs = (ledger: Ledger, commit: Commit, jobUID: string): boolean => {
  if (isOperator(commit.actor) || commit.actor.startsWith("ttl")) return true;
  if (commit.resource.kind === Jobs.kind)
    return commit.actor === "job-controller" || commit.actor === "garbage-collector";
  if (commit.actor === "job-controller") return isFinishedPod(commit);
  return commit.actor === "garbage-collector" && ledger.jobs.get(jobUID)?.gone === undefined;
};

export const logsStay: Law = {
  law: "LogsStay",
  says: "While an operation exists, neither the operator nor a controller on its behalf deletes its Jobs or their Pods.",
  monitor: ({ ledger, report, seconds }) => ({
    Committed: ({ commit }) => {
      const isJob = commit.resource.kind === Jobs.kind;
      if ((!isJob && commit.resource.kind !== Pods.kind) || !removes(commit)) return;
      const uid = commit.before?.metadata.uid ?? "";
      const jobUID = isJob ? uid : ledger.pods.get(uid)?.job;
      const job = ledger.jobs.get(jobUID ?? "");
      const operation = ledger.operations.get(job?.operation ?? "");
      if (job === undefined || operation === undefined || operation.gone !== undefined) return;
      // Once its deletion is under way, the collector takes the children of an operation with it.
      if (operation.deleting !== undefined && !isOperator(commit.actor)) return;
      if (isOurs(ledger, commit, job.uid))
        report(
          `${commit.actor} deleted ${commit.resource.kind} ${commit.name} at ${seconds(commit.at)}: the logs of node ${job.node} are lost while NodeOp ${operation.key} exists`,
        );
    },
  }),
};
