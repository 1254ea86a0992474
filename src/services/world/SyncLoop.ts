/**
 * The work loop of a simulated controller: keys, each synced by one worker at a time, some while after something happened
 * (controllers are asynchronous, and how much so is drawn). Shares no code with the operator's WorkQueue on purpose, as `Mirror`.
 */
import { Clock, Effect, Queue } from "effect";
import { backoffMillis } from "../backoff.ts";
import type { KubeError } from "../KubeError.ts";
import { drawMillis, type SecondsRange } from "./behaviour.ts";
import { together } from "./together.ts";

export interface SyncLoopOptions<R> {
  readonly workers: number;
  /** From a change to the sync that it causes. */
  readonly reactionSeconds: SecondsRange;
  /** Returns after how many milliseconds to come again, if time alone will bring something. A failure is tried again. */
  readonly sync: (key: string) => Effect.Effect<number | undefined, KubeError, R>;
}

const RETRY = { base: "1 second", max: "1 minute" } as const;

export class SyncLoop<R> {
  readonly #options: SyncLoopOptions<R>;
  readonly #added: Queue.Queue<string>;
  readonly #ready: Queue.Queue<string>;
  /** Keys that wait for their sync, or that changed during it. */
  readonly #dirty = new Set<string>();
  readonly #running = new Set<string>();
  /** When a key comes again without a change. */
  readonly #again = new Map<string, number>();
  readonly #failures = new Map<string, number>();

  static readonly make = <S>(options: SyncLoopOptions<S>): Effect.Effect<SyncLoop<S>> =>
    Effect.gen(function* () {
      return new SyncLoop(
        options,
        yield* Queue.unbounded<string>(),
        yield* Queue.unbounded<string>(),
      );
    });

  private constructor(
    options: SyncLoopOptions<R>,
    added: Queue.Queue<string>,
    ready: Queue.Queue<string>,
  ) {
    this.#options = options;
    this.#added = added;
    this.#ready = ready;
  }

  /** Something about this key changed. */
  readonly add = (key: string): void => {
    if (this.#dirty.has(key)) return;
    this.#dirty.add(key);
    if (!this.#running.has(key)) Queue.offerUnsafe(this.#added, key);
  };

  get run(): Effect.Effect<never, never, R> {
    const worker = Effect.forever(
      Effect.flatMap(Queue.take(this.#ready), (key) => this.#work(key)),
    );
    const workers = Array.from({ length: this.#options.workers }, () => worker);
    return together([this.#react, ...workers]);
  }

  get #react() {
    const react = Effect.fnUntraced({ self: this }, function* (this: SyncLoop<R>, key: string) {
      const millis = yield* drawMillis(this.#options.reactionSeconds);
      const offer = Effect.sync(() => Queue.offerUnsafe(this.#ready, key));
      yield* millis === 0 ? offer : Effect.forkChild(Effect.delay(offer, millis));
    });
    return Effect.forever(Effect.flatMap(Queue.take(this.#added), react));
  }

  readonly #work = Effect.fnUntraced({ self: this }, function* (this: SyncLoop<R>, key: string) {
    this.#dirty.delete(key);
    this.#running.add(key);
    const result = yield* Effect.result(this.#options.sync(key));
    this.#running.delete(key);
    if (result._tag === "Success") this.#failures.delete(key);
    if (this.#dirty.has(key)) Queue.offerUnsafe(this.#added, key);
    if (result._tag === "Success") {
      if (result.success !== undefined) yield* this.#addAfter(key, result.success);
      return;
    }
    // A request that is wrong in itself is a bug of the controller; trying again would hide it.
    if (result.failure._tag === "BadRequest") return yield* Effect.die(result.failure);
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    yield* this.#addAfter(key, yield* backoffMillis(RETRY, failures));
  });

  /** Adds the key later, unless it comes again before that anyway. */
  readonly #addAfter = Effect.fnUntraced(
    { self: this },
    function* (this: SyncLoop<R>, key: string, millis: number) {
      const at = (yield* Clock.currentTimeMillis) + millis;
      if (at >= (this.#again.get(key) ?? Infinity)) return;
      this.#again.set(key, at);
      const come = Effect.sync(() => {
        if (this.#again.get(key) === at) this.#again.delete(key);
        this.add(key);
      });
      yield* Effect.forkChild(Effect.delay(come, millis));
    },
  );
}
