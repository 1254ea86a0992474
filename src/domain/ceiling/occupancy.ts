/** What counts against the ceiling, and whether one more node fits below it. Pure; the exact answer is the book's (`book.ts`). */
import type { Node } from "../kube/node.ts";
import { whyUnavailable } from "../rollout/availability.ts";
import type { Note } from "../rollout/decision.ts";
import { type Ceiling, formatCeiling, nodesOf } from "./limit.ts";

/** The ceiling as one pass sees it. */
export interface Occupancy {
  readonly ceiling: Ceiling;
  /** How many nodes it is by now. */
  readonly limit: number;
  /** Names of the nodes that are in flight in any operation, may be claimed at any moment, or are unavailable anyway. */
  readonly taken: ReadonlySet<string>;
}

/** What is taken as far as these Nodes and claims tell. `inFlight` are the nodes in flight of any operation. */
export const occupancyOf = (
  ceiling: Ceiling,
  nodes: ReadonlyMap<string, Node>,
  inFlight: Iterable<string>,
): Occupancy => {
  const taken = new Set(inFlight);
  for (const [name, node] of nodes) if (whyUnavailable(node) !== undefined) taken.add(name);
  return { ceiling, limit: nodesOf(ceiling, nodes.size), taken };
};

/**
 * Why the node may not start now: with it and the claims of this very pass more nodes than the ceiling would be unavailable.
 * One that is unavailable already, because a person cordoned it, makes no difference. Undefined where there is no ceiling.
 */
export const ceilingObstacle = (
  occupancy: Occupancy | undefined,
  name: string,
  claims: ReadonlyMap<string, unknown>,
): Note | undefined => {
  if (occupancy === undefined) return undefined;
  const { ceiling, limit, taken } = occupancy;
  let count = taken.size;
  for (const claim of claims.keys()) if (!taken.has(claim)) count++;
  if (count + (taken.has(name) ? 0 : 1) <= limit) return undefined;
  const names = [...taken, ...[...claims.keys()].filter((claim) => !taken.has(claim))];
  const more =
    names.length > NAMED_MAX
      ? `, and ${names.length - NAMED_MAX} more are`
      : names.length === 1
        ? " is"
        : " are";
  return {
    reason: "CeilingReached",
    message: `the operator's --max-unavailable is ${formatCeiling(ceiling)}: ${names.slice(0, NAMED_MAX).join(", ")}${more} in flight or unavailable`,
  };
};

const NAMED_MAX = 3;
