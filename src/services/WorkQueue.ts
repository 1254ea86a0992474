/**
 * The queue between informers and a reconciler: level-based, one entry per key, first in first out. A key is queued at
 * most once, never runs twice at the same time, and an add during its run makes it run again: as client-go's workqueue
 * ("stingy" and "reentrant") with kube-rs' rule that of several planned runs the earliest wins.
 */
import { Cause, Clock, Duration, Effect, Exit, FiberSet, Queue, Scope } from "effect";
import { type Backoff, backoffMillis } from "./backoff.ts";
import { DueTimes } from "./DueTimes.ts";

/** What a reconcile answers: when to come again without being asked. Absent: only when something changes. */
export interface Requeue {
  readonly requeueAfter?: Duration.Duration | undefined;
}

export interface WorkQueueOptions<K, E, R> {
  /** Names the queue in logs. */
  readonly name: string;
  /** How many keys may run at once. */
  readonly workers: number;
  /** Brings the world closer to what the key's object wants. Failures and defects come again with backoff. */
  readonly reconcile: (key: K) => Effect.Effect<Requeue, E, R>;
  /** Waits after failures, per key; default 100 ms doubling up to 5 min. */
  readonly backoff?: Backoff | undefined;
}

/** Numbers for metrics; totals only grow. */
export interface WorkQueueStats {
  /** Keys that wait for a worker. */
  readonly depth: number;
  /** Keys that wait for their time. */
  readonly delayed: number;
  readonly running: number;
  /** Times that a key came to be queued; adds of a key that waits already do not count. */
  readonly addsTotal: number;
  readonly runsTotal: number;
  /** Runs that failed and were planned again. */
  readonly retriesTotal: number;
}

export interface WorkQueue<K, R = never> {
  /** Runs the key as soon as a worker is free, and after its present run if it runs. May be called from callbacks. */
  readonly addUnsafe: (key: K) => void;
  readonly add: (key: K) => Effect.Effect<void>;
  /**
   * Runs the key after this delay (at least 1 ms) at the latest. One run is planned per key, the earliest; a run that starts sooner for
   * another reason stands for it, because every run looks at everything and says itself when to come again.
   */
  readonly addAfter: (key: K, delay: Duration.Input) => Effect.Effect<void>;
  readonly stats: () => WorkQueueStats;
  /** The workers, to be joined by main. Keys wait until it runs; when interrupted, unfinished keys wait again. */
  readonly run: Effect.Effect<never, never, R>;
}

const BACKOFF: Backoff = { base: "100 millis", max: "5 minutes" };

/** Taken keys are cut off the front of the line in steps of this many. */
const COMPACT_AT = 8192;

/** Which keys wait, run, or are due when. Synchronous, so that callbacks can add. */
class Keys<K> {
  /** Keys that want a run. Those that run at present are held back until that run has ended. */
  readonly #dirty = new Set<K>();
  readonly #running = new Set<K>();
  readonly due = new DueTimes<K>();
  /** Dirty keys that do not run, first in first out from `#head`. */
  #ready: Array<K> = [];
  #head = 0;
  addsTotal = 0;

  get depth(): number {
    return this.#ready.length - this.#head;
  }

  get running(): number {
    return this.#running.size;
  }

  add(key: K): void {
    if (this.#dirty.has(key)) return;
    this.#dirty.add(key);
    this.addsTotal++;
    if (!this.#running.has(key)) this.#ready.push(key);
  }

  /** The next key to run. Its run sees all that was asked for until now: the mark and the plan for later are gone. */
  take(): K | undefined {
    const key = this.#ready[this.#head];
    if (key === undefined) return undefined;
    this.#head++;
    if (this.#head === this.#ready.length || this.#head === COMPACT_AT) {
      this.#ready = this.#ready.slice(this.#head);
      this.#head = 0;
    }
    this.#dirty.delete(key);
    this.due.cancel(key);
    this.#running.add(key);
    return key;
  }

  /** The run of `key` has ended. */
  release(key: K): void {
    this.#running.delete(key);
    if (this.#dirty.has(key)) this.#ready.push(key);
  }

  /** Puts keys whose runs were cut short back in line. */
  recover(): void {
    for (const key of this.#running) {
      this.#dirty.add(key);
      this.release(key);
    }
  }
}

/**
 * The alarms that wake the dispatcher for planned runs. One is set only when it comes before all that are set already, and
 * none is taken back: an alarm too many costs one look, while a timer around every wait cost two fibers per look.
 */
class Alarms {
  /** When they ring, the earliest last. */
  readonly #times: Array<number> = [];

  /** Whether an alarm is to be set for `at`: no other rings by then. */
  set(at: number): boolean {
    if (at >= (this.#times.at(-1) ?? Number.POSITIVE_INFINITY)) return false;
    this.#times.push(at);
    return true;
  }

  /** The earliest alarm rings. */
  rang(): void {
    this.#times.pop();
  }
}

/** Makes a queue. Keys are compared by value. */
export const make = Effect.fnUntraced(function* <K extends string | number, E, R>(
  options: WorkQueueOptions<K, E, R>,
): Effect.fn.Return<WorkQueue<K, R>> {
  const keys = new Keys<K>();
  /** Failures in a row. */
  const failures = new Map<K, number>();
  const backoff = options.backoff ?? BACKOFF;
  // A token here says "look again". Offering schedules the dispatcher; it never runs it inside the caller's callback.
  const wake = yield* Queue.dropping<void>(1);
  const totals = { runs: 0, retries: 0 };
  let dispatching = false;

  const addUnsafe = (key: K): void => {
    keys.add(key);
    Queue.offerUnsafe(wake, undefined);
  };

  const addAfter = (key: K, delay: Duration.Input): Effect.Effect<void> =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      // Time must pass before a planned run: a reconcile that always answers "at once" would stop a simulated clock.
      const at = now + Math.max(1, Math.ceil(Duration.toMillis(delay)));
      if (Number.isFinite(at) && keys.due.plan(key, at)) Queue.offerUnsafe(wake, undefined);
    });

  const retry = Effect.fnUntraced(function* (key: K, cause: Cause.Cause<E>) {
    const before = failures.get(key) ?? 0;
    failures.set(key, before + 1);
    totals.retries++;
    const waitMillis = yield* backoffMillis(backoff, before);
    const log = Cause.hasDies(cause)
      ? Effect.logError("reconcile died", cause)
      : Effect.logWarning("reconcile failed", cause);
    yield* Effect.annotateLogs(log, { failures: before + 1, retryInMillis: waitMillis });
    yield* addAfter(key, waitMillis);
  });

  const runKey = Effect.fnUntraced(
    function* (key: K) {
      totals.runs++;
      const exit = yield* Effect.exit(Effect.suspend(() => options.reconcile(key)));
      if (Exit.isFailure(exit)) yield* retry(key, exit.cause);
      else {
        failures.delete(key);
        if (exit.value.requeueAfter !== undefined) yield* addAfter(key, exit.value.requeueAfter);
      }
      keys.release(key);
      Queue.offerUnsafe(wake, undefined);
    },
    (effect, key) => Effect.annotateLogs(effect, { queue: options.name, key: String(key) }),
  );

  const dispatch = Effect.fnUntraced(function* (runs: FiberSet.FiberSet<void, never>) {
    keys.recover();
    const alarms = new Alarms();
    for (;;) {
      const now = yield* Clock.currentTimeMillis;
      for (const key of keys.due.takeDue(now)) keys.add(key);
      while (keys.running < options.workers) {
        const key = keys.take();
        if (key === undefined) break;
        yield* FiberSet.run(runs, runKey(key));
      }
      const next = keys.due.nextAt();
      if (next !== undefined && alarms.set(next)) {
        const ring = () => {
          alarms.rang();
          Queue.offerUnsafe(wake, undefined);
        };
        yield* FiberSet.run(runs, Effect.andThen(Effect.sleep(next - now), Effect.sync(ring)));
      }
      yield* Queue.take(wake);
    }
  });

  return {
    addUnsafe,
    add: (key) => Effect.sync(() => addUnsafe(key)),
    addAfter,
    stats: () => ({
      depth: keys.depth,
      delayed: keys.due.size,
      running: keys.running,
      addsTotal: keys.addsTotal,
      runsTotal: totals.runs,
      retriesTotal: totals.retries,
    }),
    run: Effect.scopedWith(
      Effect.fnUntraced(function* (scope) {
        if (dispatching) return yield* Effect.die(new Error(`queue ${options.name} runs twice`));
        dispatching = true;
        yield* Scope.addFinalizer(
          scope,
          Effect.sync(() => {
            dispatching = false;
          }),
        );
        const runs = yield* Scope.provide(FiberSet.make<void, never>(), scope);
        // Joined: a defect outside of a reconcile ends the queue instead of leaving a key behind in silence.
        return yield* Effect.raceFirst(
          dispatch(runs),
          Effect.andThen(FiberSet.join(runs), Effect.never),
        );
      }),
    ),
  };
});
