/** The Pods that each owner controls, as a controller's cache tells of them. */
import { objectKey } from "../../domain/kube/object.ts";
import type { MirrorChange } from "./Mirror.ts";
import type { Pod } from "./pod.ts";

export class OwnedPods {
  readonly #ownerOf: (pod: Pod) => string | undefined;
  /** By the uid of the owner, then by key. */
  readonly #podsOf = new Map<string, Map<string, Pod>>();

  /** `ownerOf` answers with the uid of the owner; undefined: the controller has nothing to do with the Pod. */
  constructor(ownerOf: (pod: Pod) => string | undefined) {
    this.#ownerOf = ownerOf;
  }

  /** The uids of all owners of Pods, of those too that are gone themselves. */
  get owners(): Iterable<string> {
    return this.#podsOf.keys();
  }

  of(owner: string): ReadonlyArray<Pod> {
    return [...(this.#podsOf.get(owner)?.values() ?? [])];
  }

  /** Takes a change in, and answers whose Pods it is about: of an owner before, an owner now, or both. */
  change({ before, after }: MirrorChange<Pod>): ReadonlyArray<string> {
    const oldOwner = before === undefined ? undefined : this.#ownerOf(before);
    const newOwner = after === undefined ? undefined : this.#ownerOf(after);
    if (before !== undefined && oldOwner !== undefined) {
      const pods = this.#podsOf.get(oldOwner);
      pods?.delete(objectKey(before.metadata));
      if (pods?.size === 0) this.#podsOf.delete(oldOwner);
    }
    if (after !== undefined && newOwner !== undefined) {
      const pods = this.#podsOf.get(newOwner) ?? new Map<string, Pod>();
      this.#podsOf.set(newOwner, pods.set(objectKey(after.metadata), after));
    }
    return [oldOwner, newOwner].filter((owner) => owner !== undefined);
  }
}
