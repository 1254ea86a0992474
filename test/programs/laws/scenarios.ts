/** Random scenarios: a cluster of up to eight nodes, an operation, and up to three faults. */
import { Schema } from "effect";
import type { NewKubeObject } from "../../../src/domain/kube/object.ts";
import {
  NODE_CONDITIONS,
  NODE_EVENTS,
  OPERATOR_FAULTS,
  type Fault,
} from "../../../src/programs/simulate/fault.ts";
import type { SimulationOptions } from "../../../src/programs/simulate/options.ts";

const oneOf = <const A extends ReadonlyArray<string | number | boolean>>(...values: A) =>
  Schema.Literals(values);
// Literals, because the integers of a schema start small and grow with the run: all of a range are wanted alike.
const among = (from: number, to: number) =>
  Schema.Literals(Array.from({ length: to - from + 1 }, (_, index) => from + index));

/** A fault before its node is known: `node` counts the nodes of the cluster, round and round. */
const FaultDraft = Schema.Struct({
  target: oneOf(
    "condition",
    "condition",
    "condition",
    "event",
    "event",
    "event",
    "event",
    "slow-reboot",
    "operator",
    "operator",
    "operator",
    "operator",
    "deleted",
  ),
  node: among(0, 7),
  condition: oneOf(...NODE_CONDITIONS),
  event: oneOf(...NODE_EVENTS),
  operator: oneOf(...OPERATOR_FAULTS),
  at: among(1, 110),
  minutes: oneOf(5, 40, 90),
});

/** A cluster, an operation and what goes wrong. Bit n of `labelledOut` takes node n out of the selection. */
export const Scenario = Schema.Struct({
  kind: oneOf("NodeOpUpgrade", "NodeOp"),
  controlPlanes: among(0, 3),
  workers: among(0, 5),
  labelledOut: oneOf(0, 0, 1, 2, 4, 10, 85, 170, 255),
  selects: Schema.Boolean,
  concurrency: among(0, 5),
  stopOnFailure: Schema.Boolean,
  partitions: oneOf("active", "recovery", "both"),
  reboots: Schema.Boolean,
  cordons: Schema.Boolean,
  preflight: Schema.Boolean,
  upgradeMillis: oneOf(1_000, 30_000, 120_000, 1_200_000),
  rebootMillis: oneOf(5_000, 90_000, 600_000),
  seed: among(1, 1000),
  /** How many of the faults happen. */
  harm: oneOf(0, 1, 1, 2, 2, 3, 3),
  faults: Schema.Tuple([FaultDraft, FaultDraft, FaultDraft]),
});
export type Scenario = typeof Scenario.Type;

/** The names of the scenario's nodes, control planes first. */
const namesOf = ({ controlPlanes, workers }: Scenario): ReadonlyArray<string> => {
  const names = [
    ...Array.from({ length: controlPlanes }, (_, index) => `cp-${index + 1}`),
    ...Array.from({ length: workers }, (_, index) => `worker-${index + 1}`),
  ];
  return names.length === 0 ? ["worker-1"] : names;
};

const isLabelledOut = (scenario: Scenario, index: number): boolean =>
  Math.floor(scenario.labelledOut / 2 ** index) % 2 === 1;

/** The nodes that the operation is about. */
export const targetsIn = (scenario: Scenario): ReadonlyArray<string> =>
  namesOf(scenario).filter((_, index) => !scenario.selects || !isLabelledOut(scenario, index));

/** Whether the operation reboots its nodes, and whether it looks before it starts. */
export const rebootsIn = (scenario: Scenario): boolean =>
  scenario.kind === "NodeOp" ? scenario.reboots : scenario.partitions !== "recovery";
export const hasPreflight = (scenario: Scenario): boolean =>
  scenario.kind === "NodeOp" ? scenario.preflight : scenario.partitions === "active";

const nodesOf = (scenario: Scenario): ReadonlyArray<NewKubeObject> =>
  namesOf(scenario).map((name, index) => ({
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: {
        pool: isLabelledOut(scenario, index) ? "other" : "mine",
        ...(name.startsWith("cp") ? { "node-role.kubernetes.io/control-plane": "" } : {}),
      },
    },
  }));

const operationOf = (scenario: Scenario): NewKubeObject => ({
  apiVersion: "operator.kairos.io/v1alpha1",
  kind: scenario.kind,
  metadata: { name: "random", namespace: "default" },
  spec: {
    ...(scenario.selects ? { nodeSelector: { matchLabels: { pool: "mine" } } } : {}),
    concurrency: scenario.concurrency,
    stopOnFailure: scenario.stopOnFailure,
    ...(scenario.kind === "NodeOp"
      ? {
          command: ["/bin/true"],
          rebootOnSuccess: scenario.reboots,
          cordon: scenario.cordons,
          ...(scenario.preflight ? { preflight: { command: ["/bin/true"] } } : {}),
        }
      : {
          image: "quay.io/kairos/opensuse:leap-15.6-standard-amd64-generic-v3.4.2-k3sv1.30.11-k3s1",
          upgradeActive: scenario.partitions !== "recovery",
          upgradeRecovery: scenario.partitions !== "active",
        }),
  },
});

/** The faults of a scenario, each on a node that exists. */
export const faultsOf = (scenario: Scenario): ReadonlyArray<Fault> => {
  const names = namesOf(scenario);
  return scenario.faults.slice(0, scenario.harm).map((draft): Fault => {
    const node = names[draft.node % names.length]!;
    switch (draft.target) {
      case "condition":
        return { _tag: "Condition", node, kind: draft.condition };
      case "event":
        return { _tag: "Event", node, kind: draft.event, at: draft.at };
      case "slow-reboot":
        return { _tag: "SlowReboot", node, millis: draft.minutes * 60_000 };
      case "operator":
        return { _tag: "Operator", kind: draft.operator, call: draft.at };
      case "deleted":
        return { _tag: "OperationDeleted", at: draft.at };
    }
  });
};

/** The simulation of a scenario. */
export const optionsOf = (scenario: Scenario): SimulationOptions => ({
  manifests: { operations: [operationOf(scenario)], nodes: nodesOf(scenario) },
  seed: scenario.seed,
  upgradeMillis: scenario.upgradeMillis,
  rebootMillis: scenario.rebootMillis,
  faults: faultsOf(scenario),
});
