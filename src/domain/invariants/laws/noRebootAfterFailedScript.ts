/** The sentinel's container "runs only if the upgrade script completes successfully" (reference page 5). */
import type { Law } from "../law.ts";

export const noRebootAfterFailedScript: Law = {
  law: "NoRebootAfterFailedScript",
  says: "Neither sentinel nor reboot follows a script that failed: a sentinel only after exit 0 of its own Job's script.",
  monitor: ({ ledger, report, seconds }) => ({
    SentinelWritten: ({ event, script }) => {
      if (script.ended?.exitCode !== 0)
        report(
          `the sentinel of Job ${ledger.nameOfJob(event.job)} was written on node ${event.node} at ${seconds(event.at)}, although its script ${script.ended === undefined ? "had not ended" : `ended with exit ${script.ended.exitCode}`}`,
        );
    },
    RebootIssued: ({ event, pod, claim }) => {
      // The Go original may have died before it said for which Job it had made the Pod.
      if (pod?.original === true && claim?.jobUID === undefined) return;
      const job = [...(pod?.grants.keys() ?? [])].at(-1) ?? claim?.jobUID;
      const ended = job === undefined ? undefined : ledger.scripts.get(job)?.ended;
      if (ended?.exitCode !== 0)
        report(
          `node ${event.node} was rebooted by Pod ${pod?.name ?? event.pod} at ${seconds(event.at)}, although the script of Job ${ledger.nameOfJob(job)} ${ended === undefined ? "had not ended" : `ended with exit ${ended.exitCode}`}`,
        );
    },
  }),
};
