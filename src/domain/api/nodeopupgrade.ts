/** NodeOpUpgrade: an upgrade of Kairos nodes to a container image. */
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
  nonEmptyText,
  open,
  required,
  text,
  withDefault,
  withoutSpaces,
} from "./fields.ts";
import { UpgradeDrainOptions } from "./drainOptions.ts";
import { immutable } from "./immutable.ts";
import { Metadata } from "./metadata.ts";
import { LabelSelector } from "./selector.ts";
import { INITIAL_STATUS, NodeStatuses, statusFields } from "./status.ts";

const NAME_THE_IMAGE = "name the container image with the new Kairos version";

/** Which image goes onto which nodes, and how carefully. */
export const NodeOpUpgradeSpec = open({
  image: required(
    nonEmptyText("Container image with the new Kairos version.", NAME_THE_IMAGE).check(
      withoutSpaces,
    ),
    NAME_THE_IMAGE,
  ),
  imagePullSecrets,
  nodeSelector: Schema.optionalKey(LabelSelector),
  concurrency,
  controlPlane,
  stopOnFailure,
  upgradeActive: flag(true, "Upgrade the active system and reboot into it."),
  upgradeRecovery: flag(false, "Upgrade the recovery system."),
  force: flag(false, "Upgrade without comparing versions first."),
  debug: flag(false, "Let the upgrade log in detail."),
  uncordonOnFailure,
  excludePaths: Schema.optionalKey(
    atomicList(
      Schema.String,
      "Paths of the image that are not copied to the node, besides /etc/hostname and /etc/hosts.",
    ),
  ),
  backoffLimit: withDefault(
    int32("How often a failed upgrade is tried again on a node. Default: 2.", 0),
    2,
  ),
  drainOptions: Schema.optionalKey(UpgradeDrainOptions),
  deadlines,
  unreadyNodes,
  includeNewNodes,
})
  .annotate({
    description: "Which image goes onto which nodes, and how carefully.",
    ...immutable([
      "image",
      "nodeSelector",
      "upgradeActive",
      "upgradeRecovery",
      "force",
      "debug",
      "excludePaths",
    ]),
  })
  .check(
    celCheck(
      {
        rule: "(has(self.upgradeActive) && self.upgradeActive) || (has(self.upgradeRecovery) && self.upgradeRecovery)",
        message: "select at least one partition: set upgradeActive or upgradeRecovery to true",
      },
      ({ upgradeActive, upgradeRecovery }) => upgradeActive || upgradeRecovery,
    ),
  );
export interface NodeOpUpgradeSpec extends Schema.Schema.Type<typeof NodeOpUpgradeSpec> {}

const upgradeStatusFields = {
  ...statusFields,
  nodeOpName: Schema.optionalKey(text("Name of the NodeOp that does the work.")),
};

/** `NodeOpUpgradeStatus` without the entries per node. */
export const NodeOpUpgradeStatusSummary = open(upgradeStatusFields);

/** How a NodeOpUpgrade goes. */
export const NodeOpUpgradeStatus = open({
  ...upgradeStatusFields,
  nodeStatuses: Schema.optionalKey(NodeStatuses),
});
export interface NodeOpUpgradeStatus extends Schema.Schema.Type<typeof NodeOpUpgradeStatus> {}

/** The fields of a NodeOpUpgrade, which are decoded one by one. */
export const nodeOpUpgradeFields = {
  apiVersion: required(ApiVersion, "write operator.kairos.io/v1alpha1"),
  kind: required(
    Schema.Literal("NodeOpUpgrade").annotate({
      description: "The kind of this object: NodeOpUpgrade.",
    }),
    "write NodeOpUpgrade",
  ),
  metadata: required(Metadata, "an object has a name"),
  spec: required(NodeOpUpgradeSpec, "describe the upgrade"),
  status: withDefault(
    NodeOpUpgradeStatus.annotate({ description: "How the upgrade goes; written by the operator." }),
    INITIAL_STATUS,
  ),
};

/** A NodeOpUpgrade as the API server returns it. */
export const NodeOpUpgrade = open(nodeOpUpgradeFields).annotate({
  description: "Upgrades Kairos nodes to a container image, a few at a time.",
});
export interface NodeOpUpgrade extends Schema.Schema.Type<typeof NodeOpUpgrade> {}
