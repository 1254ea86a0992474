/**
 * Targets that are not Ready when it is their turn: they hold no slot, everybody passes them, workers too, and they start
 * as soon as they are Ready and a slot is free, control planes before all others. After `deadlines.readySeconds` they have
 * failed, or are left out with `unreadyNodes: Skip`. So none of them keeps an operation open for ever. Pure and total.
 */
import type { NodeStatus } from "../api/status.ts";
import { kubeTime } from "../kube/object.ts";
import { entryFor, NO_ENTRIES } from "./census.ts";
import { readyDeadline } from "./deadline.ts";
import type { Note } from "./decision.ts";
import { neverReady } from "./entry.ts";
import { isLive, type Evidence, type Observed } from "./observed.ts";
import { NOT_READY } from "./reason.ts";
import { startObstacle } from "./targets.ts";

/** Since when targets have been kept from starting by not being Ready, by node name: `status.notReadySince`. */
export type Clocks = Readonly<Record<string, string>>;

export const NO_CLOCKS: Clocks = {};

const storedClocks = ({ operation }: Observed): Clocks =>
  operation.status.notReadySince ?? NO_CLOCKS;

/** Names of the targets whose stored clock still runs: not started, there, free, and not Ready. */
const stillUnready = (observed: Observed): ReadonlyArray<string> => {
  const names = Object.keys(storedClocks(observed));
  if (names.length === 0) return names;
  const targets = new Set(observed.targets);
  const entries = observed.operation.status.nodeStatuses ?? NO_ENTRIES;
  return names.filter(
    (name) =>
      targets.has(name) &&
      entryFor(entries, name) === undefined &&
      startObstacle(observed, name)?.reason === NOT_READY,
  );
};

const overdue = (observed: Observed): ReadonlyArray<string> => {
  const { operation, now } = observed;
  const clocks = storedClocks(observed);
  return stillUnready(observed).filter((name) => {
    const deadline = readyDeadline(clocks[name]!, operation.spec.deadlines);
    return deadline !== undefined && now >= deadline;
  });
};

/** A node is given up only when a live read shows it not Ready: its cache may be late, and giving up is for good. */
export const unreadyEvidence = (observed: Observed): ReadonlyArray<Evidence> =>
  overdue(observed)
    .map((node) => ({ _tag: "Node", node }) as const)
    .filter((evidence) => !isLive(observed, evidence));

/** The entries of the targets whose time is up, by node name. */
export const givenUp = (observed: Observed): ReadonlyMap<string, NodeStatus> => {
  const { now, operation, nodes } = observed;
  const { deadlines, rebootOnSuccess, unreadyNodes } = operation.spec;
  return new Map(
    overdue(observed)
      .filter((node) => isLive(observed, { _tag: "Node", node }))
      .map((name) => [
        name,
        neverReady({
          node: nodes.get(name)!,
          now,
          seconds: deadlines.readySeconds,
          skips: unreadyNodes === "Skip",
          reboots: rebootOnSuccess,
        }),
      ]),
  );
};

/** The targets that go on waiting to be Ready: since when, why as a sentence that says until when, and the first such time. */
export interface Waiting {
  readonly clocks: Clocks;
  readonly notes: ReadonlyMap<string, Note>;
  readonly wakeAt: number | undefined;
}

export const NOBODY_WAITS: Waiting = { clocks: NO_CLOCKS, notes: new Map(), wakeAt: undefined };

/**
 * Keeps the clocks that run, and starts those of `obstacles`, the targets that could not start although a slot was free.
 * A clock does not run before a node's turn: it may be back by then. One that was Ready in between starts anew.
 */
export const waitingToBeReady = (
  observed: Observed,
  resolved: ReadonlyMap<string, NodeStatus>,
  obstacles: ReadonlyMap<string, Note>,
): Waiting => {
  const before = storedClocks(observed);
  const turned = [...obstacles].flatMap(([name, { reason }]) =>
    reason === NOT_READY ? [name] : [],
  );
  const names = [...new Set([...stillUnready(observed), ...turned])].filter(
    (name) => !resolved.has(name),
  );
  if (names.length === 0) return NOBODY_WAITS;
  const now = kubeTime(observed.now);
  const clocks = Object.fromEntries(
    names.map((name) => [name, Object.hasOwn(before, name) ? before[name]! : now]),
  );
  const { deadlines } = observed.operation.spec;
  const deadlineOf = (name: string) => readyDeadline(clocks[name]!, deadlines);
  const times = names.flatMap((name) => deadlineOf(name) ?? []);
  return {
    clocks: isSameAs(before, names) ? before : clocks,
    notes: new Map(names.map((name) => [name, noteOf(observed, deadlineOf(name))])),
    wakeAt: times.length === 0 ? undefined : Math.min(...times),
  };
};

const isSameAs = (before: Clocks, names: ReadonlyArray<string>): boolean =>
  names.length === Object.keys(before).length && names.every((name) => Object.hasOwn(before, name));

const noteOf = ({ operation }: Observed, deadline: number | undefined): Note => {
  const end = operation.spec.unreadyNodes === "Skip" ? "is skipped" : "fails";
  const until = deadline === undefined ? "" : `, or ${end} at ${kubeTime(deadline)}`;
  return { reason: NOT_READY, message: `it is not Ready; it starts when it is${until}` };
};
