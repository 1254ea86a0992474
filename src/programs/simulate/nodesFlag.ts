/** `--nodes 3+10`: how many control planes and workers a simulated cluster has. */
import { Result } from "effect";

/** How many nodes to make up: `cp-1` and on, `worker-1` and on. */
export interface NodeCounts {
  readonly controlPlanes: number;
  readonly workers: number;
}

/** More would take longer than anyone waits. */
const NODES_MAX = 20_000;

/** Reads `C+W`, or `C` alone; the failure is a sentence. */
export const parseNodes = (text: string): Result.Result<NodeCounts, string> => {
  const match = /^(\d+)(?:\+(\d+))?$/u.exec(text);
  if (match === null)
    return Result.fail(
      `--nodes ${text === "" ? '""' : text}: not two numbers; write control planes + workers, as in --nodes 3+10`,
    );
  const counts = { controlPlanes: Number(match[1]), workers: Number(match[2] ?? "0") };
  const total = counts.controlPlanes + counts.workers;
  if (total === 0)
    return Result.fail(
      `--nodes ${text}: there is nothing to upgrade; write at least one node, as in --nodes 1+3`,
    );
  return total > NODES_MAX
    ? Result.fail(`--nodes ${text}: at most ${NODES_MAX} nodes can be simulated; write fewer`)
    : Result.succeed(counts);
};
