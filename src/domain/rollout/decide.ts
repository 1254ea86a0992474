/**
 * The heart of nodeop: from what is observed of one NodeOp to what its status becomes, what is to be done, and why every
 * node that does not move does not. Pure and total; it never sees events, only states. The operator, the simulator and
 * every explanation use this one function.
 */
import type { NodeOpStatus } from "../api/nodeop.ts";
import type { NodeStatus } from "../api/status.ts";
import { kubeTime } from "../kube/object.ts";
import { formatLabelSelector, selectorProblems } from "../kube/selector.ts";
import { FINALIZER } from "../labels.ts";
import { admit, namesInFlight } from "./admit.ts";
import type { Action, Decision, Note, Step } from "./decision.ts";
import { cordonedBy, holderOf, isReleased } from "./hold.ts";
import { NO_CHILDREN, type Evidence, type Observed } from "./observed.ts";
import { versionOf } from "./stages/actions.ts";
import { stepNode } from "./stepNode.ts";
import {
  conditionsOf,
  countsOf,
  isEnded,
  messageOf,
  outcomeOf,
  phaseOf,
  type Outcome,
} from "./summary.ts";

type Entries = Readonly<Record<string, NodeStatus>>;

/** Decides one pass over an operation. */
export const decide = (observed: Observed): Decision => {
  const { operation } = observed;
  const isDeleting = operation.metadata.deletionTimestamp !== undefined;
  if (isEnded(operation.status) && !isDeleting) return ended(observed);
  const steps = stepAll(observed);
  const confirm = steps.flatMap(([, step]) => (step._tag === "Confirm" ? step.evidence : []));
  const notes = new Map<string, Note>();
  for (const [name, step] of steps) if (step._tag !== "Advance") notes.set(name, step.note);
  const problem = selectorProblem(observed);
  if (problem !== undefined && steps.length === 0) return stalled(observed, problem);
  return isDeleting
    ? deleting(observed, steps, confirm, notes)
    : running(observed, steps, confirm, notes);
};

/** Steps every node in flight, in the order of the status. */
const stepAll = (observed: Observed): ReadonlyArray<readonly [string, Step]> => {
  const { operation, nodes, children, now } = observed;
  const entries = operation.status?.nodeStatuses ?? {};
  return namesInFlight(entries).map((name) => [
    name,
    stepNode({
      observed,
      operation,
      name,
      entry: entries[name]!,
      node: nodes.get(name),
      children: children.get(name) ?? NO_CHILDREN,
      now,
    }),
  ]);
};

const entriesAfter = (
  observed: Observed,
  steps: ReadonlyArray<readonly [string, Step]>,
): Entries => {
  const before = observed.operation.status?.nodeStatuses ?? {};
  const changed = steps.filter(([, step]) => step._tag === "Advance");
  if (changed.length === 0) return before;
  const after: Record<string, NodeStatus> = { ...before };
  for (const [name, step] of changed) if (step._tag === "Advance") after[name] = step.entry;
  return after;
};

const running = (
  observed: Observed,
  steps: ReadonlyArray<readonly [string, Step]>,
  confirm: ReadonlyArray<Evidence>,
  notes: Map<string, Note>,
): Decision => {
  const { operation } = observed;
  const stepped = entriesAfter(observed, steps);
  const admission = admit(observed, stepped);
  for (const [name, note] of admission.obstacles) notes.set(name, note);
  const actions = steps.flatMap(([, step]) => (step._tag === "Act" ? step.actions : []));
  const hasFinalizer = operation.metadata.finalizers?.includes(FINALIZER) === true;
  // Nothing is claimed before the finalizer is there: a deleted operation could not clean up after itself.
  const mayClaim = hasFinalizer && admission.claims.size > 0;
  const entries = mayClaim ? { ...stepped, ...Object.fromEntries(admission.claims) } : stepped;
  const finalizer = finalizerAction(hasFinalizer, steps.length > 0, admission.claims.size > 0);
  return {
    status: statusOf(observed, entries),
    actions: [...finalizer, ...actions],
    confirm,
    notes,
    waiting: admission.waiting,
    wakeAt: earliest(steps),
  };
};

/** The finalizer is there only while something is in flight or about to be, so that an idle operation never hangs. */
const finalizerAction = (
  hasFinalizer: boolean,
  isBusy: boolean,
  claims: boolean,
): ReadonlyArray<Action> => {
  if (!hasFinalizer && claims) return [{ _tag: "AddFinalizer" }];
  return hasFinalizer && !isBusy && !claims ? [{ _tag: "RemoveFinalizer" }] : [];
};

/** A deleted operation starts nothing, ends what runs, takes its cordons and holds off, and lets go of its finalizer last. */
const deleting = (
  observed: Observed,
  steps: ReadonlyArray<readonly [string, Step]>,
  confirm: ReadonlyArray<Evidence>,
  notes: Map<string, Note>,
): Decision => {
  const { operation } = observed;
  const entries = entriesAfter(observed, steps);
  const actions = steps.flatMap(([, step]) => (step._tag === "Act" ? step.actions : []));
  const isIdle = steps.length === 0;
  const leftovers = isIdle ? leftoverHolds(observed) : [];
  const hasFinalizer = operation.metadata.finalizers?.includes(FINALIZER) === true;
  const last: ReadonlyArray<Action> =
    isIdle && leftovers.length === 0 && hasFinalizer ? [{ _tag: "RemoveFinalizer" }] : leftovers;
  return {
    status: steps.length === 0 ? (operation.status ?? {}) : statusOf(observed, entries),
    actions: [...actions, ...last],
    confirm,
    notes,
    waiting: {
      reason: "OperationDeleted",
      message: "the operation is being deleted: nothing new starts",
    },
    wakeAt: earliest(steps),
  };
};

/** Nodes that ended in failure keep their cordon while the operation exists; with it the cordon goes. */
const leftoverHolds = (observed: Observed): ReadonlyArray<Action> => {
  const mine = holderOf(observed);
  const actions: Array<Action> = [];
  for (const node of observed.nodes.values())
    if (!isReleased(mine, node, true))
      actions.push({
        _tag: "Release",
        node: node.metadata.name,
        at: versionOf(node),
        uncordon: cordonedBy(node) === mine,
      });
  return actions;
};

/** Ended is absorbing: the finalizer goes, a new generation is acknowledged, and nothing else is ever written. */
const ended = (observed: Observed): Decision => {
  const { operation } = observed;
  const status = operation.status ?? {};
  const generation = operation.metadata.generation ?? 0;
  const hasFinalizer = operation.metadata.finalizers?.includes(FINALIZER) === true;
  return {
    status:
      status.observedGeneration === generation
        ? status
        : { ...status, observedGeneration: generation },
    actions: hasFinalizer ? [{ _tag: "RemoveFinalizer" }] : [],
    confirm: [],
    notes: new Map(),
    waiting: { reason: "Ended", message: "the operation has ended" },
  };
};

const selectorProblem = ({ operation }: Observed): string | undefined => {
  const { nodeSelector } = operation.spec;
  if (nodeSelector === undefined) return undefined;
  const problems = selectorProblems(nodeSelector);
  return problems.length === 0
    ? undefined
    : problems.map((problem) => `spec.nodeSelector.${problem.path}: ${problem.message}`).join("; ");
};

/** Nothing runs and the selector makes no sense: say so, start nothing. */
const stalled = (observed: Observed, message: string): Decision => ({
  status: withOutcome(observed, observed.operation.status?.nodeStatuses ?? {}, {
    _tag: "Stalled",
    reason: "InvalidSelector",
    message,
  }),
  actions: [],
  confirm: [],
  notes: new Map(),
  waiting: { reason: "InvalidSelector", message },
});

/** The next status; the very one observed when nothing differs. */
const statusOf = (observed: Observed, entries: Entries): NodeOpStatus => {
  const { operation, targets } = observed;
  const { spec, metadata } = operation;
  const outcome = outcomeOf({
    entries,
    targets,
    counts: countsOf(entries, targets),
    stopOnFailure: spec.stopOnFailure,
    deleting: metadata.deletionTimestamp !== undefined,
    selector:
      spec.nodeSelector === undefined
        ? "(every node)"
        : `selector ${formatLabelSelector(spec.nodeSelector)}`,
  });
  return withOutcome(observed, entries, outcome);
};

const withOutcome = (observed: Observed, entries: Entries, outcome: Outcome): NodeOpStatus => {
  const { operation, targets, now } = observed;
  const before = operation.status ?? {};
  const counts = countsOf(entries, targets);
  const message = messageOf(outcome, counts, entries);
  const generation = operation.metadata.generation ?? 0;
  const failedCount = Object.values(entries).filter((entry) => entry.phase === "Failed").length;
  const after: NodeOpStatus = {
    ...before,
    phase: phaseOf(outcome, failedCount),
    message,
    // No entries and an empty map of them are the same thing.
    ...(before.nodeStatuses === undefined && Object.keys(entries).length === 0
      ? {}
      : { nodeStatuses: entries }),
    observedGeneration: generation,
    conditions: conditionsOf(before.conditions, outcome, message, { now, generation }),
    ...counts,
    progress: `${counts.done}/${counts.total}`,
  };
  return isUnchanged({ ...before }, { ...after })
    ? before
    : { ...after, lastUpdated: kubeTime(now) };
};

const isUnchanged = (
  before: { readonly [field: string]: unknown },
  after: { readonly [field: string]: unknown },
): boolean => Object.keys(after).every((field) => before[field] === after[field]);

const earliest = (steps: ReadonlyArray<readonly [string, Step]>): number | undefined => {
  let at: number | undefined;
  for (const [, step] of steps)
    if (step._tag === "Wait" && step.until !== undefined && (at === undefined || step.until < at))
      at = step.until;
  return at;
};
