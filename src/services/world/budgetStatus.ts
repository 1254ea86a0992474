/**
 * The status of a PodDisruptionBudget from the Pods that it selects (pkg/controller/disruption, trySync): how many are
 * expected, wanted and healthy, and how many may go. A pure function; disruptionController.ts writes what it says.
 */
import { Result } from "effect";
import { controllerOf, millisOf, type OwnerReference } from "../../domain/kube/object.ts";
import {
  type BudgetStatus,
  type DisruptionBudget,
  withCondition,
  withDisruptionAllowed,
} from "../disruptionBudget.ts";
import { portionOf } from "../intOrPercent.ts";
import { isPodReady, type Pod } from "./pod.ts";

/** A Pod whose eviction was granted is expected to be deleted within this time; else it counts again. */
const DELETION_MILLIS = 120_000;

/** How many Pods the object of this uid is to keep. */
export interface Scale {
  readonly uid: string;
  readonly replicas: number;
}

/** Who keeps the Pods of a controller; undefined when there is no such object or it is of a kind without replicas. */
export type Scales = (owner: OwnerReference) => Scale | undefined;

/** The new status of a budget and, when it remembers granted evictions, when to look again. */
export const budgetStatus = (
  budget: DisruptionBudget,
  pods: ReadonlyArray<Pod>,
  scales: Scales,
  now: number,
): { readonly status: BudgetStatus; readonly wakeAt: number } => {
  const wanted = wantedOf(budget, pods, scales);
  if (Result.isFailure(wanted)) {
    const condition = { type: "DisruptionAllowed", status: "False" as const, reason: "SyncFailed" };
    const blocked = { ...budget.status, disruptionsAllowed: 0 };
    const status = withCondition(blocked, { ...condition, message: wanted.failure }, now);
    return { status, wakeAt: Infinity };
  }
  const { expectedPods, desiredHealthy } = wanted.success;
  const disruptedPods = stillExpectedToGo(budget, pods, now);
  const currentHealthy = pods.filter(
    (pod) =>
      pod.metadata.deletionTimestamp === undefined &&
      disruptedPods[pod.metadata.name] === undefined &&
      isPodReady(pod),
  ).length;
  const spare = currentHealthy - desiredHealthy;
  const { disruptedPods: _, ...before } = budget.status;
  const { generation } = budget.metadata;
  const times = Object.values(disruptedPods);
  const status: BudgetStatus = {
    ...before,
    currentHealthy,
    desiredHealthy,
    expectedPods,
    disruptionsAllowed: expectedPods <= 0 || spare <= 0 ? 0 : spare,
    ...(times.length === 0 ? {} : { disruptedPods }),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
  return {
    status: withDisruptionAllowed(status, now),
    wakeAt: Math.min(Infinity, ...times.map((time) => millisOf(time) + DELETION_MILLIS + 1)),
  };
};

interface Wanted {
  readonly expectedPods: number;
  readonly desiredHealthy: number;
}

const wantedOf = (
  { spec }: DisruptionBudget,
  pods: ReadonlyArray<Pod>,
  scales: Scales,
): Result.Result<Wanted, string> => {
  const { minAvailable, maxUnavailable } = spec;
  if (maxUnavailable !== undefined)
    return Result.map(expectedScale(pods, scales), (expectedPods) => ({
      expectedPods,
      desiredHealthy: Math.max(0, expectedPods - portionOf(maxUnavailable, expectedPods)),
    }));
  if (typeof minAvailable === "string")
    return Result.map(expectedScale(pods, scales), (expectedPods) => ({
      expectedPods,
      desiredHealthy: portionOf(minAvailable, expectedPods),
    }));
  if (minAvailable === undefined) return Result.succeed({ expectedPods: 0, desiredHealthy: 0 });
  return Result.succeed({ expectedPods: pods.length, desiredHealthy: minAvailable });
};

/** How many Pods the controllers of these Pods are to keep together. Pods without a controller do not count. */
const expectedScale = (pods: ReadonlyArray<Pod>, scales: Scales): Result.Result<number, string> => {
  const counts = new Map<string, number>();
  for (const pod of pods) {
    const owner = controllerOf(pod.metadata);
    if (owner === undefined) continue;
    const scale = scales(owner);
    if (scale === undefined) return Result.fail(noScale(owner, pod));
    counts.set(scale.uid, scale.replicas);
  }
  return Result.succeed([...counts.values()].reduce((sum, count) => sum + count, 0));
};

const SCALABLE = ["ReplicaSet", "StatefulSet", "Deployment"];

const noScale = ({ apiVersion, kind }: OwnerReference, pod: Pod): string => {
  if (SCALABLE.includes(kind)) return `found no controllers for pod "${pod.metadata.name}"`;
  const [group = "", version] = apiVersion.split("/");
  const plural = `${kind.toLowerCase()}s${version === undefined ? "" : `.${group}`}`;
  return `${plural} does not implement the scale subresource`;
};

/** Granted evictions whose Pods have neither been deleted nor outlived the time for that. */
const stillExpectedToGo = (
  { status }: DisruptionBudget,
  pods: ReadonlyArray<Pod>,
  now: number,
): Readonly<Record<string, string>> => {
  const granted = status.disruptedPods ?? {};
  const entries = pods.flatMap(({ metadata: { name, deletionTimestamp } }) => {
    const time = granted[name];
    return time === undefined ||
      deletionTimestamp !== undefined ||
      millisOf(time) + DELETION_MILLIS < now
      ? []
      : [[name, time] as const];
  });
  return Object.fromEntries(entries);
};
