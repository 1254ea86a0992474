/** What the simulated kubelets and controllers read of Pods: the API's own field names, as plain JSON. */
import type { KubeObject } from "../../domain/kube/object.ts";
import { isRecord } from "./json.ts";

interface EnvVar {
  readonly name: string;
  readonly value?: string;
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: ReadonlyArray<string>;
  readonly args?: ReadonlyArray<string>;
  readonly env?: ReadonlyArray<EnvVar>;
}

export interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
  readonly tolerationSeconds?: number;
}

/** `v1.Volume` as far as it is attached to nodes. */
interface PodVolume {
  readonly name: string;
  readonly persistentVolumeClaim?: { readonly claimName: string };
  readonly ephemeral?: object;
}

export interface PodSpec {
  readonly nodeName?: string;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: ReadonlyArray<Toleration>;
  readonly restartPolicy?: "Always" | "OnFailure" | "Never";
  readonly initContainers?: ReadonlyArray<Container>;
  readonly containers: ReadonlyArray<Container>;
  readonly volumes?: ReadonlyArray<PodVolume>;
  readonly activeDeadlineSeconds?: number;
  readonly terminationGracePeriodSeconds?: number;
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
  readonly lastProbeTime?: string;
}

export interface ContainerStateTerminated {
  readonly exitCode: number;
  readonly reason: string;
  readonly message?: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
}

/** `v1.ContainerState`: exactly one of the three. */
export interface ContainerState {
  readonly waiting?: { readonly reason: string; readonly message?: string };
  readonly running?: { readonly startedAt: string };
  readonly terminated?: ContainerStateTerminated;
}

export interface ContainerStatus {
  readonly name: string;
  readonly image: string;
  readonly imageID: string;
  readonly ready: boolean;
  readonly started: boolean;
  readonly restartCount: number;
  readonly state: ContainerState;
  readonly lastState: ContainerState;
}

export type PodPhase = "Pending" | "Running" | "Succeeded" | "Failed";

export interface PodStatus {
  readonly phase: PodPhase;
  readonly conditions?: ReadonlyArray<Condition>;
  readonly reason?: string;
  readonly message?: string;
  readonly startTime?: string;
  readonly initContainerStatuses?: ReadonlyArray<ContainerStatus>;
  readonly containerStatuses?: ReadonlyArray<ContainerStatus>;
}

export interface Pod extends KubeObject {
  readonly spec: PodSpec;
  readonly status?: PodStatus;
}

export const isPod = (object: KubeObject): object is Pod =>
  isRecord(object["spec"]) && Array.isArray(object["spec"]["containers"]);

/** Whether a Pod has ended: it never leaves these phases (Kubernetes, "Pod Lifecycle"). */
export const isTerminalPhase = (phase: PodPhase | undefined): boolean =>
  phase === "Succeeded" || phase === "Failed";

/** Whether a Pod has neither ended nor been told to: controllers count on it. */
export const isActive = ({ metadata, status }: Pod): boolean =>
  metadata.deletionTimestamp === undefined && !isTerminalPhase(status?.phase);

export const isPodReady = ({ status }: Pod): boolean =>
  trueCondition(status?.conditions, "Ready") !== undefined;

/** The Job's controller puts this uid on its Pods. */
export const LABEL_CONTROLLER_UID = "batch.kubernetes.io/controller-uid";
/** The Job's controller puts its name on its Pods. */
export const LABEL_JOB_NAME = "batch.kubernetes.io/job-name";

/** Finds a condition that is `True`. */
export const trueCondition = (
  conditions: ReadonlyArray<Condition> | undefined,
  type: string,
): Condition | undefined =>
  conditions?.find((condition) => condition.type === type && condition.status === "True");
