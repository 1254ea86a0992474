/** Reads what is left on a node that is drained: its Pods, the budgets that block their eviction, and what is attached to it. */
import { Clock, Effect } from "effect";
import { blockedNamespaces, looked, lookedAtVolumes } from "../../domain/drain/progress.ts";
import { hasToGo } from "../../domain/drain/volumes.ts";
import type { ObjectRef } from "../../domain/kube/object.ts";
import type { VolumeAttachment } from "../../domain/kube/volume.ts";
import type { Evidence, Observed } from "../../domain/rollout/observed.ts";
import { KubeApi } from "../../services/KubeApi.ts";
import { orAbsent } from "./orAbsent.ts";
import {
  DisruptionBudgetResource,
  NodePodResource,
  VolumeAttachmentResource,
  VolumeClaimResource,
} from "./resources.ts";

/** Reads at most this many claims or attachments of one node at once. */
const READS_AT_ONCE = 32;

/**
 * All Pods on a node, and where evictions have been refused for long the budgets that refuse them. These only explain: where
 * they cannot be read, the drain goes on.
 */
export const readNodePods = Effect.fnUntraced(function* (observed: Observed, node: string) {
  const api = yield* KubeApi;
  const now = yield* Clock.currentTimeMillis;
  const { items: pods } = yield* api.list(NodePodResource, {
    fieldSelector: `spec.nodeName=${node}`,
  });
  const budgets = yield* Effect.forEach(
    blockedNamespaces(observed.drains.get(node), now),
    listBudgets,
  );
  return (before: Observed): Observed => ({
    ...before,
    drains: new Map(before.drains).set(
      node,
      looked(before.drains.get(node), { pods, budgets: budgets.flat() }, now),
    ),
  });
});

const listBudgets = Effect.fnUntraced(function* (namespace: string) {
  const api = yield* KubeApi;
  return yield* Effect.matchEffect(api.list(DisruptionBudgetResource, { namespace }), {
    onSuccess: ({ items }) => Effect.succeed(items),
    onFailure: (error) =>
      Effect.as(
        Effect.annotateLogs(Effect.logWarning("the budgets that block a drain are unknown"), {
          error: error.message,
        }),
        [],
      ),
  });
});

/**
 * What is attached to a node and has to go. All of it is listed once (no selector picks the attachments of a node), after that
 * only what is left is read, one by one, until Pods come or go.
 */
export const readNodeVolumes = Effect.fnUntraced(function* (
  observed: Observed,
  { node, claims }: Extract<Evidence, { readonly _tag: "NodeVolumes" }>,
) {
  const before = observed.drains.get(node)?.attached;
  const attached =
    before === undefined ? yield* listAttached(node, claims) : yield* stillAttached(before);
  const now = yield* Clock.currentTimeMillis;
  return (seen: Observed): Observed => {
    const progress = seen.drains.get(node);
    if (progress === undefined) return seen;
    return {
      ...seen,
      drains: new Map(seen.drains).set(node, lookedAtVolumes(progress, attached, now)),
    };
  };
});

/** Claims are read only where something is attached, and a Pod that stays uses one: neither is so on most nodes. */
const listAttached = Effect.fnUntraced(function* (node: string, claims: ReadonlyArray<ObjectRef>) {
  const api = yield* KubeApi;
  const { items } = yield* api.list(VolumeAttachmentResource);
  const attached = items.filter((item) => hasToGo(item, node, NOTHING_KEPT));
  if (attached.length === 0) return attached;
  const kept = yield* Effect.forEach(
    claims,
    (claim) => orAbsent(api.get(VolumeClaimResource, claim)),
    { concurrency: READS_AT_ONCE },
  );
  const volumes = new Set(kept.flatMap((claim) => claim?.spec?.volumeName ?? []));
  return attached.filter((item) => hasToGo(item, node, volumes));
});

const NOTHING_KEPT: ReadonlySet<string> = new Set();

const stillAttached = Effect.fnUntraced(function* (attached: ReadonlyArray<VolumeAttachment>) {
  const api = yield* KubeApi;
  const found = yield* Effect.forEach(
    attached,
    ({ metadata: { name } }) => orAbsent(api.get(VolumeAttachmentResource, { name })),
    { concurrency: READS_AT_ONCE },
  );
  // Another one of its name: the volume is being attached again, for a Pod that the next list of Pods shows.
  return found.filter((item) => item !== undefined);
});
