/** Simulations as tests run them: from the canary of the documentation or from made-up objects, and what is left at their end. */
import { readFileSync } from "node:fs";
import { Effect, Result } from "effect";
import type { Commit } from "../../src/domain/history.ts";
import type { KubeObject } from "../../src/domain/kube/object.ts";
import { parseFault } from "../../src/programs/simulate/fault.ts";
import { readManifests } from "../../src/programs/simulate/manifests.ts";
import type { SimulationOptions } from "../../src/programs/simulate/options.ts";
import type { Simulation } from "../../src/programs/simulate/result.ts";
import { runSimulation } from "../../src/programs/simulate/simulation.ts";

const CANARY = new URL("../../examples/canary.yaml", import.meta.url);

/** One control plane and two workers, one at a time, stop on failure: the smallest cluster in which order and slots matter. */
const canary: SimulationOptions = {
  manifests: Result.getOrThrow(
    readManifests([{ path: "canary.yaml", text: readFileSync(CANARY, "utf8") }]),
  ),
  nodes: { controlPlanes: 1, workers: 2 },
};

/** The canary's nodes, in the order in which they start. */
export const CANARY_NODES = ["cp-1", "worker-1", "worker-2"] as const;

/** Runs a simulation that the cluster accepts. */
export const simulate = (options: SimulationOptions): Simulation =>
  Effect.runSync(runSimulation(options));

/** The same on as few nodes as have an order, for what takes long: one control plane and one worker. */
export const simulateShortCanary = (...faults: ReadonlyArray<string>): Simulation =>
  simulate({
    ...canary,
    nodes: { controlPlanes: 1, workers: 1 },
    faults: faults.map((text) => Result.getOrThrow(parseFault(text))),
  });

/** The canary with faults as the command line writes them: `worker-1:power-loss@30`. */
export const simulateCanary = (...faults: ReadonlyArray<string>): Simulation =>
  simulate({ ...canary, faults: faults.map((text) => Result.getOrThrow(parseFault(text))) });

/** A workload of three Pods whose budget lets so many of them go at a time. */
export const shop = (maxUnavailable: number): string =>
  `apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: shop}}
  template: {metadata: {labels: {app: shop}}, spec: {containers: [{name: shop, image: shop}]}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: shop}
spec: {maxUnavailable: ${maxUnavailable}, selector: {matchLabels: {app: shop}}}`;

/** A database of one Pod, whose volume can be attached to one node only. */
export const DATABASE = `apiVersion: v1
kind: PersistentVolume
metadata: {name: pv-db}
spec:
  accessModes: [ReadWriteOnce]
  capacity: {storage: 1Gi}
  csi: {driver: csi.example.com, volumeHandle: disk-1}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: db}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
  volumeName: pv-db
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: db}
spec:
  replicas: 1
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers: [{name: db, image: "db:1"}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: db}}]
`;

/** The canary in a cluster in which something else runs, too. */
const beside = (objects: string): SimulationOptions => ({
  ...canary,
  manifests: Result.getOrThrow(
    readManifests([
      { path: "canary.yaml", text: `${readFileSync(CANARY, "utf8")}\n---\n${objects}\n` },
    ]),
  ),
});

const drained = beside(shop(1));

/** The canary in a cluster with a workload, so that each node has Pods to be drained. */
export const simulateDrain = (...faults: ReadonlyArray<string>): Simulation =>
  simulate({ ...drained, faults: faults.map((text) => Result.getOrThrow(parseFault(text))) });

const detached = beside(DATABASE);

/** The canary in a cluster with a database, whose volume moves with it from node to node. */
export const simulateVolumes = (...faults: ReadonlyArray<string>): Simulation =>
  simulate({ ...detached, faults: faults.map((text) => Result.getOrThrow(parseFault(text))) });

const NODE_OP = `
apiVersion: operator.kairos.io/v1alpha1
kind: NodeOp
metadata: { name: op, namespace: default }
spec: { command: ["true"], cordon: true, rebootOnSuccess: true, concurrency: 1, stopOnFailure: true }
`;

/** A NodeOp that nobody owns, with a reboot, on one control plane and two workers. */
export const simulateNodeOp = (...faults: ReadonlyArray<string>): Simulation =>
  simulate({
    ...canary,
    manifests: Result.getOrThrow(readManifests([{ path: "nodeop.yaml", text: NODE_OP }])),
    faults: faults.map((text) => Result.getOrThrow(parseFault(text))),
  });

/** The last state of every object that was touched since the operation was created; gone ones are absent. */
export const finalState = (history: ReadonlyArray<Commit>): ReadonlyArray<KubeObject> => {
  const objects = new Map<string, KubeObject>();
  for (const { resource, namespace, name, after } of history) {
    const key = `${resource.plural} ${namespace ?? ""}/${name}`;
    if (after === undefined) objects.delete(key);
    else objects.set(key, after);
  }
  return [...objects.values()];
};

const isUnschedulable = (node: KubeObject): boolean => {
  const spec = node["spec"];
  return (
    typeof spec === "object" &&
    spec !== null &&
    "unschedulable" in spec &&
    spec.unschedulable === true
  );
};

/** The Nodes on which a hold, or a cordon, is left, each with what it is. */
export const marksLeft = (history: ReadonlyArray<Commit>): ReadonlyArray<string> =>
  finalState(history)
    .filter(({ kind }) => kind === "Node")
    .flatMap((node) => [
      ...Object.keys(node.metadata.annotations ?? {})
        .filter((name) => name.startsWith("operator.kairos.io/"))
        .map((name) => `${node.metadata.name} carries ${name}`),
      ...(isUnschedulable(node) ? [`${node.metadata.name} is cordoned`] : []),
    ]);

/**
 * What is left of what came into the cluster with the operation. Nodes were there before, and Events stay for an hour,
 * whatever becomes of the object that they are about.
 */
export const objectsLeft = (history: ReadonlyArray<Commit>): ReadonlyArray<string> =>
  finalState(history)
    .filter(({ kind }) => kind !== "Node" && kind !== "Event")
    .map(({ kind, metadata }) => `${kind} ${metadata.name}`);

/** What is wrong with every simulation, whatever was done to it: broken laws, and faults that never came. */
export const flaws = ({ result, missed }: Simulation): ReadonlyArray<string> => [
  ...result.violations.map(({ law, message }) => `${law}: ${message}`),
  ...missed.map((fault) => `the fault never came: ${JSON.stringify(fault)}`),
];
