/**
 * One simulated operating-system process: a mailbox of steps, a scheduler and a clock of its own, and the connections
 * that break when it dies.
 *
 * Killing it is not interruption: no finalizer runs and no fiber of it takes another step, whoever wakes it
 * (test/services/simulation/kill.test.ts has one test per Effect primitive). A fiber that kills its own process ends
 * at its next operation; what the rest of that step posts or schedules, to whomever, is dropped.
 */
import { Cause, type Context, Effect, Exit, type Fiber, type Scheduler } from "effect";
import { Chance } from "./Chance.ts";
import { processContext } from "./processContext.ts";
import type { World } from "./World.ts";

/** Something that belongs to a process and must be cut when the process dies, such as a watch connection. */
export interface Connection {
  /** Runs outside of every process; it may post to others, not to the dead one. */
  readonly close: () => void;
}

/** How a process ended: killed from outside, or its program's own exit. */
export type ProcessEnd =
  | { readonly _tag: "Killed" }
  | { readonly _tag: "Exited"; readonly exit: Exit.Exit<unknown, unknown> };

/** Stands for "take the next step of the backlog" in the queue of a thawed process. */
const pump = (): void => {};

/** One simulated operating-system process. Made by `World.process`; dead processes are not revived, but replaced. */
export class Process {
  readonly world: World;
  readonly name: string;
  /** How many processes of this name the world had before: 0 for the first, 1 for its first replacement, … */
  readonly incarnation: number;
  /** What programs booted here find instead of the real machine; they see nothing of who boots them. */
  readonly context: Context.Context<never>;
  readonly scheduler: Scheduler.Scheduler;
  readonly #connections = new Set<Connection>();
  #observers: Array<(end: ProcessEnd) => void> = [];
  #end: ProcessEnd | undefined;
  #booted = false;
  #interrupted = false;
  #root: Fiber.Fiber<unknown, unknown> | undefined;
  #frozen = false;
  /** Steps that came due while frozen; present from `freeze` until they have all been taken. */
  #backlog: Array<() => void> | undefined;

  constructor(world: World, name: string, incarnation: number) {
    this.world = world;
    this.name = name;
    this.incarnation = incarnation;
    // Effect's dispatchers also take a priority; only `Effect.yieldNowWith` uses one. Here all is first come, first served.
    const dispatcher = { scheduleTask: (task: () => void) => this.post(task), flush: () => {} };
    this.scheduler = {
      executionMode: "async",
      // A fiber of another (or dead, or frozen) process that a shared primitive resumes here must not run in this turn.
      shouldYield: (fiber) =>
        world.current !== this ||
        this.#end !== undefined ||
        this.#frozen ||
        fiber.currentOpCount >= fiber.cache.maxOpsBeforeYield,
      makeDispatcher: () => dispatcher,
    };
    this.context = processContext({
      scheduler: this.scheduler,
      now: () => world.now,
      after: (millis, task) => this.after(millis, task),
      chance: this.chance("program"),
    });
  }

  get alive(): boolean {
    return this.#end === undefined;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  /** How it ended; undefined while it lives. */
  get end(): ProcessEnd | undefined {
    return this.#end;
  }

  /**
   * A source of chance that belongs to this process: it depends on the world's seed, the process's name and incarnation,
   * and `purpose` only, so that another process more changes nobody else's numbers.
   */
  chance(purpose: string): Chance {
    return new Chance(JSON.stringify([this.world.seed, this.name, this.incarnation, purpose]));
  }

  /** Runs `task` as a step of this process, after everything that is already waiting. Dropped when it is dead. */
  post(task: () => void): void {
    this.world.post(this, task);
  }

  /** Runs `task` as a step of this process `millis` from now. Returns a function that cancels it. */
  after(millis: number, task: () => void): () => void {
    return this.world.after(millis, this, task);
  }

  /**
   * Starts the one program of this process; when it exits the process ends, with every fiber it left behind. Booting a
   * second program, or in a dead process, is a broken invariant and throws.
   *
   * A program that fails, dies or interrupts itself stops the whole run with `ProcessCrashed`, unless somebody
   * supervises the process with `onEnd`.
   */
  boot<A, E>(program: Effect.Effect<A, E>): void {
    if (this.#booted) throw new Error(`process ${this.name} already has a program; join them`);
    if (!this.alive) throw new Error(`process ${this.name} is dead; make a new one of this name`);
    this.#booted = true;
    this.post(() => {
      this.#root = Effect.runForkWith(this.context)(program);
      this.#root.addObserver((exit) => this.#exited(exit));
    });
  }

  /** Ties a connection to the life of this process. Returns a function that forgets it. */
  hold(connection: Connection): () => void {
    this.#connections.add(connection);
    return () => this.#connections.delete(connection);
  }

  /** Tells when the process has ended, at once when it already has. Observers run outside of every process. */
  onEnd(observer: (end: ProcessEnd) => void): void {
    const end = this.#end;
    if (end === undefined) this.#observers.push(observer);
    else this.world.outside(() => observer(end));
  }

  /** SIGKILL: not a single further step, no finalizers; its connections are cut. Does nothing to a dead process. */
  kill(): void {
    if (this.alive) this.#finish({ _tag: "Killed" });
  }

  /** SIGTERM: interrupts the program, whose finalizers run. A process without a program just ends. */
  interrupt(): void {
    this.#interrupted = true;
    this.post(() => {
      if (this.#root === undefined) this.kill();
      else this.#root.interruptUnsafe();
    });
  }

  /** SIGSTOP: it takes no step, but what is sent to it and its timers wait. Time goes on without it. */
  freeze(): void {
    if (!this.alive || this.#frozen) return;
    this.#frozen = true;
    this.#backlog ??= [];
  }

  /** SIGCONT: takes the steps that came due meanwhile, in their order, then goes on. */
  thaw(): void {
    if (!this.alive || !this.#frozen) return;
    this.#frozen = false;
    const waiting = this.#backlog?.length ?? 0;
    if (waiting === 0) this.#backlog = undefined;
    for (let i = 0; i < waiting; i++) this.post(pump);
  }

  /**
   * For the world: which task to run when the turn of `task` has come. Nothing when dead or frozen; an older one while a
   * backlog is worked off, so that steps keep their order.
   */
  admit(task: () => void): (() => void) | undefined {
    if (this.#end !== undefined) return undefined;
    if (this.#backlog === undefined) return task;
    if (task !== pump) this.#backlog.push(task);
    if (this.#frozen) return undefined;
    const oldest = this.#backlog.shift();
    if (this.#backlog.length === 0) this.#backlog = undefined;
    return oldest;
  }

  #exited(exit: Exit.Exit<unknown, unknown>): void {
    if (!this.alive) return;
    const supervised = this.#observers.length > 0;
    this.#finish({ _tag: "Exited", exit });
    if (supervised || Exit.isSuccess(exit)) return;
    if (this.#interrupted && Cause.hasInterruptsOnly(exit.cause)) return;
    this.world.crashed(this, exit.cause);
  }

  #finish(end: ProcessEnd): void {
    this.#end = end;
    this.#root = undefined;
    this.#backlog = undefined;
    const observers = this.#observers;
    this.#observers = [];
    this.world.outside(() => {
      for (const connection of this.#connections) connection.close();
      this.#connections.clear();
      for (const observer of observers) observer(end);
    });
  }
}
