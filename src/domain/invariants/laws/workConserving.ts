/** A free slot is taken at once: "the operator will create another Job to replace the one that finished" (reference page 7). */
import type { Law } from "../law.ts";
import {
  ALL_KNOWN,
  controlPlanesAway,
  controlPlanesMax,
  mayGoAway,
  nodesAway,
} from "../ledger/availability.ts";
import type { Ledger } from "../ledger/Ledger.ts";
import type { Operation } from "../ledger/records.ts";
import { hasCondition } from "../ledger/view.ts";
import { limitOf } from "./concurrency.ts";

/** How many of the nodes that could be started may be, below the ceiling and as far as the operation bounds its control planes. */
const startable = (ledger: Ledger, operation: Operation, ceiling: number): number => {
  const max = controlPlanesMax(operation);
  if (max === Number.POSITIVE_INFINITY && ceiling === Number.POSITIVE_INFINITY)
    return operation.eligible.size;
  const possible = [...operation.eligible].filter(([name]) =>
    mayGoAway(ledger, operation, name, ceiling),
  );
  const controlPlanes = possible.filter(([, { controlPlane }]) => controlPlane).length;
  const room = Math.max(0, max - controlPlanesAway(ledger, ALL_KNOWN).length);
  const startableNow = possible.length - controlPlanes + Math.min(room, controlPlanes);
  return Math.min(startableNow, Math.max(0, ceiling - nodesAway(ledger, ALL_KNOWN).length));
};

/** Whether the operation should be starting nodes at all. */
export const mayStart = (operation: Operation): boolean => {
  const { spec } = operation.object;
  const over = operation.deleting ?? operation.ended ?? operation.gone;
  // From the Job's failure on nothing need start; from the trip on nothing may.
  const stopped =
    spec?.stopOnFailure === true &&
    (operation.tripped !== undefined || operation.jobFailed !== undefined);
  // What the Go original has ended is left alone, and what it has not is taken over first.
  return over === undefined && !stopped && !isRefused(operation) && !operation.original;
};

/** How many nodes the operation should be starting now. */
const demand = (ledger: Ledger, operation: Operation, ceiling: number): number =>
  mayStart(operation)
    ? Math.min(
        startable(ledger, operation, ceiling),
        Math.max(0, limitOf(operation) - operation.inFlight.size),
      )
    : 0;

/** Whether the operation has claimed nothing and says why it cannot: the cluster would refuse what it creates. */
const isRefused = ({ claims, object }: Operation): boolean =>
  claims.size === 0 && hasCondition(object.status, "Stalled");

export const workConserving: Law = {
  law: "WorkConserving",
  says: "While the operator is up, a free slot with a node that could take it is taken within a second, unless the operation says that the cluster refuses its children.",
  monitor: ({ ledger, options, operatorUpSince, report, seconds }) => {
    /** For each operation since when each of its demanded starts has been due, oldest first. */
    const due = new Map<Operation, Array<number>>();
    /** Operations that were reported: one violation for a spell in which some start is overdue. */
    const reported = new Set<Operation>();
    const forget = (operation: Operation): void => {
      due.delete(operation);
      reported.delete(operation);
    };
    let now = 0;
    const settle = (operation: Operation): void => {
      const wanted =
        operatorUpSince() === undefined ? 0 : demand(ledger, operation, options.ceiling);
      const waiting = due.get(operation) ?? [];
      if (wanted === waiting.length) return;
      // A start serves the slot that has waited longest.
      if (wanted < waiting.length) waiting.splice(0, waiting.length - wanted);
      else while (waiting.length < wanted) waiting.push(now);
      if (waiting.length === 0) forget(operation);
      else due.set(operation, waiting);
    };
    const settleAll = (): void => {
      for (const operation of ledger.live) settle(operation);
      for (const operation of due.keys()) if (!ledger.live.has(operation)) forget(operation);
    };
    return {
      Tick: ({ at }) => {
        for (const [operation, waiting] of due) {
          const since = waiting[0];
          if (since === undefined || at <= since + options.reactionMillis) continue;
          if (reported.has(operation)) continue;
          reported.add(operation);
          const limit = limitOf(operation);
          report(
            `NodeOp ${operation.key} left a slot free from ${seconds(since)} on: ${operation.inFlight.size} in flight of ${Number.isFinite(limit) ? limit : "any number"}, and ${[...operation.eligible.keys()].slice(0, 5).join(", ")} could start`,
          );
        }
        now = at;
      },
      Committed: settleAll,
      Operator: () => {
        due.clear();
        reported.clear();
        settleAll();
      },
    };
  },
};
