/** The steps that can be taken now, in the order in which they became runnable. */

/** One step: `task` runs in `owner`. */
export interface Ready<Owner> {
  readonly owner: Owner;
  readonly task: () => void;
}

/** Slots before the head are given back when there are at least this many and they are half of the array. */
const COMPACT_SIZE_MIN = 1024;

/** A first-in first-out queue of steps; also lets a scheduler pick the first step of a chosen owner. */
export class ReadyQueue<Owner> {
  readonly #entries: Array<Ready<Owner> | undefined> = [];
  #head = 0;

  get length(): number {
    return this.#entries.length - this.#head;
  }

  push(owner: Owner, task: () => void): void {
    this.#entries.push({ owner, task });
  }

  /** Removes the step that waited longest; undefined when there is none. */
  shift(): Ready<Owner> | undefined {
    const first = this.#entries[this.#head];
    if (first === undefined) return undefined;
    this.#entries[this.#head++] = undefined;
    if (this.#head >= COMPACT_SIZE_MIN && 2 * this.#head >= this.#entries.length) {
      this.#entries.splice(0, this.#head);
      this.#head = 0;
    }
    return first;
  }

  /** The distinct owners of waiting steps that satisfy `accept`, by their first step. Linear in the queue. */
  owners(accept: (owner: Owner) => boolean): ReadonlyArray<Owner> {
    const found = new Set<Owner>();
    for (let i = this.#head; i < this.#entries.length; i++) {
      const { owner } = this.#entries[i]!;
      if (accept(owner)) found.add(owner);
    }
    return [...found];
  }

  /** Removes the first step of `owner`; undefined when it has none. Linear in the queue. */
  shiftOf(owner: Owner): Ready<Owner> | undefined {
    for (let i = this.#head; i < this.#entries.length; i++) {
      const entry = this.#entries[i]!;
      if (entry.owner !== owner) continue;
      this.#entries.splice(i, 1);
      return entry;
    }
    return undefined;
  }
}
