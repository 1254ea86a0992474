/** Deleting an operation stops it: what has not been granted is not granted any more (design.md §4, Writes; reliability.md S22). */
import type { Law } from "../law.ts";

export const noGrantAfterDeletion: Law = {
  law: "NoGrantAfterDeletion",
  says: "After a NodeOp's deletion no grant is sent and no node is claimed.",
  monitor: ({ ledger, options, report, seconds }) => ({
    Granted: ({ pod, commit }) => {
      const operation = ledger.operations.get(pod.operation);
      const deleting = operation?.deleting;
      if (deleting !== undefined && commit.sentAt > deleting.at + options.lagMillis)
        report(
          `a reboot was granted to Pod ${pod.name} at ${seconds(commit.sentAt)}, although NodeOp ${operation?.key} had been deleted at ${seconds(deleting.at)}`,
        );
    },
    // Claims carry the resourceVersion of the object that the deletion changed: here no lag is an excuse.
    Claimed: ({ operation, claims, commit }) => {
      const deleting = operation.deleting;
      if (deleting !== undefined && deleting.rv !== commit.rv)
        report(
          `NodeOp ${operation.key} claimed ${claims.map(({ node }) => node).join(", ")} after its deletion at ${seconds(deleting.at)}`,
        );
    },
  }),
};
