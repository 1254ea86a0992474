/** Who starts next: targets in order, as many as slots are free, unless the operation stops or ends. Pure and total. */
import type { NodeStatus } from "../api/status.ts";
import { censusOf, NO_ENTRIES, notStarted, type Entries } from "./census.ts";
import type { Note } from "./decision.ts";
import { claim, isInFlight } from "./entry.ts";
import type { Observed } from "./observed.ts";
import { tripsStopOnFailure } from "./reason.ts";
import { startObstacle } from "./targets.ts";

/** What `admit` answers. */
export interface Admission {
  /** The claims of this pass, by node name. */
  readonly claims: ReadonlyMap<string, NodeStatus>;
  /** Targets that could not start although a slot was free, and why. */
  readonly obstacles: ReadonlyMap<string, Note>;
  /** Why every other target that has not started does not start. */
  readonly waiting: Note;
}

const NOBODY: Pick<Admission, "claims" | "obstacles"> = { claims: new Map(), obstacles: new Map() };

/**
 * Claims targets for the free slots. `advanced` are the entries that will be stored together with the claims, so that a
 * node that ends in this pass hands its slot on in the very same write: work is conserved.
 */
export const admit = (observed: Observed, advanced: ReadonlyMap<string, NodeStatus>): Admission => {
  const { operation } = observed;
  if (operation.metadata.deletionTimestamp !== undefined)
    return {
      ...NOBODY,
      waiting: {
        reason: "OperationDeleted",
        message: "the operation is being deleted: nothing new starts",
      },
    };
  const failed = operation.spec.stopOnFailure ? firstFailure(observed, advanced) : undefined;
  if (failed !== undefined)
    return {
      ...NOBODY,
      waiting: {
        reason: "StoppedOnFailure",
        message: `not started: ${failed} failed and stopOnFailure is set`,
      },
    };
  return claimFreeSlots(observed, advanced);
};

/** Whether a slot is free by what is stored while a target has not started: the next status write may fill it. */
export const hasVacancy = (observed: Observed): boolean => {
  const { concurrency } = observed.operation.spec;
  const { inFlight, started } = censusOf(storedEntries(observed));
  return started < observed.targets.length && (concurrency === 0 || inFlight.length < concurrency);
};

const storedEntries = ({ operation }: Observed): Entries =>
  operation.status.nodeStatuses ?? NO_ENTRIES;

const firstFailure = (
  observed: Observed,
  advanced: ReadonlyMap<string, NodeStatus>,
): string | undefined => {
  const stored = censusOf(storedEntries(observed)).firstFailure;
  if (stored !== undefined) return stored;
  for (const [name, entry] of advanced) if (tripsStopOnFailure(entry)) return name;
  return undefined;
};

const claimFreeSlots = (
  observed: Observed,
  advanced: ReadonlyMap<string, NodeStatus>,
): Admission => {
  const { operation } = observed;
  const entries = storedEntries(observed);
  const busy = censusOf(entries).inFlight.filter((name) => {
    const after = advanced.get(name);
    return after === undefined || isInFlight(after);
  });
  const { concurrency } = operation.spec;
  let free = concurrency === 0 ? Number.POSITIVE_INFINITY : concurrency - busy.length;
  const claims = new Map<string, NodeStatus>();
  const obstacles = new Map<string, Note>();
  for (const name of free > 0 ? notStarted(entries, observed.targets) : []) {
    if (free <= 0) break;
    const obstacle = startObstacle(observed, name);
    if (obstacle === undefined) {
      claims.set(name, claimOf(observed, name));
      free--;
    } else obstacles.set(name, obstacle);
  }
  const holders = claims.size === 0 ? busy : [...busy, ...claims.keys()];
  return { claims, obstacles, waiting: slotsTaken(holders, concurrency) };
};

const claimOf = ({ operation, nodes, now }: Observed, name: string): NodeStatus =>
  claim({
    node: nodes.get(name)!,
    now,
    preflight: operation.spec.preflight !== undefined,
    reboots: operation.spec.rebootOnSuccess,
  });

const slotsTaken = (busy: ReadonlyArray<string>, concurrency: number): Note => ({
  reason: "SlotsTaken",
  message:
    busy.length === 0
      ? "waits for a slot"
      : `${concurrency === 1 ? "the slot is" : `all ${concurrency} slots are`} taken: ${busy.slice(0, 3).join(", ")}${busy.length > 3 ? ` and ${busy.length - 3} more` : ""}`,
});
