/**
 * What the StatefulSet controller does about the Pods of a StatefulSet (pkg/controller/statefulset): one Pod of each ordinal
 * under its own name, made again only when the one before it is gone; with OrderedReady one after the other.
 */
import { isActive, isPodReady, isTerminalPhase, type Pod } from "./pod.ts";
import { podFrom, type Workload } from "./workload.ts";
import type { WorkloadPlan } from "./WorkloadController.ts";

const NOTHING: WorkloadPlan = { create: [], remove: [] };

export const planStatefulSet = (set: Workload, pods: ReadonlyArray<Pod>): WorkloadPlan => {
  const byName = new Map(pods.map((pod) => [pod.metadata.name, pod]));
  const ordered = set.spec.podManagementPolicy !== "Parallel";
  const steps = Array.from({ length: set.spec.replicas }, (_, ordinal) =>
    stepOf(set, ordinal, byName.get(`${set.metadata.name}-${ordinal}`)),
  );
  const due = ordered ? steps.slice(0, steps.findIndex(({ waits }) => waits) + 1) : steps;
  // All ordinals are there and ready, or those that are not have no say: then what is too much goes, the last first.
  const plans = ordered && steps.every(({ waits }) => !waits) ? [surplus(set, pods)] : due;
  return {
    create: plans.flatMap(({ create }) => create),
    remove: [
      ...plans.flatMap(({ remove }) => remove),
      ...(ordered ? [] : surplus(set, pods).remove),
    ],
  };
};

/** What an ordinal's Pod needs; `waits`: later ordinals of an ordered set are not looked at before it has it. */
const stepOf = (
  set: Workload,
  ordinal: number,
  pod: Pod | undefined,
): WorkloadPlan & { readonly waits: boolean } => {
  if (pod === undefined) return { ...NOTHING, create: [podOf(set, ordinal)], waits: true };
  if (pod.metadata.deletionTimestamp !== undefined) return { ...NOTHING, waits: true };
  if (isTerminalPhase(pod.status?.phase)) return { ...NOTHING, remove: [pod], waits: true };
  return { ...NOTHING, waits: !isPodReady(pod) };
};

const podOf = (set: Workload, ordinal: number) => {
  const name = `${set.metadata.name}-${ordinal}`;
  const labels = {
    "statefulset.kubernetes.io/pod-name": name,
    "apps.kubernetes.io/pod-index": String(ordinal),
  };
  return podFrom(set, { name, labels });
};

/** The Pod of the highest ordinal that is too high. */
const surplus = (set: Workload, pods: ReadonlyArray<Pod>): WorkloadPlan => {
  const [last] = pods
    .filter((pod) => isActive(pod) && ordinalOf(pod) >= set.spec.replicas)
    .toSorted((a, b) => ordinalOf(b) - ordinalOf(a));
  return last === undefined ? NOTHING : { ...NOTHING, remove: [last] };
};

const ordinalOf = ({ metadata: { name } }: Pod): number =>
  Number(name.slice(name.lastIndexOf("-") + 1));
