import { describe, expect, it } from "@effect/vitest";
import { Cause, Clock, Duration, Effect, Exit, Fiber, Logger, Random, Schema } from "effect";
import { TestClock } from "effect/testing";
import * as WorkQueue from "../../src/services/WorkQueue.ts";

const now = Clock.currentTimeMillis;
const nothing: WorkQueue.Requeue = {};
const soon = (millis: number): WorkQueue.Requeue => ({ requeueAfter: Duration.millis(millis) });

/** A queue that notes when it ran what, with `work` as its reconcile. */
const started = Effect.fnUntraced(function* <E>(
  work: (key: string, run: number) => Effect.Effect<WorkQueue.Requeue, E>,
  options: { readonly workers?: number; readonly backoff?: WorkQueueBackoff } = {},
) {
  const starts: Array<readonly [key: string, at: number]> = [];
  const queue = yield* WorkQueue.make({
    name: "test",
    workers: options.workers ?? 2,
    backoff: options.backoff,
    reconcile: (key: string) =>
      Effect.gen(function* () {
        starts.push([key, yield* now]);
        return yield* work(key, starts.filter(([other]) => other === key).length);
      }),
  });
  const fiber = yield* Effect.forkChild(queue.run);
  const startsOf = (key: string) => starts.filter(([other]) => other === key).map(([, at]) => at);
  return { queue, fiber, starts, startsOf };
});
type WorkQueueBackoff = Parameters<typeof WorkQueue.make>[0]["backoff"];

describe("adding", () => {
  it.effect("a burst of adds during a run costs one more run", () =>
    Effect.gen(function* () {
      const { queue, startsOf } = yield* started(() =>
        Effect.as(Effect.sleep("1 second"), nothing),
      );
      yield* queue.add("a");
      yield* TestClock.adjust("100 millis");
      for (let i = 0; i < 50; i++) queue.addUnsafe("a");
      yield* TestClock.adjust("10 seconds");
      expect(startsOf("a")).toEqual([0, 1000]);
    }),
  );

  it.effect("keys run first in first out, also those that were added while they ran", () =>
    Effect.gen(function* () {
      const { queue, starts } = yield* started(() => Effect.as(Effect.sleep(10), nothing), {
        workers: 1,
      });
      for (const key of ["a", "b", "c"]) yield* queue.add(key);
      yield* TestClock.adjust(5);
      for (const key of ["a", "d", "b"]) yield* queue.add(key);
      yield* TestClock.adjust("1 second");
      // b waited already, so its second add changed nothing; a came back after d.
      expect(starts.map(([key]) => key)).toEqual(["a", "b", "c", "d", "a"]);
    }),
  );

  it.effect("as many keys run at once as there are workers, no more", () =>
    Effect.gen(function* () {
      const { queue, starts } = yield* started(() => Effect.as(Effect.sleep(10), nothing), {
        workers: 3,
      });
      for (let i = 0; i < 7; i++) yield* queue.add(`k${i}`);
      yield* TestClock.adjust("1 second");
      expect(starts.map(([, at]) => at)).toEqual([0, 0, 0, 10, 10, 10, 20]);
    }),
  );

  it.effect("an add from a callback runs nothing inside that callback", () =>
    Effect.gen(function* () {
      const { queue, starts } = yield* started(() => Effect.succeed(nothing));
      yield* TestClock.adjust(1);
      queue.addUnsafe("a");
      expect(starts).toEqual([]);
      yield* TestClock.adjust(1);
      expect(starts.length).toBe(1);
    }),
  );

  it.effect("keys that are added before the queue runs wait for it", () =>
    Effect.gen(function* () {
      const seen: Array<string> = [];
      const queue = yield* WorkQueue.make({
        name: "test",
        workers: 1,
        reconcile: (key: string) =>
          Effect.as(
            Effect.sync(() => seen.push(key)),
            nothing,
          ),
      });
      yield* queue.add("a");
      yield* queue.addAfter("b", "1 second");
      expect(queue.stats()).toMatchObject({ depth: 1, delayed: 1, running: 0 });
      yield* TestClock.adjust("1 minute");
      expect(seen).toEqual([]);
      yield* Effect.forkChild(queue.run);
      yield* TestClock.adjust(1);
      expect(seen).toEqual(["a", "b"]);
    }),
  );
});

describe("coming again", () => {
  it.effect("the earliest wake-up wins", () =>
    Effect.gen(function* () {
      const { queue, startsOf } = yield* started(() => Effect.succeed(nothing));
      yield* queue.addAfter("a", "10 seconds");
      yield* queue.addAfter("a", "1 minute");
      yield* queue.addAfter("a", "5 seconds");
      yield* queue.addAfter("b", "7 seconds");
      yield* TestClock.adjust("1 hour");
      expect(startsOf("a")).toEqual([5000]);
      expect(startsOf("b")).toEqual([7000]);
    }),
  );

  it.effect(
    "a run that starts sooner stands for the planned one, and says itself when to come again",
    () =>
      Effect.gen(function* () {
        const { queue, startsOf } = yield* started((_, run) =>
          Effect.succeed(run === 1 ? soon(30_000) : nothing),
        );
        yield* queue.addAfter("a", "10 seconds");
        yield* TestClock.adjust("1 second");
        yield* queue.add("a");
        yield* TestClock.adjust("1 hour");
        expect(startsOf("a")).toEqual([1000, 31_000]);
      }),
  );

  it.effect(
    "a wake-up that is planned during a run is kept, unless the run asks for an earlier one",
    () =>
      Effect.gen(function* () {
        const { queue, startsOf } = yield* started((key, run) =>
          Effect.as(Effect.sleep(100), run > 1 ? nothing : soon(key === "a" ? 60_000 : 500)),
        );
        yield* queue.add("a");
        yield* queue.add("b");
        yield* TestClock.adjust(50);
        yield* queue.addAfter("a", "2 seconds");
        yield* queue.addAfter("b", "2 seconds");
        yield* TestClock.adjust("1 hour");
        expect(startsOf("a")).toEqual([0, 2050]);
        expect(startsOf("b")).toEqual([0, 600]);
      }),
  );

  it.effect('a reconcile that always answers "at once" does not stop time', () =>
    Effect.gen(function* () {
      const { queue, startsOf } = yield* started((_, run) =>
        Effect.succeed(run < 100 ? soon(0) : nothing),
      );
      yield* queue.add("a");
      yield* TestClock.adjust("1 second");
      expect(startsOf("a")).toEqual(Array.from({ length: 100 }, (__, i) => i));
    }),
  );

  it.effect("an infinite delay plans nothing", () =>
    Effect.gen(function* () {
      const { queue, starts } = yield* started(() => Effect.succeed(nothing));
      yield* queue.addAfter("a", Duration.infinity);
      yield* TestClock.adjust("365 days");
      expect(starts).toEqual([]);
      expect(queue.stats().delayed).toBe(0);
    }),
  );
});

/** When a key that always fails runs within a minute. */
const failingSchedule = (seed: string) =>
  Effect.gen(function* () {
    const from = yield* now;
    const { queue, fiber, startsOf } = yield* started(() => Effect.fail("no"));
    yield* queue.add("a");
    yield* TestClock.adjust("1 minute");
    yield* Fiber.interrupt(fiber);
    return startsOf("a").map((at) => at - from);
  }).pipe(Random.withSeed(seed));

describe("failing", () => {
  it.effect(
    "failures back off by doubling, within 20 %, up to the maximum, and start over after a success",
    () =>
      Effect.gen(function* () {
        const { queue, startsOf } = yield* started(
          (_, run) =>
            run === 7
              ? Effect.succeed(soon(60_000))
              : run < 10
                ? Effect.fail("no")
                : Effect.succeed(nothing),
          { backoff: { base: "100 millis", max: "1 second" } },
        );
        yield* queue.add("a");
        yield* TestClock.adjust("1 hour");
        const starts = startsOf("a");
        const waits = starts.slice(1).map((at, i) => at - (starts[i] ?? 0));
        const expected = [100, 200, 400, 800, 1000, 1000, 60_000, 100, 200];
        expect(waits.length).toBe(expected.length);
        for (const [i, wait] of waits.entries()) {
          const want = expected[i] ?? 0;
          const slack = want === 60_000 ? 0 : 0.2 * want;
          expect(Math.abs(wait - want)).toBeLessThanOrEqual(slack + 1);
        }
        expect(queue.stats()).toMatchObject({
          runsTotal: 10,
          retriesTotal: 8,
          running: 0,
          depth: 0,
        });
      }),
  );

  it.effect("jitter comes from Random: one seed, one schedule", () =>
    Effect.gen(function* () {
      const one = yield* failingSchedule("x");
      expect(yield* failingSchedule("x")).toEqual(one);
      expect(yield* failingSchedule("y")).not.toEqual(one);
    }),
  );

  it.effect("an event makes a failing key run at once", () =>
    Effect.gen(function* () {
      const { queue, startsOf } = yield* started(
        (_, run) => (run === 1 ? Effect.fail("no") : Effect.succeed(nothing)),
        { backoff: { base: "1 hour", max: "1 hour" } },
      );
      yield* queue.add("a");
      yield* TestClock.adjust("1 second");
      yield* queue.add("a");
      yield* TestClock.adjust("1 day");
      expect(startsOf("a")).toEqual([0, 1000]);
    }),
  );

  it.effect("a defect or an interruption of one key comes again and never stops the others", () =>
    Effect.gen(function* () {
      const logged: Array<{ readonly message: unknown; readonly cause: Cause.Cause<unknown> }> = [];
      const logger = Logger.make((log) => {
        logged.push({ message: log.message, cause: log.cause });
      });
      yield* Effect.gen(function* () {
        const { queue, startsOf } = yield* started(
          (key, run) => {
            if (run > 1 || key === "sound") return Effect.succeed(nothing);
            if (key === "throws") throw new Error("before the effect");
            return key === "dies" ? Effect.die(new Error("broken")) : Effect.interrupt;
          },
          { workers: 1 },
        );
        for (const key of ["dies", "interrupts", "throws", "sound"]) yield* queue.add(key);
        yield* TestClock.adjust("1 second");
        expect(startsOf("sound")).toEqual([0]);
        for (const key of ["dies", "interrupts", "throws"]) expect(startsOf(key).length).toBe(2);
      }).pipe(Effect.provide(Logger.layer([logger])));
      expect(logged.length).toBe(3);
      expect(logged.map(({ cause }) => Cause.pretty(cause)).join("\n")).toContain("broken");
    }),
  );
});

describe("stopping", () => {
  it.effect("a reconcile that throws before it gives an effect stops nothing", () =>
    Effect.gen(function* () {
      const seen: Array<string> = [];
      const queue = yield* WorkQueue.make({
        name: "test",
        workers: 1,
        reconcile: (key: string) => {
          seen.push(key);
          if (seen.length === 1) throw new Error("oh");
          return Effect.succeed(nothing);
        },
      });
      const fiber = yield* Effect.forkChild(queue.run);
      yield* queue.add("a");
      yield* queue.add("b");
      yield* TestClock.adjust("1 second");
      expect(seen).toEqual(["a", "b", "a"]);
      expect(fiber.pollUnsafe()).toBeUndefined();
    }),
  );

  it.effect("a key whose run is cut short runs again when the queue runs again", () =>
    Effect.gen(function* () {
      const { queue, fiber, startsOf } = yield* started(() =>
        Effect.as(Effect.sleep("1 minute"), nothing),
      );
      yield* queue.add("a");
      yield* TestClock.adjust("1 second");
      yield* Fiber.interrupt(fiber);
      yield* TestClock.adjust("1 hour");
      expect(startsOf("a").length).toBe(1);
      yield* Effect.forkChild(queue.run);
      yield* TestClock.adjust("1 hour");
      expect(startsOf("a").length).toBe(2);
      expect(queue.stats()).toMatchObject({ depth: 0, delayed: 0, running: 0 });
    }),
  );

  it.effect("a queue that runs twice at once is a defect", () =>
    Effect.gen(function* () {
      const { queue } = yield* started(() => Effect.succeed(nothing));
      yield* TestClock.adjust(1);
      const exit = yield* Effect.exit(queue.run);
      expect(Exit.hasDies(exit)).toBe(true);
    }),
  );
});

const Op = Schema.Struct({
  key: Schema.Literals(["a", "b", "c", "d"]),
  /** Milliseconds from the add to the planned run; 0 is a plain add. */
  delay: Schema.Literals([0, 0, 50, 400]),
  /** Milliseconds until the next operation. */
  wait: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 300 })),
  work: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 300 })),
  ends: Schema.Literals(["well", "well", "fails", "dies", "asks again"]),
});

describe("laws", () => {
  it.effect.prop(
    "one key never runs twice at once, never more run than workers, and no add is lost",
    {
      ops: Schema.Array(Op).check(Schema.isMaxLength(25)),
      workers: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3 })),
    },
    ({ ops, workers }) =>
      Effect.gen(function* () {
        const active = new Set<string>();
        /** key → the times after which some run has yet to start. */
        const wanted = new Map<string, number>();
        let [broken, quiet] = [false, false];
        let op: (typeof ops)[number] | undefined;
        const queue = yield* WorkQueue.make({
          name: "test",
          workers,
          reconcile: Effect.fnUntraced(function* (key: string) {
            if (active.has(key) || active.size === workers) broken = true;
            active.add(key);
            wanted.delete(key);
            const { work, ends } = op ?? { work: 0, ends: "well" };
            yield* Effect.sleep(work);
            active.delete(key);
            if (quiet || ends === "well") return nothing;
            if (ends === "asks again") return soon(work % 10 === 0 ? 0 : 20 + work);
            return yield* ends === "fails" ? Effect.fail("no") : Effect.die("oh");
          }),
        });
        yield* Effect.forkChild(queue.run);
        for (op of ops) {
          wanted.set(op.key, yield* now);
          if (op.delay === 0) queue.addUnsafe(op.key);
          else yield* queue.addAfter(op.key, op.delay);
          yield* TestClock.adjust(op.wait);
        }
        quiet = true;
        yield* TestClock.adjust("2 hours");
        expect(broken).toBe(false);
        expect([...wanted.keys()]).toEqual([]);
        expect(queue.stats()).toMatchObject({ depth: 0, delayed: 0, running: 0 });
      }),
    { arbitrary: { runs: 150, size: 25, seed: "nodeop" }, timeout: 60_000 },
  );

  it.effect.prop(
    "with a free worker every wake-up is kept to the millisecond, the earliest of each key",
    {
      plans: Schema.Array(
        Schema.Struct({
          key: Schema.Literals(["a", "b", "c"]),
          at: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1000 })),
        }),
      ).check(Schema.isMaxLength(200)),
    },
    ({ plans }) =>
      Effect.gen(function* () {
        const { queue, startsOf } = yield* started(() => Effect.succeed(nothing));
        for (const { key, at } of plans) yield* queue.addAfter(key, at);
        yield* TestClock.adjust("1 hour");
        for (const key of ["a", "b", "c"]) {
          const times = plans.filter((plan) => plan.key === key).map(({ at }) => at);
          expect(startsOf(key)).toEqual(times.length === 0 ? [] : [Math.min(...times)]);
        }
      }),
    { arbitrary: { runs: 50, size: 200, seed: "nodeop" }, timeout: 60_000 },
  );
});
