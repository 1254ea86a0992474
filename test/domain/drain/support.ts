/** Builders of Pods, budgets and attachments as a drain sees them. */
import type { DisruptionBudget } from "../../../src/domain/kube/disruptionBudget.ts";
import type { NodePod } from "../../../src/domain/kube/nodePod.ts";
import type { Toleration } from "../../../src/domain/kube/taint.ts";
import type { VolumeAttachment } from "../../../src/domain/kube/volume.ts";

/** The kind of its controller; null for none. */
type Owner = string | null;

export const nodePod = (
  name: string,
  options: {
    readonly owner?: Owner;
    readonly phase?: string;
    readonly emptyDir?: boolean;
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
    readonly deletingSince?: string;
    readonly namespace?: string;
    readonly tolerations?: ReadonlyArray<Toleration>;
    readonly volumes?: NonNullable<NodePod["spec"]>["volumes"];
  } = {},
): NodePod => {
  const { owner = "ReplicaSet" } = options;
  return {
    metadata: {
      name,
      namespace: options.namespace ?? "shop",
      uid: `${name}-uid`,
      resourceVersion: "1",
      labels: options.labels ?? {},
      annotations: options.annotations ?? {},
      ownerReferences:
        owner === null
          ? []
          : [{ apiVersion: "apps/v1", kind: owner, name: "o", uid: "o-uid", controller: true }],
      ...(options.deletingSince === undefined ? {} : { deletionTimestamp: options.deletingSince }),
    },
    spec: {
      volumes: options.volumes ?? (options.emptyDir === true ? [{}, { emptyDir: {} }] : [{}]),
      ...(options.tolerations === undefined ? {} : { tolerations: options.tolerations }),
    },
    status: { phase: options.phase ?? "Running" },
  };
};

export const attachment = (
  name: string,
  volume: string | undefined,
  nodeName = "worker-1",
): VolumeAttachment => ({
  metadata: { name, uid: `${name}-uid` },
  spec: { nodeName, source: volume === undefined ? {} : { persistentVolumeName: volume } },
});

export const budget = (
  name: string,
  selector: NonNullable<DisruptionBudget["spec"]>["selector"],
  options: { readonly namespace?: string; readonly allowed?: number } = {},
): DisruptionBudget => ({
  metadata: {
    name,
    namespace: options.namespace ?? "shop",
    uid: `${name}-uid`,
    resourceVersion: "1",
  },
  spec: selector === undefined ? {} : { selector },
  status: { disruptionsAllowed: options.allowed ?? 0, currentHealthy: 1, desiredHealthy: 1 },
});
