/** Random situations of one operation as plain choices: any spec, any nodes, any entries, any children, whether or not they could come about. */
import { Schema } from "effect";

// Literals, because the integers of a schema start small and grow with the run: all of a range are wanted alike.
const oneOf = <const A extends ReadonlyArray<string | number | boolean>>(...values: A) =>
  Schema.Literals(values);
const times = <A extends string>(count: number, value: A): ReadonlyArray<A> =>
  Array.from({ length: count }, () => value);

/** What the clocks of the entries may show, before now. */
const AGES = [0, 60_000, 360_000, 4_000_000, 9_000_000] as const;

/** How far a node is; `none` is not started. */
export const STAGES = [
  "Claimed",
  "Preparing",
  "Upgrading",
  "Rebooting",
  "Releasing",
  "Cancelling",
  "Settling",
] as const;
const WHERE = [...STAGES, "Completed", "Failed", "Skipped", "Deleted"] as const;

export const NodeDraft = Schema.Struct({
  controlPlane: Schema.Boolean,
  selected: oneOf(true, true, true, false),
  there: oneOf("yes", "yes", "yes", "yes", "yes", "yes", "no", "terminating", "reborn"),
  ready: oneOf(true, true, true, false),
  /** For how long the operation has waited for it to be Ready, in milliseconds; -1: it does not. */
  unreadyFor: oneOf(-1, -1, -1, -1, 0, 60_000, 4_000_000),
  cordoned: oneOf("none", "none", "none", "mine", "mine", "mine", "finished", "person"),
  held: Schema.Literals([
    ...times(5, "none"),
    ...times(6, "mine"),
    "live",
    "finished",
    "unknown",
    "nonsense",
  ]),
  boot: oneOf("boot-1", "boot-1", "boot-2"),
});
export const EntryDraft = Schema.Struct({
  at: Schema.Literals([...times(8, "none"), ...WHERE]),
  age: oneOf(...AGES),
  endingAge: oneOf(...AGES),
  job: oneOf("w-job", "", "another"),
  version: oneOf("v2", ""),
  told: oneOf("", "", "PodRefused", "ImagePullBackOff"),
  /** For how long it has been drained, in milliseconds; -1: it is not. */
  drainedFor: oneOf(-1, -1, ...AGES),
  boot: oneOf("boot-1", "boot-1", ""),
});
export const ChildrenDraft = Schema.Struct({
  preflight: Schema.Literals([
    ...times(7, "none"),
    "Pending",
    "Running",
    "passed",
    "skips",
    "Failed",
    "refused",
    "no image",
  ]),
  reboot: Schema.Literals([
    ...times(5, "none"),
    ...times(5, "Running"),
    "Pending",
    "Succeeded",
    "Failed",
    "no image",
  ]),
  rebootState: oneOf(
    "none",
    "none",
    "granted",
    "rebooting",
    "active",
    "passive",
    "nonsense",
    "failed",
  ),
  job: Schema.Literals([
    ...times(3, "none"),
    ...times(3, "stopped"),
    "suspended",
    "running",
    "SuccessCriteriaMet",
    "Complete",
    "FailureTarget",
    "Failed",
  ]),
  jobPod: oneOf("none", "none", "Running", "Succeeded", "no image"),
  terminating: oneOf("none", "none", "none", "none", "preflight", "reboot", "job"),
});
export const ContextDraft = Schema.Struct({
  read: oneOf(true, true, false),
  problem: oneOf("", "", "", "PodRefused"),
  claimedByAnother: oneOf(false, false, false, false, true),
});
/** A Pod on the node that is drained. */
export const NodePodDraft = Schema.Struct({
  owner: oneOf("ReplicaSet", "ReplicaSet", "DaemonSet", "none", "mirror"),
  phase: oneOf("Running", "Running", "Pending", "Succeeded"),
  emptyDir: oneOf(false, false, false, true),
  terminating: oneOf(false, false, true),
  /** For how many milliseconds its eviction is put off; 0: it is not. */
  delayed: oneOf(0, 0, 5_000, 90_000),
});
/** How far the drain of a node is: nobody looked yet, or at which Pods. */
export const DrainDraft = Schema.Struct({
  looked: oneOf("never", "now", "before"),
  count: oneOf(0, 0, 1, 2),
  pods: Schema.Tuple([NodePodDraft, NodePodDraft]),
});
export const OperationDraft = Schema.Struct({
  concurrency: oneOf(0, 1, 2, 3, 4, 5),
  stopOnFailure: Schema.Boolean,
  preflight: Schema.Boolean,
  cordon: Schema.Boolean,
  reboot: Schema.Boolean,
  uncordonOnFailure: Schema.Boolean,
  selects: Schema.Boolean,
  finalizer: oneOf(true, true, true, true, false),
  deleting: oneOf(false, false, false, false, false, true),
  deadlineSeconds: oneOf(0, 0, 300, 7200),
  /** 0: none is written. */
  controlPlanesMax: oneOf(0, 0, 1, 2),
  drains: oneOf("not", "carefully", "by force"),
  drainTimeoutSeconds: oneOf(0, 0, 300),
  unreadyNodes: oneOf("Wait", "Skip"),
  includeNewNodes: oneOf(false, false, true),
});

export const Place = Schema.Struct({
  node: NodeDraft,
  entry: EntryDraft,
  children: ChildrenDraft,
  drain: DrainDraft,
  context: ContextDraft,
});
export type Place = typeof Place.Type;

/** A whole situation. Nodes beyond `count` are not there. */
export const Situation = Schema.Struct({
  operation: OperationDraft,
  count: oneOf(0, 1, 2, 3, 4, 5, 6, 7, 8),
  places: Schema.Tuple([Place, Place, Place, Place, Place, Place, Place, Place]),
});
export type Situation = typeof Situation.Type;
