/** Keys that are due at some time, at most once each: the earliest time that was asked for counts. */

interface Entry<K> {
  readonly key: K;
  readonly at: number;
  /** Decides between equal times: first planned, first due. */
  readonly sequence: number;
}

/** Superseded entries stay in the heap until it holds this many more than twice the live ones; then it is rebuilt. */
const SLACK = 64;

const before = (a: Entry<unknown>, b: Entry<unknown>): boolean =>
  a.at < b.at || (a.at === b.at && a.sequence < b.sequence);

/** A binary heap with one live entry per key. Times are milliseconds of whatever clock the caller uses. */
export class DueTimes<K> {
  readonly #live = new Map<K, Entry<K>>();
  #heap: Array<Entry<K>> = [];
  #sequence = 0;

  /** How many keys have a time. */
  get size(): number {
    return this.#live.size;
  }

  /** Plans `key`, unless it is due earlier anyway. True when its time was set or came closer. */
  plan(key: K, at: number): boolean {
    const planned = this.#live.get(key);
    if (planned !== undefined && planned.at <= at) return false;
    const entry: Entry<K> = { key, at, sequence: this.#sequence++ };
    this.#live.set(key, entry);
    if (this.#heap.length > 2 * this.#live.size + SLACK) this.#rebuild();
    else this.#push(entry);
    return true;
  }

  cancel(key: K): void {
    this.#live.delete(key);
  }

  /** The earliest time; undefined when no key has one. */
  nextAt(): number | undefined {
    for (;;) {
      const top = this.#heap[0];
      if (top === undefined || this.#live.get(top.key) === top) return top?.at;
      this.#pop();
    }
  }

  /** Takes out the keys that are due at `now`, earliest first. */
  takeDue(now: number): ReadonlyArray<K> {
    const due: Array<K> = [];
    for (let at = this.nextAt(); at !== undefined && at <= now; at = this.nextAt()) {
      const entry = this.#pop();
      if (entry === undefined) break;
      this.#live.delete(entry.key);
      due.push(entry.key);
    }
    return due;
  }

  #rebuild(): void {
    // A sorted array is a heap.
    this.#heap = [...this.#live.values()].toSorted((a, b) => (before(a, b) ? -1 : 1));
  }

  #push(entry: Entry<K>): void {
    const heap = this.#heap;
    let hole = heap.length;
    while (hole > 0) {
      const parent = heap[(hole - 1) >> 1];
      if (parent === undefined || !before(entry, parent)) break;
      heap[hole] = parent;
      hole = (hole - 1) >> 1;
    }
    heap[hole] = entry;
  }

  #pop(): Entry<K> | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined || last === top) return top;
    let hole = 0;
    for (;;) {
      const [left, right] = [heap[2 * hole + 1], heap[2 * hole + 2]];
      const child = right !== undefined && left !== undefined && before(right, left) ? right : left;
      if (child === undefined || !before(child, last)) break;
      heap[hole] = child;
      hole = child === right ? 2 * hole + 2 : 2 * hole + 1;
    }
    heap[hole] = last;
    return top;
  }
}
