/** The status tells the truth and takes nothing back (reliability.md S17; "can be used to monitor the summary", reference page). */
import type { Law } from "../law.ts";
import { selects, wasKnown } from "../ledger/eligibility.ts";
import type { Ledger } from "../ledger/Ledger.ts";
import type { Claim, Operation } from "../ledger/records.ts";
import { isOver } from "../ledger/operations.ts";
import type { NodeStatus } from "../../api/status.ts";

const isSame = (left: NodeStatus, right: NodeStatus): boolean => {
  const [one, other] = [new Map(Object.entries(left)), new Map(Object.entries(right))];
  return one.size === other.size && [...one].every(([key, value]) => other.get(key) === value);
};

/** What a terminal entry took back; undefined when it is as final as it has to be. */
const takenBack = (
  { operation, entry: after, released }: Claim,
  before: NodeStatus,
): string | undefined => {
  if (released === undefined || before.stage !== undefined || operation.original) return undefined;
  if (!isOver(operation, after))
    return `went from terminal ${before.phase} back to stage ${after.stage}`;
  if (before.phase !== after.phase) return `went from terminal ${before.phase} to ${after.phase}`;
  if (before.phase === "Completed" && !isSame(before, after))
    return "changed after it was Completed";
  return undefined;
};

/** What an entry claims that no earlier commit bears out. */
const unproved = (ledger: Ledger, claim: Claim): string | undefined => {
  const { entry, operation } = claim;
  const job = ledger.jobs.get(claim.jobUID ?? "");
  if (entry.stage === "Rebooting" && job?.complete === undefined)
    return `is in stage Rebooting, but its Job ${ledger.nameOfJob(claim.jobUID)} is not Complete`;
  if (entry.phase === "Failed" && entry.reason === "JobFailed" && job?.failed === undefined)
    return `failed with JobFailed, but its Job ${ledger.nameOfJob(claim.jobUID)} has not failed`;
  if (isOver(operation, entry) && entry.phase !== "Completed" && entry.phase !== "Failed")
    return `is terminal in phase ${entry.phase}`;
  return undefined;
};

const notDone = (
  ledger: Ledger,
  operation: Operation,
  sentAt: number,
  lag: number,
): string | undefined => {
  for (const { node, entry } of operation.claims.values())
    if (!isOver(operation, entry) || entry.phase !== "Completed") return node;
  for (const node of ledger.nodes.values())
    if (
      node.exists &&
      !operation.claims.has(node.name) &&
      selects(operation, node.name, node.labels) &&
      wasKnown(node.labelsChanged, operation, sentAt, lag)
    )
      return node.name;
  return undefined;
};

export const truthfulStatus: Law = {
  law: "TruthfulStatus",
  says: "Terminal is absorbing, a Completed entry never changes, stages have their evidence, and phase Completed means that all targets are done.",
  monitor: ({ ledger, options, report }) => {
    const check = (claim: Claim): void => {
      const lie = unproved(ledger, claim);
      if (lie !== undefined)
        report(`the entry of node ${claim.node} in NodeOp ${claim.operation.key} ${lie}`);
    };
    return {
      Claimed: ({ claims }) => claims.forEach(check),
      EntryChanged: ({ claim, before }) => {
        const back = takenBack(claim, before);
        if (back !== undefined)
          report(`the entry of node ${claim.node} in NodeOp ${claim.operation.key} ${back}`);
        if (claim.entry.stage !== before.stage || claim.entry.phase !== before.phase) check(claim);
      },
      EntryRemoved: ({ claim }) =>
        report(`the entry of node ${claim.node} vanished from NodeOp ${claim.operation.key}`),
      PhaseChanged: ({ operation, before, takenOver, after, commit }) => {
        // The Go original is Completed as soon as all nodes are that it has started (kairos.md, defect 28).
        if (!takenOver && !operation.original && (before === "Completed" || before === "Failed"))
          report(`NodeOp ${operation.key} went from phase ${before} to ${after ?? "none"}`);
        if (after !== "Completed" || operation.original) return;
        const node = notDone(ledger, operation, commit.sentAt, options.lagMillis);
        if (node !== undefined)
          report(`NodeOp ${operation.key} is in phase Completed, but target ${node} is not done`);
      },
    };
  },
};
