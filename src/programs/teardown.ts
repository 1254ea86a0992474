/** How the process ends: with which exit code, and not before its answer has been taken. */
import { Cause, Exit, Option, Runtime } from "effect";
import { rebootAgentCommand } from "./rebootAgentCommand/command.ts";

/** As a shell reports a process that SIGTERM ended: a reboot agent that exits 0 would be taken for one that is done. */
const TERMINATED = 143;

/** The part of a standard output that the end of a process waits for. */
export interface Answer {
  readonly write: (text: string, taken: () => void) => unknown;
}

/** SIGTERM is a good end of everything but the reboot agent, whose Pod would count as succeeded. */
const exitCodeOf = (args: ReadonlyArray<string>, exit: Exit.Exit<unknown, unknown>): number => {
  if (Exit.isSuccess(exit)) return 0;
  if (Cause.hasInterruptsOnly(exit.cause))
    return args[0] === rebootAgentCommand.name ? TERMINATED : 0;
  return Runtime.getErrorExitCode(Option.getOrUndefined(Cause.findErrorOption(exit.cause)));
};

/**
 * For `runMain`. A reader takes what is piped to it in pieces: a process that leaves before the last one has been taken cuts
 * its answer off after 64 KiB.
 */
export const teardownOf =
  (args: ReadonlyArray<string>, stdout: Answer): Runtime.Teardown =>
  (exit, onExit) => {
    stdout.write("", () => onExit(exitCodeOf(args, exit)));
  };
