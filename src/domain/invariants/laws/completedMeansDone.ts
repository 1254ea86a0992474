/** Completed is a promise about the world, not about the status (reliability.md S17; kairos.md defects R2 and R5). */
import type { Law } from "../law.ts";
import type { Ledger } from "../ledger/Ledger.ts";
import { selects, wasKnown } from "../ledger/eligibility.ts";
import { installedVersion } from "../ledger/proof.ts";
import type { Claim, Operation } from "../ledger/records.ts";

const wasSkipped = (claim: Claim): boolean =>
  claim.entry.phase === "Completed" && claim.entry.reason === "Skipped";

const bootOf = (ledger: Ledger, node: string): string => {
  const boot = ledger.hosts.get(node)?.boot;
  return boot === undefined ? "never rebooted" : `runs ${boot.version} (${boot.bootState})`;
};

/** What is missing on a node that was released as Completed; undefined when it is done in fact. */
const missing = (ledger: Ledger, claim: Claim): string | undefined => {
  const job = ledger.jobs.get(claim.jobUID ?? "");
  if (job?.complete === undefined)
    return `its Job ${ledger.nameOfJob(claim.jobUID)} is not Complete`;
  if (claim.operation.object.spec?.rebootOnSuccess === true && claim.proof === undefined)
    return `no boot into ${installedVersion(ledger, claim) ?? "the new version"} with the Node Ready followed its script: the host ${bootOf(ledger, claim.node)}`;
  const node = ledger.nodes.get(claim.node);
  if (node?.exists !== true || node.uid !== claim.nodeUID) return undefined;
  if (node.heldBy === claim.operation.uid) return "it is still held";
  return node.unschedulable && node.cordonOf === claim.operation.uid
    ? "it is still cordoned by us"
    : undefined;
};

/** A node that matches and that the operation has not finished; one that joined just now could not be known. */
const unfinished = (
  ledger: Ledger,
  operation: Operation,
  sentAt: number,
  lag: number,
): string | undefined => {
  for (const node of ledger.nodes.values()) {
    const claim = operation.claims.get(node.name);
    if (claim?.released !== undefined && claim.entry.phase === "Completed") continue;
    if (claim === undefined && !(node.exists && selects(operation, node.name, node.labels)))
      continue;
    if (claim !== undefined || wasKnown(node.labelsChanged, operation, sentAt, lag))
      return node.name;
  }
  return undefined;
};

export const completedMeansDone: Law = {
  law: "CompletedMeansDone",
  says: "Completed means done in fact: Job Complete, rebooted into the installed active system, Node Ready, uncordoned; for an operation, on every target.",
  monitor: ({ ledger, options, report }) => ({
    Released: ({ claim }) => {
      // What the Go original calls done is not our promise.
      if (claim.entry.phase !== "Completed" || wasSkipped(claim) || claim.operation.original)
        return;
      const what = missing(ledger, claim);
      if (what !== undefined)
        report(`NodeOp ${claim.operation.key} completed node ${claim.node}, but ${what}`);
    },
    Completed: ({ operation, commit }) => {
      const node = unfinished(ledger, operation, commit.sentAt, options.lagMillis);
      if (node !== undefined)
        report(`NodeOp ${operation.key} is Completed, but target ${node} is not`);
    },
  }),
};
