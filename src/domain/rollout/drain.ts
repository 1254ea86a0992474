/** The drain: between cordon and Job every Pod that can go elsewhere leaves the node. */
import type { Step } from "./decision.ts";
import type { NodeInFlight } from "./observed.ts";

/**
 * What the drain of this node needs next; undefined when the node is drained. It evicts nothing yet: every node counts
 * as drained, whatever `drainOptions` says, and docs/differences.md says so to users.
 */
export const drain = (_at: NodeInFlight): Step | undefined => undefined;
