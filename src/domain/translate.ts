/** From a NodeOpUpgrade to the NodeOp that does its work. */
import { Equal } from "effect";
import { DEFAULT_UPGRADE_DRAIN } from "./api/drainOptions.ts";
import type { NodeOp, NodeOpSpec } from "./api/nodeop.ts";
import type { NodeOpUpgrade, NodeOpUpgradeSpec } from "./api/nodeopupgrade.ts";
import type { NewKubeObject } from "./kube/object.ts";
import { apiVersionOf, NodeOps, NodeOpUpgrades } from "./kube/resource.ts";
import {
  LABEL_MANAGED_BY,
  LABEL_NODEOPUPGRADE,
  labelValue,
  MANAGED_BY_NODEOPUPGRADE,
} from "./labels.ts";
import { preflightScript } from "./scripts/preflight.ts";
import { upgradeScript } from "./scripts/upgrade.ts";
import { isOfOriginalsMaking } from "./takeover/original.ts";

type Upgrade = Pick<NodeOpUpgrade, "metadata" | "spec">;

/** A NodeOp on its way to the API server, which writes the defaults out. */
export type NewNodeOp = NewKubeObject & { readonly spec: (typeof NodeOpSpec)["Encoded"] };

const HOST_MOUNT_PATH = "/host";

/**
 * The largest `activeDeadlineSeconds`, 68 years: no limit. The preflight is fixed when the NodeOp is made, whereas the
 * operator's own `deadlines.preflightSeconds` can be raised while it runs; it also covers the pull of a large image.
 */
const SECONDS_MAX = 2147483647;

const shell = (script: string): ReadonlyArray<string> => ["/bin/sh", "-c", script];

/** How nodes are drained: by default, as in the original; not at all where no reboot follows. */
const drainOptionsOf = (spec: NodeOpUpgradeSpec) =>
  spec.upgradeActive ? { drainOptions: spec.drainOptions ?? DEFAULT_UPGRADE_DRAIN } : {};

/** The fields that may change while the operation runs; whatever else a NodeOp has is fixed when it is made. */
const steeringFields = (spec: NodeOpUpgradeSpec) => ({
  concurrency: spec.concurrency,
  stopOnFailure: spec.stopOnFailure,
  uncordonOnFailure: spec.uncordonOnFailure,
  backoffLimit: spec.backoffLimit,
  deadlines: spec.deadlines,
  unreadyNodes: spec.unreadyNodes,
  includeNewNodes: spec.includeNewNodes,
  ...drainOptionsOf(spec),
  ...(spec.controlPlane === undefined ? {} : { controlPlane: spec.controlPlane }),
  ...(spec.imagePullSecrets === undefined ? {} : { imagePullSecrets: spec.imagePullSecrets }),
});

/**
 * A check whether the active partition already runs the image. There is none by force, nor when the recovery partition
 * is to be written: its version is not known from outside.
 */
const preflight = (spec: NodeOpUpgradeSpec) =>
  spec.force || spec.upgradeRecovery
    ? {}
    : {
        preflight: {
          command: shell(preflightScript()),
          activeDeadlineSeconds: SECONDS_MAX,
        },
      };

/** Only a new active system needs a reboot, and only a reboot disturbs what runs on the node. */
const disturbance = (spec: NodeOpUpgradeSpec) => ({
  cordon: spec.upgradeActive,
  rebootOnSuccess: spec.upgradeActive,
});

/**
 * The NodeOp to create for a NodeOpUpgrade (page, "How Upgrade Is Performed" 1): of the same name and namespace, owned by
 * it, with the upgrade's script. An upgrade of the recovery partition alone neither cordons, drains nor reboots.
 */
export const translate = ({ metadata, spec }: Upgrade): NewNodeOp => ({
  apiVersion: apiVersionOf(NodeOps),
  kind: NodeOps.kind,
  metadata: {
    name: metadata.name,
    ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
    labels: {
      [LABEL_MANAGED_BY]: MANAGED_BY_NODEOPUPGRADE,
      [LABEL_NODEOPUPGRADE]: labelValue(metadata.name),
    },
    ownerReferences: [
      {
        apiVersion: apiVersionOf(NodeOpUpgrades),
        kind: NodeOpUpgrades.kind,
        name: metadata.name,
        uid: metadata.uid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  },
  spec: {
    ...(spec.nodeSelector === undefined ? {} : { nodeSelector: spec.nodeSelector }),
    command: shell(upgradeScript({ ...spec, excludePaths: spec.excludePaths ?? [] })),
    hostMountPath: HOST_MOUNT_PATH,
    image: spec.image,
    ...disturbance(spec),
    ...preflight(spec),
    ...steeringFields(spec),
  },
});

/** A JSON object, as merge patches tell it from all other values. */
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The merge patch (RFC 7396) that makes `actual` into `desired`, looking at `keys` only; undefined when it is. */
const difference = (
  keys: Iterable<string>,
  desired: Readonly<Record<string, unknown>>,
  actual: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> | undefined => {
  const patch: Record<string, unknown> = {};
  for (const key of keys) {
    const [wanted, found] = [desired[key], actual[key]];
    if (isObject(wanted) && isObject(found)) {
      const inner = difference(Object.keys({ ...found, ...wanted }), wanted, found);
      if (inner !== undefined) patch[key] = inner;
    } else if (!Equal.equals(wanted, found)) {
      patch[key] = wanted === undefined ? null : wanted;
    }
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
};

const STEERING: ReadonlyArray<string> = [
  "concurrency",
  "controlPlane",
  "stopOnFailure",
  "uncordonOnFailure",
  "backoffLimit",
  "deadlines",
  "unreadyNodes",
  "includeNewNodes",
  "drainOptions",
  "imagePullSecrets",
];

/** A merge patch of a NodeOp's spec. */
export interface SteeringPatch {
  readonly spec: Readonly<Record<string, unknown>>;
}

/**
 * What has to change in a NodeOp so that it is steered as its NodeOpUpgrade says, as a merge patch of the fields that
 * differ; undefined when none does. What defines the operation is immutable and never part of it. The Go original left
 * `backoffLimit` unset, which means 6: nobody who wrote that NodeOpUpgrade asked for the 2 that its CRD has by now. How the
 * original's drain is understood where the NodeOpUpgrade says nothing of it is `drainOptionsOf`'s (rollout/drain.ts).
 */
export const steering = (
  upgrade: Pick<NodeOpUpgrade, "spec">,
  nodeOp: Pick<NodeOp, "metadata" | "spec">,
): SteeringPatch | undefined => {
  const isUnsaid = (field: string): boolean =>
    field === "backoffLimit" ||
    (field === "drainOptions" && upgrade.spec.drainOptions === undefined);
  // Whether it drains at all follows from what is immutable.
  const steered = STEERING.filter(
    (field) => field !== "drainOptions" || upgrade.spec.upgradeActive,
  );
  const fields = isOfOriginalsMaking(nodeOp)
    ? steered.filter((field) => !isUnsaid(field))
    : steered;
  const spec = difference(fields, steeringFields(upgrade.spec), nodeOp.spec);
  return spec === undefined ? undefined : { spec };
};
