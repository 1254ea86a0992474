/** "Each upgrade Job finishes successfully, with no unnecessary restarts"; one init container, one sentinel (reference page 5). */
import type { Law } from "../law.ts";
import type { JobRecord } from "../ledger/records.ts";

export const onePodPerUpgrade: Law = {
  law: "OnePodPerUpgrade",
  says: "A successful upgrade is one Pod whose script started once: an init container and a sentinel where a reboot follows, else one container.",
  monitor: ({ ledger, options, report }) => {
    const judge = (job: JobRecord): void => {
      if (job.complete === undefined || options.disturbed(job.node ?? "")) return;
      const [pod, ...others] = job.pods;
      if (pod === undefined || others.length > 0) {
        report(
          `Job ${job.name} on node ${job.node} completed with ${job.pods.length} Pods (${job.pods.map(({ name }) => name).join(", ")}) instead of one`,
        );
        return;
      }
      const starts = ledger.script(job.uid).starts;
      if (starts !== 1)
        report(`the script of Job ${job.name} on node ${job.node} started ${starts} times`);
      const reboots = ledger.operations.get(job.operation)?.object.spec?.rebootOnSuccess === true;
      if (pod.initContainers !== (reboots ? 1 : 0) || pod.containers !== 1)
        report(
          `Pod ${pod.name} has ${pod.initContainers} init containers and ${pod.containers} containers`,
        );
    };
    return {
      JobCompleted: ({ job }) => judge(job),
      PodCreated: ({ pod }) => {
        const job = ledger.jobs.get(pod.job ?? "");
        if (job?.complete !== undefined) judge(job);
      },
      ScriptStarted: ({ event }) => {
        const job = ledger.jobs.get(event.job);
        if (job?.complete !== undefined) judge(job);
      },
    };
  },
};
