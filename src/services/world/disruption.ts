/** How controllers say of a Pod that they are about to end it: its condition DisruptionTarget, which a Job's failure policy reads. */
import { Pods } from "../../domain/kube/resource.ts";
import type { Condition, Pod, PodPhase } from "./pod.ts";
import { patchObject } from "./requests.ts";

/** Writes the condition, and a phase if given. Another Pod of its name answers `Conflict`. */
export const disrupt = (
  pod: Pod,
  condition: Pick<Condition, "reason" | "message" | "lastTransitionTime">,
  phase?: PodPhase,
) => {
  const others = pod.status?.conditions?.filter(({ type }) => type !== "DisruptionTarget") ?? [];
  const { generation: observedGeneration } = pod.metadata;
  const target = { type: "DisruptionTarget", status: "True", observedGeneration, ...condition };
  const conditions = [...others, target];
  const status = { conditions, ...(phase === undefined ? {} : { phase }) };
  return patchObject(Pods, pod, { status }, "status");
};
