/** A deadline that does not fire is a slot that is lost for ever (design.md §4; reliability.md S21). */
import type { Law } from "../law.ts";
import { deadlineOf } from "../ledger/failure.ts";
import { givesUpAt, readyDeadlines } from "../ledger/patience.ts";
import type { Operation } from "../ledger/records.ts";

/** How long after its deadline a node may still be in the stage: evidence is read first, and requests are retried. */
const GRACE_MILLIS = 60_000;

/** Something that has to be over at a time. `id` is the same as long as it is the same thing. */
interface Due {
  readonly id: object | string;
  readonly at: number;
  readonly says: string;
}

/** Everything of an operation that has a deadline, whose operator is up since `upSince`. */
const duesOf = (operation: Operation, upSince: number): ReadonlyArray<Due> => [
  ...[...operation.inFlight].flatMap((node): ReadonlyArray<Due> => {
    const claim = operation.claims.get(node)!;
    const at = deadlineOf(claim, upSince) ?? givesUpAt(claim);
    if (at === undefined) return [];
    const { stage = "" } = claim.entry;
    const says = `node ${node} of NodeOp ${operation.key} is still in stage ${stage}`;
    return [{ id: claim.stages.get(stage) ?? claim, at, says }];
  }),
  ...readyDeadlines(operation).map(({ node, since, at }) => ({
    id: `${operation.uid} ${node} ${since}`,
    at,
    says: `node ${node} of NodeOp ${operation.key} is still waited for to be Ready`,
  })),
];

export const deadlinesOnTime: Law = {
  law: "DeadlinesOnTime",
  says: "While the operator is up, no node stays in a stage, or is waited for to be Ready, for more than a minute after its deadline.",
  monitor: ({ ledger, options, operatorUpSince, report, seconds }) => {
    /** Before this nothing can be overdue: most ticks look at no node. */
    let nextAt = Number.NEGATIVE_INFINITY;
    const reported = new Set<object | string>();
    const soon = (): void => void (nextAt = Number.NEGATIVE_INFINITY);
    return {
      Committed: ({ commit }) => {
        if (commit.resource.plural === "nodeops") soon();
      },
      Operator: soon,
      Tick: ({ at }) => {
        const upSince = operatorUpSince();
        if (upSince === undefined || at <= nextAt) return;
        nextAt = Number.POSITIVE_INFINITY;
        for (const operation of ledger.live)
          for (const due of duesOf(operation, upSince)) {
            if (reported.has(due.id)) continue;
            const overdue = Math.max(due.at, upSince) + GRACE_MILLIS + options.reactionMillis;
            if (at > overdue) {
              reported.add(due.id);
              report(`${due.says}, whose deadline passed at ${seconds(due.at)}`);
            } else nextAt = Math.min(nextAt, overdue);
          }
      },
    };
  },
};
