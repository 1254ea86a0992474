/** `controlPlane.maxUnavailable` bounds how many control planes are away at once, for whatever reason (design.md §3). */
import { isControlPlane } from "../../order.ts";
import type { Law } from "../law.ts";
import { controlPlanesAway, controlPlanesMax } from "../ledger/availability.ts";

export const controlPlanesAvailable: Law = {
  law: "ControlPlanesAvailable",
  says: "No control plane is claimed when more than spec.controlPlane.maxUnavailable of them are then in flight, held, not Ready or cordoned.",
  monitor: ({ ledger, options, report }) => ({
    Claimed: ({ operation, claims, commit }) => {
      const max = controlPlanesMax(operation);
      const started = claims
        .map(({ node }) => node)
        .filter((name) => isControlPlane(ledger.nodes.get(name)?.labels ?? {}));
      if (started.length === 0 || max === Number.POSITIVE_INFINITY) return;
      const known = { sentAt: commit.sentAt, lag: options.lagMillis };
      const own = [...operation.inFlight].filter((name) =>
        isControlPlane(ledger.nodes.get(name)?.labels ?? {}),
      );
      const away = new Set([...controlPlanesAway(ledger, known), ...own]);
      if (away.size > max)
        report(
          `NodeOp ${operation.key} claimed ${started.join(", ")}: control planes ${[...away].toSorted().join(", ")} are away, controlPlane.maxUnavailable is ${max}`,
        );
    },
  }),
};
