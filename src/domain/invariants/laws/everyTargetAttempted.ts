/** Without a stop, a failure keeps no other node from being started (reference page: stopOnFailure defaults to false). */
import type { Law } from "../law.ts";
import { wasKnown } from "../ledger/eligibility.ts";
import type { Ledger } from "../ledger/Ledger.ts";
import type { Claim } from "../ledger/records.ts";

/** What is wrong with an entry that begins at its end; undefined when its Node was not Ready for as long as it may be. */
const givenUpEarly = (ledger: Ledger, claim: Claim, lag: number): string | undefined => {
  const { node, operation, released, started } = claim;
  if (operation.original || released?.seq !== started.seq) return undefined;
  const record = ledger.nodes.get(node);
  if (record?.exists !== true) return undefined;
  const lasted = started.at - record.readyChanged.at;
  if (record.ready) return lasted <= lag && lag > 0 ? undefined : "although it is Ready";
  const { readySeconds = 3600 } = operation.object.spec?.deadlines ?? {};
  return readySeconds > 0 && lasted + lag >= readySeconds * 1000
    ? undefined
    : `not Ready for ${Math.floor(lasted / 1000)} s only`;
};

export const everyTargetAttempted: Law = {
  law: "EveryTargetAttempted",
  says: "Unless stopOnFailure stopped it or it was deleted, an operation ends only when every node that it could start has an entry, and a node is given up unstarted only when it was not Ready for readySeconds without a break.",
  monitor: ({ ledger, options, report }) => ({
    Released: ({ claim }) => {
      const why = givenUpEarly(ledger, claim, options.lagMillis);
      if (why !== undefined)
        report(
          `NodeOp ${claim.operation.key} gave up node ${claim.node} (${claim.entry.reason ?? "no reason"}) without starting it, ${why}`,
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
