/** The operation as a whole, from its entries: phase, counts, message, conditions (kairos.md a6; kstatus for GitOps tools). */
import type { NodeOpStatus } from "../api/nodeop.ts";
import type { Condition } from "../api/status.ts";
import { kubeTime } from "../kube/object.ts";
import { censusOf, type Entries, notStarted } from "./census.ts";
import type { Note } from "./decision.ts";
import { NOT_READY } from "./reason.ts";

/** How many nodes are where. `done` are the successful ones, skipped ones included. */
export interface Counts {
  readonly total: number;
  readonly done: number;
  readonly running: number;
  readonly skipped: number;
  readonly failed: number;
}

/** Counts over the targets and every node that was ever claimed. */
export const countsOf = (entries: Entries, targets: ReadonlyArray<string>): Counts => {
  const { started, inFlight, done, skipped, failed } = censusOf(entries);
  const total = started + notStarted(entries, targets).length;
  return { total, done, running: inFlight.length, skipped, failed };
};

/** How far an operation is. */
export type Outcome =
  | { readonly _tag: "Completed" }
  /** Nothing is in flight any more, and nothing will start. */
  | { readonly _tag: "Failed"; readonly failed: string; readonly stopped: boolean }
  /** It cannot go on until someone changes something. */
  | { readonly _tag: "Stalled"; readonly reason: string; readonly message: string }
  | { readonly _tag: "Running"; readonly reason: string; readonly message: string };

/** Whether the operation has ended for good: decided, and nothing in flight. */
export const isEnded = (status: NodeOpStatus | undefined): boolean =>
  status?.conditions?.some(
    (condition) =>
      (condition.type === "Completed" || condition.type === "Failed") &&
      condition.status === "True",
  ) === true;

/** The reason of an operation that has done everything and stays open for nodes that match later. */
const WAITING_FOR_NEW_NODES = "WaitingForNewNodes";

/** Whether all is done, and the operation goes on only because it takes new nodes. */
export const isOpen = (conditions: ReadonlyArray<Pick<Condition, "type" | "reason">>): boolean =>
  conditions.some(({ type, reason }) => type === "Reconciling" && reason === WAITING_FOR_NEW_NODES);

/** What the entries and targets amount to. `describe` names the selector for the sentence about an empty selection. */
export const outcomeOf = (options: {
  readonly entries: Entries;
  readonly targets: ReadonlyArray<string>;
  /** Why targets cannot start although a slot is free. */
  readonly obstacles: ReadonlyMap<string, Note>;
  readonly counts: Counts;
  readonly stopOnFailure: boolean;
  readonly includeNewNodes: boolean;
  readonly deleting: boolean;
  readonly selector: string;
}): Outcome => {
  const { counts, entries, targets } = options;
  if (options.deleting)
    return { _tag: "Running", reason: "Deleting", message: "The operation is being deleted" };
  const failed = censusOf(entries).firstFailure;
  if (counts.running === 0) {
    const isDone = notStarted(entries, targets).length === 0;
    // An operation that takes new nodes is open until a failure stops it, or somebody says that it takes no more.
    const isComplete = isDone && !options.includeNewNodes;
    if (failed !== undefined && (options.stopOnFailure || isComplete))
      return { _tag: "Failed", failed, stopped: !isDone };
    if (isComplete && counts.total > 0 && counts.failed === 0) return { _tag: "Completed" };
    if (isDone && counts.total > 0 && failed === undefined)
      return {
        _tag: "Running",
        reason: WAITING_FOR_NEW_NODES,
        message: `All ${counts.total} nodes are done; waiting for new nodes that match`,
      };
  }
  if (counts.total === 0)
    return {
      _tag: "Running",
      reason: "NoNodesMatch",
      message: `No node matches ${options.selector}; waiting for one that does`,
    };
  if (counts.running === 0 && options.obstacles.size > 0)
    return { _tag: "Running", reason: "NodesCannotStart", message: cannotStart(options.obstacles) };
  return {
    _tag: "Running",
    reason: failed === undefined ? "InProgress" : "NodeFailed",
    message: `${
      failed === undefined
        ? `${counts.done} of ${counts.total} nodes are done, ${counts.running} in flight${troubleOf(entries)}`
        : `${failed} failed: ${entries[failed]!.message ?? "no reason"}`
    }${besides(options.obstacles)}`,
  };
};

/** What holds nodes in flight up, of the first of them: who reads the sentence need not look through the entries for it. */
const troubleOf = (entries: Entries): string => {
  const troubled = censusOf(entries).inFlight.filter((name) => entries[name]?.reason !== undefined);
  const [first] = troubled;
  if (first === undefined) return "";
  const others = troubled.length === 1 ? "" : ` (and ${troubled.length - 1} more)`;
  return `. ${first}${others}: ${entries[first]?.message ?? "no reason"}`;
};

/** While others are worked on: who waits to be Ready, and until when. */
const besides = (obstacles: ReadonlyMap<string, Note>): string => {
  const unready = new Map([...obstacles].filter(([, { reason }]) => reason === NOT_READY));
  return unready.size === 0 ? "" : `. ${cannotStart(unready)}`;
};

/** Nothing runs and nothing can start: never a silent wait. */
const cannotStart = (obstacles: ReadonlyMap<string, Note>): string => {
  const [[name, note] = ["", undefined]] = obstacles;
  const others = obstacles.size === 1 ? "" : ` (and ${obstacles.size - 1} more)`;
  return `Waiting for ${name}${others}: ${note?.message ?? "it cannot start"}`;
};

/** The original's phase: Failed as soon as a node has failed, Completed only when every target is done. */
export const phaseOf = (outcome: Outcome, hasFailed: boolean): string => {
  if (outcome._tag === "Completed" || outcome._tag === "Failed") return outcome._tag;
  return hasFailed ? "Failed" : "Running";
};

/** The sentence for people. */
export const messageOf = (outcome: Outcome, counts: Counts, entries: Entries): string => {
  switch (outcome._tag) {
    case "Completed":
      return counts.skipped === 0
        ? `All ${counts.total} nodes are done`
        : `All ${counts.total} nodes are done, ${counts.skipped} of them skipped`;
    case "Failed": {
      const rest = counts.total - counts.done - counts.failed;
      const what = `${outcome.failed} failed: ${entries[outcome.failed]?.message ?? "no reason"}`;
      return outcome.stopped && rest > 0 ? `${what}. Stopped; ${rest} not started` : what;
    }
    default:
      return outcome.message;
  }
};

type Verdict = {
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
};

const verdicts = (outcome: Outcome, message: string): Readonly<Record<string, Verdict>> => {
  const is = (holds: boolean, reason: string): Verdict => ({
    status: holds ? "True" : "False",
    reason,
    message,
  });
  const reason =
    outcome._tag === "Completed"
      ? "Completed"
      : outcome._tag === "Failed"
        ? "NodeFailed"
        : outcome.reason;
  return {
    Ready: is(outcome._tag === "Completed", reason),
    Reconciling: is(outcome._tag === "Running", reason),
    Stalled: is(outcome._tag === "Failed" || outcome._tag === "Stalled", reason),
    Completed: is(outcome._tag === "Completed", reason),
    Failed: is(outcome._tag === "Failed", reason),
  };
};

/** The condition of an object that does not follow its schema, and the reason that its other conditions give. */
export const INVALID_SPEC = "InvalidSpec";

/** The conditions, with `lastTransitionTime` kept where the status stays; the very array given when nothing differs. */
export const conditionsOf = (
  previous: ReadonlyArray<Condition> | undefined,
  outcome: Outcome,
  message: string,
  context: { readonly now: number; readonly generation: number },
): ReadonlyArray<Condition> => {
  const wanted = verdicts(outcome, message);
  const own = Object.entries(wanted).map(([type, verdict]) => {
    const before = previous?.find((condition) => condition.type === type);
    if (before !== undefined && isSame(before, verdict, context.generation)) return before;
    return {
      type,
      ...verdict,
      lastTransitionTime:
        before?.status === verdict.status ? before.lastTransitionTime : kubeTime(context.now),
      observedGeneration: context.generation,
    };
  });
  // Whoever can say more of an object than that it is invalid has read it.
  const foreign =
    previous?.filter(({ type }) => wanted[type] === undefined && type !== INVALID_SPEC) ?? [];
  const next = [...own, ...foreign];
  const isUnchanged =
    previous !== undefined &&
    previous.length === next.length &&
    next.every((condition) => previous.includes(condition));
  return isUnchanged ? previous : next;
};

const isSame = (before: Condition, verdict: Verdict, generation: number): boolean =>
  before.status === verdict.status &&
  before.reason === verdict.reason &&
  before.message === verdict.message &&
  before.observedGeneration === generation;
