/**
 * What a simulated program finds instead of the real machine: virtual time, its own chance, its own metrics, an empty
 * environment, and no terminal. All of these are Effect References, so a program sees them unless it provides its own.
 */
import {
  Clock,
  ConfigProvider,
  Console,
  Context,
  Duration,
  Effect,
  Metric,
  Random,
  References,
  Scheduler,
} from "effect";
import type { Chance } from "./Chance.ts";

/** What the machine of one process is made of. */
export interface Machine {
  readonly scheduler: Scheduler.Scheduler;
  /** Virtual time in whole milliseconds. */
  readonly now: () => number;
  /** Runs `task` as a step of the process `millis` from now; returns a function that cancels it. */
  readonly after: (millis: number, task: () => void) => () => void;
  readonly chance: Chance;
}

/** The context in which a process boots its program. */
export const processContext = (machine: Machine): Context.Context<never> =>
  Context.make(Scheduler.Scheduler, machine.scheduler).pipe(
    Context.add(Clock.Clock, virtualClock(machine)),
    Context.add(Random.Random, seededRandom(machine.chance)),
    Context.add(Metric.MetricRegistry, new Map()),
    Context.add(ConfigProvider.ConfigProvider, emptyEnvironment),
    Context.add(Console.Console, silentConsole),
    // The console is silent anyway; without loggers nothing is formatted for it either.
    Context.add(References.CurrentLoggers, noLoggers),
    // Span ids come from Math.random; a program that wants traces provides its own tracer and turns this on.
    Context.add(References.TracerEnabled, false),
  );

const virtualClock = ({ now, after }: Machine): Clock.Clock => {
  const nanos = () => BigInt(now()) * 1_000_000n;
  return {
    currentTimeMillisUnsafe: now,
    currentTimeNanosUnsafe: nanos,
    monotonicTimeNanosUnsafe: nanos,
    currentTimeMillis: Effect.sync(now),
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanos: Effect.sync(nanos),
    sleep: (duration) => {
      const millis = Duration.toMillis(duration);
      // An infinite sleep sets no timer: it neither keeps the simulation busy nor ever ends.
      if (!Number.isFinite(millis)) return Effect.never;
      return Effect.callback<void>((resume) =>
        Effect.sync(after(millis, () => resume(Effect.void))),
      );
    },
  };
};

const seededRandom = (chance: Chance): typeof Random.Random.Service => ({
  nextDoubleUnsafe: () => chance.next(),
  nextIntUnsafe: () =>
    Math.floor(chance.next() * (Number.MAX_SAFE_INTEGER - Number.MIN_SAFE_INTEGER + 1)) +
    Number.MIN_SAFE_INTEGER,
});

/** Simulated programs do not see the environment of the machine that simulates them. */
const emptyEnvironment = ConfigProvider.fromEnv({ env: {} });

const noLoggers: typeof References.CurrentLoggers.Service = new Set();

const silence = (): void => {};
const silentConsole: Console.Console = {
  assert: silence,
  clear: silence,
  count: silence,
  countReset: silence,
  debug: silence,
  dir: silence,
  dirxml: silence,
  error: silence,
  group: silence,
  groupCollapsed: silence,
  groupEnd: silence,
  info: silence,
  log: silence,
  table: silence,
  time: silence,
  timeEnd: silence,
  timeLog: silence,
  trace: silence,
  warn: silence,
};
