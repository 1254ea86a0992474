/** What `decide` answers: the next status, what to do, and for every target that does not move, why. */
import type { DrainProgress } from "../drain/progress.ts";
import type { NodeOpStatus } from "../api/nodeop.ts";
import type { NodeStatus } from "../api/status.ts";
import type { NewKubeObject } from "../kube/object.ts";
import type { Node } from "../kube/node.ts";
import type { Marks } from "./hold.ts";
import type { Children, Evidence, Observed } from "./observed.ts";

/** Why something does not move, as one CamelCase word and one sentence. */
export interface Note {
  readonly reason: string;
  readonly message: string;
  /** Something is wrong that a person must know: the note is also stored in the node's status. */
  readonly problem?: boolean;
  /** The sentence names something else whenever it differs: then it is stored anew. Without this the reason says it all. */
  readonly isExact?: boolean;
}

/** What identifies the version of an object that an action was decided on; the API server refuses any other. */
export interface Version {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

/** The metadata by which a patch is refused unless it meets the very object that the decision was about. */
export const preconditions = ({ uid, resourceVersion }: Version) => ({ uid, resourceVersion });

/**
 * One request to the API server. Each is idempotent: creates adopt an object of ours that exists, patches carry uid and
 * resourceVersion (a release the marks that it takes off), deletes carry the uid.
 */
export type Action =
  | { readonly _tag: "AddFinalizer" }
  | { readonly _tag: "RemoveFinalizer" }
  | { readonly _tag: "CreatePreflightPod"; readonly node: string; readonly object: NewKubeObject }
  | { readonly _tag: "CreateRebootPod"; readonly node: string; readonly object: NewKubeObject }
  | { readonly _tag: "CreateJob"; readonly node: string; readonly object: NewKubeObject }
  | { readonly _tag: "DeletePod"; readonly node: string; readonly pod: Version }
  | { readonly _tag: "Hold"; readonly node: string; readonly at: Version; readonly cordon: boolean }
  | {
      readonly _tag: "Release";
      readonly node: string;
      readonly uid: string;
      readonly marks: Marks;
    }
  | { readonly _tag: "ResumeJob"; readonly node: string; readonly job: Version }
  | { readonly _tag: "SuspendJob"; readonly node: string; readonly job: Version }
  | { readonly _tag: "Grant"; readonly node: string; readonly pod: Version; readonly job: string }
  | {
      readonly _tag: "Evict";
      readonly node: string;
      readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string };
      /** Absent: what the Pod itself asks for. */
      readonly gracePeriodSeconds?: number;
    };

/**
 * Actions that cannot be taken back once they reach a node. Before one of them the operation is read live, after the
 * object to be written was read (design.md §4 "Writes").
 */
export const isIrrevocable = (action: Action): boolean =>
  action._tag === "ResumeJob" || action._tag === "Grant";

/** What one node needs next. A stage never both stores and acts: what is acted on has been stored before. */
export type Step =
  /** Store this entry; then look again. */
  | { readonly _tag: "Advance"; readonly entry: NodeStatus }
  /** Send these requests; then look again. */
  | { readonly _tag: "Act"; readonly actions: ReadonlyArray<Action>; readonly note: Note }
  /** Read these live; then look again. */
  | { readonly _tag: "Confirm"; readonly evidence: ReadonlyArray<Evidence>; readonly note: Note }
  /** Nothing can be done until something changes, or until `until` (milliseconds since the epoch). */
  | { readonly _tag: "Wait"; readonly note: Note; readonly until?: number | undefined };

/** Store this entry; only then does what it allows follow. */
export const advance = (entry: NodeStatus): Step => ({ _tag: "Advance", entry });
/** Send these requests; the note says why the node does not move meanwhile. */
export const act = (note: Note, ...actions: ReadonlyArray<Action>): Step => ({
  _tag: "Act",
  actions,
  note,
});
/** Read this evidence live, then decide again. */
export const confirm = (note: Note, ...evidence: ReadonlyArray<Evidence>): Step => ({
  _tag: "Confirm",
  evidence,
  note,
});
/** Nothing to be done until something changes, or until this time in milliseconds since the epoch. */
export const wait = (note: Note, until?: number): Step => ({ _tag: "Wait", note, until });

/** A step, and what it was worked out from besides what is common to all nodes. */
export interface Stepped {
  readonly step: Step;
  readonly entry: NodeStatus;
  readonly node: Node | undefined;
  readonly children: Children;
  readonly problem: Note | undefined;
  readonly drain: DrainProgress | undefined;
  /** The evidence read live, if any of it is about this node: without that evidence it may be another step. */
  readonly live: ReadonlySet<string> | undefined;
}

/** The whole answer for one operation. */
export interface Decision {
  /** What was observed; a later decision compares with it. */
  readonly observed: Observed;
  /** What each node in flight needs next. */
  readonly steps: ReadonlyMap<string, Stepped>;
  readonly actions: ReadonlyArray<Action>;
  /**
   * Read these live, add them to `Observed`, and decide again. What can be read is read before anything is stored, so that
   * a pass stores once; what cannot holds up the nodes that need it, and no other.
   */
  readonly confirm: ReadonlyArray<Evidence>;
  /** How many nodes wait for something to be stored, or to be read so that it can be. */
  readonly moving: number;
  /** Look again at this time (milliseconds since the epoch) even if nothing changes. */
  readonly wakeAt: number | undefined;
  /** What to store, and why the rest does not start. Worked out when it is asked for: it looks at every node there is. */
  readonly outlook: () => Outlook;
}

/** The operation as a whole after the steps of this pass. */
export interface Outlook {
  /** The next status; the very object observed when nothing is to be stored. */
  readonly status: NodeOpStatus;
  /** Nodes that the next status claims and the one observed does not: below a ceiling each needs a line in the book first. */
  readonly starts?: Iterable<string>;
  /** Sent when the status is stored: they are about the operation itself. */
  readonly actions: ReadonlyArray<Action>;
  /** Why targets do not start although a slot is free. */
  readonly obstacles: ReadonlyMap<string, Note>;
  /** Why every other target that has not started does not start. */
  readonly waiting: Note;
  /** Look again at this time (milliseconds since the epoch): a target that cannot start is given up then. */
  readonly wakeAt?: number | undefined;
}

/** Why this target does not move now; every target that does not move has a reason. */
export const noteOf = (decision: Decision, node: string): Note => {
  const step = decision.steps.get(node)?.step;
  if (step === undefined) {
    const { obstacles, waiting } = decision.outlook();
    return obstacles.get(node) ?? waiting;
  }
  return step._tag === "Advance"
    ? { reason: step.entry.stage ?? "Ended", message: step.entry.message ?? "it moves on" }
    : step.note;
};
