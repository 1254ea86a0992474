/** `concurrency` is the most nodes that run the upgrade simultaneously (reference page, Spec Reference), from claim to release. */
import type { Law } from "../law.ts";
import type { Ledger } from "../ledger/Ledger.ts";
import type { Claim, HostRecord, Operation } from "../ledger/records.ts";

/** How long an agent waits for its host to go down before it asks again (design.md §4, Reboot agent 3). */
const REBOOT_RETRY_MILLIS = 5 * 60_000;

/** The operation's limit; `concurrency` 0 means all at once. */
export const limitOf = (operation: Operation): number => {
  const concurrency = operation.object.spec?.concurrency ?? 0;
  return concurrency === 0 ? Number.POSITIVE_INFINITY : concurrency;
};

/**
 * Whether a stage had lasted for its deadline when the node was released. Stored times are whole seconds, so a deadline
 * may fire up to a second early by the exact clock.
 */
export const hadTimedOut = (claim: Claim, stage: "Upgrading" | "Rebooting"): boolean => {
  const { rebootSeconds = 3600, upgradeSeconds = 7200 } =
    claim.operation.object.spec?.deadlines ?? {};
  const allowed = stage === "Rebooting" ? rebootSeconds : upgradeSeconds;
  const since = claim.stages.get(stage);
  if (since === undefined || claim.released === undefined || allowed === 0) return false;
  return claim.released.at >= since.at + (allowed - 1) * 1000;
};

/** A Pod that somebody forced out of the store may go on running where nobody can see it. */
const isUnseen = (ledger: Ledger, pod: string): boolean => {
  const actor = ledger.pods.get(pod)?.gone?.actor;
  return actor !== undefined && !/^(?:operator|kubelet|job-controller)/u.test(actor);
};

/** Whether a script of this operation runs there; what runs for another one takes a place of that one. */
const scriptCounts = (
  ledger: Ledger,
  { uid }: Operation,
  host: HostRecord,
  claim: Claim | undefined,
): boolean =>
  !(claim !== undefined && hadTimedOut(claim, "Upgrading")) &&
  [...host.scripts].some(([pod, { operation }]) => operation === uid && !isUnseen(ledger, pod));

const rebootCounts = (
  { uid }: Operation,
  host: HostRecord,
  claim: Claim | undefined,
  at: number,
): boolean =>
  host.reboot?.operation === uid &&
  !(claim !== undefined && hadTimedOut(claim, "Rebooting")) &&
  (host.down || at < host.reboot.at + REBOOT_RETRY_MILLIS);

/** Whether a node's work still takes one of the operation's places, by what its host does. */
const counts = (ledger: Ledger, operation: Operation, name: string, at: number): boolean => {
  const claim = operation.claims.get(name);
  const host = ledger.hosts.get(name);
  if (host === undefined) return false;
  const node = ledger.nodes.get(name);
  if (node === undefined || !node.exists) return false;
  if (claim?.nodeUID !== undefined && claim.nodeUID !== node.uid) return false;
  return scriptCounts(ledger, operation, host, claim) || rebootCounts(operation, host, claim, at);
};

export const concurrency: Law = {
  law: "Concurrency",
  says: "Never more than spec.concurrency nodes of an operation are in flight, by its status and by what the hosts do.",
  monitor: ({ ledger, report, seconds }) => {
    const checkWork = (operation: Operation | undefined, at: number): void => {
      if (operation === undefined) return;
      // A lowered limit does not stop what is in flight already.
      const allowed = Math.max(limitOf(operation), operation.inFlight.size);
      if (operation.working.size <= allowed) return;
      const busy = [...operation.working].filter((node) => counts(ledger, operation, node, at));
      if (busy.length > allowed)
        report(
          `NodeOp ${operation.key} allows ${allowed} at ${seconds(at)}, but scripts or reboots of it run on ${busy.toSorted().join(", ")}`,
        );
    };
    return {
      Claimed: ({ operation, claims }) => {
        const limit = limitOf(operation);
        if (operation.inFlight.size > limit)
          report(
            `NodeOp ${operation.key} claimed ${claims.map(({ node }) => node).join(", ")}: ${operation.inFlight.size} nodes in flight (${[...operation.inFlight].toSorted().join(", ")}), concurrency is ${limit}`,
          );
      },
      Released: ({ claim }) => checkWork(claim.operation, claim.released?.at ?? 0),
      ScriptStarted: ({ event }) =>
        checkWork(ledger.operations.get(ledger.jobs.get(event.job)?.operation ?? ""), event.at),
      RebootIssued: ({ operation, event }) => checkWork(operation, event.at),
    };
  },
};
