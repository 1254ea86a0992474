/** Which nodes an operation is about, in which order they start, and which of them may start now. */
import type { NodeOpSpec } from "../api/nodeop.ts";
import { isReady, type Node } from "../kube/node.ts";
import { isTerminating } from "../kube/pod.ts";
import { targets } from "../kube/selector.ts";
import { inOrder } from "../order.ts";
import type { Note } from "./decision.ts";
import { heldBy, holdObstacle } from "./hold.ts";
import type { Observed } from "./observed.ts";
import { HELD_BY_ANOTHER, NOT_READY } from "./reason.ts";

/**
 * The nodes that match, control planes first, of each group `ownNode` last: the one on which the operator runs. No
 * selector means every node (reference page, step 2).
 */
export const targetsOf = (
  spec: Pick<NodeOpSpec, "nodeSelector">,
  nodes: Iterable<Node>,
  ownNode?: string,
): ReadonlyArray<string> => {
  const named = Array.from(nodes, ({ metadata }) => ({
    name: metadata.name,
    labels: metadata.labels ?? {},
  }));
  return inOrder(targets(spec.nodeSelector, named), ownNode).map((node) => node.name);
};

/** Why this node cannot be started although a slot may be free; undefined when it can. */
export const startObstacle = (observed: Observed, name: string): Note | undefined => {
  const node = observed.nodes.get(name);
  if (node === undefined || isTerminating(node))
    return { reason: "NodeGone", message: "its Node is being deleted" };
  const other = observed.claimedByOthers.get(name);
  if (other !== undefined)
    return { reason: "ClaimedByAnother", message: `NodeOp ${other} is working on it` };
  if (holdObstacle(observed, node)?._tag === "HeldByAnother")
    return {
      reason: HELD_BY_ANOTHER,
      message: `it is held by ${heldBy(node) ?? "another operation"}`,
    };
  return isReady(node)
    ? undefined
    : { reason: NOT_READY, message: "it is not Ready; it starts when it is" };
};
