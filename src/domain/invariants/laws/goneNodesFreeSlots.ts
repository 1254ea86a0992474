/** A Node that is deleted or replaced in the middle of its way does not hold its slot (reliability.md F24; design.md §4, Ending early). */
import type { Law } from "../law.ts";
import type { Ledger } from "../ledger/Ledger.ts";
import type { Claim } from "../ledger/records.ts";

/** Status writes of a large fleet come every few seconds, and the way out takes several. */
const WAY_OUT_MILLIS = 30_000;

/** Whether the Node that was claimed is there no more, and no reboot that was granted may still come. */
const isGone = (ledger: Ledger, { entry, node, nodeUID, operation }: Claim): boolean => {
  const record = ledger.nodes.get(node);
  const exists = record?.exists === true && record.uid === nodeUID;
  return !exists && entry.stage !== "Settling" && !operation.original;
};

export const goneNodesFreeSlots: Law = {
  law: "GoneNodesFreeSlots",
  says: "A Node that is deleted or replaced on its way loses its slot within half a minute, unless a reboot may still come, and never counts as upgraded.",
  monitor: ({ ledger, options, operatorUpSince, report, seconds }) => {
    const gone = new Map<Claim, number>();
    let now = 0;
    const settleAll = (): void => {
      for (const operation of ledger.live)
        for (const name of operation.inFlight) {
          const claim = operation.claims.get(name);
          if (claim === undefined) continue;
          const isHeldUp = operatorUpSince() === undefined || !isGone(ledger, claim);
          if (isHeldUp) gone.delete(claim);
          else if (!gone.has(claim)) gone.set(claim, now);
        }
    };
    return {
      Tick: ({ at }) => {
        for (const [claim, since] of gone) {
          if (claim.released !== undefined || claim.operation.gone !== undefined) {
            gone.delete(claim);
            continue;
          }
          if (at <= since + WAY_OUT_MILLIS + options.reactionMillis) continue;
          report(
            `NodeOp ${claim.operation.key} keeps a slot for node ${claim.node}, which is gone since ${seconds(since)}`,
          );
          gone.delete(claim);
        }
        now = at;
      },
      Committed: settleAll,
      Operator: () => {
        gone.clear();
        settleAll();
      },
      Released: ({ claim }) => {
        const since = gone.get(claim);
        const isLate =
          since !== undefined && now > since + options.lagMillis + options.reactionMillis;
        if (isLate && claim.entry.phase === "Completed" && claim.entry.reason !== "Skipped")
          report(
            `NodeOp ${claim.operation.key} completed node ${claim.node}, which is gone since ${seconds(since)}`,
          );
      },
    };
  },
};
