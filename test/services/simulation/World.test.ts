/** One order of steps, one virtual time: what a run is, and that it is the same each time. */
import { describe, expect, it } from "@effect/vitest";
import { Clock, Deferred, Effect, Queue, Random, Schedule } from "effect";
import {
  type Schedule as StepSchedule,
  deviating,
  shuffling,
} from "../../../src/services/simulation/schedule.ts";
import { Chance, World } from "../../../src/services/simulation/World.ts";

const never = { done: () => false };

/** What three processes do in a world that is run in slices of so many steps. */
const inSlices = (stepsMax: number | undefined) => {
  const world = new World({ seed: 1, schedule: shuffling(new Chance(7)) });
  const seen: Array<string> = [];
  for (const name of ["a", "b", "c"])
    world.process(name).boot(
      Effect.gen(function* () {
        for (let turn = 0; turn < 5; turn++) {
          yield* Effect.sleep((yield* Random.nextInt) % 3);
          yield* Effect.yieldNow;
          seen.push(`${name}${turn}@${world.now}`);
        }
      }),
    );
  const slices: Array<number> = [];
  for (;;) {
    const before = world.steps;
    const outcome = world.run(stepsMax === undefined ? never : { ...never, stepsMax });
    if (outcome !== "paused") return { seen, steps: world.steps, slices, outcome };
    slices.push(world.steps - before);
  }
};

describe("order", () => {
  it("steps are taken in the order in which they were posted, across processes", () => {
    const world = new World({ seed: 1 });
    const [a, b] = [world.process("a"), world.process("b")];
    const seen: Array<string> = [];
    for (const i of [1, 2, 3]) {
      a.post(() => seen.push(`a${i}`));
      b.post(() => {
        seen.push(`b${i}`);
        a.post(() => seen.push(`after b${i}`));
      });
    }
    expect(world.run(never)).toBe("idle");
    expect(seen.join(", ")).toBe("a1, b1, a2, b2, a3, b3, after b1, after b2, after b3");
    expect(world.steps).toBe(9);
  });

  it("a moment ends when time goes on, and when something is put off to the end of the instant", () => {
    const world = new World({ seed: 1 });
    const p = world.process("p");
    const moments: Array<number> = [];
    const note = () => void moments.push(world.moment);
    for (const task of [note, () => p.after(5, note), note, () => p.after(0, note), note])
      p.post(task);
    world.run(never);
    const [first, afterTimer, afterPutOff, putOff, later] = moments;
    expect(afterTimer).toBe(first);
    expect(new Set([first, afterPutOff, putOff, later]).size).toBe(4);
  });

  it("timers fire by time, then by when they were set; everything runnable runs before time moves", () => {
    const world = new World({ seed: 1, startAt: 100 });
    const p = world.process("p");
    const seen: Array<string> = [];
    const note = (what: string) => () => void seen.push(`${what}@${world.now}`);
    p.after(20, note("late"));
    p.after(10, note("first"));
    p.after(10, () => {
      note("second")();
      p.post(note("posted"));
      cancel();
      p.after(0, note("zero"));
    });
    const cancel = p.after(10, note("cancelled in time"));
    p.after(0.25, note("rounded up"));
    world.run(never);
    expect(seen).toEqual([
      "rounded up@101",
      "first@110",
      "second@110",
      "posted@110",
      "zero@110",
      "late@120",
    ]);
  });

  it("returns done only when nothing is runnable, timeout with the time at the limit, idle at the end", () => {
    const world = new World({ seed: 1 });
    const p = world.process("p");
    let steps = 0;
    p.after(10, () => {
      steps++;
      p.post(() => void steps++);
    });
    p.after(50, () => void steps++);
    expect(world.run({ done: () => false, until: 5 })).toBe("timeout");
    expect([steps, world.now]).toEqual([0, 5]);
    expect(world.run({ done: () => steps > 0, until: 10 })).toBe("done");
    expect([steps, world.now]).toEqual([2, 10]);
    expect(world.run({ done: () => false, until: 49 })).toBe("timeout");
    expect(world.now).toBe(49);
    expect(world.run(never)).toBe("idle");
    expect([steps, world.now]).toEqual([3, 50]);
  });

  it("is the same in slices of any length, each of which pauses after its steps", () => {
    const { slices: none, ...whole } = inSlices(undefined);
    expect(none).toEqual([]);
    for (const stepsMax of [1, 2, 7]) {
      const { slices, ...sliced } = inSlices(stepsMax);
      expect(sliced).toEqual(whole);
      expect(slices.length).toBeGreaterThan(1);
      expect(new Set(slices)).toEqual(new Set([stepsMax]));
    }
  });

  it("takes a loop without a wait for what it is, and says who loops", () => {
    const world = new World({ seed: 1, stepsPerInstantMax: 1000 });
    world.process("looper").boot(Effect.forever(Effect.yieldNow));
    expect(() => world.run(never)).toThrow(/looper .* 1000 steps at time 0 ms/);

    const sliced = new World({ seed: 1, stepsPerInstantMax: 1000 });
    sliced.process("looper").boot(Effect.forever(Effect.yieldNow));
    const slice = () => sliced.run({ ...never, stepsMax: 300 });
    expect([slice(), slice(), slice()]).toEqual(["paused", "paused", "paused"]);
    expect(slice).toThrow(/looper .* 1000 steps at time 0 ms/);
  });
});

/** A little system with chance, contention and time in it; returns what happened in which order. */
const story = (seed: number, options: { extra?: boolean; schedule?: StepSchedule } = {}) => {
  const world = new World({ seed, startAt: 1_000, schedule: options.schedule });
  const trace: Array<string> = [];
  const inbox = world.process("server");
  const names = options.extra === true ? ["a", "extra", "b", "c"] : ["a", "b", "c"];
  for (const name of names) {
    const process = world.process(name);
    process.boot(
      Effect.gen(function* () {
        for (let i = 0; i < 5; i++) {
          const millis = yield* Random.nextIntBetween(0, 3);
          yield* Effect.sleep(millis);
          const at = yield* Clock.currentTimeMillis;
          inbox.post(() => trace.push(`${name}${i} ${millis}@${at}`));
        }
      }),
    );
  }
  expect(world.run(never)).toBe("idle");
  return { trace, choices: world.choices };
};

/** What one process draws, whenever it does. */
const drawsOf = (name: string, extra: boolean) =>
  story(7, { extra })
    .trace.filter((line) => line.startsWith(name))
    .map((line) => line.split("@")[0]);

describe("determinism", () => {
  it("the same seed gives the same trace, another seed another", () => {
    expect(story(7)).toEqual(story(7));
    expect(story(7)).not.toEqual(story(8));
  });

  it("one process more does not change what the others draw", () => {
    for (const name of ["a", "b", "c"]) expect(drawsOf(name, true)).toEqual(drawsOf(name, false));
  });

  it("processes of different names and incarnations draw differently", () => {
    const world = new World({ seed: 1 });
    const draws = ["a", "b", "a"].map((name) => {
      const process = world.process(name);
      const drawn: Array<number> = [];
      process.boot(Effect.flatMap(Random.nextInt, (n) => Effect.sync(() => void drawn.push(n))));
      world.run(never);
      expect(Number.isSafeInteger(drawn[0])).toBe(true);
      return drawn[0];
    });
    expect(new Set(draws).size).toBe(3);
  });
});

const shuffled = (seed: number) => story(7, { schedule: shuffling(new Chance(seed)) }).trace;

describe("schedules", () => {
  it("choosing the oldest step each time is the default order", () => {
    const { choices, trace } = story(7, { schedule: deviating([]) });
    expect(trace).toEqual(story(7).trace);
    expect(choices).toBeGreaterThan(5);
    expect(story(7).choices).toBe(0);
  });

  it("deviations give every order of two processes, and keep the order within each", () => {
    const orders = new Set<string>();
    for (let picks = 0; picks < 8; picks++) {
      const deviations = [0, 1, 2].map((choice) => [choice, (picks >> choice) & 1] as const);
      const world = new World({ seed: 1, schedule: deviating(deviations) });
      const seen: Array<string> = [];
      for (const name of ["a", "b"]) {
        const process = world.process(name);
        for (const i of [1, 2]) process.post(() => seen.push(`${name}${i}`));
      }
      world.run(never);
      expect(seen.filter((step) => step.startsWith("a"))).toEqual(["a1", "a2"]);
      expect(seen.filter((step) => step.startsWith("b"))).toEqual(["b1", "b2"]);
      orders.add(seen.join(" "));
    }
    expect(orders.size).toBe(6);
  });

  it("a shuffled run is reproduced by its seed", () => {
    expect(shuffled(1)).toEqual(shuffled(1));
    expect(shuffled(1)).not.toEqual(shuffled(2));
    expect(shuffled(1).toSorted()).toEqual(shuffled(2).toSorted());
  });
});

/** Runs a program to its end; returns its answer and the virtual milliseconds it took. */
const simulate = <A, E>(program: Effect.Effect<A, E>) => {
  const world = new World({ seed: 3 });
  const answers: Array<A> = [];
  world.process("p").boot(Effect.map(program, (answer) => void answers.push(answer)));
  expect(world.run(never)).toBe("idle");
  expect(answers).toHaveLength(1);
  return { answer: answers[0], millis: world.now };
};

describe("Effect on virtual time", () => {
  it("a year of sleeping takes no real time", () => {
    // Any real wait in here would exceed the test's own time limit of 5 s.
    const daily = Effect.repeat(Effect.sleep("1 day"), { times: 364 });
    expect(simulate(daily).millis).toBe(365 * 24 * 3600 * 1000);
  });

  it("timeout interrupts at its time", () => {
    expect(simulate(Effect.timeoutOption(Effect.never, "3 seconds")).millis).toBe(3000);
    const winner = simulate(Effect.timeoutOption(Effect.sleep("1 second"), "3 seconds"));
    // The cancelled timeout does not hold up the end of the run.
    expect(winner.millis).toBe(1000);
  });

  it("retry waits as its schedule says", () => {
    let tries = 0;
    const flaky = Effect.suspend(() =>
      ++tries < 4 ? Effect.fail("flaky") : Effect.succeed(tries),
    );
    expect(simulate(Effect.retry(flaky, Schedule.exponential("100 millis")))).toEqual({
      answer: 4,
      millis: 100 + 200 + 400,
    });
  });

  it("jitter and other chance come from the seed", () => {
    const schedule = Schedule.jittered(Schedule.spaced("1 second"));
    const jittered = () =>
      simulate(Effect.repeat(Random.next, Schedule.upTo(schedule, { times: 5 }))).millis;
    expect(jittered()).toBe(jittered());
    expect(jittered() % 1000).not.toBe(0);
  });

  it("a fiber that computes long lets the others run", () => {
    const order: Array<string> = [];
    simulate(
      Effect.all(
        [
          Effect.andThen(
            Effect.repeat(Effect.void, { times: 10_000 }),
            Effect.sync(() => order.push("long")),
          ),
          Effect.sync(() => order.push("short")),
        ],
        { concurrency: "unbounded" },
      ),
    );
    expect(order).toEqual(["short", "long"]);
  });

  it("a program that waits for what never comes makes the run idle, not endless", () => {
    const world = new World({ seed: 1 });
    world.process("p").boot(Effect.flatMap(Deferred.make<void>(), Deferred.await));
    world.process("q").boot(Effect.flatMap(Queue.unbounded<void>(), Queue.take));
    world.process("r").boot(Effect.sleep(Infinity));
    expect(world.run(never)).toBe("idle");
  });
});
