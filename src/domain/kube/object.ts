/** The shape that every Kubernetes object shares: identity, metadata and ownership, as plain JSON. */

/** A reference from a child to the object that owns it (`metadata.ownerReferences`). */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** `metadata` as the API server returns it; timestamps are RFC 3339 with whole seconds. */
export interface ObjectMeta {
  readonly name: string;
  readonly generateName?: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: ReadonlyArray<OwnerReference>;
  readonly finalizers?: ReadonlyArray<string>;
}

/** Any Kubernetes object as stored by an API server. Values are immutable and may be shared. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

/** An object on its way to the API server: what the server fills in may be absent. */
export interface NewKubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Partial<ObjectMeta>;
  readonly [field: string]: unknown;
}

/** Names one object. `namespace` is absent for cluster-scoped resources. */
export interface ObjectRef {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** The reference that manages a child, if any: at most one owner has `controller: true`. */
export const controllerOf = (meta: {
  readonly ownerReferences?: ReadonlyArray<OwnerReference>;
}): OwnerReference | undefined => meta.ownerReferences?.find((owner) => owner.controller === true);

/** Whether the object of this uid controls the child: another child of that name is somebody else's. */
export const isControlledBy = (
  child: { readonly metadata: Parameters<typeof controllerOf>[0] },
  uid: string,
): boolean => controllerOf(child.metadata)?.uid === uid;

/** `namespace/name`, or just the name of a cluster-scoped object: how people write it and how caches key it. */
export const objectKey = (ref: ObjectRef): string =>
  ref.namespace === undefined || ref.namespace === "" ? ref.name : `${ref.namespace}/${ref.name}`;

/** The reference that a key of a namespaced object was made from. */
export const parseKey = (key: string): ObjectRef => {
  const [namespace = "", name = ""] = key.split("/");
  return { namespace, name };
};

/** Kubernetes' `metav1.Time`: RFC 3339 in UTC with whole seconds. */
export const kubeTime = (millis: number): string => {
  const second = Math.floor(millis / 1000);
  if (lastTime.second !== second)
    lastTime = { second, text: `${new Date(second * 1000).toISOString().slice(0, 19)}Z` };
  return lastTime.text;
};

/** The second that was asked for last: many things happen in one. */
let lastTime = { second: 0, text: "1970-01-01T00:00:00Z" };

/** Kubernetes' `metav1.MicroTime`: RFC 3339 in UTC with six digits after the second, of which three are known here. */
export const microTime = (millis: number): string =>
  `${new Date(millis).toISOString().slice(0, -1)}000Z`;

/** Milliseconds since the epoch of a Kubernetes timestamp; NaN when it is not one. */
export const millisOf = (time: string): number => Date.parse(time);
