/** A binary heap of timers ordered by time and, at equal times, by when they were set. */

/** One pending timer. Cancelling drops its task at once; the empty entry leaves the heap when it is swept. */
export class Timer<Owner> {
  /** When it is due, in milliseconds of virtual time. */
  readonly at: number;
  readonly sequence: number;
  readonly owner: Owner;
  #task: (() => void) | undefined;

  constructor(at: number, sequence: number, owner: Owner, task: () => void) {
    this.at = at;
    this.sequence = sequence;
    this.owner = owner;
    this.#task = task;
  }

  /** What to run, or undefined when it was cancelled. */
  get task(): (() => void) | undefined {
    return this.#task;
  }

  cancel(): void {
    this.#task = undefined;
  }
}

/** A heap of at least this many entries is swept when it has doubled since the last sweep. */
const SWEEP_SIZE_MIN = 1024;

/**
 * Timers, earliest first. Cancelled timers and those of dead owners are never returned, do not move time, and do not
 * pile up: whenever the heap has doubled they are swept out, which costs O(1) per added timer.
 */
export class TimerHeap<Owner> {
  readonly #isLive: (owner: Owner) => boolean;
  #heap: Array<Timer<Owner>> = [];
  #sequence = 0;
  #sweepAt = SWEEP_SIZE_MIN;

  constructor(isLive: (owner: Owner) => boolean) {
    this.#isLive = isLive;
  }

  /** Entries held, swept or not. */
  get size(): number {
    return this.#heap.length;
  }

  add(at: number, owner: Owner, task: () => void): Timer<Owner> {
    if (this.#heap.length >= this.#sweepAt) this.#sweep();
    const timer = new Timer(at, this.#sequence++, owner, task);
    this.#heap.push(timer);
    this.#siftUp(this.#heap.length - 1);
    return timer;
  }

  /** When the earliest timer is due; undefined when there is none. */
  nextAt(): number | undefined {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (this.#isPending(first)) return first.at;
      this.#pop();
    }
    return undefined;
  }

  /** Removes the earliest timer; undefined when there is none. */
  take(): Timer<Owner> | undefined {
    return this.nextAt() === undefined ? undefined : this.#pop();
  }

  #isPending(timer: Timer<Owner>): boolean {
    return timer.task !== undefined && this.#isLive(timer.owner);
  }

  #sweep(): void {
    this.#heap = this.#heap.filter((timer) => this.#isPending(timer));
    for (let i = (this.#heap.length >> 1) - 1; i >= 0; i--) this.#siftDown(i);
    this.#sweepAt = Math.max(SWEEP_SIZE_MIN, 2 * this.#heap.length);
  }

  #pop(): Timer<Owner> | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (first === undefined || last === undefined || first === last) return first;
    this.#heap[0] = last;
    this.#siftDown(0);
    return first;
  }

  #siftUp(from: number): void {
    const heap = this.#heap;
    const moved = heap[from]!;
    let hole = from;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (!isBefore(moved, heap[parent]!)) break;
      heap[hole] = heap[parent]!;
      hole = parent;
    }
    heap[hole] = moved;
  }

  #siftDown(from: number): void {
    const heap = this.#heap;
    const moved = heap[from]!;
    let hole = from;
    for (let child = 2 * hole + 1; child < heap.length; child = 2 * hole + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, moved)) break;
      heap[hole] = heap[child]!;
      hole = child;
    }
    heap[hole] = moved;
  }
}

const isBefore = (a: Timer<unknown>, b: Timer<unknown>): boolean =>
  a.at < b.at || (a.at === b.at && a.sequence < b.sequence);
