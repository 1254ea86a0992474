/** Random scenarios: a cluster of up to eight nodes, one or two operations, marks that others left, latency, and up to three faults. */
import { Result, Schema } from "effect";
import type { NewKubeObject } from "../../../src/domain/kube/object.ts";
import {
  NODE_CONDITIONS,
  type NodeCondition,
  NODE_EVENTS,
  OPERATOR_FAULTS,
  type Fault,
} from "../../../src/programs/simulate/fault.ts";
import { ANNOTATION_CORDONED_BY, ANNOTATION_HELD_BY } from "../../../src/domain/labels.ts";
import type { Latencies } from "../../../src/services/simulation/Network.ts";
import { readManifests } from "../../../src/programs/simulate/manifests.ts";
import { shop } from "../../support/simulations.ts";
import type { SimulationOptions } from "../../../src/programs/simulate/options.ts";

const oneOf = <const A extends ReadonlyArray<string | number | boolean>>(...values: A) =>
  Schema.Literals(values);
// Literals, because the integers of a schema start small and grow with the run: all of a range are wanted alike.
const among = (from: number, to: number) =>
  Schema.Literals(Array.from({ length: to - from + 1 }, (_, index) => from + index));

/** Marks on a Node that the operation finds: a person's cordon, what an operation left that is gone, another's hold. */
const MARK_KINDS = {
  "cordoned by a person": { cordoned: true },
  "held by a vanished operation": { held: true },
  "cordoned by a vanished operation": { cordoned: true, signed: true },
  "held and cordoned by a vanished operation": { held: true, cordoned: true, signed: true },
  "held by a vanished operation, cordoned by a person": { held: true, cordoned: true },
  "signed by a vanished operation, uncordoned by a person": { signed: true },
  // The simulation puts it on when that operation exists.
  "held by the second operation": {},
} as const satisfies Record<string, Mark>;

/** What is on the Node: the vanished operation's hold, a cordon, the vanished operation's signature of one. */
interface Mark {
  readonly held?: boolean;
  readonly cordoned?: boolean;
  readonly signed?: boolean;
}
type MarkKind = keyof typeof MARK_KINDS;

export const MARKS = [
  "cordoned by a person",
  "held by a vanished operation",
  "cordoned by a vanished operation",
  "held and cordoned by a vanished operation",
  "held by a vanished operation, cordoned by a person",
  "signed by a vanished operation, uncordoned by a person",
  "held by the second operation",
] as const satisfies ReadonlyArray<MarkKind>;

/** What can be wrong with a node from the start; these clusters have no volumes. */
export const CONDITIONS = NODE_CONDITIONS.filter(
  (kind): kind is Exclude<NodeCondition, "volumes-stay"> => kind !== "volumes-stay",
);

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
  condition: oneOf(...CONDITIONS, "not-ready"),
  event: oneOf(...NODE_EVENTS),
  operator: oneOf(...OPERATOR_FAULTS),
  at: among(1, 110),
  minutes: oneOf(5, 40, 90),
});

/** What a node carries before the operation is created. */
const MarkDraft = Schema.Struct({
  kind: oneOf(...MARKS),
  node: among(0, 7),
});

/** A second operation, about the same nodes, others, all, or none: the last lives as long as the simulation. */
const SecondDraft = Schema.Struct({
  selects: oneOf("nobody", "mine", "other", "other", "everybody", "everybody"),
  concurrency: among(0, 3),
  stopOnFailure: Schema.Boolean,
  reboots: Schema.Boolean,
  cordons: Schema.Boolean,
});

/** A cluster, operations and what goes wrong. Bit n of `labelledOut` takes node n out of the selection. */
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
  second: Schema.Union([SecondDraft, Schema.Null]),
  /** How many of the marks there are. */
  marked: oneOf(0, 0, 0, 1, 1, 2, 3),
  marks: Schema.Tuple([MarkDraft, MarkDraft, MarkDraft]),
  /** The most that a message takes, and that a message of a watch takes; which processes: bit n, see `latenciesOf`. */
  latencyMillis: oneOf(0, 0, 0, 5, 50, 400),
  watchMillis: oneOf(0, 0, 0, 50, 400, 2_000),
  far: among(1, 7),
  /** How many of the faults happen. */
  harm: oneOf(0, 1, 1, 2, 2, 3, 3),
  faults: Schema.Tuple([FaultDraft, FaultDraft, FaultDraft]),
  /** 0: the operation does not bound its control planes. */
  controlPlanesMax: oneOf(0, 0, 1, 2),
  includeNewNodes: oneOf(false, false, false, true),
  unreadyNodes: oneOf("Wait", "Skip"),
  readySeconds: oneOf(3600, 2400),
  /** Counts the nodes, round and round, to the one that the operator runs on; -1: none. */
  operatorNode: oneOf(-1, -1, -1, 0, 1, 2, 3),
  /** How a NodeOp drains; the seconds are drainOptions.timeoutSeconds. A NodeOpUpgrade drains in any case. */
  drains: oneOf("not", "without end", "60 s"),
  /** Of three Pods of a workload so many may be evicted at a time; -1: there is none. */
  shop: oneOf(-1, -1, -1, 0, 1, 2),
});
export type Scenario = typeof Scenario.Type;

/** The names of the scenario's nodes, control planes first. The last worker is called as what every object inherits. */
const namesOf = ({ controlPlanes, workers }: Scenario): ReadonlyArray<string> => {
  const names = [
    ...Array.from({ length: controlPlanes }, (_, index) => `cp-${index + 1}`),
    ...Array.from({ length: workers }, (_, index) =>
      index > 0 && index === workers - 1 ? "constructor" : `worker-${index + 1}`,
    ),
  ];
  return names.length === 0 ? ["worker-1"] : names;
};

const isLabelledOut = (scenario: Scenario, index: number): boolean =>
  Math.floor(scenario.labelledOut / 2 ** index) % 2 === 1;

/** The nodes that the operation is about. */
export const targetsIn = (scenario: Scenario): ReadonlyArray<string> =>
  namesOf(scenario).filter((_, index) => !scenario.selects || !isLabelledOut(scenario, index));

/** The node that the operator runs on. Alone it would be gone for good with a machine that does not return. */
const operatorNodeOf = (scenario: Scenario): string | undefined => {
  const names = namesOf(scenario);
  return scenario.operatorNode < 0 || names.length < 2
    ? undefined
    : names[scenario.operatorNode % names.length];
};

/**
 * Whether there is a workload: it has to run before anything happens, so two nodes that nothing is wrong with are there, and
 * none that cannot pull its image, either.
 */
export const hasShop = (scenario: Scenario): boolean => {
  const marks = marksOf(scenario);
  const faults = faultsOf(scenario);
  const sound = namesOf(scenario).filter(
    (name) =>
      !name.startsWith("cp-") &&
      !marks.has(name) &&
      !faults.some((fault) => "node" in fault && fault.node === name && fault._tag === "Condition"),
  );
  const pulls = !faults.some((fault) => "kind" in fault && fault.kind === "image-pull-fails");
  return scenario.shop >= 0 && pulls && sound.length >= 2;
};

/** What an operation of a scenario does, as far as it matters for how it ends. */
export interface OperationDraft {
  readonly name: string;
  readonly targets: ReadonlyArray<string>;
  readonly reboots: boolean;
  readonly preflight: boolean;
  readonly stopOnFailure: boolean;
  readonly includeNewNodes: boolean;
  readonly skipsUnready: boolean;
}

const secondTargets = (scenario: Scenario, selects: string): ReadonlyArray<string> =>
  namesOf(scenario).filter(
    (_, index) =>
      selects === "everybody" ||
      (selects !== "nobody" && (selects === "other") === isLabelledOut(scenario, index)),
  );

/** The operations of a scenario. */
export const operationsIn = (scenario: Scenario): ReadonlyArray<OperationDraft> => {
  const { kind, partitions, second, stopOnFailure } = scenario;
  const isOp = kind === "NodeOp";
  const first: OperationDraft = {
    name: "random",
    targets: targetsIn(scenario),
    reboots: isOp ? scenario.reboots : partitions !== "recovery",
    preflight: isOp ? scenario.preflight : partitions === "active",
    stopOnFailure,
    includeNewNodes: scenario.includeNewNodes,
    skipsUnready: scenario.unreadyNodes === "Skip",
  };
  if (second === null) return [first];
  const targets = secondTargets(scenario, second.selects);
  const { reboots } = second;
  return [
    first,
    {
      name: "second",
      targets,
      reboots,
      preflight: false,
      stopOnFailure: second.stopOnFailure,
      includeNewNodes: false,
      skipsUnready: false,
    },
  ];
};

/** The marks of a scenario, each on a node that exists; a later one replaces an earlier one. */
export const marksOf = (scenario: Scenario): ReadonlyMap<string, MarkKind> => {
  const names = namesOf(scenario);
  return new Map(
    scenario.marks
      .slice(0, scenario.marked)
      .map(({ node, kind }) => [names[node % names.length]!, kind]),
  );
};

/** Manifests without an operation are none. */
const ANY_OPERATION =
  "apiVersion: operator.kairos.io/v1alpha1\nkind: NodeOp\nmetadata: { name: any }\nspec: { command: [x] }\n";

const VANISHED = "default/vanished@00000000-0000-4000-8000-000000000000";

const UNMARKED: Mark = {};
const markOf = (kind: MarkKind | undefined): Mark =>
  kind === undefined ? UNMARKED : MARK_KINDS[kind];

/** The fields of a Node with these marks, as a snapshot of the cluster would have them. */
const markedWith = ({ held = false, signed = false, cordoned = false }: Mark) => ({
  annotations: {
    ...(held ? { [ANNOTATION_HELD_BY]: VANISHED } : {}),
    ...(signed ? { [ANNOTATION_CORDONED_BY]: VANISHED } : {}),
  },
  spec: cordoned ? { unschedulable: true } : {},
});

/** Nodes that a person cordoned: whatever happens, they stay so. */
export const cordonedByPerson = (scenario: Scenario): ReadonlyArray<string> =>
  [...marksOf(scenario)].flatMap(([node, kind]) => {
    const { cordoned = false, signed = false } = markOf(kind);
    return cordoned && !signed ? [node] : [];
  });

const nodesOf = (scenario: Scenario): ReadonlyArray<NewKubeObject> => {
  const marks = marksOf(scenario);
  return namesOf(scenario).map((name, index) => {
    const { annotations, spec } = markedWith(markOf(marks.get(name)));
    return {
      apiVersion: "v1",
      kind: "Node",
      metadata: {
        name,
        annotations,
        labels: {
          pool: isLabelledOut(scenario, index) ? "other" : "mine",
          ...(name.startsWith("cp") ? { "node-role.kubernetes.io/control-plane": "" } : {}),
        },
      },
      spec,
    };
  });
};

const drainOf = ({ cordons, drains }: Scenario): object =>
  !cordons || drains === "not"
    ? {}
    : {
        drainOptions: {
          enabled: true,
          ignoreDaemonSets: true,
          ...(drains === "60 s" ? { timeoutSeconds: 60 } : {}),
        },
      };

const operationOf = (scenario: Scenario): NewKubeObject => ({
  apiVersion: "operator.kairos.io/v1alpha1",
  kind: scenario.kind,
  metadata: { name: "random", namespace: "default" },
  spec: {
    ...(scenario.selects ? { nodeSelector: { matchLabels: { pool: "mine" } } } : {}),
    concurrency: scenario.concurrency,
    stopOnFailure: scenario.stopOnFailure,
    includeNewNodes: scenario.includeNewNodes,
    unreadyNodes: scenario.unreadyNodes,
    deadlines: { readySeconds: scenario.readySeconds },
    ...(scenario.controlPlanesMax === 0
      ? {}
      : { controlPlane: { maxUnavailable: scenario.controlPlanesMax } }),
    ...(scenario.kind === "NodeOp"
      ? {
          command: ["/bin/true"],
          rebootOnSuccess: scenario.reboots,
          cordon: scenario.cordons,
          ...drainOf(scenario),
          ...(scenario.preflight ? { preflight: { command: ["/bin/true"] } } : {}),
        }
      : {
          image: "quay.io/kairos/opensuse:leap-15.6-standard-amd64-generic-v3.4.2-k3sv1.30.11-k3s1",
          upgradeActive: scenario.partitions !== "recovery",
          upgradeRecovery: scenario.partitions !== "active",
        }),
  },
});

const secondOf = ({ second }: Scenario): ReadonlyArray<NewKubeObject> => {
  if (second === null) return [];
  const { selects, concurrency, stopOnFailure, reboots, cordons } = second;
  return [
    {
      apiVersion: "operator.kairos.io/v1alpha1",
      kind: "NodeOp",
      metadata: { name: "second", namespace: "default" },
      spec: {
        ...(selects === "everybody" ? {} : { nodeSelector: { matchLabels: { pool: selects } } }),
        command: ["/bin/true"],
        concurrency,
        stopOnFailure,
        rebootOnSuccess: reboots,
        cordon: cordons,
      },
    },
  ];
};

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
        return { _tag: "OperationDeleted", kind: "deleted", at: draft.at };
    }
  });
};

/** Who is far from the API server: the operator, the kubelets, everybody else. */
const groupOf = (actor: string): number =>
  actor === "operator" ? 0 : actor.startsWith("kubelet/") ? 1 : 2;

const latenciesOf =
  ({ latencyMillis, watchMillis, far }: Scenario) =>
  (actor: string): Latencies =>
    Math.floor(far / 2 ** groupOf(actor)) % 2 === 0
      ? {}
      : {
          latency: { minMillis: 0, maxMillis: latencyMillis },
          watchLatency: { minMillis: 0, maxMillis: watchMillis },
        };

/** The workloads by how many of their Pods may be evicted at a time. */
const SHOPS = [0, 1, 2].map(
  (maxUnavailable) =>
    Result.getOrThrow(
      readManifests([
        { path: "shop.yaml", text: `${shop(maxUnavailable)}\n---\n${ANY_OPERATION}` },
      ]),
    ).workloads,
);

/** The simulation of a scenario. */
export const optionsOf = (scenario: Scenario): SimulationOptions => ({
  manifests: {
    operations: [operationOf(scenario), ...secondOf(scenario)],
    nodes: nodesOf(scenario),
    ...(hasShop(scenario) ? { workloads: SHOPS[scenario.shop]! } : {}),
  },
  operatorNode: operatorNodeOf(scenario),
  seed: scenario.seed,
  upgradeMillis: scenario.upgradeMillis,
  rebootMillis: scenario.rebootMillis,
  faults: faultsOf(scenario),
  holds: [...marksOf(scenario)].flatMap(([node, kind]) =>
    kind === "held by the second operation" ? [{ node, operation: "second" }] : [],
  ),
  ...(scenario.latencyMillis + scenario.watchMillis === 0
    ? {}
    : { latencies: latenciesOf(scenario) }),
});
