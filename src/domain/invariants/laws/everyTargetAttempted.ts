/** Without a stop, a failure keeps no other node from being started (reference page: stopOnFailure defaults to false). */
import type { Law } from "../law.ts";
import { wasKnown } from "../ledger/eligibility.ts";

export const everyTargetAttempted: Law = {
  law: "EveryTargetAttempted",
  says: "Unless stopOnFailure stopped it or it was deleted, an operation ends only when every node that it could start has an entry, and no entry of a Ready node begins as a failure.",
  monitor: ({ ledger, options, report }) => ({
    Released: ({ claim }) => {
      const { entry, node, operation, released, started } = claim;
      const givenUp = entry.phase === "Failed" && released?.seq === started.seq;
      if (givenUp && ledger.nodes.get(node)?.ready === true)
        report(
          `NodeOp ${operation.key} gave up node ${node} (${entry.reason ?? "no reason"}) without starting it`,
        );
    },
    Ended: ({ operation, commit }) => {
      if (operation.deleting !== undefined) return;
      if (operation.object.spec?.stopOnFailure === true && operation.tripped !== undefined) return;
      const missed: Array<string> = [];
      for (const [node, { since }] of operation.eligible)
        if (wasKnown(since, operation, commit.sentAt, options.lagMillis)) missed.push(node);
      if (missed.length > 0)
        report(`NodeOp ${operation.key} ended without starting ${missed.toSorted().join(", ")}`);
    },
  }),
};
