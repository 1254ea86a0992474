/** What the operator reports: the status that NodeOp and NodeOpUpgrade share, with one entry per started node. */
import { Schema } from "effect";
import { int32, int64, open, required, text, time } from "./fields.ts";

/** How far one node is, in the original operator's words. */
export const NodePhase = Schema.Literals([
  "Preflight",
  "Pending",
  "Running",
  "Completed",
  "Failed",
]);
export type NodePhase = typeof NodePhase.Type;

/** Whether the node is to be rebooted, and whether that has happened. */
export const RebootStatus = Schema.Literals(["not-requested", "pending", "completed", "cancelled"]);
export type RebootStatus = typeof RebootStatus.Type;

/** What is being done to a node that has been started and is not finished. */
export const NodeStage = Schema.Literals([
  "Claimed",
  "Preparing",
  "Upgrading",
  "Rebooting",
  "Followed",
  "Releasing",
  "Cancelling",
  "Settling",
]);
export type NodeStage = typeof NodeStage.Type;

/** One node's entry in `status.nodeStatuses`; nodes that were not started have none. */
export const NodeStatus = open({
  phase: required(
    NodePhase.annotate({
      description: "How far this node is: Preflight, Pending, Running, Completed or Failed.",
    }),
    "write Preflight, Pending, Running, Completed or Failed",
  ),
  jobName: Schema.optionalKey(text("Name of the Job that does the work on this node.")),
  message: Schema.optionalKey(text("What is happening on this node, or what went wrong.")),
  rebootStatus: Schema.optionalKey(
    RebootStatus.annotate({
      description: "Whether a reboot was asked for and has happened on this node.",
    }),
  ),
  lastUpdated: Schema.optionalKey(time("When this entry last changed.")),
  stage: Schema.optionalKey(
    NodeStage.annotate({ description: "Which step of the operation this node is in." }),
  ),
  reason: Schema.optionalKey(
    text("One CamelCase word for programs: why this node is where it is."),
  ),
  startedAt: Schema.optionalKey(time("When the operation started on this node.")),
  finishedAt: Schema.optionalKey(time("When the operation was over on this node.")),
  stageStartedAt: Schema.optionalKey(
    time("When this node entered its stage; deadlines count from here."),
  ),
  drainingSince: Schema.optionalKey(
    time("Since when this node is being drained; the drain's deadline counts from here."),
  ),
  endingSince: Schema.optionalKey(
    time("Since when the operation is being ended early on this node."),
  ),
  bootID: Schema.optionalKey(text("Boot id of the node before its reboot.")),
  nodeUID: Schema.optionalKey(
    text("uid of the Node, which tells a replaced node of the same name."),
  ),
  jobUID: Schema.optionalKey(text("uid of the Job; a Job of another uid is not ours.")),
  version: Schema.optionalKey(text("Version that the Job installed on this node.")),
}).annotate({ description: "How the operation goes on one node." });
export interface NodeStatus extends Schema.Schema.Type<typeof NodeStatus> {}

/** A condition as Kubernetes defines it (`metav1.Condition`). */
export const Condition = open({
  type: required(text("What this condition is about, in CamelCase."), "name the condition"),
  status: required(
    Schema.Literals(["True", "False", "Unknown"]).annotate({
      description: "Whether the condition holds: True, False or Unknown.",
    }),
    "write True, False or Unknown",
  ),
  reason: required(text("One CamelCase word for programs: why."), "give one CamelCase word"),
  message: required(text("A sentence for people: why."), "write a sentence, or an empty string"),
  lastTransitionTime: required(
    time("When the condition's status last changed."),
    "write when the status last changed",
  ),
  observedGeneration: Schema.optionalKey(
    int64("The metadata.generation that this condition was computed from."),
  ),
}).annotate({ description: "One aspect of the operation's state." });
export interface Condition extends Schema.Schema.Type<typeof Condition> {}

const count = (description: string) => Schema.optionalKey(int32(description, 0));

/** Everything of the shared status but the entries per node, which are decoded one by one. */
export const statusFields = {
  phase: Schema.optionalKey(
    text("How far the operation is as a whole: Running, Completed or Failed, for example."),
  ),
  message: Schema.optionalKey(text("What is happening, or what the operation waits for.")),
  lastUpdated: Schema.optionalKey(time("When this status last changed.")),
  observedGeneration: Schema.optionalKey(
    int64("The metadata.generation that this status is about; -1 until the operator has seen it."),
  ),
  conditions: Schema.optionalKey(
    Schema.Array(Condition).annotate({
      description:
        "Ready, Reconciling and Stalled for kstatus, Completed and Failed for kubectl wait, and named risks.",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["type"],
    }),
  ),
  total: count("How many nodes are targets."),
  done: count("How many targets are finished, skipped ones included."),
  running: count("How many targets are being worked on."),
  skipped: count("How many targets needed nothing."),
  failed: count("How many targets failed."),
  progress: Schema.optionalKey(text("Finished and all targets, as in 7/10.")),
};

/** The entries of the nodes that were started, by node name. Atomic: one field owner instead of one per entry. */
export const NodeStatuses = Schema.Record(Schema.String, NodeStatus).annotate({
  description: "How the operation goes on each node that it was started on, by node name.",
  "x-kubernetes-map-type": "atomic",
});

/** A fresh object must not be taken for a finished one: no status has been observed for any generation. */
export const INITIAL_STATUS = { observedGeneration: -1 } as const;
