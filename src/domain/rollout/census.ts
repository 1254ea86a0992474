/** What the entries of an operation amount to, counted once per state of them. */
import type { NodeStatus } from "../api/status.ts";
import { isInFlight } from "./entry.ts";
import { SKIPPED, tripsStopOnFailure } from "./reason.ts";

/** `status.nodeStatuses`: immutable, a new object for every new state. */
export type Entries = Readonly<Record<string, NodeStatus>>;

export const NO_ENTRIES: Entries = {};

/** The entries with some replaced or added; the very ones given when there is nothing to change. */
export const withEntries = (
  entries: Entries,
  ...changes: ReadonlyArray<ReadonlyMap<string, NodeStatus>>
): Entries => {
  if (changes.every((change) => change.size === 0)) return entries;
  const copy: Record<string, NodeStatus> = {};
  // A loop: spreading an object of a thousand fields costs ten times as much.
  for (const name of Object.keys(entries)) copy[name] = entries[name]!;
  for (const change of changes) for (const [name, entry] of change) copy[name] = entry;
  return copy;
};

export interface Census {
  readonly started: number;
  /** The nodes that hold a slot, from their claim to their release. */
  readonly inFlight: ReadonlyArray<string>;
  readonly done: number;
  readonly skipped: number;
  readonly failed: number;
  /** The first node whose failure stops a `stopOnFailure` operation, those on their way out included. */
  readonly firstFailure: string | undefined;
  /** Whether any node is in phase Failed, in flight or not. */
  readonly hasFailed: boolean;
}

const known = new WeakMap<Entries, Census>();

/** The census of these entries. Remembered by identity: a pass over an operation in which nothing moved costs nothing. */
export const censusOf = (entries: Entries): Census => {
  const before = known.get(entries);
  if (before !== undefined) return before;
  const census = count(entries);
  known.set(entries, census);
  return census;
};

const count = (entries: Entries): Census => {
  const inFlight: Array<string> = [];
  let [started, done, skipped, failed] = [0, 0, 0, 0];
  let firstFailure: string | undefined;
  let hasFailed = false;
  for (const name of Object.keys(entries)) {
    const entry = entries[name]!;
    started++;
    if (entry.phase === "Failed") hasFailed = true;
    if (firstFailure === undefined && tripsStopOnFailure(entry)) firstFailure = name;
    if (isInFlight(entry)) {
      inFlight.push(name);
      continue;
    }
    if (entry.phase === "Completed") done++;
    else failed++;
    if (entry.reason === SKIPPED) skipped++;
  }
  return { started, inFlight, done, skipped, failed, firstFailure, hasFailed };
};
