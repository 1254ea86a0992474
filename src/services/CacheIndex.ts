/** A secondary index over cached objects: which of them have a given value, found without looking at the others. */

const EMPTY: ReadonlyMap<string, never> = new Map<string, never>();

/** Objects by the values that a pure function derives from each; an object may have none, one or several. */
export class CacheIndex<A> {
  readonly #valuesOf: (object: A) => ReadonlyArray<string>;
  readonly #buckets = new Map<string, Map<string, A>>();

  constructor(valuesOf: (object: A) => ReadonlyArray<string>) {
    this.#valuesOf = valuesOf;
  }

  /** Replaces what is known of `key`: `before` leaves its buckets, `after` enters its own. */
  update(key: string, before: A | undefined, after: A | undefined): void {
    const values = after === undefined ? [] : this.#valuesOf(after);
    if (before !== undefined) {
      for (const value of this.#valuesOf(before)) {
        if (values.includes(value)) continue;
        const bucket = this.#buckets.get(value);
        bucket?.delete(key);
        if (bucket?.size === 0) this.#buckets.delete(value);
      }
    }
    if (after === undefined) return;
    for (const value of values) {
      const bucket = this.#buckets.get(value);
      if (bucket === undefined) this.#buckets.set(value, new Map([[key, after]]));
      else bucket.set(key, after);
    }
  }

  /** The objects with this value, as they are when iterated; iterating costs what it yields. */
  of(value: string): Iterable<A> {
    return { [Symbol.iterator]: () => (this.#buckets.get(value) ?? EMPTY).values() };
  }
}
