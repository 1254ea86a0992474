/** The end of a simulation: what the operations report, and how far each target node got and why. */
import { Exit, Option, Schema } from "effect";
import type { NodeOp } from "../../domain/api/nodeop.ts";
import type { NodeStatus } from "../../domain/api/status.ts";
import type { KubeObject, ObjectRef } from "../../domain/kube/object.ts";
import type { Node } from "../../domain/kube/node.ts";
import { Nodes, type Resource } from "../../domain/kube/resource.ts";
import { inOrder, isControlPlane } from "../../domain/order.ts";
import { admit } from "../../domain/rollout/admit.ts";
import { DEFAULT_SETTINGS, type Observed } from "../../domain/rollout/observed.ts";
import { targetsOf } from "../../domain/rollout/targets.ts";
import { NodeResource } from "../operator/resources.ts";
import type { Progress } from "./Progress.ts";
import type { SimulatedNodeResult } from "./result.ts";

/** What is needed of the fake cluster. */
export interface Store {
  readonly objects: (resource: Resource) => Iterable<KubeObject>;
  readonly object: (resource: Resource, ref: ObjectRef) => KubeObject | undefined;
}

interface Reported {
  readonly phase: string;
  readonly message: string;
}

const Status = Schema.Struct({
  phase: Schema.optionalKey(Schema.String),
  message: Schema.optionalKey(Schema.String),
});
interface Status extends Schema.Schema.Type<typeof Status> {}
const decodeStatus = Schema.decodeUnknownOption(Status);
const NO_STATUS: Status = {};

const DELETED: Reported = { phase: "Deleted", message: "The operation was deleted" };

/** What the user's operations report at the end; of several the one that is furthest from success. */
export const operationsAtEnd = (
  store: Store,
  operations: ReadonlyArray<ObjectRef & { readonly resource: Resource }>,
  progress: Progress,
): Reported => {
  const reported = operations.map((ref): Reported => {
    const stored = store.object(ref.resource, ref);
    if (stored === undefined) return DELETED;
    const { phase = "Pending", message = "" } = Option.getOrElse(
      decodeStatus(stored["status"]),
      () => NO_STATUS,
    );
    // A node that failed makes the phase Failed while others still run: that is not the end.
    return { phase: phase === "Failed" && !progress.isEnded ? "Running" : phase, message };
  });
  const rank = ["Failed", "Deleted", "Running", "Pending", "Completed"];
  const [worst = DELETED] = reported.toSorted(
    (a, b) => rank.indexOf(a.phase) - rank.indexOf(b.phase),
  );
  return worst;
};

/** Every node that an operation claimed or would claim, in the order in which they start. */
export const nodeResults = (
  store: Store,
  progress: Progress,
): ReadonlyArray<SimulatedNodeResult> => {
  const nodes = new Map<string, Node>();
  for (const object of store.objects(Nodes)) {
    const decoded = NodeResource.decode(object);
    if (Exit.isSuccess(decoded)) nodes.set(object.metadata.name, decoded.value);
  }
  const results = new Map<string, SimulatedNodeResult>();
  for (const operation of progress.operations)
    for (const result of resultsOf(operation, nodes)) results.set(result.name, result);
  const named = [...results.keys()].map((name) => ({
    name,
    labels: nodes.get(name)?.metadata.labels ?? {},
  }));
  return inOrder(named).map(({ name }) => results.get(name)!);
};

const resultsOf = (
  operation: NodeOp,
  nodes: ReadonlyMap<string, Node>,
): ReadonlyArray<SimulatedNodeResult> => {
  const entries = operation.status?.nodeStatuses ?? {};
  const targets = targetsOf(operation.spec, nodes.values());
  const observed: Observed = {
    now: 0,
    operation,
    nodes,
    targets,
    children: new Map(),
    claimedByOthers: new Map(),
    otherOperations: new Map(),
    live: new Set(),
    problems: new Map(),
    settings: DEFAULT_SETTINGS,
  };
  const { obstacles, waiting } = admit(observed, new Map());
  const names = new Set([...Object.keys(entries), ...targets]);
  return [...names].map((name) => {
    const controlPlane = isControlPlane(nodes.get(name)?.metadata.labels);
    const entry = entries[name];
    if (entry !== undefined) return { name, controlPlane, ...started(entry) };
    const { reason, message } = obstacles.get(name) ?? waiting;
    return { name, controlPlane, phase: "NotStarted", reason, message };
  });
};

const started = ({ phase, rebootStatus, reason, message, startedAt, finishedAt }: NodeStatus) => ({
  phase,
  ...(rebootStatus === undefined ? {} : { rebootStatus }),
  ...(reason === undefined ? {} : { reason }),
  ...(message === undefined ? {} : { message }),
  ...(startedAt === undefined ? {} : { startedAt }),
  ...(finishedAt === undefined ? {} : { endedAt: finishedAt }),
});
