/** "This way the Job completes successfully before the Node is rebooted" (reference page 5). */
import type { Law } from "../law.ts";

export const noRebootBeforeComplete: Law = {
  law: "NoRebootBeforeComplete",
  says: "Each reboot by us comes after the commit that made its Job Complete.",
  monitor: ({ ledger, report, seconds }) => ({
    RebootIssued: ({ event, pod, operation, claim }) => {
      // The Go original's script goes by its sentinel alone.
      if (pod?.original === true) return;
      // The granted Jobs; a Pod that nobody granted anything stands for the Job of its node's claim.
      const jobs =
        pod !== undefined && pod.grants.size > 0 ? [...pod.grants.keys()] : [claim?.jobUID ?? ""];
      const complete = jobs.some((job) => ledger.jobs.get(job)?.complete !== undefined);
      if (!complete)
        report(
          `reboot Pod ${pod?.name ?? event.pod} of ${ledger.nameOf(operation?.uid)} rebooted node ${event.node} at ${seconds(event.at)}, before Job ${jobs.map((job) => ledger.nameOfJob(job)).join(", ")} was Complete`,
        );
    },
  }),
};
