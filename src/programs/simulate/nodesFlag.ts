/** `--nodes 3+10`: how many control planes and workers a simulated cluster has. */
import { Result } from "effect";

/** How many nodes to make up: `cp-1` and on, `worker-1` and on. */
export interface NodeCounts {
  readonly controlPlanes: number;
  readonly workers: number;
}

/** More would take longer than anyone waits. */
const NODES_MAX = 20_000;

/** Why so many nodes cannot be simulated. */
export const nodeCountsProblem = ({ controlPlanes, workers }: NodeCounts): string | undefined => {
  const total = controlPlanes + workers;
  if (![controlPlanes, workers].every((count) => Number.isInteger(count) && count >= 0))
    return "not two whole numbers of 0 or more; write control planes and workers";
  if (total === 0) return "there is nothing to upgrade; write at least one node";
  return total > NODES_MAX ? `at most ${NODES_MAX} nodes can be simulated; write fewer` : undefined;
};

/** Reads `C+W`, or `C` alone; the failure is a sentence. Whether so many can be simulated, `nodeCountsProblem` says. */
export const parseNodes = (text: string): Result.Result<NodeCounts, string> => {
  const match = /^(\d+)(?:\+(\d+))?$/u.exec(text);
  return match === null
    ? Result.fail("not two numbers; write control planes + workers, as in --nodes 3+10")
    : Result.succeed({ controlPlanes: Number(match[1]), workers: Number(match[2] ?? "0") });
};
