/** Who starts next: targets in order, as many as slots are free, unless the operation stops or ends. Pure and total. */
import type { NodeStatus } from "../api/status.ts";
import { ceilingObstacle } from "../ceiling/occupancy.ts";
import { censusOf, NO_ENTRIES, notStarted, type Entries } from "./census.ts";
import type { Note } from "./decision.ts";
import { claim, isInFlight } from "./entry.ts";
import type { Observed } from "./observed.ts";
import { controlPlaneObstacle } from "./quorum.ts";
import { tripsStopOnFailure } from "./reason.ts";
import { startObstacle } from "./targets.ts";
import { givenUp, NO_CLOCKS, waitingToBeReady, type Clocks } from "./unready.ts";

/** What `admit` answers. */
export interface Admission {
  /** The claims of this pass, by node name. */
  readonly claims: ReadonlyMap<string, NodeStatus>;
  /** Targets that could not start although a slot was free, and why. */
  readonly obstacles: ReadonlyMap<string, Note>;
  /** Why every other target that has not started does not start. */
  readonly waiting: Note;
  /** The entries of targets that are given up because they were not Ready in time, by node name. */
  readonly givenUp: ReadonlyMap<string, NodeStatus>;
  /** Since when others have been kept from starting by not being Ready. */
  readonly notReadySince: Clocks;
  /** Look again at this time (milliseconds since the epoch): the first of them is given up. */
  readonly wakeAt: number | undefined;
}

const NOBODY: Omit<Admission, "waiting"> = {
  claims: new Map(),
  obstacles: new Map(),
  givenUp: new Map(),
  notReadySince: NO_CLOCKS,
  wakeAt: undefined,
};

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
  const resolved = isStopped(observed) ? NOBODY.givenUp : givenUp(observed);
  const failed = operation.spec.stopOnFailure
    ? firstFailure(observed, advanced, resolved)
    : undefined;
  if (failed !== undefined)
    return {
      ...NOBODY,
      givenUp: resolved,
      waiting: {
        reason: "StoppedOnFailure",
        message: `not started: ${failed} failed and stopOnFailure is set`,
      },
    };
  const admission = claimFreeSlots(observed, advanced, resolved);
  const { clocks, notes, wakeAt } = waitingToBeReady(observed, resolved, admission.obstacles);
  const obstacles =
    notes.size === 0 ? admission.obstacles : new Map([...admission.obstacles, ...notes]);
  return { ...admission, obstacles, givenUp: resolved, notReadySince: clocks, wakeAt };
};

/** Whether an earlier failure has stopped the operation: then nobody is given up either, they are just not started. */
const isStopped = (observed: Observed): boolean =>
  observed.operation.spec.stopOnFailure &&
  censusOf(storedEntries(observed)).firstFailure !== undefined;

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
  ...changes: ReadonlyArray<ReadonlyMap<string, NodeStatus>>
): string | undefined => {
  const stored = censusOf(storedEntries(observed)).firstFailure;
  if (stored !== undefined) return stored;
  for (const change of changes)
    for (const [name, entry] of change) if (tripsStopOnFailure(entry)) return name;
  return undefined;
};

const claimFreeSlots = (
  observed: Observed,
  advanced: ReadonlyMap<string, NodeStatus>,
  resolved: ReadonlyMap<string, NodeStatus>,
): Pick<Admission, "claims" | "obstacles" | "waiting"> => {
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
  const stillBusy = new Set(busy);
  const isInFlightHere = (name: string) => stillBusy.has(name) || claims.has(name);
  for (const name of free > 0 ? notStarted(entries, observed.targets) : []) {
    if (free <= 0) break;
    if (resolved.has(name)) continue;
    const obstacle =
      startObstacle(observed, name) ??
      controlPlaneObstacle(observed, name, isInFlightHere) ??
      ceilingObstacle(observed.occupancy, name, claims);
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
