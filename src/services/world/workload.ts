/** ReplicaSets and StatefulSets as their simulated controllers read them, and the Pods that they make of their templates. */
import {
  controllerOf,
  type KubeObject,
  type NewKubeObject,
  type ObjectMeta,
} from "../../domain/kube/object.ts";
import type { LabelSelector } from "../../domain/kube/selector.ts";
import { isRecord } from "./json.ts";
import type { Pod, PodSpec } from "./pod.ts";

export interface Workload extends KubeObject {
  readonly spec: {
    readonly replicas: number;
    readonly selector: LabelSelector;
    readonly podManagementPolicy?: "OrderedReady" | "Parallel";
    readonly template: { readonly metadata?: Partial<ObjectMeta>; readonly spec: PodSpec };
  };
  readonly status?: WorkloadStatus;
}

/** What both kinds say of their Pods. Counts of zero are left out. */
export interface WorkloadStatus {
  readonly replicas: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
  readonly observedGeneration?: number;
  readonly [field: string]: unknown;
}

export const isWorkload = (object: KubeObject): object is Workload =>
  isRecord(object["spec"]) && typeof object["spec"]["replicas"] === "number";

/** The uid of the object of that kind which controls the Pod. */
export const workloadOf = (kind: string, pod: Pod): string | undefined => {
  const owner = controllerOf(pod.metadata);
  return owner?.kind === kind ? owner.uid : undefined;
};

/** A Pod from the template, owned by the workload. */
export const podFrom = (
  { apiVersion, kind, metadata, spec: { template } }: Workload,
  identity: Partial<ObjectMeta>,
): NewKubeObject => {
  const { name, uid, namespace } = metadata;
  const owner = { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...template.metadata,
      ...identity,
      labels: { ...template.metadata?.labels, ...identity.labels },
      ...(namespace === undefined ? {} : { namespace }),
      ownerReferences: [owner],
    },
    spec: template.spec,
  };
};
