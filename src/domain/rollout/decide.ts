/**
 * The heart of nodeop: from what is observed of one NodeOp to what its status becomes, what is to be done, and why every
 * node that does not move does not. Pure and total; it never sees events, only states. The operator, the simulator and
 * every explanation use this one function.
 */
import type { NodeOp, NodeOpStatus } from "../api/nodeop.ts";
import type { NodeStatus } from "../api/status.ts";
import { kubeTime } from "../kube/object.ts";
import { formatLabelSelector, selectorProblems } from "../kube/selector.ts";
import { hasOriginalEnded } from "../takeover/end.ts";
import { needsTakeover, takenOver, unrecordedNodes } from "../takeover/takeOver.ts";
import { admit } from "./admit.ts";
import { censusOf, NO_ENTRIES, notStarted, withEntries, type Entries } from "./census.ts";
import type { Action, Decision, Note, Outlook } from "./decision.ts";
import { finalizerAction, hasFinalizer, removal } from "./finalizers.ts";
import { holderOf, marksOf } from "./hold.ts";
import { isLive, type Evidence, type Observed } from "./observed.ts";
import { quorumRisk, withQuorumRisk } from "./quorum.ts";
import { pendingRehearsal, type PendingRehearsal } from "./rehearsal.ts";
import { stepAll, type Stepping } from "./stepAll.ts";
import {
  conditionsOf,
  countsOf,
  isEnded,
  messageOf,
  outcomeOf,
  phaseOf,
  type Counts,
  type Outcome,
} from "./summary.ts";
import { NO_CLOCKS, unreadyEvidence, type Clocks } from "./unready.ts";

/**
 * Decides one pass over an operation. `previous` may be an earlier decision about it: nodes of which nothing has changed
 * since are not worked out again, and the answer is the same (a property states it).
 */
export const decide = (observed: Observed, previous?: Decision): Decision => {
  const { operation } = observed;
  const isDeleting = operation.metadata.deletionTimestamp !== undefined;
  if (isEnded(operation.status) && !isDeleting)
    return withoutSteps(observed, () => ended(observed));
  const takeover = needsTakeover(operation) ? takeOver(observed, isDeleting) : undefined;
  if (takeover !== undefined) return takeover;
  const stepping = stepAll(observed, previous);
  const problem = stepping.steps.size === 0 ? selectorProblem(observed) : undefined;
  if (problem !== undefined) return withoutSteps(observed, () => stalled(observed, problem));
  const rehearsal = stepping.steps.size > 0 || isDeleting ? undefined : pendingRehearsal(observed);
  if (rehearsal !== undefined) return unrehearsed(observed, rehearsal);
  const { steps, actions, confirm, moving, wakeAt } = stepping;
  return {
    observed,
    steps,
    actions,
    confirm: isDeleting ? confirm : [...confirm, ...unreadyEvidence(observed)],
    moving,
    wakeAt,
    outlook: once(() => (isDeleting ? deleting(observed, stepping) : running(observed, stepping))),
  };
};

const withoutSteps = (observed: Observed, outlook: () => Outlook): Decision => ({
  observed,
  steps: new Map(),
  actions: [],
  confirm: [],
  moving: 0,
  wakeAt: undefined,
  outlook: once(outlook),
});

/** Nothing is claimed before the cluster is known to take what would be created. */
const unrehearsed = (observed: Observed, { evidence, refusal }: PendingRehearsal): Decision => ({
  ...withoutSteps(observed, () =>
    refusal === undefined ? unclaimed(observed) : stalled(observed, refusal),
  ),
  confirm: [evidence],
});

/**
 * What is done about an operation whose status is the Go original's: nothing where it has ended; else everything that the
 * original made is read live, and what it was working on is taken over in one write. Undefined when that is nothing: then
 * the operation goes on as one of ours.
 */
const takeOver = (observed: Observed, isDeleting: boolean): Decision | undefined => {
  const { targets, nodes, operation } = observed;
  const isOver =
    !isDeleting &&
    unrecordedNodes(observed).length === 0 &&
    hasOriginalEnded(operation, { targets, nodes });
  if (isOver) return withoutSteps(observed, () => leftAlone(observed));
  if (!isLive(observed, LEFTOVERS))
    return { ...withoutSteps(observed, () => leftAlone(observed)), confirm: [LEFTOVERS] };
  const entries = takenOver(observed);
  return entries.size === 0
    ? undefined
    : withoutSteps(observed, () => takingOver(observed, entries, isDeleting));
};

const LEFTOVERS: Evidence = { _tag: "Leftovers" };

const leftAlone = ({ operation }: Observed): Outlook => ({
  status: operation.status,
  actions: [],
  obstacles: NO_NOTES,
  waiting: { reason: "Original", message: "the Go operator ended it, or it is being looked into" },
});

/** As every claim this one comes after the finalizer; a deleted operation can get none, and its own keeps it. */
const takingOver = (
  observed: Observed,
  entries: ReadonlyMap<string, NodeStatus>,
  isDeleting: boolean,
): Outlook => {
  const { operation } = observed;
  const isReady = isDeleting || hasFinalizer(operation);
  return {
    ...leftAlone(observed),
    status: isReady
      ? statusOf(observed, withEntries(entriesOf(observed), entries), NO_NOTES)
      : operation.status,
    actions: isReady ? [] : [{ _tag: "AddFinalizer" }],
  };
};

const once = <A>(make: () => A): (() => A) => {
  let made: { readonly value: A } | undefined;
  return () => (made ??= { value: make() }).value;
};

const NO_NOTES: ReadonlyMap<string, Note> = new Map();

const entriesOf = ({ operation }: Observed): Entries => operation.status.nodeStatuses ?? NO_ENTRIES;

const running = (observed: Observed, { steps, advanced }: Stepping): Outlook => {
  const { claims, givenUp, notReadySince, obstacles, waiting, wakeAt } = admit(observed, advanced);
  const { operation } = observed;
  const isClaimable = claims.size === 0 || hasFinalizer(operation);
  return {
    // Nothing is claimed before the finalizer is there: a deleted operation could not clean up after itself. Until then
    // there is nothing else worth a write either, unless nodes are in flight already.
    status:
      isClaimable || steps.size > 0
        ? statusOf(
            observed,
            withEntries(entriesOf(observed), advanced, isClaimable ? claims : NO_CLAIMS, givenUp),
            obstacles,
            notReadySince,
          )
        : operation.status,
    starts: isClaimable ? claims.keys() : [],
    actions: finalizerAction(operation, steps.size > 0, claims.size > 0),
    obstacles,
    waiting,
    wakeAt,
  };
};

const NO_CLAIMS: ReadonlyMap<string, NodeStatus> = new Map();

/** A deleted operation starts nothing, ends what runs, takes its cordons and holds off, and lets go of its finalizer last. */
const deleting = (observed: Observed, { steps, advanced }: Stepping): Outlook => {
  const { operation } = observed;
  const isIdle = steps.size === 0;
  const leftovers = isIdle ? leftoverHolds(observed) : [];
  return {
    status: isIdle
      ? operation.status
      : statusOf(observed, withEntries(entriesOf(observed), advanced), NO_NOTES),
    actions: isIdle && leftovers.length === 0 ? removal(operation) : leftovers,
    obstacles: NO_NOTES,
    waiting: {
      reason: "OperationDeleted",
      message: "the operation is being deleted: nothing new starts",
    },
  };
};

/** Nodes that ended in failure keep their cordon while the operation exists; with it the cordon goes. */
const leftoverHolds = (observed: Observed): ReadonlyArray<Action> => {
  const mine = holderOf(observed);
  const actions: Array<Action> = [];
  for (const node of observed.nodes.values()) {
    const { name, uid } = node.metadata;
    const marks = marksOf(mine, node, true);
    if (marks !== undefined) actions.push({ _tag: "Release", node: name, uid, marks });
  }
  return actions;
};

/** Ended is absorbing: the finalizer goes, a new generation is acknowledged, and nothing else is ever written. */
const ended = ({ operation, targets }: Observed): Outlook => {
  const { status } = operation;
  const more = notStarted(status.nodeStatuses ?? NO_ENTRIES, targets).length;
  const generation = operation.metadata.generation ?? 0;
  return {
    status:
      status.observedGeneration === generation
        ? status
        : { ...status, observedGeneration: generation },
    actions: removal(operation),
    obstacles: NO_NOTES,
    // Only told to whoever asks: a write for each node that joins would never end.
    waiting: {
      reason: "Ended",
      message: `the operation has ended${more === 0 ? "" : `; ${more} more that match now are not taken: create one with a new name for them`}`,
    },
  };
};

const selectorProblem = ({ operation }: Observed): Note | undefined => {
  const { nodeSelector } = operation.spec;
  if (nodeSelector === undefined) return undefined;
  const problems = selectorProblems(nodeSelector);
  if (problems.length === 0) return undefined;
  const sentences = problems.map(({ path, message }) => `spec.nodeSelector.${path}: ${message}`);
  return { reason: "InvalidSelector", message: sentences.join("; ") };
};

/** Nothing runs, and nothing can until somebody changes something: say so, start nothing. */
const stalled = (observed: Observed, { reason, message }: Note): Outlook => ({
  status: withOutcome(observed, entriesOf(observed), {
    outcome: { _tag: "Stalled", reason, message },
    counts: countsOf(entriesOf(observed), observed.targets),
  }),
  actions: finalizerAction(observed.operation, false, false),
  obstacles: NO_NOTES,
  waiting: { reason, message },
});

/** The dry run has not been answered yet: everything is as it was. */
const unclaimed = (observed: Observed): Outlook => ({
  status: observed.operation.status,
  actions: [],
  obstacles: NO_NOTES,
  waiting: { reason: "Rehearsal", message: "waits for the dry run of its Pods and its Job" },
});

/** The next status; the very one observed when nothing differs. */
const statusOf = (
  observed: Observed,
  entries: Entries,
  obstacles: ReadonlyMap<string, Note>,
  clocks: Clocks = NO_CLOCKS,
): NodeOpStatus => {
  const { operation, targets } = observed;
  const { spec, metadata } = operation;
  const isDeleting = metadata.deletionTimestamp !== undefined;
  const risk = quorumRisk(observed, entries, isDeleting || hasStopped(observed, entries));
  // With obstacles the sentence depends on more than entries and targets.
  if (obstacles.size === 0 && isSettledFor(observed, entries, risk)) return operation.status;
  const counts = countsOf(entries, targets);
  const outcome = outcomeOf({
    entries,
    targets,
    obstacles,
    counts,
    stopOnFailure: spec.stopOnFailure,
    includeNewNodes: spec.includeNewNodes,
    deleting: isDeleting,
    selector:
      spec.nodeSelector === undefined
        ? "(every node)"
        : `selector ${formatLabelSelector(spec.nodeSelector)}`,
  });
  const outcomeTold = withOutcome(observed, entries, { outcome, counts, risk });
  const status = withClocks(outcomeTold, observed, clocks);
  if (status === operation.status && obstacles.size === 0)
    settledFor.set(operation, { targets, risk: risk?.message });
  return status;
};

/** The status with these clocks; without any the field is absent, as in an operation that never had one. */
const withClocks = (status: NodeOpStatus, { now }: Observed, clocks: Clocks): NodeOpStatus => {
  const { notReadySince: before, ...rest } = status;
  if ((before ?? NO_CLOCKS) === clocks) return status;
  return {
    ...rest,
    ...(clocks === NO_CLOCKS ? {} : { notReadySince: clocks }),
    lastUpdated: kubeTime(now),
  };
};

const hasStopped = ({ operation }: Observed, entries: Entries): boolean =>
  operation.spec.stopOnFailure && censusOf(entries).firstFailure !== undefined;

/** Operations whose status was found to say it all, and the targets and the risk for which. */
const settledFor = new WeakMap<
  NodeOp,
  { readonly targets: ReadonlyArray<string>; readonly risk: string | undefined }
>();

const isSettledFor = (
  { operation, targets }: Observed,
  entries: Entries,
  risk: Note | undefined,
): boolean => {
  const settled = settledFor.get(operation);
  return (
    settled !== undefined &&
    entries === operation.status.nodeStatuses &&
    settled.targets === targets &&
    settled.risk === risk?.message
  );
};

const withOutcome = (
  observed: Observed,
  entries: Entries,
  told: { readonly outcome: Outcome; readonly counts: Counts; readonly risk?: Note | undefined },
): NodeOpStatus => {
  const { operation, now } = observed;
  const { counts, outcome, risk } = told;
  const before = operation.status;
  const message = messageOf(outcome, counts, entries);
  const generation = operation.metadata.generation ?? 0;
  const after: NodeOpStatus = {
    ...before,
    phase: phaseOf(outcome, censusOf(entries).hasFailed),
    message,
    // No entries and an empty map of them are the same thing.
    ...(before.nodeStatuses === undefined && Object.keys(entries).length === 0
      ? {}
      : { nodeStatuses: entries }),
    observedGeneration: generation,
    conditions: withQuorumRisk(
      conditionsOf(before.conditions, outcome, message, { now, generation }),
      risk,
      { now, generation },
    ),
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
