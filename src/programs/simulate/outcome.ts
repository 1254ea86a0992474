/** The end of a simulation: what the operations report, and how far each target node got and why. */
import { Exit, Option, Schema } from "effect";
import type { NodeOp } from "../../domain/api/nodeop.ts";
import type { NodeStatus } from "../../domain/api/status.ts";
import { type KubeObject, objectKey, type ObjectRef } from "../../domain/kube/object.ts";
import type { Node } from "../../domain/kube/node.ts";
import { Nodes, type Resource } from "../../domain/kube/resource.ts";
import { inOrder, isControlPlane } from "../../domain/order.ts";
import { admit } from "../../domain/rollout/admit.ts";
import { controlPlanesOf } from "../../domain/rollout/availability.ts";
import { entryFor } from "../../domain/rollout/census.ts";
import { DEFAULT_SETTINGS, type Observed } from "../../domain/rollout/observed.ts";
import { isOpen } from "../../domain/rollout/summary.ts";
import { targetsOf } from "../../domain/rollout/targets.ts";
import { NodeResource } from "../operator/resources.ts";
import type { Progress } from "./Progress.ts";
import { operationOf, type OperationName } from "./operations.ts";
import { NOT_STARTED, type SimulatedNodeResult, type SimulatedOperationResult } from "./result.ts";

/** What is needed of the fake cluster. */
export interface Store {
  readonly objects: (resource: Resource) => Iterable<KubeObject>;
  readonly object: (resource: Resource, ref: ObjectRef) => KubeObject | undefined;
}

/** Phase and message, as an operation's status has them, and whether it is only open for new nodes. */
type Reported = Pick<SimulatedOperationResult, "phase" | "message" | "open">;

const Status = Schema.Struct({
  phase: Schema.optionalKey(Schema.String),
  message: Schema.optionalKey(Schema.String),
  conditions: Schema.optionalKey(
    Schema.Array(Schema.Struct({ type: Schema.String, reason: Schema.String })),
  ),
});
interface Status extends Schema.Schema.Type<typeof Status> {}
const decodeStatus = Schema.decodeUnknownOption(Status);
const NO_STATUS: Status = {};

const DELETED: Reported = { phase: "Deleted", message: "The operation was deleted" };

/** What each of the user's operations reports at the end, in the order in which they were given. */
export const operationsAtEnd = (
  store: Store,
  operations: ReadonlyArray<ObjectRef & { readonly resource: Resource }>,
  progress: Progress,
): ReadonlyArray<SimulatedOperationResult> =>
  operations.map((ref) => {
    const operation = `${ref.resource.kind} ${objectKey(ref)}`;
    const stored = store.object(ref.resource, ref);
    if (stored === undefined) return { operation, ...DELETED };
    const {
      phase = "Pending",
      message = "",
      conditions = [],
    } = Option.getOrElse(decodeStatus(stored["status"]), () => NO_STATUS);
    // A node that failed makes the phase Failed while others still run: that is not the end.
    const isOver = phase !== "Failed" || progress.hasEnded(stored.metadata.uid);
    if (phase === "Running" && isOpen(conditions)) return { operation, phase, message, open: true };
    return { operation, phase: isOver ? phase : "Running", message };
  });

const RANK = ["Failed", "Deleted", "Running", "Pending", "open", "Completed"];

const rankOf = ({ phase, open }: Reported): number => RANK.indexOf(open ? "open" : phase);

/** Of several operations the one that is furthest from success, with its name before what it says. */
export const worstOf = (operations: ReadonlyArray<SimulatedOperationResult>): Reported => {
  const [worst] = operations.toSorted((a, b) => rankOf(a) - rankOf(b));
  if (worst === undefined) return DELETED;
  const { operation, message, ...rest } = worst;
  return { ...rest, message: operations.length === 1 ? message : `${operation}: ${message}` };
};

/**
 * Every node that an operation claimed or would claim, in the order in which they start; of several operations those of
 * one after those of the other, each with the operation's name. `operatorNode`: where the operator runs.
 */
export const nodeResults = (
  store: Store,
  progress: Progress,
  operations: ReadonlyArray<OperationName>,
  operatorNode?: string,
): ReadonlyArray<SimulatedNodeResult> => {
  const nodes = new Map<string, Node>();
  for (const object of store.objects(Nodes)) {
    const decoded = NodeResource.decode(object);
    if (Exit.isSuccess(decoded)) nodes.set(object.metadata.name, decoded.value);
  }
  return operations.flatMap((operation) => {
    const results = new Map<string, SimulatedNodeResult>();
    for (const nodeOp of progress.operations)
      if (operations.length === 1 || operationOf(nodeOp) === operation)
        for (const result of resultsOf(nodeOp, nodes)) results.set(result.name, result);
    const named = [...results.keys()].map((name) => ({
      name,
      labels: nodes.get(name)?.metadata.labels ?? {},
    }));
    return inOrder(named, operatorNode).map(({ name }) => ({
      ...(operations.length === 1 ? {} : { operation }),
      ...results.get(name)!,
    }));
  });
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
    controlPlanes: controlPlanesOf(nodes.values()),
    children: new Map(),
    claimedByOthers: new Map(),
    otherOperations: new Map(),
    live: new Set(),
    problems: new Map(),
    drains: new Map(),
    settings: DEFAULT_SETTINGS,
  };
  const { obstacles, waiting } = admit(observed, new Map());
  const names = new Set([...Object.keys(entries), ...targets]);
  return [...names].map((name) => {
    const controlPlane = isControlPlane(nodes.get(name)?.metadata.labels);
    const entry = entryFor(entries, name);
    if (entry !== undefined) return { name, controlPlane, ...started(entry) };
    const { reason, message } = obstacles.get(name) ?? waiting;
    return { name, controlPlane, phase: NOT_STARTED, reason, message };
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
