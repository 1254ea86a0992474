/**
 * How far the drain of a node is, as the operator remembers it between looks at the node's Pods. Losing it in a crash costs
 * a look, and a minute until a budget that blocks is told again; never an eviction too many.
 */
import type { DisruptionBudget } from "../kube/disruptionBudget.ts";
import type { NodePod } from "../kube/nodePod.ts";
import { kubeTime } from "../kube/object.ts";
import { isTerminating } from "../kube/pod.ts";
import type { VolumeAttachment } from "../kube/volume.ts";
import type { Delay } from "./eviction.ts";

/** A Pod whose eviction was put off: since when, and until when (milliseconds since the epoch). */
export interface DelayedPod {
  readonly since: number;
  readonly retryAt: number;
  readonly why: Delay["why"];
  readonly detail: string;
}

/** What was seen at the last look, and when the next one is. */
export interface DrainProgress {
  readonly pods: ReadonlyArray<NodePod>;
  /** The budgets where evictions have been refused for long; empty until then. */
  readonly budgets: ReadonlyArray<DisruptionBudget>;
  readonly looks: number;
  readonly nextLookAt: number;
  /** By uid of the Pod. */
  readonly delayed: ReadonlyMap<string, DelayedPod>;
  /** What is attached to the node and has to go (`hasToGo`); absent where it has to be looked up, because Pods came or went. */
  readonly attached?: ReadonlyArray<VolumeAttachment> | undefined;
  /** Since when no Pod has had to go any more, but attachments have; milliseconds since the epoch. */
  readonly attachedSince?: number | undefined;
}

const FIRST_LOOK_MILLIS = 1000;
const LOOK_MILLIS_MAX = 10_000;
/** Further doublings are beyond the longest interval. */
const DOUBLINGS_MAX = 4;

/** The progress after a look: the next one is after 1 s, 2 s, 4 s … 10 s. What has left is forgotten. */
export const looked = (
  before: DrainProgress | undefined,
  seen: Pick<DrainProgress, "pods" | "budgets">,
  now: number,
): DrainProgress => {
  const looks = (before?.looks ?? 0) + 1;
  const interval = FIRST_LOOK_MILLIS * 2 ** Math.min(looks - 1, DOUBLINGS_MAX);
  const present = new Set(seen.pods.map(({ metadata }) => metadata.uid));
  const isSame = before?.pods.length === present.size && before.pods.every(isIn(present));
  return {
    ...seen,
    ...(isSame ? { attached: before.attached } : {}),
    attachedSince: before?.attachedSince,
    looks,
    nextLookAt: now + Math.min(LOOK_MILLIS_MAX, interval),
    delayed: new Map([...(before?.delayed ?? [])].filter(([uid]) => present.has(uid))),
  };
};

const isIn =
  (uids: ReadonlySet<string>) =>
  ({ metadata }: NodePod): boolean =>
    uids.has(metadata.uid);

/** The progress after the attachments were looked up. */
export const lookedAtVolumes = (
  before: DrainProgress,
  attached: ReadonlyArray<VolumeAttachment>,
  now: number,
): DrainProgress => ({
  ...before,
  attached,
  attachedSince: attached.length === 0 ? undefined : (before.attachedSince ?? now),
});

/** Whether attachments are there although no Pod has had to go for a minute. */
export const isSlowToDetach = ({ attachedSince }: DrainProgress, now: number): boolean =>
  attachedSince !== undefined && now - attachedSince >= BLOCKED_MILLIS;

/** When the node is looked at again: at the next look, or when an eviction is to be tried again before that. */
export const nextLookAt = ({ nextLookAt: next, delayed }: DrainProgress): number =>
  Math.min(next, ...[...delayed.values()].map(({ retryAt }) => retryAt));

/** Whether the eviction of this Pod is not to be tried yet. */
export const isDelayed = ({ delayed }: DrainProgress, pod: NodePod, now: number): boolean =>
  (delayed.get(pod.metadata.uid)?.retryAt ?? now) > now;

const without = (progress: DrainProgress, uid: string): ReadonlyMap<string, DelayedPod> =>
  progress.delayed.has(uid)
    ? new Map([...progress.delayed].filter(([other]) => other !== uid))
    : progress.delayed;

/** The Pod was evicted: it is on its way out. */
export const evicted = (progress: DrainProgress, uid: string, now: number): DrainProgress => ({
  ...progress,
  delayed: without(progress, uid),
  pods: progress.pods.map((pod) =>
    pod.metadata.uid === uid && !isTerminating(pod)
      ? { ...pod, metadata: { ...pod.metadata, deletionTimestamp: kubeTime(now) } }
      : pod,
  ),
});

/** The Pod is not there any more. */
export const gone = (progress: DrainProgress, uid: string): DrainProgress => ({
  ...progress,
  delayed: without(progress, uid),
  pods: progress.pods.filter(({ metadata }) => metadata.uid !== uid),
});

/** The eviction of the Pod was refused for now. */
export const putOff = (
  progress: DrainProgress,
  uid: string,
  { why, detail, afterMillis }: Delay,
  now: number,
): DrainProgress => {
  const since = progress.delayed.get(uid)?.since ?? now;
  const pod = { since, retryAt: now + afterMillis, why, detail };
  return { ...progress, delayed: new Map(progress.delayed).set(uid, pod) };
};

/** A Pod whose eviction has been refused for so long is told, with what refuses it. */
export const BLOCKED_MILLIS = 60_000;

/** The Pods whose eviction has been refused for a minute. */
export const blockedPods = (progress: DrainProgress, now: number): ReadonlyArray<NodePod> =>
  progress.pods.filter((pod) => {
    const delayed = progress.delayed.get(pod.metadata.uid);
    return delayed !== undefined && now - delayed.since >= BLOCKED_MILLIS;
  });

/** The namespaces whose budgets explain what is blocked. */
export const blockedNamespaces = (
  progress: DrainProgress | undefined,
  now: number,
): ReadonlyArray<string> =>
  progress === undefined
    ? []
    : [
        ...new Set(
          blockedPods(progress, now)
            .filter(({ metadata }) => progress.delayed.get(metadata.uid)?.why === "Budget")
            .flatMap(({ metadata }) => metadata.namespace ?? []),
        ),
      ];
