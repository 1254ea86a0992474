/**
 * The graph of owners and dependents that a garbage collector keeps: every object it watches, by uid, and who names it
 * as an owner. Plain data; garbageCollector.ts acts on it.
 */
import type { KubeObject, OwnerReference } from "../../domain/kube/object.ts";
import { apiVersionOf, type Resource } from "../../domain/kube/resource.ts";

/** Kept by the server on an object whose blocking dependents must go first (propagation policy Foreground). */
export const FOREGROUND = "foregroundDeletion";
/** Kept by the server on an object whose dependents shall forget it (propagation policy Orphan). */
export const ORPHAN = "orphan";

/** An object together with what kind of object it is. */
export interface Owned {
  readonly resource: Resource;
  readonly object: KubeObject;
}

const ownersOf = ({ metadata }: KubeObject): ReadonlyArray<OwnerReference> =>
  metadata.ownerReferences ?? [];

/** Whether the object is being deleted and waits for a finalizer. */
export const awaits = ({ metadata }: KubeObject, finalizer: string): boolean =>
  metadata.deletionTimestamp !== undefined && metadata.finalizers?.includes(finalizer) === true;

export class Ownership {
  readonly #resources: ReadonlyArray<Resource>;
  readonly #objects = new Map<string, Owned>();
  readonly #dependents = new Map<string, Set<string>>();

  constructor(resources: ReadonlyArray<Resource>) {
    this.#resources = resources;
  }

  get(uid: string): Owned | undefined {
    return this.#objects.get(uid);
  }

  /** The resource that an owner reference means; undefined for kinds that are not watched. */
  resourceOf({ apiVersion, kind }: OwnerReference): Resource | undefined {
    return this.#resources.find(
      (known) => known.kind === kind && apiVersionOf(known) === apiVersion,
    );
  }

  /** Everything that names `uid` as an owner. */
  dependentsOf(uid: string): ReadonlyArray<Owned> {
    return [...(this.#dependents.get(uid) ?? [])].flatMap((dependent) => {
      const owned = this.#objects.get(dependent);
      return owned === undefined ? [] : [owned];
    });
  }

  /** The dependents that must be gone before an owner in foreground deletion goes. */
  blocking(uid: string): ReadonlyArray<Owned> {
    return this.dependentsOf(uid).filter(({ object }) =>
      ownersOf(object).some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true),
    );
  }

  /** Takes in a change; returns the uids that must be looked at because of it. */
  change(
    resource: Resource,
    before: KubeObject | undefined,
    after: KubeObject | undefined,
  ): ReadonlyArray<string> {
    const touched: Array<string> = [];
    if (before !== undefined)
      touched.push(...this.#forget(before, before.metadata.uid !== after?.metadata.uid));
    if (after !== undefined) touched.push(...this.#learn(resource, after));
    return touched;
  }

  #forget(object: KubeObject, left: boolean): ReadonlyArray<string> {
    const { uid } = object.metadata;
    for (const owner of ownersOf(object)) {
      const dependents = this.#dependents.get(owner.uid);
      dependents?.delete(uid);
      if (dependents?.size === 0) this.#dependents.delete(owner.uid);
    }
    if (!left) return [];
    this.#objects.delete(uid);
    // Its dependents have lost an owner; its owners may have waited for it.
    const orphans = this.dependentsOf(uid).map((dependent) => dependent.object.metadata.uid);
    return [...orphans, ...ownersOf(object).map((owner) => owner.uid)];
  }

  #learn(resource: Resource, object: KubeObject): ReadonlyArray<string> {
    const { uid } = object.metadata;
    this.#objects.set(uid, { resource, object });
    for (const owner of ownersOf(object)) {
      const dependents = this.#dependents.get(owner.uid) ?? new Set();
      this.#dependents.set(owner.uid, dependents.add(uid));
    }
    if (awaits(object, FOREGROUND) || awaits(object, ORPHAN)) return [uid];
    return ownersOf(object).some((owner) => this.#isLeaving(owner)) ? [uid] : [];
  }

  /** An owner in foreground deletion takes its dependents along; one that is not known may be gone for good. */
  #isLeaving(owner: OwnerReference): boolean {
    const known = this.#objects.get(owner.uid);
    if (known !== undefined) return awaits(known.object, FOREGROUND);
    return this.resourceOf(owner) !== undefined;
  }
}
