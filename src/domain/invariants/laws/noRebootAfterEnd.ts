/** What is over stays over: nothing of ours reboots a node that was given up, finished or deleted (design.md §4, Ending early). */
import type { Law } from "../law.ts";
import { isOperator } from "../ledger/Ledger.ts";
import { hadTimedOut } from "./concurrency.ts";

export const noRebootAfterEnd: Law = {
  law: "NoRebootAfterEnd",
  says: "No reboot is issued after the node's entry is terminal or the operation is over, except after a passed reboot deadline or by a Pod that was forced out of the store.",
  monitor: ({ ledger, report, seconds }) => ({
    RebootIssued: ({ event, pod, operation, claim }) => {
      if (operation === undefined) return;
      const over = claim?.released ?? operation.ended ?? operation.gone;
      if (over === undefined) return;
      // Not closable, and documented for users: a deadline gives up a host that may come back to life later …
      if (claim !== undefined && hadTimedOut(claim, "Rebooting")) return;
      // … and a Pod that somebody force-deleted may still run on a kubelet that nobody reaches.
      const forced =
        pod?.gone !== undefined &&
        !isOperator(pod.gone.actor) &&
        !pod.gone.actor.startsWith("kubelet");
      if (forced) return;
      report(
        `node ${event.node} was rebooted by ${ledger.nameOf(operation.uid)} at ${seconds(event.at)}, after ${claim?.released === undefined ? "the operation" : `its entry (${claim.entry.phase} ${claim.entry.reason ?? ""})`} was over at ${seconds(over.at)}`,
      );
    },
  }),
};
