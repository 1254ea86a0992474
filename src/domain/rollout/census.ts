/** What the entries of an operation amount to, counted once per state of them. */
import type { NodeStatus } from "../api/status.ts";
import { type Change, changeTo, isIndex, noteChange } from "../kube/changes.ts";
import { isInFlight } from "./entry.ts";
import { SKIPPED, tripsStopOnFailure } from "./reason.ts";

/** `status.nodeStatuses`: immutable, a new object for every new state. */
export type Entries = Readonly<Record<string, NodeStatus>>;

export const NO_ENTRIES: Entries = {};

/** The entry of this node, if it has one: a node may be called `constructor`, as what every object inherits is. */
export const entryFor = (entries: Entries, name: string): NodeStatus | undefined =>
  Object.hasOwn(entries, name) ? entries[name] : undefined;

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
  const names = changes.flatMap((change) => [...change.keys()]);
  noteChange({ before: entries, after: copy, names, isExtension: !names.some(isIndex) });
  return copy;
};

/** What the entries of an operation come to, by numbers of nodes. */
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
  /** Whether any node in flight has no stage: the Go original left it so. */
  readonly hasUnstaged: boolean;
}

/** What was counted, by the entries, which stand in the value once more under their type. */
const known = new WeakMap<object, { readonly entries: Entries; readonly census: Census }>();

/**
 * The census of these entries. Remembered by identity: a pass over an operation in which nothing moved costs nothing, and
 * one in which a few nodes moved costs those.
 */
export const censusOf = (entries: Entries): Census => {
  const before = known.get(entries);
  if (before !== undefined) return before.census;
  const census = derive(entries, changeTo(entries)) ?? count(entries);
  known.set(entries, { entries, census });
  return census;
};

/** The census from that of the version before; undefined where only counting tells: failures, removals, odd orders. */
const derive = (entries: Entries, change: Change | undefined): Census | undefined => {
  const base = change === undefined ? undefined : known.get(change.before);
  if (base === undefined || change?.isExtension !== true || base.census.hasUnstaged)
    return undefined;
  const left = new Set<string>();
  const entered: Array<string> = [];
  let { started, done, skipped } = base.census;
  for (const name of change.names) {
    const was = entryFor(base.entries, name);
    const is = entryFor(entries, name);
    if (is === undefined || is.phase === "Failed" || was?.phase === "Failed") return undefined;
    if (is.stage === undefined && isInFlight(is)) return undefined;
    const [wasInFlight, inFlightNow] = [was !== undefined && isInFlight(was), isInFlight(is)];
    if (was === undefined) {
      if (!inFlightNow) return undefined;
      started++;
      entered.push(name);
    } else if (wasInFlight && !inFlightNow) {
      if (is.phase !== "Completed") return undefined;
      left.add(name);
      done++;
      if (is.reason === SKIPPED) skipped++;
    } else if (!wasInFlight) return undefined;
  }
  const inFlight =
    left.size + entered.length === 0
      ? base.census.inFlight
      : [...base.census.inFlight.filter((name) => !left.has(name)), ...entered];
  return { ...base.census, started, inFlight, done, skipped };
};

const count = (entries: Entries): Census => {
  const inFlight: Array<string> = [];
  let [started, done, skipped, failed] = [0, 0, 0, 0];
  let firstFailure: string | undefined;
  let hasFailed = false;
  let hasUnstaged = false;
  for (const name of Object.keys(entries)) {
    const entry = entries[name]!;
    started++;
    if (entry.phase === "Failed") hasFailed = true;
    if (firstFailure === undefined && tripsStopOnFailure(entry)) firstFailure = name;
    if (isInFlight(entry)) {
      inFlight.push(name);
      if (entry.stage === undefined) hasUnstaged = true;
      continue;
    }
    if (entry.phase === "Completed") done++;
    else failed++;
    if (entry.reason === SKIPPED) skipped++;
  }
  return { started, inFlight, done, skipped, failed, firstFailure, hasFailed, hasUnstaged };
};

/** Whether every node that was started has ended: all that can be said where the targets are not known. */
export const hasFinishedAll = (entries: Entries): boolean => {
  const census = censusOf(entries);
  return census.started > 0 && census.inFlight.length === 0;
};

interface Remaining {
  readonly targets: ReadonlyArray<string>;
  readonly names: ReadonlyArray<string>;
}

const remaining = new WeakMap<object, Remaining>();

/** The targets that have no entry, in their order. Remembered and derived in the same way. */
export const notStarted = (
  entries: Entries,
  targets: ReadonlyArray<string>,
): ReadonlyArray<string> => {
  const before = remaining.get(entries);
  if (before?.targets === targets) return before.names;
  const names = withoutStarted(entries, targets);
  remaining.set(entries, { targets, names });
  return names;
};

const withoutStarted = (
  entries: Entries,
  targets: ReadonlyArray<string>,
): ReadonlyArray<string> => {
  const change = changeTo(entries);
  const earlier = change === undefined ? undefined : remaining.get(change.before);
  const isLeft = (name: string) => entryFor(entries, name) === undefined;
  // Entries only come; where one has gone its node may be a target that can start again.
  if (change === undefined || earlier?.targets !== targets || change.names.some(isLeft))
    return targets.filter(isLeft);
  const hasNew = censusOf(entries).started !== started(change.before);
  return hasNew ? earlier.names.filter(isLeft) : earlier.names;
};

/** How many entries an earlier version had, if it was counted. */
const started = (entries: object): number | undefined => known.get(entries)?.census.started;
