/** Which Nodes are not available, for whatever reason: what bounds of availability count. */
import { isCordoned, isReady, type Node } from "../kube/node.ts";
import { isTerminating } from "../kube/pod.ts";
import { inOrder, isControlPlane } from "../order.ts";
import { holdObstacle } from "./hold.ts";
import type { Observed } from "./observed.ts";

/** The names of all control planes, whether an operation is about them or not, in their order. */
export const controlPlanesOf = (nodes: Iterable<Node>): ReadonlyArray<string> =>
  inOrder(
    Array.from(nodes, ({ metadata }) => ({ name: metadata.name, labels: metadata.labels })).filter(
      ({ labels }) => isControlPlane(labels),
    ),
  ).map(({ name }) => name);

/** Why a Node by itself is not available, as the end of a sentence about it; undefined where it is. */
export const whyUnavailable = (node: Node | undefined): string | undefined => {
  if (node === undefined || isTerminating(node)) return "is being deleted";
  if (!isReady(node)) return "is not Ready";
  return isCordoned(node) ? "is cordoned" : undefined;
};

/** The live operation other than this one that works on the node, as far as this one knows; undefined where none does. */
export const otherWorker = (observed: Observed, name: string): string | undefined => {
  const claimedBy = observed.claimedByOthers.get(name);
  if (claimedBy !== undefined) return claimedBy;
  const node = observed.nodes.get(name);
  const obstacle = node === undefined ? undefined : holdObstacle(observed, node);
  return obstacle?._tag === "HeldByAnother" ? obstacle.holder : undefined;
};
