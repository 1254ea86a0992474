/** The steps of all nodes in flight. A node of which nothing changed since an earlier decision keeps its step. */
import type { NodeStatus } from "../api/status.ts";
import { censusOf, NO_ENTRIES } from "./census.ts";
import type { Action, Decision, Stepped } from "./decision.ts";
import { NO_CHILDREN, type Evidence, type NodeInFlight, type Observed } from "./observed.ts";
import { stepNode } from "./stepNode.ts";

/** What the steps of all nodes in flight come to. */
export interface Stepping {
  readonly steps: Decision["steps"];
  /** The entries that are to be stored. */
  readonly advanced: ReadonlyMap<string, NodeStatus>;
  readonly actions: ReadonlyArray<Action>;
  readonly confirm: ReadonlyArray<Evidence>;
  /** The first time that a node waits for. */
  readonly wakeAt: number | undefined;
}

/** Steps every node in flight, in the order of the status. This is the hot path: nothing is made for a node that goes on waiting. */
export const stepAll = (observed: Observed, previous: Decision | undefined): Stepping => {
  const { operation, nodes, children, now } = observed;
  const entries = operation.status.nodeStatuses ?? NO_ENTRIES;
  const earlier = stepsThatMayHold(observed, previous);
  const steps = new Map<string, Stepped>();
  for (const name of censusOf(entries).inFlight) {
    const entry = entries[name]!;
    const node = nodes.get(name);
    const own = children.get(name) ?? NO_CHILDREN;
    const problem = observed.problems.get(name);
    const known = earlier.get(name);
    const holds =
      known !== undefined &&
      isWaiting(known, now) &&
      known.entry === entry &&
      known.node === node &&
      known.children === own &&
      known.problem === problem;
    if (holds) {
      steps.set(name, known);
      continue;
    }
    const at: NodeInFlight = { observed, operation, name, entry, node, children: own, now };
    steps.set(name, { step: stepNode(at), entry, node, children: own, problem });
  }
  return collect(steps);
};

/** A node that waits goes on waiting until its time. */
const isWaiting = ({ step }: Stepped, now: number): boolean =>
  step._tag === "Wait" && (step.until === undefined || now < step.until);

const NO_STEPS: Decision["steps"] = new Map();

/** The steps of an earlier decision, if what is common to all nodes is still the same. */
const stepsThatMayHold = (
  observed: Observed,
  previous: Decision | undefined,
): Decision["steps"] => {
  if (previous === undefined) return NO_STEPS;
  const [was, is] = [previous.observed, observed];
  const isSame =
    was.operation.spec === is.operation.spec &&
    was.operation.metadata.deletionTimestamp === is.operation.metadata.deletionTimestamp &&
    was.settings === is.settings &&
    was.otherOperations.size === is.otherOperations.size &&
    [...was.otherOperations].every(([uid, other]) => is.otherOperations.get(uid) === other);
  return isSame ? previous.steps : NO_STEPS;
};

const collect = (steps: Decision["steps"]): Stepping => {
  const advanced = new Map<string, NodeStatus>();
  const actions: Array<Action> = [];
  const confirm: Array<Evidence> = [];
  let wakeAt: number | undefined;
  for (const [name, { step }] of steps)
    if (step._tag === "Wait") {
      if (step.until !== undefined && (wakeAt === undefined || step.until < wakeAt))
        wakeAt = step.until;
    } else if (step._tag === "Advance") advanced.set(name, step.entry);
    else if (step._tag === "Act") actions.push(...step.actions);
    else confirm.push(...step.evidence);
  return { steps, advanced, actions, confirm, wakeAt };
};
