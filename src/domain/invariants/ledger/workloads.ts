/** Projects commits on ordinary workloads: which Pods are healthy, how many there should be, and what budgets ask for. */
import type { Commit } from "../../history.ts";
import { controllerOf, type KubeObject, objectKey } from "../../kube/object.ts";
import { PodDisruptionBudgets, Pods, ReplicaSets, StatefulSets } from "../../kube/resource.ts";
import { type LabelSelector, selectsLabels } from "../../kube/selector.ts";
import { hasCondition } from "./view.ts";

/** A Pod that is there, whoever made it. */
export interface WorkloadPod {
  readonly key: string;
  readonly namespace: string | undefined;
  readonly labels: Readonly<Record<string, string>> | undefined;
  /** The uid of its controller. */
  readonly controller: string | undefined;
  readonly node: string | undefined;
  /** It has neither ended nor been told to. */
  readonly active: boolean;
  /** It is active and ready: budgets count on it. */
  readonly healthy: boolean;
  /** The scheduler has found no node for it. */
  readonly homeless: boolean;
}

/** A ReplicaSet or StatefulSet that is not being deleted. */
export interface WorkloadSet {
  /** `ReplicaSet a/b`. */
  readonly name: string;
  readonly uid: string;
  readonly replicas: number;
}

/** A PodDisruptionBudget. */
export interface BudgetRecord {
  readonly key: string;
  readonly namespace: string | undefined;
  readonly selector: LabelSelector | undefined;
  readonly minAvailable: number | string | undefined;
  readonly maxUnavailable: number | string | undefined;
}

export class WorkloadRecords {
  /** By uid, all three. */
  readonly pods = new Map<string, WorkloadPod>();
  readonly sets = new Map<string, WorkloadSet>();
  readonly budgets = new Map<string, BudgetRecord>();
  /** When a budget, by uid, last lost a healthy Pod otherwise than by an eviction, or was changed. */
  readonly disturbed = new Map<string, number>();

  /** The Pods that the budget is about. */
  podsOf(budget: BudgetRecord): ReadonlyArray<WorkloadPod> {
    return [...this.pods.values()].filter((pod) => concerns(budget, pod));
  }

  /** How many of these Pods of a budget must be healthy (Kubernetes, "Specifying a PodDisruptionBudget"). */
  needs(budget: BudgetRecord, pods: ReadonlyArray<WorkloadPod>): number {
    const { minAvailable, maxUnavailable } = budget;
    const expected = this.#expected(pods);
    if (maxUnavailable !== undefined)
      return Math.max(0, expected - portion(maxUnavailable, expected));
    return minAvailable === undefined ? 0 : portion(minAvailable, expected);
  }

  #expected(pods: ReadonlyArray<WorkloadPod>): number {
    const controllers = new Set(pods.map(({ controller }) => controller));
    return [...controllers].reduce(
      (sum, uid) => sum + (this.sets.get(uid ?? "")?.replicas ?? 0),
      0,
    );
  }
}

/** Whether the budget is about the Pod. */
export const concerns = (budget: BudgetRecord, pod: WorkloadPod): boolean =>
  budget.namespace === pod.namespace &&
  budget.selector !== undefined &&
  selectsLabels(budget.selector, pod.labels);

/** A number of Pods, or so many percent of them, rounded up. */
const portion = (value: number | string, of: number): number =>
  typeof value === "number" ? value : Math.ceil((Number.parseInt(value, 10) * of) / 100);

/** Takes in a commit on a Pod, a ReplicaSet, a StatefulSet or a budget; others say nothing about workloads. */
export const projectWorkload = (records: WorkloadRecords, commit: Commit): void => {
  switch (commit.resource.plural) {
    case Pods.plural:
      return projectPod(records, commit);
    case ReplicaSets.plural:
    case StatefulSets.plural:
      return put(records.sets, commit, setOf);
    case PodDisruptionBudgets.plural:
      return projectBudget(records, commit);
  }
};

const put = <A>(
  map: Map<string, A>,
  { before, after }: Commit,
  read: (object: KubeObject) => A | undefined,
): void => {
  const value = after === undefined ? undefined : read(after);
  const uid = (after ?? before)?.metadata.uid ?? "";
  if (value === undefined) map.delete(uid);
  else map.set(uid, value);
};

const projectPod = (records: WorkloadRecords, commit: Commit): void => {
  const uid = (commit.after ?? commit.before)?.metadata.uid ?? "";
  const was = records.pods.get(uid);
  put(records.pods, commit, podOf);
  const is = records.pods.get(uid);
  if (was?.healthy !== true || is?.healthy === true || commit.verb === "evict") return;
  for (const [budget, record] of records.budgets)
    if (concerns(record, was)) records.disturbed.set(budget, commit.at);
};

const projectBudget = (records: WorkloadRecords, commit: Commit): void => {
  const { after } = commit;
  if (after !== undefined && after["spec"] !== commit.before?.["spec"])
    records.disturbed.set(after.metadata.uid, commit.at);
  put(records.budgets, commit, budgetOf);
};

interface PodView extends KubeObject {
  readonly spec?: { readonly nodeName?: string };
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: ReadonlyArray<{
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
    }>;
  };
}

const podOf = (pod: PodView): WorkloadPod => {
  const { metadata, spec, status } = pod;
  const ended = status?.phase === "Succeeded" || status?.phase === "Failed";
  const active = !ended && metadata.deletionTimestamp === undefined;
  return {
    key: objectKey(metadata),
    namespace: metadata.namespace,
    labels: metadata.labels,
    controller: controllerOf(metadata)?.uid,
    node: spec?.nodeName,
    active,
    healthy: active && hasCondition(status, "Ready"),
    homeless:
      spec?.nodeName === undefined &&
      status?.conditions?.some(({ reason }) => reason === "Unschedulable") === true,
  };
};

interface SetView extends KubeObject {
  readonly spec?: { readonly replicas?: number };
}

const setOf = ({ kind, metadata, spec }: SetView): WorkloadSet | undefined =>
  metadata.deletionTimestamp === undefined
    ? {
        name: `${kind} ${objectKey(metadata)}`,
        uid: metadata.uid,
        replicas: spec?.replicas ?? 1,
      }
    : undefined;

interface BudgetView extends KubeObject {
  readonly spec?: {
    readonly selector?: LabelSelector;
    readonly minAvailable?: number | string;
    readonly maxUnavailable?: number | string;
  };
}

const budgetOf = ({ metadata, spec }: BudgetView): BudgetRecord => ({
  key: objectKey(metadata),
  namespace: metadata.namespace,
  selector: spec?.selector,
  minAvailable: spec?.minAvailable,
  maxUnavailable: spec?.maxUnavailable,
});
