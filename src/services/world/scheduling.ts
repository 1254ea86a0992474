/** Which node a Pod may run on (pkg/scheduler/framework/plugins: nodeunschedulable, tainttoleration, nodeaffinity), as pure functions. */
import type { KubeObject } from "../../domain/kube/object.ts";
import { isReady } from "./nodeStatus.ts";
import { isRecord } from "./json.ts";
import type { Pod, Toleration } from "./pod.ts";

export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
  readonly timeAdded?: string;
}

const isTaint = (value: unknown): value is Taint =>
  isRecord(value) && typeof value["key"] === "string" && typeof value["effect"] === "string";

export const taintsOf = (node: KubeObject): ReadonlyArray<Taint> => {
  const spec = node["spec"];
  const taints = isRecord(spec) ? spec["taints"] : undefined;
  return Array.isArray(taints) ? taints.filter(isTaint) : [];
};

/** Whether a toleration is about a taint (core/v1 Toleration.ToleratesTaint). */
export const tolerates = (toleration: Toleration, taint: Taint): boolean => {
  const { key = "", operator = "Equal", value = "", effect = "" } = toleration;
  return (
    (effect === "" || effect === taint.effect) &&
    (key === "" || key === taint.key) &&
    (operator === "Exists" || value === (taint.value ?? ""))
  );
};

/** What `kubectl cordon` comes to for the scheduler. */
const UNSCHEDULABLE: Taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };

const isCordoned = (node: KubeObject): boolean => {
  const spec = node["spec"];
  return isRecord(spec) && spec["unschedulable"] === true;
};

/** Why the Pod cannot be assigned to the node, in the scheduler's words; undefined when it can. */
export const obstacle = (pod: Pod, node: KubeObject): string | undefined => {
  const tolerations = pod.spec.tolerations ?? [];
  const isTolerated = (taint: Taint) => tolerations.some((one) => tolerates(one, taint));
  if (isCordoned(node) && !isTolerated(UNSCHEDULABLE)) return "node(s) were unschedulable";
  const taint = taintsOf(node).find(
    (one) => one.effect !== "PreferNoSchedule" && !isTolerated(one),
  );
  if (taint !== undefined)
    return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}`;
  const labels = node.metadata.labels ?? {};
  const wanted = Object.entries(pod.spec.nodeSelector ?? {});
  if (wanted.some(([key, value]) => labels[key] !== value))
    return "node(s) didn't match Pod's node affinity/selector";
  return isReady(node) ? undefined : "node(s) were not ready";
};

/** The scheduler's sentence about a Pod that has no node: each reason with its count. */
export const unschedulableMessage = (obstacles: ReadonlyArray<string>): string => {
  const counts = new Map<string, number>();
  for (const why of obstacles) counts.set(why, (counts.get(why) ?? 0) + 1);
  const reasons = [...counts].map(([why, count]) => `${count} ${why}`).toSorted();
  const why = reasons.length === 0 ? "no nodes available to schedule pods" : reasons.join(", ");
  return `0/${obstacles.length} nodes are available: ${why}.`;
};
