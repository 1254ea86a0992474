/**
 * Which Pods of a node are evicted, in the order of kubectl's filters (pkg/drain/filters.go): DaemonSet, mirror, emptyDir,
 * no controller. What it refuses stops the drain before the first eviction, all reasons together.
 */
import { controllerOf, objectKey } from "../kube/object.ts";
import { hasEmptyDir, isMirror, type NodePod } from "../kube/nodePod.ts";
import { isTerminal, isTerminating } from "../kube/pod.ts";
import { LABEL_NODEOP } from "../labels.ts";

/** What the drain of a node may do. */
export interface DrainRules {
  /** Also evict Pods that no controller would create again. */
  readonly force: boolean;
  /** Leave the Pods of DaemonSets where they are; else they stop the drain. */
  readonly ignoreDaemonSets: boolean;
  /** Also evict Pods whose emptyDir volumes are lost by it; else they stop the drain. */
  readonly deleteEmptyDirData: boolean;
  /** Without `force`, Pods that no controller would create again stay and restart with the node, and stop no drain. */
  readonly keepsUnmanaged: boolean;
  /** The Pod that the operator itself runs in. */
  readonly ownPod?: { readonly namespace: string; readonly name: string } | undefined;
}

/** What becomes of one Pod. */
export type Verdict =
  | { readonly _tag: "Evict" }
  /** It is being deleted already: the drain waits for its end. */
  | { readonly _tag: "Leaving" }
  | { readonly _tag: "Stay" }
  /** It stops the drain. */
  | { readonly _tag: "Refuse"; readonly why: string };

/** kubectl's words, with the field of ours in place of its flag. */
const DAEMON_SET = "DaemonSet-managed Pods (write drainOptions.ignoreDaemonSets: true to ignore)";
const LOCAL_STORAGE =
  "Pods with local storage (write drainOptions.deleteEmptyDirData: true to override)";
const UNMANAGED = "Pods that declare no controller (write drainOptions.force: true to override)";

/** Pods of operations, whichever, carry this label: reboot Pods, preflight Pods, Pods of Jobs. */
const isOfAnOperation = ({ metadata }: NodePod): boolean =>
  metadata.labels?.[LABEL_NODEOP] !== undefined;

const isOwn = ({ metadata }: NodePod, { ownPod }: DrainRules): boolean =>
  ownPod !== undefined && metadata.namespace === ownPod.namespace && metadata.name === ownPod.name;

/**
 * What becomes of this Pod. Unlike kubectl's, a drain leaves finished Pods: they hold the logs. One that is being deleted
 * loses them anyway, and is waited for as any other: a finalizer may stand for a volume that is still in use.
 */
export const verdictOn = (pod: NodePod, rules: DrainRules): Verdict => {
  if (isOfAnOperation(pod) || isOwn(pod, rules)) return { _tag: "Stay" };
  if (isTerminal(pod) && !isTerminating(pod)) return { _tag: "Stay" };
  const controller = controllerOf(pod.metadata);
  if (controller?.kind === "DaemonSet")
    return rules.ignoreDaemonSets ? { _tag: "Stay" } : { _tag: "Refuse", why: DAEMON_SET };
  if (isMirror(pod)) return { _tag: "Stay" };
  if (isTerminating(pod)) return { _tag: "Leaving" };
  const isUnmanaged = controller === undefined && !rules.force;
  // Before its volumes are looked at: what stays loses nothing.
  if (isUnmanaged && rules.keepsUnmanaged) return { _tag: "Stay" };
  if (hasEmptyDir(pod) && !rules.deleteEmptyDirData) return { _tag: "Refuse", why: LOCAL_STORAGE };
  return isUnmanaged ? { _tag: "Refuse", why: UNMANAGED } : { _tag: "Evict" };
};

/** What is to be done with all Pods of a node. */
export interface DrainPlan {
  readonly evict: ReadonlyArray<NodePod>;
  readonly leaving: ReadonlyArray<NodePod>;
  readonly staying: ReadonlyArray<NodePod>;
  /** Why the drain must not begin, one sentence for each reason, as kubectl words it. */
  readonly refusals: ReadonlyArray<string>;
}

/** Looks at all Pods of a node. */
export const planDrain = (pods: ReadonlyArray<NodePod>, rules: DrainRules): DrainPlan => {
  const evict: Array<NodePod> = [];
  const leaving: Array<NodePod> = [];
  const staying: Array<NodePod> = [];
  const refused = new Map<string, Array<NodePod>>();
  for (const pod of pods) {
    const verdict = verdictOn(pod, rules);
    if (verdict._tag === "Evict") evict.push(pod);
    else if (verdict._tag === "Leaving") leaving.push(pod);
    else if (verdict._tag === "Stay") staying.push(pod);
    else refused.set(verdict.why, [...(refused.get(verdict.why) ?? []), pod]);
  }
  const refusals = [...refused].map(([why, of]) => `cannot delete ${why}: ${podNames(of)}`);
  return { evict, leaving, staying, refusals };
};

const NAMES_MAX = 5;

/** The first five in their order, and how many there are besides: `a, b and 3 more`. */
export const listed = (texts: ReadonlyArray<string>): string => {
  const shown = texts.toSorted().slice(0, NAMES_MAX).join(", ");
  return texts.length > NAMES_MAX ? `${shown} and ${texts.length - NAMES_MAX} more` : shown;
};

/** `shop/db-0, shop/db-1 and 3 more`. */
export const podNames = (pods: ReadonlyArray<NodePod>): string =>
  listed(pods.map(({ metadata }) => objectKey(metadata)));
