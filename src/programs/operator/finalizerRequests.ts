/** The requests about the finalizers of an operation: ours, and the Go original's with the ClusterRoleBinding that it stands for. */
import { Effect } from "effect";
import type { NodeOp } from "../../domain/api/nodeop.ts";
import { objectKey, type ObjectRef } from "../../domain/kube/object.ts";
import { FINALIZER, ORIGINAL_FINALIZER } from "../../domain/labels.ts";
import type { Observed } from "../../domain/rollout/observed.ts";
import { bindingName, isBindingOf } from "../../domain/takeover/binding.ts";
import { KubeApi } from "../../services/KubeApi.ts";
import { Caches } from "./Caches.ts";
import { ClusterRoleBindingResource, NodeOpResource } from "./resources.ts";

/** Adds ours. */
export const addFinalizer = (operation: NodeOp) =>
  setFinalizers(operation, [...(operation.metadata.finalizers ?? []), FINALIZER]);

/** Ours and the Go original's, the latter together with the ClusterRoleBinding that it stands for. */
export const removeFinalizers = Effect.fnUntraced(function* (operation: NodeOp) {
  const { finalizers = [] } = operation.metadata;
  if (finalizers.includes(ORIGINAL_FINALIZER)) yield* deleteBinding(operation);
  return yield* setFinalizers(
    operation,
    finalizers.filter((name) => name !== FINALIZER && name !== ORIGINAL_FINALIZER),
  );
});

/** One that is gone, or that belongs to an operation of this name in another namespace, is left as it is. */
export const deleteBinding = Effect.fnUntraced(function* (operation: {
  readonly metadata: ObjectRef;
}) {
  const api = yield* KubeApi;
  const ref = { name: bindingName(operation) };
  const binding = yield* Effect.catchTag(
    api.get(ClusterRoleBindingResource, ref),
    "NotFound",
    () => Effect.undefined,
  );
  if (binding === undefined || !isBindingOf(operation, binding)) return;
  yield* Effect.catchTag(
    api.delete(ClusterRoleBindingResource, ref, {
      preconditions: { uid: binding.metadata.uid },
      propagationPolicy: "Background",
    }),
    "NotFound",
    () => Effect.void,
  );
});

const setFinalizers = Effect.fnUntraced(function* (
  operation: NodeOp,
  finalizers: ReadonlyArray<string>,
) {
  const api = yield* KubeApi;
  const caches = yield* Caches;
  const { name, namespace, uid, resourceVersion } = operation.metadata;
  const stored = yield* api.patch(
    NodeOpResource,
    { name, namespace },
    { metadata: { uid, resourceVersion, finalizers: finalizers.length === 0 ? null : finalizers } },
  );
  // The last finalizer of a deleted operation: the answer is its last state, and it is gone.
  if (stored.metadata.deletionTimestamp !== undefined && finalizers.length === 0)
    caches.operations.forget(objectKey(stored.metadata), stored.metadata.resourceVersion);
  else caches.operations.observe(stored);
  return (observed: Observed): Observed => ({ ...observed, operation: stored });
});
