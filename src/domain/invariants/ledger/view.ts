/** How the monitors read stored objects: the fields that laws speak about, every one of them possibly absent. */
import type { NodeStatus } from "../../api/status.ts";
import type { KubeObject, ObjectMeta } from "../../kube/object.ts";
import type { NodePod } from "../../kube/nodePod.ts";
import type { Taint } from "../../kube/taint.ts";
import type { LabelSelector } from "../../kube/selector.ts";
import type { VolumeAttachment, VolumeClaim } from "../../kube/volume.ts";

interface Condition {
  readonly type: string;
  readonly status: string;
}

/** A NodeOp as stored. */
export interface NodeOpView {
  readonly metadata: ObjectMeta;
  readonly spec?: {
    readonly nodeSelector?: LabelSelector;
    readonly concurrency?: number;
    readonly controlPlane?: { readonly maxUnavailable?: number };
    readonly stopOnFailure?: boolean;
    readonly uncordonOnFailure?: boolean;
    readonly rebootOnSuccess?: boolean;
    readonly cordon?: boolean;
    readonly drainOptions?: {
      readonly enabled?: boolean;
      readonly force?: boolean;
      readonly ignoreDaemonSets?: boolean;
      readonly timeoutSeconds?: number;
    };
    readonly deadlines?: {
      readonly preflightSeconds?: number;
      readonly drainSeconds?: number;
      readonly upgradeSeconds?: number;
      readonly rebootSeconds?: number;
      readonly readySeconds?: number;
    };
  };
  readonly status?: {
    readonly phase?: string;
    readonly observedGeneration?: number;
    readonly conditions?: ReadonlyArray<Condition>;
    readonly notReadySince?: Readonly<Record<string, string>>;
    readonly nodeStatuses?: Readonly<Record<string, NodeStatus>>;
  };
}

/** A Node as stored. */
export interface NodeView {
  readonly metadata: ObjectMeta;
  readonly spec?: { readonly unschedulable?: boolean; readonly taints?: ReadonlyArray<Taint> };
  readonly status?: {
    readonly conditions?: ReadonlyArray<Condition>;
    readonly nodeInfo?: { readonly bootID?: string };
  };
}

interface PodSpecView {
  readonly nodeName?: string;
  readonly initContainers?: ReadonlyArray<unknown>;
  readonly containers?: ReadonlyArray<unknown>;
}

/** A Job as stored. */
export interface JobView {
  readonly metadata: ObjectMeta;
  readonly spec?: {
    readonly suspend?: boolean;
    readonly template?: { readonly spec?: PodSpecView };
  };
  readonly status?: { readonly conditions?: ReadonlyArray<Condition> };
}

/** A Pod as stored. */
export interface PodView {
  readonly metadata: ObjectMeta;
  readonly spec?: PodSpecView;
  readonly status?: {
    readonly phase?: string;
    readonly initContainerStatuses?: ReadonlyArray<{
      readonly state?: {
        readonly terminated?: { readonly exitCode: number; readonly message?: string };
      };
    }>;
  };
}

interface AttachmentView extends KubeObject {
  readonly spec?: {
    readonly nodeName?: string;
    readonly source?: { readonly persistentVolumeName?: string };
  };
}

/** The object as its kind's view: the store admits only objects of the kind's schema. */
export const asNodeOp = (object: KubeObject): NodeOpView => object;
export const asNode = (object: KubeObject): NodeView => object;
export const asJob = (object: KubeObject): JobView => object;
export const asPod = (object: KubeObject): PodView => object;
export const asNodePod = (object: KubeObject): NodePod => object;
export const asClaim = (object: KubeObject): VolumeClaim => object;
export const asAttachment = ({ metadata, spec }: AttachmentView): VolumeAttachment => ({
  metadata,
  spec: { nodeName: spec?.nodeName ?? "", source: spec?.source ?? {} },
});

/** Whether a condition of one of these types is True. */
export const hasCondition = (
  status: { readonly conditions?: ReadonlyArray<Condition> } | undefined,
  ...types: ReadonlyArray<string>
): boolean =>
  status?.conditions?.some((one) => one.status === "True" && types.includes(one.type)) === true;

/** What stands in an annotation; undefined when it is absent or empty. */
export const annotation = (
  object: { readonly metadata: ObjectMeta } | undefined,
  key: string,
): string | undefined => {
  const value = object?.metadata.annotations?.[key];
  return value === "" ? undefined : value;
};
