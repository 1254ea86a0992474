/**
 * The scheduler of a simulation: it owns every step of every process and all of virtual time. Everything runnable
 * runs first, in order; only then does time jump to the next timer. The same seed gives the same history.
 *
 * Nothing may cross from one process to another except through `Process.post` and `Process.after`. A run is synchronous
 * and takes no real time but that of its steps.
 */
import { Cause } from "effect";
import { Chance } from "./Chance.ts";
import { Process } from "./Process.ts";
import { type Ready, ReadyQueue } from "./ReadyQueue.ts";
import type { Schedule } from "./schedule.ts";
import { TimerHeap } from "./TimerHeap.ts";
import { ProcessCrashed, TimeStandsStill } from "./WorldError.ts";

export { Chance } from "./Chance.ts";
export { Process, type ProcessEnd } from "./Process.ts";

/** Far more than a start of 10,000 nodes needs, and some seconds of real time. */
const STEPS_PER_INSTANT_MAX = 10_000_000;

export interface WorldOptions {
  readonly seed: number;
  /** Virtual time at the start, in milliseconds since the epoch. Default: 0. */
  readonly startAt?: number;
  /** Which process steps next when several can. Default: whose step waited longest. */
  readonly schedule?: Schedule | undefined;
  /** Steps without time passing after which the run is taken for an endless loop. Default: 10,000,000. */
  readonly stepsPerInstantMax?: number;
}

/**
 * Why `World.run` returned: its condition holds, its time is over, nothing will ever happen again, or it has taken as many
 * steps as it may and goes on at the next call.
 */
export type RunOutcome = "done" | "timeout" | "idle" | "paused";

/** Until when `World.run` runs. */
export interface RunOptions {
  readonly done: () => boolean;
  /** In milliseconds of virtual time. Default: for ever. */
  readonly until?: number;
  /** After how many steps to pause. A run in slices is the same run. Default: never. */
  readonly stepsMax?: number;
}

/** All processes of one simulation, their steps and their time. */
export class World {
  readonly seed: number;
  /** The owner's source of chance; processes have their own. */
  readonly chance: Chance;
  readonly #schedule: Schedule | undefined;
  readonly #stepsPerInstantMax: number;
  readonly #timers = new TimerHeap<Process>((process) => process.alive);
  readonly #ready = new ReadyQueue<Process>();
  readonly #incarnations = new Map<string, number>();
  #now: number;
  #steps = 0;
  /** How many steps had been taken when those of this moment began. */
  #stepsBefore = 0;
  /** Whether the last run paused with steps of this moment left to take. */
  #paused = false;
  #moment = 0;
  #choices = 0;
  #current: Process | undefined;
  #running = false;
  #crash: ProcessCrashed | undefined;

  constructor(options: WorldOptions) {
    this.seed = options.seed;
    this.chance = new Chance(options.seed);
    this.#now = Math.ceil(options.startAt ?? 0);
    this.#schedule = options.schedule;
    this.#stepsPerInstantMax = options.stepsPerInstantMax ?? STEPS_PER_INSTANT_MAX;
  }

  /** Virtual time in whole milliseconds since the epoch. */
  get now(): number {
    return this.#now;
  }

  /** Steps taken so far. */
  get steps(): number {
    return this.#steps;
  }

  /**
   * The number of the present moment. What is done `after` 0 ms is the same whenever it is asked for within a moment:
   * nothing comes between what was asked for first and what was asked for last. Moments end when time goes on, and with
   * everything that is put off to the end of the instant.
   */
  get moment(): number {
    return this.#moment;
  }

  /** How often a `Schedule` was asked so far: the choices of a run are 0 to `choices` - 1. */
  get choices(): number {
    return this.#choices;
  }

  /** The process whose step is running; undefined outside of every process. */
  get current(): Process | undefined {
    return this.#current;
  }

  /** A new process. A second one of the same name is the next incarnation of it, with other random numbers. */
  process(name: string): Process {
    const incarnation = this.#incarnations.get(name) ?? 0;
    this.#incarnations.set(name, incarnation + 1);
    return new Process(this, name, incarnation);
  }

  /** Queues a step of `process`. Dropped when it is dead, or when the step that posts it belongs to a dead process. */
  post(process: Process, task: () => void): void {
    if (process.alive && this.#current?.alive !== false) this.#ready.push(process, task);
  }

  /** Queues a step of `process` for `millis` from now, rounded up to whole milliseconds. Returns what cancels it. */
  after(millis: number, process: Process, task: () => void): () => void {
    if (!process.alive || this.#current?.alive === false) return () => {};
    const at = this.#now + Math.max(0, Math.ceil(millis));
    if (at === this.#now) this.#moment++;
    const timer = this.#timers.add(at, process, task);
    return () => timer.cancel();
  }

  /** Runs `task` at once on behalf of no process: what it posts arrives even when the running process is dead. */
  outside(task: () => void): void {
    const current = this.#current;
    this.#current = undefined;
    try {
      task();
    } finally {
      this.#current = current;
    }
  }

  /** For processes: records that one crashed. The first crash stops the run. */
  crashed(process: Process, reason: Cause.Cause<unknown>): void {
    this.#crash ??= new ProcessCrashed({
      process: process.name,
      at: this.#now,
      step: this.#steps,
      reason,
    });
  }

  /**
   * Runs until `done` holds at a moment when nothing is runnable ("done"), or nothing is left to do ("idle"), or all that
   * is left is after `until`, in milliseconds of virtual time ("timeout"; the time then is `until`). Timers due at
   * `until` itself still run. After `stepsMax` steps it returns "paused" wherever it is, and the next call goes on there.
   *
   * Throws `ProcessCrashed` as soon as an unsupervised process crashes (and again at every later call), and
   * `TimeStandsStill` when a program repeats without ever waiting.
   */
  run(options: RunOptions): RunOutcome {
    if (this.#running) throw new Error("World.run was called from within a step of its own");
    this.#running = true;
    const pauseAt = this.#steps + (options.stepsMax ?? Infinity);
    try {
      for (;;) {
        this.#drain(pauseAt);
        if (this.#paused) return "paused";
        if (options.done()) return "done";
        const at = this.#timers.nextAt();
        if (at === undefined) return "idle";
        if (options.until !== undefined && at > options.until) {
          this.#now = Math.max(this.#now, options.until);
          return "timeout";
        }
        this.#fire(at);
      }
    } finally {
      this.#running = false;
    }
  }

  /** Moves time to `at` and queues every timer due then, in the order in which they were set. */
  #fire(at: number): void {
    this.#now = at;
    this.#moment++;
    while (this.#timers.nextAt() === at) {
      const timer = this.#timers.take();
      // An earlier step of the same moment may still cancel it.
      if (timer !== undefined) this.#ready.push(timer.owner, () => timer.task?.());
    }
  }

  /** Takes every step that can be taken without time passing, or pauses when `pauseAt` steps have been taken in all. */
  #drain(pauseAt: number): void {
    if (!this.#paused) this.#stepsBefore = this.#steps;
    this.#paused = false;
    if (this.#crash !== undefined) throw this.#crash;
    while (!this.#paused) {
      const next = this.#next();
      if (next === undefined) return;
      const task = next.owner.admit(next.task);
      if (task === undefined) continue;
      const steps = this.#steps - this.#stepsBefore;
      if (steps >= this.#stepsPerInstantMax)
        throw new TimeStandsStill({ process: next.owner.name, at: this.#now, steps });
      this.#step(next.owner, task);
      this.#paused = this.#steps >= pauseAt;
      if (this.#crash !== undefined) throw this.#crash;
    }
  }

  /** The step whose turn it is, as the schedule says. */
  #next(): Ready<Process> | undefined {
    if (this.#schedule === undefined || this.#ready.length < 2) return this.#ready.shift();
    const runnable = this.#ready.owners((process) => process.alive && !process.frozen);
    if (runnable.length < 2) return this.#ready.shift();
    const picked = runnable[this.#schedule(this.#choices++, runnable.length)];
    if (picked === undefined)
      throw new RangeError(`the schedule picked none of ${runnable.length}`);
    return this.#ready.shiftOf(picked);
  }

  #step(process: Process, task: () => void): void {
    this.#steps++;
    this.#current = process;
    try {
      task();
    } catch (defect) {
      // A posted task is infrastructure; unlike a program's exit, its exceptions are nobody's to supervise.
      this.crashed(process, Cause.die(defect));
    } finally {
      this.#current = undefined;
    }
  }
}
