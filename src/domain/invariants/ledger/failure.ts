/** Which nodes in flight have failed in fact, whatever the status says of them: what stopOnFailure has to stop for. */
import { millisOf } from "../../kube/object.ts";
import { HELD_BY_ANOTHER } from "../../rollout/reason.ts";
import type { Ledger } from "./Ledger.ts";
import { installedVersion, runsInstalled } from "./proof.ts";
import type { Claim, Operation, PodRecord } from "./records.ts";

/** A failure that everybody could see from `at` on, in milliseconds of the cluster's clock. */
export interface Failure {
  readonly node: string;
  readonly what: string;
  readonly at: number;
}

/** How long the stage of an entry may last, in milliseconds; 0 means for ever (reference page and design.md §3, deadlines). */
const allowedMillis = ({ operation, entry }: Claim): number => {
  const {
    preflightSeconds = 600,
    drainSeconds = 3600,
    upgradeSeconds = 7200,
    rebootSeconds = 3600,
  } = operation.object.spec?.deadlines ?? {};
  const { timeoutSeconds = 0 } = operation.object.spec?.drainOptions ?? {};
  switch (entry.stage) {
    case "Claimed":
      return preflightSeconds * 1000;
    case "Preparing":
      // Whoever holds the node may take as long as it takes.
      if (entry.reason === HELD_BY_ANOTHER) return 0;
      if (entry.drainingSince === undefined) return upgradeSeconds * 1000;
      // The drain has a time of its own, and what comes after it as long as before.
      return upgradeSeconds === 0
        ? 0
        : after(shortest(drainSeconds, timeoutSeconds), upgradeSeconds);
    case "Upgrading":
      return upgradeSeconds * 1000;
    case "Rebooting":
      return rebootSeconds * 1000;
    case "Followed":
      return (entry.phase === "Completed" ? rebootSeconds : upgradeSeconds) * 1000;
    default:
      return 0;
  }
};

/** The shorter of two limits in seconds, of which 0 is none. */
const shortest = (...limits: ReadonlyArray<number>): number => {
  const set = limits.filter((seconds) => seconds > 0);
  return set.length === 0 ? 0 : Math.min(...set);
};

/** So many seconds after a limit that may be none, in milliseconds. */
const after = (limit: number, seconds: number): number =>
  limit === 0 ? 0 : (limit + seconds) * 1000;

/**
 * When the present stage's time is up, in milliseconds of the cluster's clock; undefined: never. Stored times are whole
 * seconds, so it is up to a second later than that. Where no operator was up in between (it is since `upSince`), the clock
 * that counts is the stored one: an operator that comes back may start it anew. So it is in Preparing, which begins anew
 * when another operation lets go of the node, and in Followed, which has a clock for the Job and one for the reboot.
 */
export const deadlineOf = (
  claim: Claim,
  upSince = Number.NEGATIVE_INFINITY,
): number | undefined => {
  const { stage = "", stageStartedAt, drainingSince = stageStartedAt } = claim.entry;
  const since = claim.stages.get(stage);
  const allowed = allowedMillis(claim);
  if (since === undefined || allowed === 0) return undefined;
  const mayBeAnew = stage === "Preparing" || stage === "Followed" || upSince > since.at;
  const startedAt = stage === "Preparing" ? drainingSince : stageStartedAt;
  const stored = startedAt === undefined || !mayBeAnew ? 0 : millisOf(startedAt);
  return Math.max(since.at, stored) + allowed + 1000;
};

const missedDeadline = (claim: Claim, upSince: number | undefined): Failure | undefined => {
  const at = deadlineOf(claim, upSince);
  if (at === undefined) return undefined;
  return { node: claim.node, what: `missed the deadline of stage ${claim.entry.stage}`, at };
};

const reportOf = (ledger: Ledger, { operation, node }: Claim): PodRecord | undefined =>
  [...ledger.pods.values()].find(
    (pod) =>
      pod.role === "reboot" &&
      pod.operation === operation.uid &&
      pod.node === node &&
      pod.reported !== undefined,
  );

/** A host that came back in a fallback or another version, once its agent has reported and its Node is Ready. */
const fellBack = (ledger: Ledger, claim: Claim): Failure | undefined => {
  const { node, entry } = claim;
  const boot = ledger.hosts.get(node)?.boot;
  if (entry.stage !== "Rebooting" || boot === undefined) return undefined;
  if (runsInstalled(boot, installedVersion(ledger, claim))) return undefined;
  const reported = reportOf(ledger, claim)?.reported;
  const { ready = false, readyChanged } = ledger.nodes.get(node) ?? {};
  if (reported === undefined || readyChanged === undefined || !ready) return undefined;
  return {
    node,
    what: `came back in ${boot.version} (${boot.bootState})`,
    at: Math.max(reported.at, readyChanged.at),
  };
};

/** The first node in flight of which everybody could see before `before` that it has failed; the operator is up since `upSince`. */
export const failureInFlight = (
  ledger: Ledger,
  operation: Operation,
  before: number,
  upSince?: number,
): Failure | undefined => {
  for (const node of operation.inFlight) {
    const claim = operation.claims.get(node);
    if (claim === undefined) continue;
    for (const failure of [missedDeadline(claim, upSince), fellBack(ledger, claim)])
      if (failure !== undefined && failure.at < before) return failure;
  }
  return undefined;
};
