/** Which nodes are away at a moment, by what is stored: what bounds of availability are judged by. */
import { isControlPlane } from "../../order.ts";
import type { Ledger } from "./Ledger.ts";
import type { NodeRecord, Operation } from "./records.ts";
import { hasCondition } from "./view.ts";

/** When an actor decided what is judged, and how old its knowledge may have been then: both in milliseconds. */
export interface Knowledge {
  readonly sentAt: number;
  readonly lag: number;
}

/** Everything that is so is known: for what need not be excused. */
export const ALL_KNOWN: Knowledge = { sentAt: Number.POSITIVE_INFINITY, lag: 0 };

/** The live operation that has the node in flight or holds it, if it could be known. */
const worker = (ledger: Ledger, node: NodeRecord, known: Knowledge): Operation | undefined => {
  for (const operation of ledger.live) {
    const started = operation.claims.get(node.name)?.started;
    if (operation.inFlight.has(node.name) && started !== undefined && isKnown(started.at, known))
      return operation;
    // What a finished operation left on a Node is nobody's work.
    const holds =
      node.heldBy === operation.uid &&
      !hasCondition(operation.object.status, "Completed", "Failed");
    if (holds && isKnown(node.heldChanged.at, known)) return operation;
  }
  return undefined;
};

const isKnown = (since: number, { lag, sentAt }: Knowledge): boolean => since + lag < sentAt;

/** Whether the node is not available by itself: not Ready, or cordoned, and this could be known. */
const isDown = (node: NodeRecord, known: Knowledge): boolean =>
  (!node.ready && isKnown(node.readyChanged.at, known)) ||
  (node.unschedulable && isKnown(node.cordonChanged.at, known));

/** Whether the node is away for any reason that could be known: by itself, or because a live operation works on it. */
export const isAway = (ledger: Ledger, node: NodeRecord, known: Knowledge): boolean =>
  node.exists && (isDown(node, known) || worker(ledger, node, known) !== undefined);

/** The nodes that are away, by name. */
export const nodesAway = (ledger: Ledger, known: Knowledge): ReadonlyArray<string> =>
  [...ledger.nodes.values()].filter((node) => isAway(ledger, node, known)).map(({ name }) => name);

/** The control planes that are away, by name. */
export const controlPlanesAway = (ledger: Ledger, known: Knowledge): ReadonlyArray<string> =>
  [...ledger.nodes.values()]
    .filter((node) => isControlPlane(node.labels) && isAway(ledger, node, known))
    .map(({ name }) => name);

/** The most control planes that may be away when this operation starts one; unbounded where it does not say. */
export const controlPlanesMax = ({ object }: Operation): number =>
  object.spec?.controlPlane?.maxUnavailable ?? Number.POSITIVE_INFINITY;

/** Whether this operation could start the node without more nodes being away than the ceiling, or than it allows itself. */
export const mayGoAway = (
  ledger: Ledger,
  operation: Operation,
  name: string,
  ceiling: number,
): boolean => {
  if (ceiling !== Number.POSITIVE_INFINITY) {
    const away = nodesAway(ledger, ALL_KNOWN).filter((other) => other !== name);
    if (away.length >= ceiling) return false;
  }
  const max = controlPlanesMax(operation);
  if (max === Number.POSITIVE_INFINITY || !isControlPlane(ledger.nodes.get(name)?.labels ?? {}))
    return true;
  const others = controlPlanesAway(ledger, ALL_KNOWN).filter((other) => other !== name);
  return others.length < max;
};
