/** No agent reboots on its own: the operator's grant names the Job whose sentinel it may act on (design.md §4, Reboot agent 1–3). */
import type { Law } from "../law.ts";
import type { Facts } from "../ledger/facts.ts";

/** Why this Job does not justify a reboot now; undefined when it does. */
type Judge = (job: string) => string | undefined;

export const rebootGranted: Law = {
  law: "RebootGranted",
  says: "Each reboot by us was granted to its Pod earlier, for a Job whose sentinel is on that node, and happens in the boot in which the script ended.",
  monitor: ({ ledger, report, seconds }) => {
    const judge =
      ({ event, host }: Facts["RebootIssued"]): Judge =>
      (job) => {
        const name = ledger.nameOfJob(job);
        const { sentinel, ended } = ledger.script(job);
        if (sentinel === undefined || sentinel.node !== event.node)
          return `Job ${name} wrote no sentinel there`;
        if (sentinel.bootID !== event.bootID)
          return `the sentinel of Job ${name} is of boot ${sentinel.bootID}`;
        if (ended === undefined || ended.boots !== host.boots)
          return `the script of Job ${name} did not end in this boot`;
        return undefined;
      };
    return {
      RebootIssued: (fact) => {
        const { event, pod } = fact;
        // The script of the Go original's reboot Pods knows no grants.
        if (pod?.original === true) return undefined;
        const what = `Pod ${pod?.name ?? event.pod} rebooted node ${event.node} in boot ${event.bootID} at ${seconds(event.at)}`;
        const granted = [...(pod?.grants.keys() ?? [])];
        if (granted.length === 0) return report(`${what} without a grant`);
        const objections = granted.map(judge(fact));
        if (!objections.includes(undefined)) report(`${what}, but ${objections.join("; ")}`);
      },
      WentDown: ({ event, reboot }) => {
        if (event.cause === "agent" && reboot?.bootID !== event.bootID)
          report(
            `node ${event.node} went down for an agent at ${seconds(event.at)} that had issued no reboot in boot ${event.bootID}`,
          );
      },
    };
  },
};
