/** When an operation of the original has ended: by its entries, for its phase says Completed after the first node (kairos.md, defect 28). */
import type { NodeOp } from "../api/nodeop.ts";
import { millisOf } from "../kube/object.ts";
import type { Node } from "../kube/node.ts";
import { censusOf, NO_ENTRIES } from "../rollout/census.ts";
import { isOriginals } from "./original.ts";

/** Whether the node was there when the operation was made: it is then one that the original would have got to. */
const isOlder = (node: Node | undefined, operation: NodeOp): boolean => {
  const joined = node?.metadata.creationTimestamp;
  return joined !== undefined && millisOf(joined) <= millisOf(operation.metadata.creationTimestamp);
};

/**
 * Whether an operation that the original left has ended. With a node unfinished, or none started, it has not; a failure
 * ends it where `stopOnFailure` is set; else it goes on while a matching node that is as old as the operation has no
 * entry. A node that joined later does not keep it open: the original's finished objects acted on such nodes for ever
 * (kairos.md, defect 11).
 */
export const hasOriginalEnded = (
  operation: NodeOp,
  options: { readonly targets: ReadonlyArray<string>; readonly nodes: ReadonlyMap<string, Node> },
): boolean => {
  if (!isOriginals(operation.status)) return false;
  const entries = operation.status.nodeStatuses ?? NO_ENTRIES;
  const { started, inFlight, failed } = censusOf(entries);
  if (started === 0 || inFlight.length > 0) return false;
  if (operation.spec.stopOnFailure && failed > 0) return true;
  return !options.targets.some(
    (name) => entries[name] === undefined && isOlder(options.nodes.get(name), operation),
  );
};
