/**
 * What the Go original (kairos-operator v0.1.3) left: how its objects are told from ours. It knows no conditions, no
 * `observedGeneration` and no stages, and drops them where it writes a status of ours: then the object is its own again.
 */
import type { NodeOp } from "../api/nodeop.ts";
import type { NodeStatus } from "../api/status.ts";
import { isComplete, type Job } from "../kube/job.ts";
import { isTerminal, type Pod } from "../kube/pod.ts";
import {
  ANNOTATION_REBOOT_STATE,
  LABEL_MANAGED_BY,
  LABEL_NODE,
  LABEL_PREFLIGHT,
  LABEL_REBOOT,
  MANAGED_BY_NODEOPUPGRADE,
} from "../labels.ts";
import type { ChildNames } from "../names.ts";

/** The part of a status by which its writer is known. */
interface Signed {
  readonly phase?: string;
  readonly nodeStatuses?: Readonly<Record<string, NodeStatus>>;
  readonly observedGeneration?: number;
  readonly conditions?: ReadonlyArray<unknown>;
}

/**
 * Whether the original wrote this status last. It always writes a phase, and never the generation that it is about; a
 * fresh object has the default -1 of the CRD and no phase.
 */
export const isOriginals = (status: Signed | undefined): boolean =>
  status !== undefined &&
  status.conditions === undefined &&
  (status.observedGeneration === undefined || status.observedGeneration < 0) &&
  (status.phase !== undefined || status.nodeStatuses !== undefined);

/**
 * Whether the original had not finished this node (kairos.md a6). Of an entry without a stage only: ours have one until
 * they end.
 */
export const isUnfinished = (entry: NodeStatus): boolean =>
  entry.phase === "Completed" ? entry.rebootStatus === "pending" : entry.phase !== "Failed";

/** Whether the original made this NodeOp from a NodeOpUpgrade: it set no `backoffLimit`, which those of ours always have. */
export const isOfOriginalsMaking = ({ metadata, spec }: Pick<NodeOp, "metadata" | "spec">) =>
  metadata.labels?.[LABEL_MANAGED_BY] === MANAGED_BY_NODEOPUPGRADE &&
  spec.backoffLimit === undefined;

/** What the original made for one node: controlled by the operation, under names that are not ours. */
export interface OriginalChildren {
  /** Jobs besides the one that the entry names: a crash of the original could make a second one. */
  readonly jobs: ReadonlyArray<Job>;
  /** One for each Job, and those of attempts that never got to a Job. */
  readonly rebootPods: ReadonlyArray<Pod>;
  readonly preflightPods: ReadonlyArray<Pod>;
}

export const NO_ORIGINAL_CHILDREN: OriginalChildren = {
  jobs: [],
  rebootPods: [],
  preflightPods: [],
};

export const isRebootPod = ({ metadata }: Pod): boolean =>
  metadata.labels?.[LABEL_REBOOT] === "true";

/** Tells what the original made among all that an operation has on a node; undefined when it made nothing. */
export const originalChildren = (all: {
  readonly jobs: ReadonlyArray<Job>;
  readonly pods: ReadonlyArray<Pod>;
  readonly names: ChildNames;
}): OriginalChildren | undefined => {
  const { names } = all;
  const jobs = all.jobs.filter(({ metadata }) => metadata.name !== names.job);
  const pods = all.pods.filter(
    ({ metadata }) => metadata.name !== names.rebootPod && metadata.name !== names.preflightPod,
  );
  return jobs.length + pods.length === 0
    ? undefined
    : {
        jobs,
        rebootPods: pods.filter(isRebootPod),
        preflightPods: pods.filter(({ metadata }) => metadata.labels?.[LABEL_PREFLIGHT] === "true"),
      };
};

/** The node of a child of the original, which wrote plain names as label values. */
export const nodeOf = (child: Job | Pod): string => child.metadata.labels?.[LABEL_NODE] ?? "";

/** Whether the original's script has recorded the reboot, which it does some seconds before it asks for it. */
export const hasRecorded = (pod: Pod): boolean =>
  pod.metadata.annotations?.[ANNOTATION_REBOOT_STATE] === "completed";

/** Whether a reboot Pod counts as done: recorded, and Succeeded (kairos.md a6). */
const isDone = (pod: Pod): boolean => hasRecorded(pod) && pod.status?.phase === "Succeeded";

/**
 * Whether the reboots that the original's Jobs ask for are reported. Each of its Jobs has a reboot Pod of its own, and
 * nothing on a Pod says which: so there have to be as many. Pods without a Job wait for ever, and do nothing.
 */
export const areRebootsReported = (
  jobs: ReadonlyArray<Job>,
  rebootPods: ReadonlyArray<Pod>,
): boolean =>
  rebootPods.filter(isDone).length >= Math.max(1, jobs.filter((job) => isComplete(job)).length);

/** Whether any reboot Pod may still act. */
export const mayStillReboot = (rebootPods: ReadonlyArray<Pod>): boolean =>
  rebootPods.some((pod) => !isTerminal(pod));
