/** An operation cleans up after itself: no hold, no cordon outlives it but where a failed node is to stay cordoned (design.md §4). */
import { isDrainFailure } from "../../rollout/reason.ts";
import type { Law } from "../law.ts";
import type { NodeRecord, Operation } from "../ledger/records.ts";
import { limitOf } from "./concurrency.ts";

const hasFailed = (operation: Operation, node: string): boolean => {
  const claim = operation.claims.get(node);
  return claim?.released !== undefined && claim.entry.phase === "Failed";
};

const isOver = (operation: Operation | undefined): boolean =>
  operation === undefined || operation.gone !== undefined || operation.ended !== undefined;

export const noCordonLeft: Law = {
  law: "NoCordonLeft",
  says: "Nodes that we cordoned and that have not failed are never more than concurrency; at the end no hold and no cordon is left but that of a node that failed after it was drained.",
  monitor: ({ ledger, report }) => {
    const checkEnd = (node: NodeRecord): void => {
      if (node.heldBy !== undefined && isOver(ledger.operations.get(node.heldBy)))
        report(`node ${node.name} is still held by ${ledger.nameOf(node.heldBy)}, which is over`);
      if (node.cordonOf === undefined || !node.unschedulable) return;
      const operation = ledger.operations.get(node.cordonOf);
      const stays =
        operation !== undefined &&
        operation.gone === undefined &&
        hasFailed(operation, node.name) &&
        operation.object.spec?.uncordonOnFailure !== true &&
        !isDrainFailure(operation.claims.get(node.name)?.entry.reason);
      if (isOver(operation) && !stays)
        report(
          `node ${node.name} is still cordoned by ${ledger.nameOf(node.cordonOf)}, which is over`,
        );
    };
    return {
      Cordoned: ({ node }) => {
        const operation = ledger.operations.get(node.cordonOf ?? "");
        if (operation === undefined) return;
        const allowed = Math.max(limitOf(operation), operation.inFlight.size);
        if (operation.cordons.size <= allowed) return;
        const cordoned = [...operation.cordons].filter(
          (name) => ledger.nodes.get(name)?.unschedulable === true && !hasFailed(operation, name),
        );
        if (cordoned.length > allowed)
          report(
            `NodeOp ${operation.key} keeps ${cordoned.length} nodes cordoned (${cordoned.toSorted().join(", ")}), allowed are ${allowed}`,
          );
      },
      Finished: () => {
        for (const node of ledger.nodes.values()) checkEnd(node);
      },
    };
  },
};
