/** Child processes that end with their scope, and at the latest with this process. Their output goes into a file. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import process from "node:process";
import { Effect, type Scope } from "effect";

/** How long a process may take to end by itself before it is killed. */
const GRACE_MILLIS = 5_000;

const children = new Set<ChildProcess>();
const killAll = () => {
  for (const child of children) child.kill("SIGKILL");
};

const ended = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null;

/** A program that runs. */
export interface Running {
  readonly name: string;
  readonly pid: number;
  /** The last lines that it wrote. */
  readonly tail: () => string;
  readonly isRunning: () => boolean;
  readonly signal: (signal: NodeJS.Signals) => void;
}

const stop = (child: ChildProcess): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const done = () => {
      clearTimeout(killer);
      children.delete(child);
      resume(Effect.void);
    };
    const killer = setTimeout(() => child.kill("SIGKILL"), GRACE_MILLIS);
    if (ended(child)) return done();
    child.once("exit", done);
    child.kill("SIGTERM");
  });

/** Starts a program; the scope ends it. `log` is the file for what it writes. */
export const start = (
  name: string,
  path: string,
  flags: ReadonlyArray<string>,
  log: string,
): Effect.Effect<Running, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        const output = openSync(log, "a");
        const child = spawn(path, flags, { stdio: ["ignore", output, output] });
        closeSync(output);
        if (children.size === 0) process.once("exit", killAll);
        children.add(child);
        return child;
      }),
      stop,
    ),
    (child): Running => ({
      name,
      pid: child.pid ?? 0,
      tail: () => readFileSync(log, "utf8").split("\n").slice(-20).join("\n"),
      isRunning: () => child.pid !== undefined && !ended(child),
      signal: (signal) => {
        child.kill(signal);
      },
    }),
  );
