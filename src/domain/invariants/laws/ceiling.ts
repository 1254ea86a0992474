/** The operator's `--max-unavailable` is a ceiling over all operations, and whoever acts keeps to it (design.md §3). */
import type { Law } from "../law.ts";
import { nodesAway } from "../ledger/availability.ts";

export const ceiling: Law = {
  law: "Ceiling",
  says: "Below a ceiling no node is claimed when more nodes than that are then in flight over all operations, not Ready or cordoned.",
  monitor: ({ ledger, options, report }) => ({
    Claimed: ({ operation, claims, commit }) => {
      if (options.ceiling === Number.POSITIVE_INFINITY) return;
      const known = { sentAt: commit.sentAt, lag: options.lagMillis };
      // Of what is in flight nothing is excused: not knowing of another claim is what the book is for.
      const away = new Set(nodesAway(ledger, known));
      for (const { inFlight } of ledger.live) for (const name of inFlight) away.add(name);
      if (away.size > options.ceiling)
        report(
          `NodeOp ${operation.key} claimed ${claims.map(({ node }) => node).join(", ")}: ${away.size} nodes are in flight or unavailable (${[...away].toSorted().join(", ")}), the ceiling is ${options.ceiling}`,
        );
    },
  }),
};
