/** The drain: between cordon and Job every Pod that can go elsewhere leaves the node. */
import type { NodeOp } from "../api/nodeop.ts";
import { isOfOriginalsMaking } from "../takeover/original.ts";
import type { Step } from "./decision.ts";
import type { NodeInFlight } from "./observed.ts";

/**
 * How the nodes of this operation are drained. The Go original wrote `deleteEmptyDirData: false` into the NodeOp of every
 * NodeOpUpgrade and deleted Pods with emptyDir volumes all the same: such an operation drains by the rules of
 * NodeOpUpgrade, or it could not go on where it was left.
 */
export const drainOptionsOf = (
  operation: Pick<NodeOp, "metadata" | "spec">,
): NodeOp["spec"]["drainOptions"] => {
  const { drainOptions } = operation.spec;
  return drainOptions !== undefined && isOfOriginalsMaking(operation)
    ? { ...drainOptions, deleteEmptyDirData: true }
    : drainOptions;
};

/**
 * What the drain of this node needs next; undefined when the node is drained. It evicts nothing yet: every node counts
 * as drained, whatever `drainOptionsOf` says, and docs/differences.md says so to users.
 */
export const drain = (_at: NodeInFlight): Step | undefined => undefined;
