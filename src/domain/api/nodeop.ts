/** NodeOp: a command that runs on nodes, with cordon, drain and reboot around it. */
import { Schema } from "effect";
import {
  ApiVersion,
  concurrency,
  controlPlane,
  deadlines,
  imagePullSecrets,
  includeNewNodes,
  stopOnFailure,
  uncordonOnFailure,
  unreadyNodes,
} from "./common.ts";
import {
  atomicList,
  celCheck,
  flag,
  int32,
  open,
  required,
  text,
  time,
  withDefault,
  withoutSpaces,
} from "./fields.ts";
import { DrainOptions } from "./drainOptions.ts";
import { immutable } from "./immutable.ts";
import { Metadata } from "./metadata.ts";
import { LabelSelector } from "./selector.ts";
import { INITIAL_STATUS, NodeStatuses, statusFields } from "./status.ts";

const command = (description: string) =>
  required(
    atomicList(Schema.String, description).check(
      Schema.isMinLength(1, { message: "must not be empty; write the program and its arguments" }),
    ),
    "write the program and its arguments as a list of strings",
  );

/** A check that runs on a node first and may find that there is nothing to do. */
export const Preflight = open({
  command: command(
    "The check, as a program and its arguments. What it writes to its termination log makes the node be skipped.",
  ),
  image: Schema.optionalKey(
    text("Image of the check. Absent: the image of the operation.").check(withoutSpaces),
  ),
  activeDeadlineSeconds: withDefault(
    int32("Seconds that the check may run once its Pod has started. Default: 120.", 1),
    120,
  ),
}).annotate({
  description: "A check that runs on each node first, before the node is disturbed.",
});
export interface Preflight extends Schema.Schema.Type<typeof Preflight> {}

const HOST_MOUNT_PATH = "^/[^:]*[^:/][^:]*$";
/** Linux' PATH_MAX, which also bounds the cost of the rule. */
const HOST_MOUNT_PATH_LENGTH_MAX = 4096;

/** What a NodeOp does, to which nodes and how carefully. */
export const NodeOpSpec = open({
  nodeSelector: Schema.optionalKey(LabelSelector),
  command: command("What runs on each node, as a program and its arguments."),
  hostMountPath: withDefault(
    Schema.String.annotate({
      description:
        "Where the node's root file system is mounted in the container; HOST_DIR holds it too. Default: /host.",
    }).check(
      Schema.isMaxLength(HOST_MOUNT_PATH_LENGTH_MAX, {
        expected: "a path of at most 4096 characters",
      }),
      celCheck(
        {
          rule: `self.matches('${HOST_MOUNT_PATH}')`,
          message: "must be an absolute path other than /, without a colon",
        },
        (path) => new RegExp(HOST_MOUNT_PATH, "u").test(path),
        HOST_MOUNT_PATH,
      ),
    ),
    "/host",
  ),
  image: Schema.optionalKey(
    text("Image that the command runs in. Absent: the operator's default image.").check(
      withoutSpaces,
    ),
  ),
  imagePullSecrets,
  cordon: flag(false, "Make each node unschedulable while it is worked on."),
  uncordonOnFailure,
  drainOptions: Schema.optionalKey(DrainOptions),
  rebootOnSuccess: flag(false, "Reboot each node once the command has succeeded on it."),
  backoffLimit: Schema.optionalKey(
    int32(
      "How often a failed command is tried again on a node. Absent: 6, as for every Kubernetes Job.",
      0,
    ),
  ),
  concurrency,
  controlPlane,
  stopOnFailure,
  preflight: Schema.optionalKey(Preflight),
  deadlines,
  unreadyNodes,
  includeNewNodes,
})
  .annotate({
    description: "What runs on which nodes, and how carefully.",
    ...immutable([
      "nodeSelector",
      "command",
      "image",
      "hostMountPath",
      "cordon",
      "rebootOnSuccess",
      "preflight",
    ]),
  })
  .check(
    celCheck(
      {
        rule: "!has(self.drainOptions) || !has(self.drainOptions.enabled) || !self.drainOptions.enabled || (has(self.cordon) && self.cordon)",
        message: "drainOptions.enabled needs cordon: true, or evicted Pods come back to the node",
      },
      ({ cordon, drainOptions }) => cordon || drainOptions?.enabled !== true,
    ),
  );
export interface NodeOpSpec extends Schema.Schema.Type<typeof NodeOpSpec> {}

const operationStatusFields = {
  ...statusFields,
  /** Beside the entries, because a node that has not started has none. */
  notReadySince: Schema.optionalKey(
    Schema.Record(Schema.String, time("Since when it is kept from starting.")).annotate({
      description:
        "Targets whose turn it is and that cannot start because they are not Ready, and since when.",
      "x-kubernetes-map-type": "atomic",
    }),
  ),
};

/** `NodeOpStatus` without the entries per node. */
export const NodeOpStatusSummary = open(operationStatusFields);

/** How a NodeOp goes. */
export const NodeOpStatus = open({
  ...operationStatusFields,
  nodeStatuses: Schema.optionalKey(NodeStatuses),
});
export interface NodeOpStatus extends Schema.Schema.Type<typeof NodeOpStatus> {}

/** The fields of a NodeOp, which are decoded one by one. */
export const nodeOpFields = {
  apiVersion: required(ApiVersion, "write operator.kairos.io/v1alpha1"),
  kind: required(
    Schema.Literal("NodeOp").annotate({ description: "The kind of this object: NodeOp." }),
    "write NodeOp",
  ),
  metadata: required(Metadata, "an object has a name"),
  spec: required(NodeOpSpec, "describe the operation"),
  status: withDefault(
    NodeOpStatus.annotate({ description: "How the operation goes; written by the operator." }),
    INITIAL_STATUS,
  ),
};

/** A NodeOp as the API server returns it. */
export const NodeOp = open(nodeOpFields).annotate({
  description: "Runs a command on nodes, a few at a time, with cordon, drain and reboot around it.",
});
export interface NodeOp extends Schema.Schema.Type<typeof NodeOp> {}
