/** The laws over random upgrades: whatever the cluster, the operation and the faults, none is broken, and the end is the one that the faults explain. */
import { describe, expect, it } from "@effect/vitest";
import type { Commit } from "../../../src/domain/history.ts";
import { NODE_EVENTS, OPERATOR_FAULTS } from "../../../src/programs/simulate/fault.ts";
import { simulate, marksLeft, objectsLeft } from "../../support/simulations.ts";
import { expectationsOf, mayStayDown } from "./expectations.ts";
import {
  CONDITIONS,
  cordonedByPerson,
  faultsOf,
  hasShop,
  MARKS,
  marksOf,
  operationsIn,
  optionsOf,
  Scenario,
} from "./scenarios.ts";

/** How many of the runs were of each kind: a property over trivial inputs proves nothing. */
const seen = new Map<string, number>();
const count = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1);

/** The operator made a Pod of the workload leave. */
const isEviction = ({ actor, resource, name, before, after }: Commit): boolean =>
  actor === "operator" &&
  resource.kind === "Pod" &&
  name.startsWith("shop") &&
  before?.metadata.deletionTimestamp === undefined &&
  after?.metadata.deletionTimestamp !== undefined;

const isPersons = (scenario: Scenario, mark: string): boolean =>
  cordonedByPerson(scenario).some((node) => mark === `${node} is cordoned`) ||
  faultsOf(scenario).some(
    (fault) => "kind" in fault && fault.kind === "cordoned" && mark === `${fault.node} is cordoned`,
  );

describe("for every cluster, operation and combination of faults", () => {
  it.prop(
    "no law is broken, and the operation ends as the faults explain",
    { scenario: Scenario },
    ({ scenario }) => {
      const options = optionsOf(scenario);
      const simulation = simulate(options);
      const { result, history } = simulation;
      expect(result.violations).toEqual([]);
      expect(expectationsOf(scenario, simulation)).toEqual([]);
      if (result.phase === "Completed" || result.phase === "Deleted")
        expect(marksLeft(history).filter((mark) => !isPersons(scenario, mark))).toEqual([]);
      if (result.phase === "Deleted" && !mayStayDown(scenario))
        expect(objectsLeft(history).filter((what) => !what.includes(" shop"))).toEqual([]);
      count(result.phase);
      count(scenario.kind);
      if (operationsIn(scenario).length > 1) count("two operations");
      if (options.latencies !== undefined) count("latency");
      if (hasShop(scenario)) count("a workload");
      if (history.some(isEviction)) count("evictions");
      if (options.operatorNode !== undefined) count("the operator's node");
      if (result.open === true) count("open");
      for (const mark of marksOf(scenario).values()) count(mark);
      if (result.nodes.length >= 3) count("three targets or more");
      if (result.peakInFlight >= 2) count("two in flight or more");
      for (const fault of options.faults ?? [])
        if (!simulation.missed.includes(fault)) count("kind" in fault ? fault.kind : fault._tag);
    },
    { arbitrary: { runs: 150, size: 40, seed: "laws", maxShrinks: 60 }, timeout: 120_000 },
  );

  it.prop(
    "the same options give the same history, byte for byte",
    { scenario: Scenario },
    ({ scenario }) => {
      const [one, other] = [simulate(optionsOf(scenario)), simulate(optionsOf(scenario))];
      expect(other.result).toEqual(one.result);
      expect(JSON.stringify(other.history)).toBe(JSON.stringify(one.history));
      expect(JSON.stringify(other.lines)).toBe(JSON.stringify(one.lines));
    },
    { arbitrary: { runs: 12, size: 40, seed: "again", maxShrinks: 20 }, timeout: 120_000 },
  );

  it("the runs of the first property were not the trivial ones", () => {
    const kinds = [...CONDITIONS, ...NODE_EVENTS, ...OPERATOR_FAULTS, "SlowReboot", ...MARKS];
    expect(kinds.filter((kind) => (seen.get(kind) ?? 0) < 2)).toEqual([]);
    const least = { Completed: 30, Failed: 20, Deleted: 5, NodeOp: 50, NodeOpUpgrade: 50 };
    expect(Object.entries(least).filter(([what, times]) => (seen.get(what) ?? 0) <= times)).toEqual(
      [],
    );
    for (const what of ["a workload", "the operator's node"])
      expect(seen.get(what)).toBeGreaterThan(10);
    for (const what of ["evictions", "open"]) expect(seen.get(what)).toBeGreaterThan(5);
    for (const what of ["two operations", "latency"]) expect(seen.get(what)).toBeGreaterThan(30);
    expect(seen.get("three targets or more")).toBeGreaterThan(50);
    expect(seen.get("two in flight or more")).toBeGreaterThan(50);
  });
});
