/** "Before the upgrade Job is created, the operator creates a Pod that will perform the reboot" (reference page 4). */
import type { Law } from "../law.ts";

export const rebootPodBeforeJob: Law = {
  law: "RebootPodBeforeJob",
  says: "Where a reboot follows, the node's reboot Pod is created before its Job.",
  monitor: ({ ledger, report }) => {
    /** Nodes that had a reboot Pod of the operation, by `<operation uid> <node>`. */
    const made = new Set<string>();
    return {
      PodCreated: ({ pod }) => {
        if (pod.role === "reboot") made.add(`${pod.operation} ${pod.node}`);
      },
      JobCreated: ({ job }) => {
        const reboots = ledger.operations.get(job.operation)?.object.spec?.rebootOnSuccess === true;
        if (reboots && !made.has(`${job.operation} ${job.node}`))
          report(
            `Job ${job.name} for node ${job.node} was created before any reboot Pod of ${ledger.nameOf(job.operation)} for that node`,
          );
      },
    };
  },
};
