/** PodDisruptionBudgets (policy/v1) as the API server's evictions and the disruption controller both write them. */
import { kubeTime, type KubeObject } from "../domain/kube/object.ts";
import type { LabelSelector } from "../domain/kube/selector.ts";
import type { IntOrPercent } from "./intOrPercent.ts";

/** `metav1.Condition`. */
export interface BudgetCondition {
  readonly type: string;
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
  readonly lastTransitionTime: string;
}

/** `policy/v1 PodDisruptionBudgetStatus`. The server stores the counts always. */
export interface BudgetStatus {
  readonly currentHealthy: number;
  readonly desiredHealthy: number;
  readonly disruptionsAllowed: number;
  readonly expectedPods: number;
  readonly observedGeneration?: number;
  /** When evictions were granted of Pods that the disruption controller has not seen go yet, by name. */
  readonly disruptedPods?: Readonly<Record<string, string>>;
  readonly conditions?: ReadonlyArray<BudgetCondition>;
}

export interface DisruptionBudget extends KubeObject {
  readonly spec: {
    readonly selector?: LabelSelector;
    readonly minAvailable?: IntOrPercent;
    readonly maxUnavailable?: IntOrPercent;
    readonly unhealthyPodEvictionPolicy?: "IfHealthyBudget" | "AlwaysAllow";
  };
  readonly status: BudgetStatus;
}

/** Whether an object is a budget; the server writes spec and status of each. */
export const isDisruptionBudget = (object: KubeObject): object is DisruptionBudget =>
  typeof object["spec"] === "object" && typeof object["status"] === "object";

/** The condition that says in one word whether a Pod may go. */
export const DISRUPTION_ALLOWED = "DisruptionAllowed";

/** The status with a condition; its transition time changes with its status only (apimachinery meta.SetStatusCondition). */
export const withCondition = (
  status: BudgetStatus,
  condition: Omit<BudgetCondition, "lastTransitionTime" | "observedGeneration">,
  now: number,
): BudgetStatus => {
  const before = status.conditions?.find(({ type }) => type === condition.type);
  const { observedGeneration = 0 } = status;
  const set: BudgetCondition = {
    ...condition,
    ...(observedGeneration === 0 ? {} : { observedGeneration }),
    lastTransitionTime:
      before?.status === condition.status ? before.lastTransitionTime : kubeTime(now),
  };
  const others = status.conditions?.filter(({ type }) => type !== condition.type) ?? [];
  return { ...status, conditions: [...others, set] };
};

/** The status with what follows from `disruptionsAllowed` (component-helpers UpdateDisruptionAllowedCondition). */
export const withDisruptionAllowed = (status: BudgetStatus, now: number): BudgetStatus => {
  const allowed = status.disruptionsAllowed > 0;
  const condition = {
    type: DISRUPTION_ALLOWED,
    status: allowed ? ("True" as const) : ("False" as const),
    reason: allowed ? "SufficientPods" : "InsufficientPods",
    message: "",
  };
  return withCondition(status, condition, now);
};
