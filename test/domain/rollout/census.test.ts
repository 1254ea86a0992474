/** The census of entries that are made from earlier ones is the census of the same entries counted afresh. */
import { describe, expect, it } from "@effect/vitest";
import type { NodeStatus } from "../../../src/domain/api/status.ts";
import { changedFields } from "../../../src/domain/kube/changes.ts";
import {
  censusOf,
  entryFor,
  type Entries,
  notStarted,
  withEntries,
} from "../../../src/domain/rollout/census.ts";
import { mergePatchBetween } from "../../../src/domain/kube/mergePatch.ts";
import { countsOf } from "../../../src/domain/rollout/summary.ts";
import { Chance } from "../../../src/services/simulation/Chance.ts";

const running = (message: string): NodeStatus => ({
  phase: "Running",
  stage: "Upgrading",
  message,
});
const done: NodeStatus = { phase: "Completed" };
const skipped: NodeStatus = { phase: "Completed", reason: "Skipped" };
const failing: NodeStatus = { phase: "Failed", stage: "Cancelling", reason: "JobFailed" };
const failed: NodeStatus = { phase: "Failed", reason: "JobFailed" };
const deleted: NodeStatus = { phase: "Failed", reason: "OperationDeleted" };

// Names that are numbers come first in an object, whenever they were added.
const TARGETS = ["node-a", "12", "node-b", "node-c", "7", "node-d", "node-e", "node-f"];

/** The same entries as an object that nobody has seen. */
const unknown = (entries: Entries): Entries => structuredClone(entries);

const pick = <A>(chance: Chance, from: ReadonlyArray<A>): A =>
  from[chance.between(0, from.length - 1)]!;

const expectAsCounted = (entries: Entries): void => {
  expect(censusOf(entries)).toEqual(censusOf(unknown(entries)));
  expect(notStarted(entries, TARGETS)).toEqual(notStarted(unknown(entries), TARGETS));
  expect(countsOf(entries, TARGETS)).toEqual(countsOf(unknown(entries), TARGETS));
};

describe("a census", () => {
  it.each([...Array(200).keys()])("derived is a census counted (history %i)", (seed) => {
    const chance = new Chance(seed);
    // Some histories have no failure and no number for a name: there nothing is ever counted again.
    const ends = seed % 2 === 0 ? [done, skipped] : [done, skipped, failing, failed, deleted];
    const names = seed % 2 === 0 ? TARGETS.filter((name) => name.startsWith("node")) : TARGETS;
    let entries: Entries = {};
    censusOf(entries);
    notStarted(entries, TARGETS);
    for (let step = 0; step < 30; step++) {
      const changes = new Map<string, NodeStatus>();
      for (let count = chance.between(0, 3); count > 0; count--) {
        const name = pick(chance, names);
        const isNew = entries[name] === undefined && !changes.has(name);
        changes.set(name, isNew ? running("new") : pick(chance, [...ends, running(`${step}`)]));
      }
      entries = withEntries(entries, changes);
      expectAsCounted(entries);
    }
  });

  it.each([...Array(50).keys()])("follows what an API server stored (history %i)", (seed) => {
    const chance = new Chance(seed);
    let entries: Entries = {};
    for (let step = 0; step < 20; step++) {
      censusOf(entries);
      notStarted(entries, TARGETS);
      // An object of another order is as good as any.
      const listed = Object.entries(entries);
      const next: Record<string, NodeStatus> = Object.fromEntries(
        chance.next() < 0.2 ? listed.toReversed() : listed,
      );
      const name = pick(chance, TARGETS);
      if (chance.next() < 0.2) Reflect.deleteProperty(next, name);
      else next[name] = pick(chance, [running(`${step}`), done, failed]);
      changedFields(entries, next);
      expectAsCounted(next);
      entries = next;
    }
  });

  it("keeps the list of nodes in flight, as one array, while none comes or leaves", () => {
    const before = withEntries({}, new Map([["node-a", running("1")]]));
    const { inFlight } = censusOf(before);
    const after = withEntries(before, new Map([["node-a", running("2")]]));
    expect(censusOf(after).inFlight).toBe(inFlight);
  });
});

describe("a node that is called as what every object inherits", () => {
  const entries = { a: running("works") };

  it("has no entry until it has one of its own", () => {
    expect(entryFor(entries, "constructor")).toBeUndefined();
    expect(notStarted(entries, ["a", "constructor"])).toEqual(["constructor"]);
    const claimed = withEntries(entries, new Map([["constructor", entries.a]]));
    expect(entryFor(claimed, "constructor")).toBe(entries.a);
    expect(censusOf(claimed)).toMatchObject({ started: 2, inFlight: ["a", "constructor"] });
    expect(notStarted(claimed, ["a", "constructor"])).toEqual([]);
  });
  it("is removed by a merge patch when it has gone", () => {
    expect(mergePatchBetween({ constructor: 1 }, {})).toEqual({ constructor: null });
    expect(mergePatchBetween({}, { constructor: 1 })).toEqual({ constructor: 1 });
  });
});
