/** How the process ends: with which exit code, and not before its answer has been taken. */
import { Cause, Exit, Option, Runtime } from "effect";
import { rebootAgentCommand } from "./rebootAgentCommand/command.ts";
import { simulateCommand } from "./simulate/command.ts";

/** As a shell reports a process that SIGTERM ended. */
const TERMINATED = 143;

/**
 * What has not done its work when it is told to end: a reboot agent that exits 0 would be taken for one that is done, and a
 * simulation for a rollout that completed. Without arguments the demonstration is simulated.
 */
const UNFINISHED: ReadonlySet<string | undefined> = new Set([
  undefined,
  simulateCommand.name,
  rebootAgentCommand.name,
]);

/** The answer could not be given, whatever it was. */
const UNWRITTEN = 1;

/** The part of a standard output that the end of a process waits for. */
export interface Answer {
  readonly write: (text: string, taken: (error?: WriteError | null) => void) => unknown;
}

/** Why an output could not be written, as Node tells it. */
interface WriteError extends Error {
  readonly code?: string;
}

/** Whoever reads stops reading when it has enough, as `head` does: nobody misses the rest. */
const READER_IS_GONE = "EPIPE";

/** SIGTERM is a good end of everything that runs until it is told to end. */
const exitCodeOf = (args: ReadonlyArray<string>, exit: Exit.Exit<unknown, unknown>): number => {
  if (Exit.isSuccess(exit)) return 0;
  if (Cause.hasInterruptsOnly(exit.cause)) return UNFINISHED.has(args[0]) ? TERMINATED : 0;
  return Runtime.getErrorExitCode(Option.getOrUndefined(Cause.findErrorOption(exit.cause)));
};

/**
 * For `runMain`. A reader takes what is piped to it in pieces: a process that leaves before the last one has been taken cuts
 * its answer off after 64 KiB. An answer that cannot be written is none: `complain` is told in a sentence, and the exit code
 * is 1, but for the reboot agent, whose exit code says how the reboot went.
 */
export const teardownOf =
  (
    args: ReadonlyArray<string>,
    stdout: Answer,
    complain: (sentence: string) => void,
  ): Runtime.Teardown =>
  (exit, onExit) => {
    stdout.write("", (error) => {
      const code = exitCodeOf(args, exit);
      const isLost = error !== undefined && error !== null && error.code !== READER_IS_GONE;
      if (isLost) complain(`nodeop: standard output cannot be written: ${error.message}`);
      onExit(isLost && args[0] !== rebootAgentCommand.name ? UNWRITTEN : code);
    });
  };
