/** Who may work on a Node and whose cordon it carries: two annotations, written in one PATCH (design.md §4 "hold, cordon"). */
import type { NodeOp } from "../api/nodeop.ts";
import { ANNOTATION_CORDONED_BY, ANNOTATION_HELD_BY, holder, parseHolder } from "../labels.ts";
import { isCordoned, type Node } from "../kube/node.ts";
import { preconditions, type Version } from "./decision.ts";
import { isLive, type NodeInFlight, type Observed, type OtherOperation } from "./observed.ts";
import { isEnded } from "./summary.ts";

/** The operation that holds the node, as `<namespace>/<name>@<uid>`. */
export const heldBy = (node: Node): string | undefined =>
  node.metadata.annotations?.[ANNOTATION_HELD_BY];

/** The operation whose cordon the node carries, in the same form. */
export const cordonedBy = (node: Node): string | undefined =>
  node.metadata.annotations?.[ANNOTATION_CORDONED_BY];

/** How this operation signs its holds and cordons. */
export const holderOf = (observed: Pick<Observed, "operation">): string =>
  holder({ namespace: "", ...observed.operation.metadata });

/** Whether the node is held by this operation and, where it wants it cordoned, cordoned by anyone. */
export const isHeldAsWanted = (at: NodeInFlight, node: Node): boolean =>
  heldBy(node) === holderOf(at.observed) && (!at.operation.spec.cordon || isCordoned(node));

/** What is to be taken off a Node, each with the signature that was seen on it. */
export interface Marks {
  readonly heldBy?: string;
  readonly cordonedBy?: string;
}

/** This operation's hold on the node and, where it is to go, its cordon; undefined when the node is free of both. */
export const marksOf = (mine: string, node: Node, uncordon: boolean): Marks | undefined => {
  const held = heldBy(node) === mine;
  const cordoned = uncordon && cordonedBy(node) === mine;
  if (!held && !cordoned) return undefined;
  return { ...(held ? { heldBy: mine } : {}), ...(cordoned ? { cordonedBy: mine } : {}) };
};

/**
 * Whether another operation may still hold nodes. One that is being deleted may, even after its end: it is taking its
 * cordons off.
 */
export const otherOperationOf = (other: NodeOp): OtherOperation =>
  isEnded(other.status) && other.metadata.deletionTimestamp === undefined ? "finished" : "live";

/** What stands in the way of holding a node. */
export type HoldObstacle =
  /** A live operation holds it. */
  | { readonly _tag: "HeldByAnother"; readonly holder: string }
  /** The cache does not know the holder: ask the API server whether it still exists. */
  | { readonly _tag: "UnknownHolder"; readonly holder: string };

/**
 * A node may be held when nobody holds it, or its holder has finished or is gone by a live read; the cordon that such a
 * holder left is adopted.
 */
export const holdObstacle = (observed: Observed, node: Node): HoldObstacle | undefined => {
  const current = heldBy(node);
  if (current === undefined || current === holderOf(observed)) return undefined;
  const owner = parseHolder(current);
  const other = owner === undefined ? undefined : observed.otherOperations.get(owner.uid);
  if (other === "live") return { _tag: "HeldByAnother", holder: current };
  if (other === "finished" || owner === undefined) return undefined;
  return isLive(observed, { _tag: "Holder", holder: current })
    ? undefined
    : { _tag: "UnknownHolder", holder: current };
};

/**
 * Whether holding this node also cordons it: the operation wants it, and nobody else's cordon is on it. A node that a
 * person cordoned stays theirs; a cordon that a finished or vanished operation left becomes ours.
 */
export const cordonsToo = (at: NodeInFlight, node: Node): boolean =>
  at.operation.spec.cordon && (!isCordoned(node) || cordonedBy(node) !== undefined);

/** The merge patch of a Node that holds it and, where asked, cordons it. */
export const holdPatch = (mine: string, at: Version, cordon: boolean) => ({
  metadata: {
    ...preconditions(at),
    annotations: {
      [ANNOTATION_HELD_BY]: mine,
      ...(cordon ? { [ANNOTATION_CORDONED_BY]: mine } : {}),
    },
  },
  ...(cordon ? { spec: { unschedulable: true } } : {}),
});

/**
 * The JSON patch of a Node that takes these marks off it: those of this operation, or what one that is gone left behind. A
 * person's cordon is never touched. It tests who the Node is and whose marks they are, and not the resourceVersion: a Node
 * that comes back is written to by its kubelet and by the node lifecycle controller in the same moment, and what they
 * change is no reason to wait. All of it is applied or, when a test fails, none (422).
 */
export const releasePatch = (uid: string, { heldBy: held, cordonedBy: cordoned }: Marks) => [
  { op: "test", path: "/metadata/uid", value: uid },
  ...(held === undefined ? [] : takenOff(ANNOTATION_HELD_BY, held)),
  ...(cordoned === undefined ? [] : takenOff(ANNOTATION_CORDONED_BY, cordoned)),
  // Not `remove`: that fails where a person has uncordoned the Node already.
  ...(cordoned === undefined ? [] : [{ op: "add", path: "/spec/unschedulable", value: false }]),
];

const takenOff = (annotation: string, value: string) => {
  const path = `/metadata/annotations/${annotation.replaceAll("/", "~1")}`;
  return [
    { op: "test", path, value },
    { op: "remove", path },
  ];
};
