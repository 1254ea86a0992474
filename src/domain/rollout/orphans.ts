/** Holds and cordons on Nodes whose operation no longer needs them: what a crash or a late write left behind (design.md §4 "Writes"). */
import type { NodeOp } from "../api/nodeop.ts";
import { FINALIZER, parseHolder } from "../labels.ts";
import type { Node } from "../kube/node.ts";
import { entryFor, NO_ENTRIES } from "./census.ts";
import { cordonedBy, heldBy, type Marks } from "./hold.ts";
import { isEnded } from "./summary.ts";

/** What the API server, read live, says about the operation that a Node names. */
export type Owner =
  | { readonly _tag: "Gone" }
  | {
      readonly _tag: "Exists";
      readonly operation: NodeOp;
      /** The Go original brought it to its end (`hasOriginalEnded`): no condition of ours says so. */
      readonly originalEnded?: boolean;
    };

/** The operations that a Node names, without repetition. */
export const ownersNamedBy = (node: Node): ReadonlyArray<string> => [
  ...new Set([heldBy(node), cordonedBy(node)].filter((owner) => owner !== undefined)),
];

/**
 * What is to be taken off a Node; undefined when all of it is still needed. A hold is needed by an operation that has not ended; a cordon also by one that has, on the nodes that failed and are
 * to stay cordoned. A text that names no operation is nobody's, and left alone.
 */
export const orphanOn = (node: Node, owners: ReadonlyMap<string, Owner>): Marks | undefined => {
  const held = heldBy(node);
  const cordoned = cordonedBy(node);
  const marks: Marks = {
    ...(held !== undefined && isOrphaned(held, owners, () => false) ? { heldBy: held } : {}),
    ...(cordoned !== undefined &&
    isOrphaned(cordoned, owners, (operation) => keepsCordon(operation, node.metadata.name))
      ? { cordonedBy: cordoned }
      : {}),
  };
  return Object.keys(marks).length > 0 ? marks : undefined;
};

const isOrphaned = (
  named: string,
  owners: ReadonlyMap<string, Owner>,
  endedKeeps: (operation: NodeOp) => boolean,
): boolean => {
  const owner = owners.get(named);
  const uid = parseHolder(named)?.uid;
  if (owner === undefined || uid === undefined) return false;
  if (owner._tag === "Gone" || owner.operation.metadata.uid !== uid) return true;
  const isOver = owner.originalEnded === true || hasEnded(owner.operation);
  return isOver && !endedKeeps(owner.operation);
};

// While the finalizer is there, the operation itself may still be tidying up.
const hasEnded = (operation: NodeOp): boolean =>
  isEnded(operation.status) && operation.metadata.finalizers?.includes(FINALIZER) !== true;

const keepsCordon = (operation: NodeOp, node: string): boolean =>
  entryFor(operation.status?.nodeStatuses ?? NO_ENTRIES, node)?.phase === "Failed" &&
  !operation.spec.uncordonOnFailure;
