/**
 * The drain: between cordon and Job every Pod that can go elsewhere leaves the node (design.md §4), and its volumes with it.
 * Level-based: each look at the node lists what is there and evicts what is left, until nothing is; then what is attached to
 * it is looked up, until only what Pods use that stay there is left.
 */
import { DEFAULT_UPGRADE_DRAIN, type DrainOptions } from "../api/drainOptions.ts";
import type { NodeOp } from "../api/nodeop.ts";
import { blockers } from "../drain/blockers.ts";
import { type DrainPlan, type DrainRules, planDrain, podNames } from "../drain/filter.ts";
import { type DrainProgress, isDelayed, nextLookAt } from "../drain/progress.ts";
import { isRefugeFor } from "../drain/refuge.ts";
import { attachmentNames, keptClaims } from "../drain/volumes.ts";
import type { NodePod } from "../kube/nodePod.ts";
import { kubeTime } from "../kube/object.ts";
import { LABEL_MANAGED_BY, MANAGED_BY_NODEOPUPGRADE } from "../labels.ts";
import { isOfOriginalsMaking } from "../takeover/original.ts";
import { drainEndsAt, isUnwatched } from "./deadline.ts";
import { act, advance, confirm, wait, type Action, type Note, type Step } from "./decision.ts";
import { endEarly, restarted } from "./entry.ts";
import { isHeldAsWanted } from "./hold.ts";
import { isLive, type NodeInFlight } from "./observed.ts";

type Operation = Pick<NodeOp, "metadata" | "spec">;

/**
 * How the nodes of this operation are drained. The Go original wrote `deleteEmptyDirData: false` into the NodeOp of every
 * NodeOpUpgrade and deleted Pods with emptyDir volumes all the same: such an operation drains by the rules of
 * NodeOpUpgrade, or it could not go on where it was left.
 */
export const drainOptionsOf = (operation: Operation): NodeOp["spec"]["drainOptions"] => {
  const { drainOptions } = operation.spec;
  return drainOptions !== undefined && isOfOriginalsMaking(operation)
    ? { ...drainOptions, deleteEmptyDirData: true }
    : drainOptions;
};

const isOfUpgrade = ({ metadata }: Operation): boolean =>
  metadata.labels?.[LABEL_MANAGED_BY] === MANAGED_BY_NODEOPUPGRADE;

/** Whether nobody asked for this drain: a NodeOpUpgrade that says nothing drains, as the reference page's does. */
const isByDefault = (operation: Operation, options: DrainOptions): boolean =>
  isOfUpgrade(operation) &&
  options.gracePeriodSeconds === undefined &&
  (options.timeoutSeconds ?? 0) === 0 &&
  options.force === DEFAULT_UPGRADE_DRAIN.force &&
  options.ignoreDaemonSets === DEFAULT_UPGRADE_DRAIN.ignoreDaemonSets &&
  options.deleteEmptyDirData === DEFAULT_UPGRADE_DRAIN.deleteEmptyDirData;

/** The Pods that its drain would evict; undefined where they were not listed in this pass. */
const evictable = (at: NodeInFlight, options: DrainOptions): ReadonlyArray<NodePod> | undefined => {
  const progress = at.observed.drains.get(at.name);
  return progress === undefined || !isLive(at.observed, { _tag: "NodePods", node: at.name })
    ? undefined
    : planDrain(progress.pods, rulesOf(at, options)).evict;
};

/** Whether another node could take one of the Pods. Where none has to go, any that could take Pods is good enough. */
const hasOtherNode = (
  { observed, name }: NodeInFlight,
  pods: ReadonlyArray<NodePod> | undefined,
): boolean => {
  const wanting = pods?.length === 0 ? undefined : pods;
  for (const [other, node] of observed.nodes)
    if (other !== name && isRefugeFor(node, wanting)) return true;
  return false;
};

/**
 * Whether a drain that nobody asked for is left out, because no other node could take its Pods: they would only be missing
 * for longer. A drain that has begun goes on: the Pods that are left are no better off alone.
 */
export const hasNowhereToDrain = (at: NodeInFlight): boolean => {
  const options = drainOptionsOf(at.operation);
  return (
    options?.enabled === true &&
    at.entry.drainingSince === undefined &&
    isByDefault(at.operation, options) &&
    !hasOtherNode(at, evictable(at, options))
  );
};

/** The options by which this node is drained now; undefined: not at all. */
const wantedDrain = (at: NodeInFlight): DrainOptions | undefined => {
  const options = drainOptionsOf(at.operation);
  return options?.enabled !== true || !at.operation.spec.cordon || hasNowhereToDrain(at)
    ? undefined
    : options;
};

/** By which rules the Pods of a node are judged. An upgrade leaves Pods that nobody would create again: they restart with it. */
const rulesOf = (at: NodeInFlight, options: DrainOptions): DrainRules => ({
  force: options.force,
  ignoreDaemonSets: options.ignoreDaemonSets,
  deleteEmptyDirData: options.deleteEmptyDirData,
  keepsUnmanaged: isOfUpgrade(at.operation),
  ownPod: at.observed.settings.ownPod,
});

/**
 * While Pods terminate, volumes are detached and evictions are put off, nothing is asked of the API server until the next
 * look is due; only a hold or cordon that somebody took off is put back at once. Undefined when it is time to look, or
 * nothing is drained.
 */
export const betweenLooks = (at: NodeInFlight): Step | undefined => {
  const { node, observed, name, entry } = at;
  const progress = observed.drains.get(name);
  if (progress === undefined || entry.drainingSince === undefined || node === undefined)
    return undefined;
  if (isLive(observed, { _tag: "NodePods", node: name })) return undefined;
  const options = wantedDrain(at);
  const isDue = at.now >= wakesAt(at, progress);
  if (options === undefined || isDue || !isHeldAsWanted(at, node)) return undefined;
  const plan = planDrain(progress.pods, rulesOf(at, options));
  // Nothing was left: it is the Job that is waited for.
  return leftOf(at, plan, progress) === undefined ? undefined : waitForNextLook(at, plan, progress);
};

/** What the drain waits for, by name: Pods to be evicted or on their way out, then what is attached; undefined: nothing. */
const leftOf = (at: NodeInFlight, plan: DrainPlan, progress: DrainProgress): string | undefined => {
  if (hasPodsLeft(plan)) return podNames([...plan.evict, ...plan.leaving]);
  const { attached = [] } = progress;
  return attached.length > 0 && waitsForVolumes(at) ? attachmentNames(attached) : undefined;
};

const hasPodsLeft = ({ evict, leaving }: DrainPlan): boolean =>
  evict.length > 0 || leaving.length > 0;

/**
 * Whether volumes have to be detached before the node reboots: so that the Pods that were evicted get them elsewhere. Where
 * there is nowhere to go nobody waits for them, and those who would detach them may be without a node themselves.
 */
const waitsForVolumes = (at: NodeInFlight): boolean => hasOtherNode(at, undefined);

/** The next look, or the end of the node's time to drain. */
const wakesAt = (at: NodeInFlight, progress: DrainProgress): number => {
  const next = nextLookAt(progress);
  return Math.min(next, drainEndsAt(at.entry, at.operation.spec) ?? next);
};

/** What the drain of this node needs next; undefined when the node is drained, or is not to be. */
export const drain = (at: NodeInFlight): Step | undefined => {
  const options = wantedDrain(at);
  if (options === undefined) return undefined;
  const { observed, name } = at;
  const progress = observed.drains.get(name);
  const evidence = { _tag: "NodePods", node: name } as const;
  if (progress === undefined || !isLive(observed, evidence))
    return confirm({ reason: "Draining", message: "its Pods are being listed" }, evidence);
  const plan = planDrain(progress.pods, rulesOf(at, options));
  if (plan.refusals.length > 0)
    return fail(at, "DrainRefused", `Drain refused: ${plan.refusals.join("; ")}`);
  if (!hasPodsLeft(plan) && waitsForVolumes(at)) {
    const volumes = { _tag: "NodeVolumes", node: name, claims: keptClaims(plan.staying) } as const;
    if (progress.attached === undefined || !isLive(observed, volumes))
      return confirm({ reason: "Draining", message: "its volumes are being looked up" }, volumes);
  }
  const left = leftOf(at, plan, progress);
  return left === undefined ? undefined : goOn(at, { options, plan, progress, left });
};

/** Something is left: the drain begins, ends in failure, evicts what may be evicted, or waits. */
const goOn = (
  at: NodeInFlight,
  drains: {
    readonly options: DrainOptions;
    readonly plan: DrainPlan;
    readonly progress: DrainProgress;
    readonly left: string;
  },
): Step => {
  const { observed, name, now } = at;
  const { options, plan, progress, left } = drains;
  // The deadline counts from what is stored.
  if (at.entry.drainingSince === undefined) return begin(at, left);
  const endsAt = drainEndsAt(at.entry, at.operation.spec);
  if (endsAt !== undefined && now >= endsAt)
    return isUnwatched(observed, endsAt) ? advance(restarted(at)) : timedOut(at, plan, progress);
  const due = plan.evict.filter((pod) => !isDelayed(progress, pod, now));
  return due.length === 0
    ? waitForNextLook(at, plan, progress)
    : act(noteOf(at, plan, progress), ...due.map((pod) => eviction(name, pod, options)));
};

const begin = (at: NodeInFlight, left: string): Step => {
  const time = kubeTime(at.now);
  const message = `Draining the node: ${left}`;
  return advance({ ...at.entry, message, drainingSince: time, lastUpdated: time });
};

const eviction = (node: string, pod: NodePod, options: DrainOptions): Action => ({
  _tag: "Evict",
  node,
  pod: {
    namespace: pod.metadata.namespace ?? "",
    name: pod.metadata.name,
    uid: pod.metadata.uid,
  },
  ...(options.gracePeriodSeconds === undefined
    ? {}
    : { gracePeriodSeconds: options.gracePeriodSeconds }),
});

const noteOf = (at: NodeInFlight, plan: DrainPlan, progress: DrainProgress): Note => {
  const blocked = blockers(plan, progress, at.now);
  return blocked === undefined
    ? {
        reason: "Draining",
        message: `the node is being drained: ${leftOf(at, plan, progress) ?? ""}`,
      }
    : { ...blocked, problem: true, isExact: true };
};

const waitForNextLook = (at: NodeInFlight, plan: DrainPlan, progress: DrainProgress): Step =>
  wait(noteOf(at, plan, progress), wakesAt(at, progress));

const fail = (at: NodeInFlight, reason: "DrainRefused" | "DrainTimeout", message: string): Step =>
  advance(endEarly(at, { reason, message, mayReboot: false }));

const timedOut = (at: NodeInFlight, plan: DrainPlan, progress: DrainProgress): Step => {
  const left = leftOf(at, plan, progress) ?? "";
  // What is attached says itself what blocks.
  const why = hasPodsLeft(plan) ? blockers(plan, progress, at.now)?.message : undefined;
  return fail(
    at,
    "DrainTimeout",
    `Drain failed: not done in time, still there: ${left}${why === undefined ? "" : `. ${why}`}`,
  );
};
