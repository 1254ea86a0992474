/** The life of a process: boot, exit, crash, SIGTERM, SIGSTOP, and what its program finds around it. */
import { describe, expect, it, vi } from "@effect/vitest";
import { Cause, Config, Console, Effect, Exit, Logger, Metric, Random } from "effect";
import { type ProcessEnd, World } from "../../../src/services/simulation/World.ts";
import { ProcessCrashed } from "../../../src/services/simulation/WorldError.ts";

const never = { done: () => false };

describe("the end of a program", () => {
  it("ends the process with its exit, and with it every fiber left behind", () => {
    const world = new World({ seed: 1 });
    const process = world.process("p");
    const seen: Array<string> = [];
    process.boot(
      Effect.andThen(
        Effect.forkDetach(
          Effect.forever(
            Effect.tap(Effect.sleep(10), () => Effect.sync(() => seen.push("daemon"))),
          ),
        ),
        Effect.as(Effect.sleep(25), "answer"),
      ),
    );
    expect(world.run(never)).toBe("idle");
    expect(seen).toEqual(["daemon", "daemon"]);
    expect(process.end).toEqual({ _tag: "Exited", exit: Exit.succeed("answer") });
  });

  it.each([
    ["a defect", Effect.die(new Error("boom")), /boom/],
    ["an error", Effect.fail("sorry"), /sorry/],
    ["an interruption that nobody asked for", Effect.interrupt, /interrupt/i],
  ])("stops the run when it is %s and nobody supervises", (_name, program, what) => {
    const world = new World({ seed: 1 });
    let later = 0;
    const bystander = world.process("bystander");
    bystander.after(100, () => void later++);
    world.process("victim").boot(Effect.andThen(Effect.sleep(50), program));
    expect(() => world.run(never)).toThrow(ProcessCrashed);
    // A world that crashed stays crashed.
    expect(() => world.run(never)).toThrow(what);
    expect(() => world.run(never)).toThrow(/process victim crashed at step \d+, time 50 ms/);
    expect(later).toBe(0);
  });

  it("goes to the supervisor, when there is one, and the run goes on", () => {
    const world = new World({ seed: 1 });
    const process = world.process("p");
    const ends: Array<ProcessEnd> = [];
    process.onEnd((end) => ends.push(end));
    process.boot(Effect.die("boom"));
    world.process("q").boot(Effect.sleep(100));
    expect(world.run(never)).toBe("idle");
    expect(world.now).toBe(100);
    expect(ends).toEqual([{ _tag: "Exited", exit: Exit.die("boom") }]);
    process.onEnd((end) => ends.push(end));
    expect(ends).toHaveLength(2);
  });

  it("an exception in a posted task stops the run, supervised or not", () => {
    const world = new World({ seed: 1 });
    const process = world.process("p");
    process.onEnd(() => {});
    process.post(() => {
      throw new Error("broken invariant");
    });
    expect(() => world.run(never)).toThrow(/process p crashed .*broken invariant/);
    expect(world.current).toBeUndefined();
  });

  it("a process runs one program in its life", () => {
    const world = new World({ seed: 1 });
    const process = world.process("p");
    process.boot(Effect.void);
    expect(() => process.boot(Effect.void)).toThrow(/already has a program/);
    const dead = world.process("q");
    dead.kill();
    expect(() => dead.boot(Effect.void)).toThrow(/is dead/);
  });
});

describe("interrupt", () => {
  it("is SIGTERM: finalizers run, in time, and the run goes on", () => {
    const world = new World({ seed: 1 });
    const process = world.process("p");
    const seen: Array<string> = [];
    const lease = Effect.acquireRelease(Effect.void, () =>
      Effect.andThen(
        Effect.sleep(30),
        Effect.sync(() => seen.push(`released at ${world.now}`)),
      ),
    );
    process.boot(Effect.scoped(Effect.andThen(lease, Effect.never)));
    world.process("user").after(100, () => process.interrupt());
    expect(world.run(never)).toBe("idle");
    expect(seen).toEqual(["released at 130"]);
    expect(process.end).toMatchObject({ _tag: "Exited" });
  });

  it("does not excuse a finalizer that dies", () => {
    const world = new World({ seed: 1 });
    const process = world.process("p");
    process.boot(Effect.ensuring(Effect.never, Effect.die("finalizer broke")));
    process.interrupt();
    expect(() => world.run(never)).toThrow(/finalizer broke/);
  });

  it("ends a process without a program", () => {
    const world = new World({ seed: 1 });
    const process = world.process("p");
    process.interrupt();
    world.run(never);
    expect(process.alive).toBe(false);
  });
});

describe("freeze", () => {
  it("keeps messages and timers, in their order, until thaw", () => {
    const world = new World({ seed: 1 });
    const process = world.process("p");
    const control = world.process("control");
    const seen: Array<string> = [];
    const note = (what: string) => () => void seen.push(`${what}@${world.now}`);
    process.after(10, note("timer"));
    control.after(5, () => {
      process.post(note("queued before"));
      process.freeze();
      process.post(note("queued after"));
    });
    control.after(20, () => process.post(note("message")));
    control.after(30, () => {
      process.post(note("just before thaw"));
      process.thaw();
      process.post(note("just after thaw"));
    });
    world.run(never);
    expect(seen).toEqual([
      "queued before@30",
      "queued after@30",
      "timer@30",
      "message@30",
      "just before thaw@30",
      "just after thaw@30",
    ]);
  });

  it("a process frozen again before it caught up loses nothing", () => {
    const world = new World({ seed: 1 });
    const process = world.process("p");
    const seen: Array<number> = [];
    process.freeze();
    process.post(() => seen.push(1));
    process.post(() => {
      seen.push(2);
      process.freeze();
    });
    process.post(() => seen.push(3));
    world.run(never);
    process.thaw();
    world.run(never);
    expect(seen).toEqual([1, 2]);
    process.thaw();
    world.run(never);
    expect(seen).toEqual([1, 2, 3]);
  });

  it("a program that freezes its own process stops at its next operation", () => {
    const world = new World({ seed: 1 });
    const process = world.process("p");
    const seen: Array<string> = [];
    process.boot(
      Effect.sync(() => process.freeze()).pipe(Effect.andThen(Effect.sync(() => seen.push("on")))),
    );
    expect(world.run(never)).toBe("idle");
    expect(seen).toEqual([]);
    process.thaw();
    world.run(never);
    expect(seen).toEqual(["on"]);
  });

  it("the frozen can be killed, and are not revived by thaw", () => {
    const world = new World({ seed: 1 });
    const process = world.process("p");
    const seen: Array<string> = [];
    process.freeze();
    process.post(() => seen.push("step"));
    world.run(never);
    process.kill();
    process.thaw();
    expect(world.run(never)).toBe("idle");
    expect(seen).toEqual([]);
  });
});

const boot = (world: World, name: string, program: Effect.Effect<unknown, unknown>) => {
  world.process(name).boot(program);
  expect(world.run(never)).toBe("idle");
};

describe("what a program finds", () => {
  it("metrics of its own", () => {
    const world = new World({ seed: 1 });
    const counter = Metric.counter("test_simulated_total");
    const counts: Array<number> = [];
    const count = Effect.gen(function* () {
      yield* Metric.update(counter, 1);
      counts.push((yield* Metric.value(counter)).count);
    });
    for (const name of ["a", "b", "a"]) boot(world, name, count);
    expect(counts).toEqual([1, 1, 1]);
  });

  it("no terminal, unless it brings a logger", () => {
    const spies = (["log", "info", "error", "warn"] as const).map((method) =>
      vi.spyOn(console, method).mockImplementation(() => {}),
    );
    const logged: Array<unknown> = [];
    const speak = Effect.andThen(Effect.logError("through the logger"), Console.log("plainly"));
    const logger = Logger.make(({ message }) => void logged.push(message));
    const world = new World({ seed: 1 });
    boot(world, "silent", speak);
    expect(logged).toEqual([]);
    boot(world, "logging", Effect.provide(speak, Logger.layer([logger])));
    expect(logged).toEqual([["through the logger"]]);
    for (const spy of spies) expect(spy).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });

  it("an empty environment", () => {
    expect(process.env["PATH"]).toBeDefined();
    const found: Array<string> = [];
    const path = Config.withDefault(Config.String("PATH"), "nothing");
    boot(
      new World({ seed: 1 }),
      "p",
      Effect.map(path, (value) => found.push(value)),
    );
    expect(found).toEqual(["nothing"]);
  });

  it("nothing of the fiber that boots it", () => {
    const found: Array<number> = [];
    const world = new World({ seed: 1 });
    const parent = Effect.sync(() =>
      world.process("child").boot(Effect.map(Random.next, (n) => found.push(n))),
    );
    boot(world, "parent", Effect.andThen(Random.withSeed(parent, "parent"), Effect.sleep(1)));
    boot(
      new World({ seed: 1 }),
      "child",
      Effect.map(Random.next, (n) => found.push(n)),
    );
    expect(found[0]).toBe(found[1]);
  });
});

it("crash reasons keep their cause", () => {
  const world = new World({ seed: 1 });
  const boom = new Error("boom");
  world.process("p").boot(Effect.die(boom));
  let crash: unknown;
  try {
    world.run(never);
  } catch (error) {
    crash = error;
  }
  expect(crash).toBeInstanceOf(ProcessCrashed);
  expect(crash instanceof ProcessCrashed && Cause.squash(crash.reason)).toBe(boom);
});
