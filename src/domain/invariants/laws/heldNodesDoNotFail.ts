/** Overlapping operations: who waits for a node that another one holds has no deadline meanwhile (reliability.md F42). */
import type { Law } from "../law.ts";
import type { Ledger } from "../ledger/Ledger.ts";
import type { Claim } from "../ledger/records.ts";

/** Another live operation that holds the node of this claim. */
const holderOf = (ledger: Ledger, { operation, node }: Claim): string | undefined => {
  const uid = ledger.nodes.get(node)?.heldBy;
  if (uid === undefined || uid === operation.uid) return undefined;
  for (const other of ledger.live) if (other.uid === uid) return uid;
  return undefined;
};

export const heldNodesDoNotFail: Law = {
  law: "HeldNodesDoNotFail",
  says: "A node that an operation has never held is not failed by the deadline of its work while another operation holds it.",
  monitor: ({ ledger, report }) => {
    /** Claims whose operation has held their node. */
    const touched = new Set<Claim>();
    return {
      Held: ({ node, by }) => {
        const claim = ledger.operations.get(by)?.claims.get(node.name);
        if (claim !== undefined) touched.add(claim);
      },
      EntryChanged: ({ claim, before }) => {
        const { entry, node, operation } = claim;
        const fails = entry.phase === "Failed" && before.phase !== "Failed";
        if (!fails || entry.reason !== "UpgradeDeadlineExceeded" || touched.has(claim)) return;
        const holder = holderOf(ledger, claim);
        if (holder !== undefined)
          report(
            `NodeOp ${operation.key} failed node ${node} by its deadline, which it never held: ${ledger.nameOf(holder)} holds it`,
          );
      },
    };
  },
};
