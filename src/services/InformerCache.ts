/**
 * What an informer knows of the objects of one selection, and the rules by which news of three kinds becomes that
 * knowledge: lists, the events of a watch, and single objects that we read or wrote ourselves. Synchronous and mutable.
 *
 * The rules rest on one version, `processed`: the stream has told everything up to it. News that is not newer than that
 * is no news; it may be of an object that has been deleted since. Per key, the newer version wins.
 */
import { objectKey } from "../domain/kube/object.ts";
import { CacheIndex } from "./CacheIndex.ts";
import type { ObjectList, UndecodableObject } from "./KubeApi.ts";
import { isNewer } from "./resourceVersion.ts";

/** What identifies a state of an object. `key` is its `objectKey`. */
export interface CacheMeta {
  readonly key: string;
  readonly resourceVersion: string;
  readonly uid: string;
}

/** What became of one key. Another uid in `after` than in `before`: the object was deleted and made anew. */
export interface CacheChange<A> {
  readonly key: string;
  readonly before?: A | undefined;
  readonly after?: A | undefined;
}

export interface CacheOptions<A, Index extends string = never> {
  /** Reads what identifies an object; must be pure. */
  readonly meta: (object: A) => CacheMeta;
  readonly indexes?: Readonly<Record<Index, (object: A) => ReadonlyArray<string>>> | undefined;
  /** Called once per effective change, synchronously, when the cache already holds it. */
  readonly onChange: (change: CacheChange<A>) => void;
}

/** A state of an object that could not be decoded, as far as it is known. */
type Unreadable = Pick<UndecodableObject, "ref" | "uid" | "resourceVersion">;

/** The object of some key, known to be gone at this version at the earliest. */
interface Tombstone {
  readonly uid: string;
  readonly version: string;
}

export class InformerCache<A, Index extends string = never> {
  readonly #meta: (object: A) => CacheMeta;
  readonly #onChange: (change: CacheChange<A>) => void;
  readonly #indexes = new Map<string, CacheIndex<A>>();
  readonly #objects = new Map<string, A>();
  /** Objects that we know to be gone while the stream may still tell of their life, by key. */
  readonly #forgotten = new Map<string, Tombstone>();
  #processed: string | undefined;

  constructor(options: CacheOptions<A, Index>) {
    this.#meta = options.meta;
    this.#onChange = options.onChange;
    if (options.indexes === undefined) return;
    for (const [name, valuesOf] of Object.entries<(object: A) => ReadonlyArray<string>>(
      options.indexes,
    )) {
      this.#indexes.set(name, new CacheIndex(valuesOf));
    }
  }

  /** The version up to which the stream has told everything; undefined before the first list. */
  get processed(): string | undefined {
    return this.#processed;
  }

  /** How many objects are remembered as gone because the stream has not come to their end yet. */
  get tombstones(): number {
    return this.#forgotten.size;
  }

  get(key: string): A | undefined {
    return this.#objects.get(key);
  }

  /** The live map, not a copy. */
  all(): ReadonlyMap<string, A> {
    return this.#objects;
  }

  by(index: Index, value: string): Iterable<A> {
    return this.#indexes.get(index)?.of(value) ?? [];
  }

  /** Whether a list is older than what the stream has told already: from a lagging or a restored server. */
  isStale(list: ObjectList<A>): boolean {
    return this.#processed !== undefined && isNewer(this.#processed, list.resourceVersion) === true;
  }

  /**
   * Takes over a list. What it lacks was deleted, unless it is newer than the list (our own write, made since). The
   * whole list is in the cache before the first change is told. `rewound` takes it as the beginning of another history
   * (a restored etcd): nothing known before counts as newer.
   */
  listed(list: ObjectList<A>, options: { readonly rewound: boolean } = { rewound: false }): void {
    const beats = (known: A, version: string): boolean =>
      !options.rewound && isNewer(this.#meta(known).resourceVersion, version) === true;
    const changes: Array<CacheChange<A>> = [];
    const listed = new Set<string>();
    if (options.rewound) this.#forgotten.clear();
    this.#bury(list);
    for (const object of list.items) {
      const meta = this.#meta(object);
      const { key, resourceVersion } = meta;
      if (this.#isForgotten(meta)) continue;
      listed.add(key);
      const known = this.#objects.get(key);
      if (known !== undefined && (beats(known, resourceVersion) || this.#same(known, object)))
        continue;
      changes.push(this.#store(key, object));
    }
    const unreadable = unreadableByKey(list.undecodable);
    for (const [key, known] of this.#objects) {
      if (listed.has(key) || beats(known, list.resourceVersion)) continue;
      const there = unreadable.get(key);
      if (there !== undefined && (there.uid ?? this.#meta(known).uid) === this.#meta(known).uid)
        continue;
      changes.push(this.#drop(key, known));
    }
    this.#processed = list.resourceVersion;
    for (const change of changes) this.#onChange(change);
  }

  /** An ADDED or MODIFIED event of the stream. */
  applied(object: A): void {
    const meta = this.#meta(object);
    const { key, resourceVersion } = meta;
    if (!this.#advance(resourceVersion)) return;
    if (this.#isForgotten(meta)) return;
    const known = this.#objects.get(key);
    if (known !== undefined) {
      if (isNewer(this.#meta(known).resourceVersion, resourceVersion) === true) return;
      if (this.#same(known, object)) return;
    }
    this.#onChange(this.#store(key, object));
  }

  /** A DELETED event of the stream: the object is gone, or no longer selected. */
  deleted(object: A): void {
    const { key, uid, resourceVersion } = this.#meta(object);
    this.#advance(resourceVersion);
    this.#removed(key, uid, resourceVersion);
  }

  /**
   * An event whose object does not decode. An object that could be read before stays in the cache as it was then, until
   * it is gone or can be read again: writes that rest on it carry its version and fail. Returns whether this is news.
   */
  undecodable(state: Unreadable, options: { readonly deleted: boolean }): boolean {
    const { ref, uid, resourceVersion } = state;
    const news = resourceVersion === undefined || this.#advance(resourceVersion);
    if (ref === undefined) return news;
    const key = objectKey(ref);
    const known = this.#objects.get(key);
    const replaced = known !== undefined && uid !== undefined && this.#meta(known).uid !== uid;
    if (options.deleted || (news && replaced)) this.#removed(key, uid, resourceVersion);
    return news;
  }

  /** A BOOKMARK of the stream. */
  bookmark(resourceVersion: string): void {
    this.#advance(resourceVersion);
  }

  /**
   * The answer to our own write or live read of an object that the selection matches. Ignored unless it is newer than
   * all that the stream has told; the stream will tell what became of it after that.
   */
  observe(object: A): void {
    const meta = this.#meta(object);
    const { key, resourceVersion } = meta;
    if (isNewer(resourceVersion, this.#processed ?? "0") !== true) return;
    if (this.#isForgotten(meta)) return;
    const known = this.#objects.get(key);
    if (known !== undefined && isNewer(resourceVersion, this.#meta(known).resourceVersion) !== true)
      return;
    this.#onChange(this.#store(key, object));
  }

  /**
   * The object of this key is gone: a live read did not find it, or our delete removed it. `resourceVersion` is the
   * version that is known to be gone; a newer one stays. Whatever the stream still tells of that object is not taken.
   */
  forget(key: string, resourceVersion: string): void {
    const known = this.#objects.get(key);
    if (known === undefined) return;
    const meta = this.#meta(known);
    if (
      meta.resourceVersion !== resourceVersion &&
      isNewer(resourceVersion, meta.resourceVersion) !== true
    )
      return;
    this.#forgotten.set(key, { uid: meta.uid, version: resourceVersion });
    this.#onChange(this.#drop(key, known));
  }

  /** Takes note that the stream has come to this version. False when it had been there already: a repetition. */
  #advance(resourceVersion: string): boolean {
    if (this.#processed !== undefined && isNewer(resourceVersion, this.#processed) === false)
      return false;
    this.#processed = resourceVersion;
    return true;
  }

  #removed(key: string, uid: string | undefined, version: string | undefined): void {
    const tombstone = this.#forgotten.get(key);
    // An object that left the selection and came back was "deleted" before the version that is gone: not the end yet.
    const ended =
      tombstone !== undefined &&
      tombstone.uid === uid &&
      (version === undefined || isNewer(tombstone.version, version) !== true);
    if (ended) this.#forgotten.delete(key);
    const known = this.#objects.get(key);
    if (known === undefined) return;
    if (version !== undefined && isNewer(this.#meta(known).resourceVersion, version) === true)
      return;
    this.#onChange(this.#drop(key, known));
  }

  /** Whether this state belongs to the forgotten object of its key or to one before that. */
  #isForgotten({ key, uid, resourceVersion }: CacheMeta): boolean {
    const tombstone = this.#forgotten.get(key);
    if (tombstone === undefined) return false;
    return uid === tombstone.uid || isNewer(tombstone.version, resourceVersion) === true;
  }

  /** Drops the tombstones that a list has made superfluous: the object lived before the list and is not in it. */
  #bury(list: ObjectList<A>): void {
    if (this.#forgotten.size === 0) return;
    const alive = new Set<string | undefined>(list.items.map((object) => this.#meta(object).uid));
    for (const { uid } of list.undecodable) alive.add(uid);
    for (const [key, { uid, version }] of this.#forgotten) {
      if (!alive.has(uid) && isNewer(version, list.resourceVersion) !== true)
        this.#forgotten.delete(key);
    }
  }

  #same(a: A, b: A): boolean {
    const [left, right] = [this.#meta(a), this.#meta(b)];
    return left.resourceVersion === right.resourceVersion && left.uid === right.uid;
  }

  #store(key: string, after: A): CacheChange<A> {
    const before = this.#objects.get(key);
    this.#objects.set(key, after);
    for (const index of this.#indexes.values()) index.update(key, before, after);
    return { key, before, after };
  }

  #drop(key: string, before: A): CacheChange<A> {
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) index.update(key, before, undefined);
    return { key, before };
  }
}

const unreadableByKey = (objects: ReadonlyArray<Unreadable>): ReadonlyMap<string, Unreadable> => {
  const byKey = new Map<string, Unreadable>();
  for (const object of objects)
    if (object.ref !== undefined) byKey.set(objectKey(object.ref), object);
  return byKey;
};
