/** What the faults of a scenario explain: which nodes must get through, which cannot, and how the operation ends. */
import { Result } from "effect";
import { decodeNodeOp } from "../../../src/domain/api/decode.ts";
import { isEnded } from "../../../src/domain/rollout/summary.ts";
import type { Fault } from "../../../src/programs/simulate/fault.ts";
import type { Simulation } from "../../../src/programs/simulate/result.ts";
import {
  faultsOf,
  hasShop,
  marksOf,
  operationsIn,
  type OperationDraft,
  type Scenario,
} from "./scenarios.ts";

/** `through`: it must be Completed if it starts. `fails`: it must be Failed if it starts. `either`: it depends on the moment. */
type Fate = "through" | "fails" | "either";

/** A reboot that takes longer than the default deadline of an hour. */
const REBOOT_DEADLINE_MILLIS = 3_600_000;
/** A preflight's Pod has two minutes from its start, which most of the time is right away. */
const PREFLIGHT_PATIENCE_MILLIS = 115_000;
/** Losing its power once costs a Job one try at most: it has at least two more. */
const POWER_LOSSES_MAX = 2;

/** What one fault does to its node when it is the only one. */
const fateBy = (operation: OperationDraft, fault: Fault): Fate => {
  const ifReboots = (fate: Fate): Fate => (operation.reboots ? fate : "through");
  switch (fault._tag) {
    case "SlowReboot":
      return ifReboots(fault.millis > REBOOT_DEADLINE_MILLIS ? "fails" : "through");
    case "Event":
      return fault.kind === "job-deleted" || fault.kind === "node-deleted" ? "either" : "through";
    case "Condition":
      switch (fault.kind) {
        case "preflight-skips":
          return "through";
        case "preflight-fails":
          return operation.preflight ? "fails" : "through";
        case "not-ready":
          return operation.skipsUnready ? "either" : "fails";
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

/**
 * The longest that the node may be down before its turn is over: each loss of power, and the reboot of another operation
 * that claimed it at the same time. An own reboot is not counted.
 */
const downMillis = (scenario: Scenario, operation: OperationDraft, node: string): number => {
  const own = faultsAt(scenario, node);
  const boot = Math.max(
    scenario.rebootMillis * 1.25,
    ...own.flatMap((fault) => (fault._tag === "SlowReboot" ? [fault.millis] : [])),
  );
  const losses = own.filter((fault) => "kind" in fault && fault.kind === "power-loss");
  const others = operationsIn(scenario).filter(
    ({ name, reboots, targets }) => name !== operation.name && reboots && targets.includes(node),
  );
  return boot * (losses.length + others.length);
};

/** A shorter time makes no deadline pass: that of a preflight Pod, or half of the reboot's. */
const patienceMillis = ({ preflight }: OperationDraft): number =>
  preflight ? PREFLIGHT_PATIENCE_MILLIS : REBOOT_DEADLINE_MILLIS / 2;

const faultsAt = (scenario: Scenario, node: string): ReadonlyArray<Fault> =>
  faultsOf(scenario).filter((fault) => "node" in fault && fault.node === node);

const fateIn = (scenario: Scenario, operation: OperationDraft, node: string): Fate => {
  const own = faultsAt(scenario, node);
  const fates = own.map((fault) => fateBy(operation, fault));
  const losses = own.filter((fault) => fault._tag === "Event" && fault.kind === "power-loss");
  const isSkipped = own.some(
    (fault) => fault._tag === "Condition" && fault.kind === "preflight-skips",
  );
  const conditions = own.filter(({ _tag }) => _tag === "Condition" || _tag === "SlowReboot");
  if (losses.length > POWER_LOSSES_MAX) return "either";
  if (downMillis(scenario, operation, node) > patienceMillis(operation)) return "either";
  if (fates.every((fate) => fate === "through") && conditions.length <= 1) return "through";
  // A skipped node is not touched, two conditions may hide each other, and a machine may be down for another reason.
  return own.length === 1 && !isSkipped ? fates[0]! : "either";
};

/** An operation may find a node as another one left it: where they differ, either may be. */
const fateOf = (scenario: Scenario, operation: OperationDraft, node: string): Fate => {
  // A budget may block a drain for longer than it has, and whoever waits for it takes the time of others.
  if (hasShop(scenario)) return "either";
  const fate = fateIn(scenario, operation, node);
  const others = operationsIn(scenario).filter(({ targets }) => targets.includes(node));
  return others.every((other) => fateIn(scenario, other, node) === fate) ? fate : "either";
};

const isWrong = (phase: string, name: string, fate: Fate): ReadonlyArray<string> => {
  if (fate === "either") return [];
  const expected = fate === "through" ? "Completed" : "Failed";
  return phase === expected ? [] : [`${name} is ${phase}, not ${expected}`];
};

const deletionsIn = (faults: ReadonlyArray<Fault>): number =>
  faults.filter(({ _tag }) => _tag === "OperationDeleted").length;

export const isDeleted = (scenario: Scenario, { missed }: Simulation): boolean =>
  deletionsIn(faultsOf(scenario)) > deletionsIn(missed);

/** How an operation's NodeOp was last stored; undefined when it is gone. */
const storedAs = ({ history }: Simulation, { name }: OperationDraft) => {
  const last = history.findLast(
    (commit) =>
      commit.resource.kind === "NodeOp" && (commit.name === "second") === (name === "second"),
  )?.after;
  return last === undefined ? undefined : Result.getOrThrow(decodeNodeOp(last));
};

/** How the operation must have ended, from how its nodes did. */
const phaseBy = (
  { targets, stopOnFailure, includeNewNodes }: OperationDraft,
  phases: ReadonlyMap<string, string>,
): string => {
  // Nothing to do is not a success: it waits for a node that matches.
  if (targets.length === 0) return "Running";
  const ends = targets.map((name) => phases.get(name));
  // It ends for a failure only.
  if (includeNewNodes) return ends.includes("Failed") && stopOnFailure ? "Failed" : "Running";
  if (ends.every((phase) => phase === "Completed")) return "Completed";
  const isOver = ends.every((phase) => phase === "Completed" || phase === "Failed");
  return isOver || (ends.includes("Failed") && stopOnFailure) ? "Failed" : "Running";
};

/** Whether a node may stay down, or held, for good without ever having been started. */
const mayBeLost = (scenario: Scenario, node: string): boolean => {
  const has = (kind: string) =>
    faultsAt(scenario, node).some((fault) => "kind" in fault && fault.kind === kind);
  const goesDown = has("power-loss") || operationsIn(scenario).length > 1;
  return (
    (has("never-returns") && goesDown) ||
    marksOf(scenario).get(node)?.endsWith("second operation") === true
  );
};

/** Whether a control plane may wait for good for others that are away: one that failed stays cordoned, one may never return. */
const mayBeHeldBack = (scenario: Scenario, node: string): boolean =>
  scenario.controlPlanesMax > 0 &&
  node.startsWith("cp-") &&
  faultsOf(scenario).length + marksOf(scenario).size > 0;

/** Whether the dry run before the first claim may have met the node whose Pods are refused: then nothing is claimed. */
const mayBeRefused = (scenario: Scenario, { targets }: OperationDraft): boolean =>
  targets.some((node) =>
    faultsAt(scenario, node).some((fault) => "kind" in fault && fault.kind === "pods-refused"),
  );

/** Whether a machine may be down to the end: Pods that are being deleted wait for its kubelet. */
export const mayStayDown = (scenario: Scenario): boolean =>
  faultsOf(scenario).some(
    (fault) =>
      fault._tag === "SlowReboot" || (fault._tag === "Condition" && fault.kind === "never-returns"),
  );

const isGone = (scenario: Scenario, { history }: Simulation, node: string): boolean =>
  faultsAt(scenario, node).some((fault) => "kind" in fault && fault.kind === "node-deleted") &&
  history.findLast(({ resource, name }) => resource.kind === "Node" && name === node)?.after ===
    undefined;

const expectationsOfOne = (
  scenario: Scenario,
  simulation: Simulation,
  operation: OperationDraft,
): ReadonlyArray<string> => {
  const stored = storedAs(simulation, operation);
  if (stored === undefined) return ["gone, and nobody deleted it"];
  const { stopOnFailure } = operation;
  const phases = new Map(
    Object.entries(stored.status?.nodeStatuses ?? {}).map(([node, { phase }]) => [node, phase]),
  );
  // A node that was deleted before its turn is none of the targets any more.
  const targets = operation.targets.filter(
    (name) => phases.has(name) || !isGone(scenario, simulation, name),
  );
  const phase = isEnded(stored.status) ? stored.status?.phase : "Running";
  const expected = phaseBy({ ...operation, targets }, phases);
  const hasFailed = [...phases.values()].includes("Failed");
  const strays = [...phases.keys()].filter((name) => !targets.includes(name));
  return [
    ...strays.map((name) => `${name} is none of its targets`),
    ...(phase === expected ? [] : [`${phase}, not ${expected}`]),
    ...[...phases].flatMap(([node, is]) => isWrong(is, node, fateOf(scenario, operation, node))),
    ...targets
      .filter((name) => !phases.has(name))
      .filter((name) => !(hasFailed && stopOnFailure) && !mayBeLost(scenario, name))
      .filter((name) => !mayBeHeldBack(scenario, name))
      .filter(() => !(phases.size === 0 && mayBeRefused(scenario, operation)))
      .map((name) => `${name} was never started`),
  ];
};

/** Everything in which the end of the simulation is not what the scenario explains. */
export const expectationsOf = (
  scenario: Scenario,
  simulation: Simulation,
): ReadonlyArray<string> => {
  const { phase } = simulation.result;
  if (isDeleted(scenario, simulation)) return phase === "Deleted" ? [] : [`${phase}, not Deleted`];
  return operationsIn(scenario).flatMap((operation) =>
    expectationsOfOne(scenario, simulation, operation).map((what) => `${operation.name}: ${what}`),
  );
};
