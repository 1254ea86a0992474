/**
 * The dry run before the first claim: the children of the first target that could start are shown to the API server,
 * which answers what its policies, quotas and admission webhooks would say. A cluster that would refuse them is told
 * before a node is taken, held or cordoned (design.md §3: never a silent wait).
 */
import type { Note } from "./decision.ts";
import type { Evidence, Observed } from "./observed.ts";
import { startObstacle } from "./targets.ts";

/** A dry run that is still to be made, or again; `refusal` is why the last one of this generation failed. */
export interface PendingRehearsal {
  readonly evidence: Evidence;
  readonly refusal: Note | undefined;
}

/**
 * The dry run that must succeed before anything is claimed; undefined where nothing could start, where the cluster has
 * accepted the children of this generation, and after the first claim: from then on each node tells of itself.
 */
export const pendingRehearsal = (observed: Observed): PendingRehearsal | undefined => {
  const { operation, rehearsal, targets } = observed;
  if (Object.keys(operation.status.nodeStatuses ?? {}).length > 0) return undefined;
  const generation = operation.metadata.generation ?? 0;
  const known = rehearsal?.generation === generation ? rehearsal : undefined;
  if (known !== undefined && known.refusal === undefined) return undefined;
  const node = targets.find((name) => startObstacle(observed, name) === undefined);
  return node === undefined
    ? undefined
    : { evidence: { _tag: "Rehearsal", node, generation }, refusal: known?.refusal };
};
