/**
 * The ClusterRoleBinding by which the original's reboot Pods annotate themselves. A finalizer of the original keeps the
 * NodeOp until it is gone, so whoever takes over has to remove both, or the NodeOp can never be deleted.
 */
import { Schema } from "effect";
import type { ObjectRef } from "../kube/object.ts";
import { ViewMeta } from "../kube/view.ts";

/** A ClusterRoleBinding reduced to what tells whose it is. */
export const ClusterRoleBinding = Schema.Struct({
  metadata: ViewMeta,
  subjects: Schema.optionalKey(
    Schema.Array(Schema.Struct({ namespace: Schema.optionalKey(Schema.String) })),
  ),
});
export interface ClusterRoleBinding extends Schema.Schema.Type<typeof ClusterRoleBinding> {}

/** An operation, of which only the name matters. */
interface Named {
  readonly metadata: ObjectRef;
}

/** The name does not contain the namespace: operations of one name in two namespaces fight over it (kairos.md, defect 52). */
export const bindingName = (operation: Named): string => `nodeop-reboot-${operation.metadata.name}`;

/** Whether the binding is about accounts of this operation's namespace only: another one's is not ours to delete. */
export const isBindingOf = (operation: Named, { subjects = [] }: ClusterRoleBinding): boolean =>
  subjects.length > 0 &&
  subjects.every(({ namespace }) => namespace === operation.metadata.namespace);
