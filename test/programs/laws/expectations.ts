/** What the faults of a scenario explain: which nodes must get through, which cannot, and how the operation ends. */
import type { Fault } from "../../../src/programs/simulate/fault.ts";
import type { SimulatedNodeResult } from "../../../src/programs/simulate/result.ts";
import type { Simulation } from "../../../src/programs/simulate/simulation.ts";
import { faultsOf, hasPreflight, rebootsIn, targetsIn, type Scenario } from "./scenarios.ts";

/** `through`: it must be Completed if it starts. `fails`: it must be Failed if it starts. `either`: it depends on the moment. */
type Fate = "through" | "fails" | "either";

/** A reboot that takes longer than the default deadline of an hour. */
const REBOOT_DEADLINE_MILLIS = 3_600_000;
/** Losing its power once costs a Job one try at most: it has at least two more. */
const POWER_LOSSES_MAX = 2;

/** What one fault does to its node when it is the only one. */
const fateBy = (scenario: Scenario, fault: Fault): Fate => {
  const ifReboots = (fate: Fate): Fate => (rebootsIn(scenario) ? fate : "through");
  switch (fault._tag) {
    case "SlowReboot":
      return ifReboots(fault.millis > REBOOT_DEADLINE_MILLIS ? "fails" : "through");
    case "Event":
      return fault.kind === "job-deleted" ? "either" : "through";
    case "Condition":
      switch (fault.kind) {
        case "preflight-skips":
          return "through";
        case "preflight-fails":
          return hasPreflight(scenario) ? "fails" : "through";
        case "never-returns":
        case "falls-back":
        case "reboot-silently-fails":
          return ifReboots("fails");
        default:
          return "fails";
      }
    default:
      return "through";
  }
};

const fateOf = (scenario: Scenario, node: string): Fate => {
  const own = faultsOf(scenario).filter((fault) => "node" in fault && fault.node === node);
  const fates = own.map((fault) => fateBy(scenario, fault));
  const losses = own.filter((fault) => fault._tag === "Event" && fault.kind === "power-loss");
  const isSkipped = own.some(
    (fault) => fault._tag === "Condition" && fault.kind === "preflight-skips",
  );
  const conditions = own.filter(({ _tag }) => _tag === "Condition" || _tag === "SlowReboot");
  if (losses.length > POWER_LOSSES_MAX) return "either";
  if (fates.every((fate) => fate === "through") && conditions.length <= 1) return "through";
  // A skipped node is not touched, two conditions may hide each other, and a machine may be down for another reason.
  return own.length === 1 && !isSkipped ? fates[0]! : "either";
};

const isWrong = ({ phase, name }: SimulatedNodeResult, fate: Fate): ReadonlyArray<string> => {
  if (phase === "NotStarted" || fate === "either") return [];
  const expected = fate === "through" ? "Completed" : "Failed";
  return phase === expected ? [] : [`${name} is ${phase}, not ${expected}`];
};

const deletionsIn = (faults: ReadonlyArray<Fault>): number =>
  faults.filter(({ _tag }) => _tag === "OperationDeleted").length;

const isDeleted = (scenario: Scenario, { missed }: Simulation): boolean =>
  deletionsIn(faultsOf(scenario)) > deletionsIn(missed);

/** How the operation must have ended, from how its nodes did. */
const phaseBy = (scenario: Scenario, nodes: ReadonlyArray<SimulatedNodeResult>): string => {
  // Nothing to do is not a success: it waits for a node that matches.
  if (nodes.length === 0) return "Running";
  if (nodes.every(({ phase }) => phase === "Completed")) return "Completed";
  const isOver = nodes.every(({ phase }) => phase === "Completed" || phase === "Failed");
  const hasFailed = nodes.some(({ phase }) => phase === "Failed");
  return isOver || (hasFailed && scenario.stopOnFailure) ? "Failed" : "Running";
};

/** Whether a node may stay down for good without ever having been started. */
const mayBeLost = (scenario: Scenario, node: string): boolean => {
  const own = faultsOf(scenario).filter((fault) => "node" in fault && fault.node === node);
  const has = (kind: string) => own.some((fault) => "kind" in fault && fault.kind === kind);
  return has("never-returns") && has("power-loss");
};

/** Everything in which the end of the simulation is not what the scenario explains. */
export const expectationsOf = (
  scenario: Scenario,
  simulation: Simulation,
): ReadonlyArray<string> => {
  const { phase, nodes } = simulation.result;
  if (isDeleted(scenario, simulation)) return phase === "Deleted" ? [] : [`${phase}, not Deleted`];
  const targets = targetsIn(scenario);
  const expected = phaseBy(scenario, nodes);
  const names = nodes.map(({ name }) => name);
  const hasFailed = nodes.some((node) => node.phase === "Failed");
  return [
    ...(names.join() === targets.join() ? [] : [`about ${names.join()}, not ${targets.join()}`]),
    ...(phase === expected ? [] : [`${phase}, not ${expected}`]),
    ...nodes.flatMap((node) => isWrong(node, fateOf(scenario, node.name))),
    ...nodes
      .filter((node) => node.phase === "NotStarted")
      .filter(({ name }) => !(hasFailed && scenario.stopOnFailure) && !mayBeLost(scenario, name))
      .map(({ name }) => `${name} was never started`),
  ];
};
