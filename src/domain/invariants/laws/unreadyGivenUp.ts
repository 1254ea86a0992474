/** No silent wait: a target that is not Ready at its turn is given up after `deadlines.readySeconds` (design.md §4, Ending early). */
import type { Law } from "../law.ts";
import { busyElsewhere, selects } from "../ledger/eligibility.ts";
import type { Ledger } from "../ledger/Ledger.ts";
import type { Operation } from "../ledger/records.ts";
import { limitOf } from "./concurrency.ts";
import { mayStart } from "./workConserving.ts";

/** The deadline in milliseconds, from the end of the second that is stored; undefined: never. */
const allowedMillis = ({ object }: Operation): number | undefined => {
  const seconds = object.spec?.deadlines?.readySeconds ?? 3600;
  return seconds === 0 ? undefined : seconds * 1000 + 1000;
};

/** Targets for which a slot is free, and that nothing keeps from starting but that they are not Ready. */
const unready = (ledger: Ledger, operation: Operation): ReadonlyArray<string> => {
  if (!mayStart(operation) || operation.eligible.size > 0) return [];
  if (operation.inFlight.size >= limitOf(operation)) return [];
  const names: Array<string> = [];
  for (const node of ledger.nodes.values())
    if (
      node.exists &&
      !node.ready &&
      !operation.claims.has(node.name) &&
      selects(operation, node.name, node.labels) &&
      !busyElsewhere(ledger, operation, node)
    )
      names.push(node.name);
  return names;
};

export const unreadyGivenUp: Law = {
  law: "UnreadyGivenUp",
  says: "A target that could take a free slot but is not Ready waits no longer than readySeconds while the operator is up.",
  monitor: ({ ledger, options, operatorUpSince, report, seconds }) => {
    /** For each operation since when each of its targets has been waiting, and for how long it may. */
    const waits = new Map<Operation, Map<string, { since: number; allowed: number }>>();
    let now = 0;
    const settle = (operation: Operation): void => {
      const allowed = operatorUpSince() === undefined ? undefined : allowedMillis(operation);
      const names = allowed === undefined ? [] : unready(ledger, operation);
      if (names.length === 0) return void waits.delete(operation);
      const before = waits.get(operation);
      waits.set(
        operation,
        new Map(
          names.map((name) => {
            const known = before?.get(name);
            return [name, known?.allowed === allowed ? known! : { since: now, allowed: allowed! }];
          }),
        ),
      );
    };
    const settleAll = (): void => {
      for (const operation of ledger.live) settle(operation);
      for (const operation of waits.keys())
        if (!ledger.live.has(operation)) waits.delete(operation);
    };
    return {
      Tick: ({ at }) => {
        for (const [operation, targets] of waits)
          for (const [name, { since, allowed }] of targets) {
            if (at <= since + allowed + options.reactionMillis) continue;
            report(
              `NodeOp ${operation.key} has waited for ${name} to be Ready since ${seconds(since)}, longer than readySeconds`,
            );
            targets.delete(name);
          }
        now = at;
      },
      Committed: settleAll,
      Operator: () => {
        waits.clear();
        settleAll();
      },
    };
  },
};
