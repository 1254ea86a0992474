/** Which nodes an operation could start now, kept up to date change by change. */
import { selectsLabels } from "../../kube/selector.ts";
import { isControlPlane } from "../../order.ts";
import type { Ledger } from "./Ledger.ts";
import type { Moment, NodeRecord, Operation } from "./records.ts";

/** Whether the operation's selector matches these labels of a node; without a selector all nodes match (reference page). */
export const selects = (
  operation: Operation,
  node: string,
  labels: Readonly<Record<string, string>> | undefined,
): boolean => {
  const selector = operation.object.spec?.nodeSelector;
  if (selector === undefined) return true;
  const known = operation.matches.get(node);
  if (known !== undefined && known.labels === labels) return known.matches;
  const matches = selectsLabels(selector, labels);
  operation.matches.set(node, { labels, matches });
  return matches;
};

/** Whether another live operation has claimed the node, or holds it. */
export const busyElsewhere = (ledger: Ledger, operation: Operation, node: NodeRecord): boolean => {
  for (const other of ledger.live)
    if (other !== operation && (node.heldBy === other.uid || other.inFlight.has(node.name)))
      return true;
  return false;
};

/**
 * Decides again whether an operation could start a node: it exists, is Ready, matches, has no entry, and no other live
 * operation has claimed or holds it.
 */
export const reconsider = (
  ledger: Ledger,
  operation: Operation,
  node: NodeRecord,
  moment: Moment,
): void => {
  const eligible =
    node.exists &&
    node.ready &&
    !operation.claims.has(node.name) &&
    selects(operation, node.name, node.labels) &&
    !busyElsewhere(ledger, operation, node);
  if (!eligible) {
    operation.eligible.delete(node.name);
    return;
  }
  const controlPlane = isControlPlane(node.labels ?? {});
  const known = operation.eligible.get(node.name);
  if (known?.controlPlane !== controlPlane)
    operation.eligible.set(node.name, { since: moment, controlPlane });
};

/** Decides again for every live operation, after the node or somebody's claim on it changed. */
export const reconsiderNode = (ledger: Ledger, name: string, moment: Moment): void => {
  const node = ledger.nodes.get(name);
  if (node === undefined) return;
  for (const operation of ledger.live) reconsider(ledger, operation, node, moment);
};

/**
 * Whether an actor could have known at `sentAt` what is so since `since`: it was so before the operation existed, or for
 * more than `lag` milliseconds. Events of the same millisecond are not ordered for an actor.
 */
export const wasKnown = (
  since: Moment,
  operation: Operation,
  sentAt: number,
  lag: number,
): boolean => since.seq <= operation.created.seq || since.at + lag < sentAt;
