/** A deadline that does not fire is a slot that is lost for ever (design.md §4; reliability.md S21). */
import type { Law } from "../law.ts";
import { deadlineOf } from "../ledger/failure.ts";
import type { Claim } from "../ledger/records.ts";

/** How long after its deadline a node may still be in the stage: evidence is read first, and requests are retried. */
const GRACE_MILLIS = 60_000;

export const deadlinesOnTime: Law = {
  law: "DeadlinesOnTime",
  says: "While the operator is up, no node stays in a stage for more than a minute after its deadline.",
  monitor: ({ ledger, options, operatorUpSince, report, seconds }) => {
    /** Before this nothing can be overdue: most ticks look at no node. */
    let nextAt = Number.NEGATIVE_INFINITY;
    const reported = new Set<Claim>();
    const overdueAt = (claim: Claim, upSince: number): number => {
      const deadline = deadlineOf(claim, upSince);
      if (deadline === undefined || reported.has(claim)) return Number.POSITIVE_INFINITY;
      return Math.max(deadline, upSince) + GRACE_MILLIS + options.reactionMillis;
    };
    const soon = (): void => void (nextAt = Number.NEGATIVE_INFINITY);
    return {
      Claimed: soon,
      EntryChanged: soon,
      Operator: soon,
      Tick: ({ at }) => {
        const upSince = operatorUpSince();
        if (upSince === undefined || at <= nextAt) return;
        nextAt = Number.POSITIVE_INFINITY;
        for (const operation of ledger.live)
          for (const node of operation.inFlight) {
            const claim = operation.claims.get(node)!;
            const overdue = overdueAt(claim, upSince);
            if (at > overdue) {
              reported.add(claim);
              report(
                `node ${node} of NodeOp ${operation.key} is still in stage ${claim.entry.stage}, whose deadline passed at ${seconds(deadlineOf(claim, upSince) ?? 0)}`,
              );
            } else nextAt = Math.min(nextAt, overdue);
          }
      },
    };
  },
};
