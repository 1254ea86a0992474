/** A dead process takes not one step more, whatever it waits for, whoever owns that, and whoever wakes it. */
import { describe, expect, it } from "@effect/vitest";
import {
  type Cause,
  Deferred,
  Effect,
  Exit,
  Fiber,
  FiberMap,
  Latch,
  PubSub,
  Queue,
  Schedule,
  Scope,
  Semaphore,
  Stream,
  SubscriptionRef,
} from "effect";
import { World } from "../../../src/services/simulation/World.ts";

/** One way for a process to wait, and for another to wake it. */
interface Wait {
  readonly name: string;
  /** Makes the resource that `wait` waits for and `wake` signals. */
  readonly make: Effect.Effect<void>;
  readonly wait: (note: Note) => Effect.Effect<unknown>;
  readonly wake: Effect.Effect<unknown>;
}

/** Records that code of the waiter ran after it was woken. */
type Note = Effect.Effect<unknown>;

/** A fiber that never ends by itself and whose finalizer notes that it ran. */
const forever = (note: Note): Effect.Effect<never> => Effect.onExit(Effect.never, () => note);

const waits = <R>(
  name: string,
  make: Effect.Effect<R>,
  wait: (resource: R, note: Note) => Effect.Effect<unknown, unknown>,
  wake: (resource: R) => Effect.Effect<unknown>,
): (() => Wait) => {
  return () => {
    const made: Array<R> = [];
    const withMade = <A, E>(use: (resource: R) => Effect.Effect<A, E>) =>
      Effect.suspend(() => Effect.orDie(use(made[0]!)));
    return {
      name,
      make: Effect.map(make, (resource) => void made.push(resource)),
      wait: (note) => withMade((resource) => wait(resource, note)),
      wake: withMade(wake),
    };
  };
};

const primitives = [
  waits("Deferred", Deferred.make<void>(), Deferred.await, (d) => Deferred.succeed(d, undefined)),
  waits(
    "Latch",
    Latch.make(),
    (latch) => latch.await,
    (latch) => latch.open,
  ),
  waits("Queue.offer", Queue.unbounded<number>(), Queue.take, (queue) => Queue.offer(queue, 1)),
  waits("Queue.offerUnsafe", Queue.unbounded<number>(), Queue.take, (queue) =>
    Effect.sync(() => Queue.offerUnsafe(queue, 1)),
  ),
  waits(
    "Queue.end",
    Queue.unbounded<number, Cause.Done>(),
    (queue) => Effect.exit(Queue.take(queue)),
    (queue) => Queue.end(queue),
  ),
  waits(
    "PubSub",
    PubSub.unbounded<number>(),
    (bus) => Effect.scoped(Effect.flatMap(PubSub.subscribe(bus), PubSub.take)),
    (bus) => PubSub.publish(bus, 1),
  ),
  waits(
    "Stream.fromPubSub",
    PubSub.unbounded<number>(),
    (bus) => Stream.runHead(Stream.fromPubSub(bus)),
    (bus) => PubSub.publish(bus, 1),
  ),
  waits(
    "SubscriptionRef",
    SubscriptionRef.make(0),
    (ref) => SubscriptionRef.changes(ref).pipe(Stream.drop(1), Stream.runHead),
    (ref) => SubscriptionRef.set(ref, 1),
  ),
  waits(
    "Semaphore",
    Effect.tap(Semaphore.make(1), (semaphore) => semaphore.take(1)),
    (semaphore) => semaphore.take(1),
    (semaphore) => semaphore.release(1),
  ),
  waits(
    "callback",
    Effect.sync(() => ({ resume: (): void => {} })),
    (slot) =>
      Effect.callback<void>((resume) => {
        slot.resume = () => resume(Effect.void);
      }),
    (slot) => Effect.sync(() => slot.resume()),
  ),
  waits(
    "Fiber.join",
    Effect.gen(function* () {
      const done = yield* Deferred.make<void>();
      return { done, fiber: yield* Effect.forkDetach(Deferred.await(done)) };
    }),
    ({ fiber }) => Fiber.join(fiber),
    ({ done }) => Deferred.succeed(done, undefined),
  ),
  waits(
    "Fiber.interrupt",
    Effect.sync((): Array<Fiber.Fiber<never>> => []),
    (fibers, note) =>
      Effect.flatMap(Effect.forkChild(forever(note)), (fiber) => {
        fibers.push(fiber);
        return Fiber.await(fiber);
      }),
    (fibers) => Effect.forkDetach(Effect.forEach(fibers, (fiber) => Fiber.interrupt(fiber))),
  ),
  waits(
    "FiberMap",
    Effect.flatMap(Scope.make(), (scope) =>
      FiberMap.make<string, never>().pipe(Effect.provideService(Scope.Scope, scope)),
    ),
    (map, note) => Effect.flatMap(FiberMap.run(map, "key", forever(note)), Fiber.await),
    (map) => Effect.forkDetach(FiberMap.clear(map)),
  ),
  waits(
    "Scope",
    Scope.make(),
    (scope, note) => Effect.flatMap(Effect.forkIn(forever(note), scope), Fiber.await),
    (scope) => Effect.forkDetach(Scope.close(scope, Exit.void)),
  ),
];

/** Runs a waiter that is killed (or not) before it is woken; returns what of its code ran after that. */
const runWaiter = (
  { make, wait, wake }: Wait,
  owner: "another process" | "itself",
  fate: "lives" | "is killed" | "is frozen",
): ReadonlyArray<string> => {
  const world = new World({ seed: 1 });
  const waiter = world.process("waiter");
  const waker = world.process("waker");
  const ran: Array<string> = [];
  const note = (what: string): Note =>
    Effect.sync(() => ran.push(`${what} in ${world.current?.name} at ${world.now}`));
  const waiting = wait(note("finalizer of a child")).pipe(
    Effect.onExit(() => note("finalizer")),
    Effect.andThen(note("continuation")),
  );
  const waking = Effect.andThen(Effect.sleep("1 second"), wake);
  if (owner === "itself") {
    waiter.boot(Effect.andThen(make, waiting));
    waker.boot(Effect.andThen(waking, Effect.never));
  } else {
    waker.boot(make.pipe(Effect.andThen(waking), Effect.andThen(Effect.never)));
    waiter.boot(Effect.andThen(Effect.sleep("10 millis"), waiting));
  }
  expect(world.run({ done: () => false, until: 500 })).toBe("timeout");
  expect(ran).toEqual([]);
  if (fate === "is killed") waiter.kill();
  if (fate === "is frozen") waiter.freeze();
  expect(world.run({ done: () => false })).toBe("idle");
  expect(world.now).toBe(1000);
  if (fate !== "is frozen") return ran;
  expect(ran).toEqual([]);
  waker.after(1000, () => waiter.thaw());
  world.run({ done: () => false });
  return ran;
};

const wakes = (at: number) => [`finalizer in waiter at ${at}`, `continuation in waiter at ${at}`];

describe.each(primitives.map((primitive) => [primitive().name, primitive] as const))(
  "%s wakes the living in their own step, the dead never, the frozen later",
  (_name, primitive) => {
    it.each(["another process", "itself"] as const)("owned by %s", (owner) => {
      expect(runWaiter(primitive(), owner, "lives").slice(-2)).toEqual(wakes(1000));
      expect(runWaiter(primitive(), owner, "is killed")).toEqual([]);
      expect(runWaiter(primitive(), owner, "is frozen").slice(-2)).toEqual(wakes(2000));
    });
  },
);

/** Boots a program that would report itself after it was killed at 500 ms. */
const killedAfterHalfASecond = (program: (ran: () => void) => Effect.Effect<unknown, unknown>) => {
  const run = (killed: boolean) => {
    const world = new World({ seed: 1 });
    const process = world.process("p");
    let runs = 0;
    process.boot(Effect.exit(program(() => void runs++)));
    world.run({ done: () => false, until: 500 });
    const before = runs;
    if (killed) process.kill();
    expect(world.run({ done: () => false })).toBe("idle");
    return { ranAfter: runs - before, now: world.now };
  };
  return { living: run(false), dead: run(true) };
};

const timed: ReadonlyArray<
  readonly [string, (ran: () => void) => Effect.Effect<unknown, unknown>]
> = [
  ["sleep", (ran) => Effect.andThen(Effect.sleep("1 second"), Effect.sync(ran))],
  [
    "timeout",
    (ran) =>
      Effect.never.pipe(
        Effect.onInterrupt(() => Effect.sync(ran)),
        Effect.timeout("1 second"),
      ),
  ],
  [
    "retry",
    (ran) =>
      Effect.andThen(Effect.sync(ran), Effect.fail("again")).pipe(
        Effect.retry(Schedule.upTo(Schedule.exponential("100 millis"), { times: 5 })),
      ),
  ],
  [
    "Scope finalizers",
    (ran) =>
      Effect.scoped(
        Effect.andThen(
          Effect.acquireRelease(Effect.void, () => Effect.sync(ran)),
          Effect.sleep("1 second"),
        ),
      ),
  ],
];

it.each(timed)("%s: a timer of a dead process neither fires nor moves time", (_name, program) => {
  const { living, dead } = killedAfterHalfASecond(program);
  expect(living.ranAfter).toBeGreaterThan(0);
  expect(living.now).toBeGreaterThan(500);
  expect(dead).toEqual({ ranAfter: 0, now: 500 });
});

describe("a process that kills itself", () => {
  it("ends at its next operation, and what the rest of that step posts is dropped", () => {
    const world = new World({ seed: 1 });
    const suicide = world.process("suicide");
    const other = world.process("other");
    const seen: Array<string> = [];
    suicide.boot(
      Effect.sync(() => {
        suicide.kill();
        other.post(() => seen.push("message of the dead"));
        other.after(10, () => seen.push("timer of the dead"));
      }).pipe(
        Effect.ensuring(Effect.sync(() => seen.push("finalizer"))),
        Effect.andThen(Effect.sync(() => seen.push("continuation"))),
      ),
    );
    expect(world.run({ done: () => false })).toBe("idle");
    expect(seen).toEqual([]);
    expect(suicide.end).toEqual({ _tag: "Killed" });
  });

  it("may be replaced by its observer, which runs outside of every process", () => {
    const world = new World({ seed: 1 });
    const supervisor = world.process("supervisor");
    const seen: Array<string> = [];
    const start = () => {
      const process = world.process("operator");
      process.onEnd(() => {
        expect(world.current).toBeUndefined();
        if (process.incarnation < 2) supervisor.after(1000, start);
      });
      process.boot(
        Effect.sync(() => {
          seen.push(`${process.incarnation} at ${world.now}`);
          process.kill();
        }),
      );
    };
    start();
    world.run({ done: () => false });
    expect(seen).toEqual(["0 at 0", "1 at 1000", "2 at 2000"]);
  });
});

it("a process killed by another in mid-step takes none of the steps that were queued for it", () => {
  const world = new World({ seed: 1 });
  const victim = world.process("victim");
  const killer = world.process("killer");
  const seen: Array<number> = [];
  killer.post(() => victim.kill());
  victim.post(() => seen.push(1));
  victim.after(5, () => seen.push(2));
  world.run({ done: () => false });
  victim.post(() => seen.push(3));
  expect(world.run({ done: () => false })).toBe("idle");
  expect(seen).toEqual([]);
});

it("killing cuts the connections once, and those that were forgotten not at all", () => {
  const world = new World({ seed: 1 });
  const process = world.process("p");
  const cut: Array<string> = [];
  process.hold({ close: () => cut.push("a") });
  process.hold({ close: () => cut.push("b") })();
  process.kill();
  process.kill();
  expect(cut).toEqual(["a"]);
});
