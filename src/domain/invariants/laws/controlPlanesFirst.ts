/** Control planes start first: the page sorts its list "with master nodes first" (reference page, How Upgrade Is Performed 3). */
import type { Law } from "../law.ts";
import { mayGoAway } from "../ledger/availability.ts";
import { wasKnown } from "../ledger/eligibility.ts";
import type { Operation } from "../ledger/records.ts";
import { isControlPlane } from "../../order.ts";

export const controlPlanesFirst: Law = {
  law: "ControlPlanesFirst",
  says: "A worker is claimed only when every selected control plane that could be started is claimed.",
  monitor: ({ ledger, options, report }) => {
    // The claims of one commit count together: by now none of its nodes is eligible any more.
    const overlooked = (operation: Operation, sentAt: number): string | undefined => {
      for (const [name, { controlPlane, since }] of operation.eligible)
        if (
          controlPlane &&
          wasKnown(since, operation, sentAt, options.lagMillis) &&
          mayGoAway(ledger, operation, name, options.ceiling)
        )
          return name;
      return undefined;
    };
    return {
      Claimed: ({ operation, claims, commit }) => {
        const workers = claims.filter(
          ({ node }) => !isControlPlane(ledger.nodes.get(node)?.labels ?? {}),
        );
        if (workers.length === 0) return;
        const controlPlane = overlooked(operation, commit.sentAt);
        if (controlPlane !== undefined)
          report(
            `NodeOp ${operation.key} claimed worker ${workers[0]?.node} while control plane ${controlPlane} was Ready, free and not started`,
          );
      },
    };
  },
};
