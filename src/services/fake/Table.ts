/** All objects of one kind and their recent history. */
import type { Commit } from "../../domain/history.ts";
import type { KubeObject, ObjectRef } from "../../domain/kube/object.ts";
import { objectKey } from "../../domain/kube/object.ts";
import { at } from "./json.ts";

/** A field by which objects are found without looking at all of them: each kubelet asks for its own Pods. */
export const INDEXED_FIELD = "spec.nodeName";

/** The indexed field of an object; undefined when it has none. */
export const indexedValue = (object: KubeObject | undefined): string | undefined => {
  const value = at(object, "spec", "nodeName");
  return typeof value === "string" ? value : undefined;
};

const keyOf = (object: KubeObject): string => objectKey(object.metadata);

export class Table {
  readonly #objects = new Map<string, KubeObject>();
  readonly #byNode = new Map<string, Set<string>>();
  #sorted: ReadonlyArray<string> | undefined;
  /** Commits that are still kept, oldest first. */
  #history: Array<Commit> = [];
  /** Versions up to this one are no longer kept. */
  #compacted = 0;

  get(ref: ObjectRef): KubeObject | undefined {
    return this.#objects.get(objectKey(ref));
  }

  /** In no particular order. */
  values(): Iterable<KubeObject> {
    return this.#objects.values();
  }

  get size(): number {
    return this.#objects.size;
  }

  /** The keys in the order of etcd: byte order of `namespace/name`. */
  keys(): ReadonlyArray<string> {
    return (this.#sorted ??= [...this.#objects.keys()].toSorted(byteOrder));
  }

  /** The keys of the objects whose indexed field has this value, in order. */
  keysWith(value: string): ReadonlyArray<string> {
    return [...(this.#byNode.get(value) ?? [])].toSorted(byteOrder);
  }

  byKey(key: string): KubeObject | undefined {
    return this.#objects.get(key);
  }

  record(commit: Commit): void {
    const { before, after } = commit;
    if (before !== undefined) this.#unindex(before);
    if (after === undefined) {
      if (before !== undefined) this.#objects.delete(keyOf(before));
      this.#sorted = undefined;
    } else {
      const key = keyOf(after);
      if (!this.#objects.has(key)) this.#sorted = undefined;
      this.#objects.set(key, after);
      const value = indexedValue(after);
      if (value !== undefined) {
        const keys = this.#byNode.get(value);
        if (keys === undefined) this.#byNode.set(value, new Set([key]));
        else keys.add(key);
      }
    }
    this.#history.push(commit);
  }

  #unindex(object: KubeObject): void {
    const value = indexedValue(object);
    if (value === undefined) return;
    const keys = this.#byNode.get(value);
    keys?.delete(keyOf(object));
    if (keys?.size === 0) this.#byNode.delete(value);
  }

  /** The oldest version after which all commits are kept. */
  get compacted(): number {
    return this.#compacted;
  }

  /** The commits after a version that is not older than `compacted`, oldest first. */
  since(version: number): ReadonlyArray<Commit> {
    let low = 0;
    let high = this.#history.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const commit = this.#history[middle];
      if (commit !== undefined && commit.rv <= version) low = middle + 1;
      else high = middle;
    }
    return this.#history.slice(low);
  }

  compact(version: number): void {
    this.#history = [...this.since(version)];
    this.#compacted = Math.max(this.#compacted, version);
  }

  /** The objects as they were at a version that is not older than `compacted`, sorted by key. */
  snapshot(version: number): ReadonlyArray<readonly [key: string, object: KubeObject]> {
    const later = this.since(version);
    if (later.length === 0) {
      return this.keys().flatMap((key) => {
        const object = this.#objects.get(key);
        return object === undefined ? [] : [[key, object] as const];
      });
    }
    const objects = new Map(this.#objects);
    for (const { before, after } of later.toReversed()) {
      if (before !== undefined) objects.set(keyOf(before), before);
      else if (after !== undefined) objects.delete(keyOf(after));
    }
    return [...objects].toSorted(([a], [b]) => byteOrder(a, b));
  }
}

const byteOrder = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
