/** Where the Pods of a drained node could go: the nodes that the scheduler may give them to, as far as taints decide. */
import { isCordoned, isReady, taintsOf, type Node } from "../kube/node.ts";
import type { NodePod } from "../kube/nodePod.ts";
import { toleratesAll } from "../kube/taint.ts";

/**
 * Whether the node could take one of these Pods: Ready, schedulable, and without a NoSchedule or NoExecute taint that
 * none of them tolerates. Where it is not known yet which Pods have to go (undefined), taints do not count.
 */
export const isRefugeFor = (node: Node, pods: ReadonlyArray<NodePod> | undefined): boolean =>
  isReady(node) &&
  !isCordoned(node) &&
  (pods === undefined ||
    pods.some(({ spec }) => toleratesAll(spec?.tolerations ?? [], taintsOf(node))));
