/** Runs command lines of `nodeop` in this process and captures what they print and how they exit. */
import { Cause, Console, Effect, Exit, Option, Runtime } from "effect";
import { run } from "../../src/programs/main.ts";

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

const exitCodeOf = (exit: Exit.Exit<void, unknown>): number =>
  Exit.isSuccess(exit)
    ? 0
    : Runtime.getErrorExitCode(Option.getOrUndefined(Cause.findErrorOption(exit.cause)));

/** Runs one command line. */
export const nodeop = Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
  const stdout: Array<string> = [];
  const stderr: Array<string> = [];
  const outer = yield* Console.Console;
  const console: Console.Console = Object.assign(Object.create(outer), {
    log: (...items: ReadonlyArray<unknown>) => void stdout.push(items.join(" ")),
    error: (...items: ReadonlyArray<unknown>) => void stderr.push(items.join(" ")),
  });
  const exit = yield* Effect.exit(Effect.provideService(run(args), Console.Console, console));
  return {
    stdout: stdout.join("\n"),
    stderr: stderr.join("\n"),
    exitCode: exitCodeOf(exit),
  } satisfies Ran;
});
