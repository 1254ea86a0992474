/** What the ReplicaSet controller does about the Pods of a ReplicaSet (pkg/controller/replicaset): as many as wanted, whichever. */
import { isActive, isPodReady, type Pod } from "./pod.ts";
import { podFrom, type Workload } from "./workload.ts";
import type { WorkloadPlan } from "./WorkloadController.ts";

/** Creates what is missing under generated names, removes what is too much: first what does least. */
export const planReplicaSet = (set: Workload, pods: ReadonlyArray<Pod>): WorkloadPlan => {
  const active = pods.filter(isActive);
  const missing = Math.max(0, set.spec.replicas - active.length);
  const surplus = Math.max(0, active.length - set.spec.replicas);
  const identity = { generateName: `${set.metadata.name}-` };
  return {
    create: Array.from({ length: missing }, () => podFrom(set, identity)),
    remove: active.toSorted((a, b) => rank(a) - rank(b)).slice(0, surplus),
  };
};

/** Unassigned before waiting before ready ones (controller.ActivePods). */
const rank = (pod: Pod): number => (pod.spec.nodeName === undefined ? 0 : isPodReady(pod) ? 2 : 1);
