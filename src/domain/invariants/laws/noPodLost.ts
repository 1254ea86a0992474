/** What ran before an operation runs after it: every workload gets back to its count of healthy Pods, where there is room. */
import type { Law, MonitorContext } from "../law.ts";
import type { WorkloadPod, WorkloadSet } from "../ledger/workloads.ts";

/** Why a Pod may be missing at the end although nobody lost it: its node is not there, or no node has room. */
const isExcused = ({ ledger }: MonitorContext, pod: WorkloadPod): boolean =>
  pod.homeless || (pod.node !== undefined && ledger.nodes.get(pod.node)?.ready !== true);

export const noPodLost: Law = {
  law: "NoPodLost",
  says: "At the end every ReplicaSet and StatefulSet has as many healthy Pods as it is to have, but for those whose node is not Ready and those that no node has room for.",
  monitor: (context) => {
    const { workloads } = context.ledger;
    const check = (set: WorkloadSet): void => {
      const pods = [...workloads.pods.values()].filter(({ controller }) => controller === set.uid);
      const healthy = pods.filter((pod) => pod.healthy).length;
      const excused = pods.filter((pod) => !pod.healthy && isExcused(context, pod)).length;
      if (healthy + excused < set.replicas)
        context.report(`${set.name} has ${healthy} healthy Pods of ${set.replicas}`);
    };
    return {
      Finished: () => {
        for (const set of workloads.sets.values()) check(set);
      },
    };
  },
};
