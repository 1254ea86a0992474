/**
 * Whose child an object is. `kubectl delete --cascade=orphan` takes the owner off the children of an operation as soon as
 * the garbage collector gets to it, which may be before the operation could stop them: they are its own all the same.
 */
import { controllerOf, isControlledBy } from "../kube/object.ts";
import { LABEL_NODEOP, labelValue } from "../labels.ts";

type Child = { readonly metadata: Parameters<typeof controllerOf>[0] & Labelled };
type Labelled = { readonly labels?: Readonly<Record<string, string>> | undefined };

/** Whether an object has no owner any more and says that it was made for an operation of this name. */
export const isOrphanOf = ({ metadata }: Child, name: string): boolean =>
  controllerOf(metadata) === undefined && metadata.labels?.[LABEL_NODEOP] === labelValue(name);

/** Whether an object that has the name of a child of this operation, which derives from its uid, is that child. */
export const isChildOf = (
  child: Child,
  {
    metadata: { uid, name },
  }: { readonly metadata: { readonly uid: string; readonly name: string } },
): boolean => isControlledBy(child, uid) || isOrphanOf(child, name);
