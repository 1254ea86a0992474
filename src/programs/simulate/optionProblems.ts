/** What is wrong with the options of a simulation, the same for the command line and for a program that embeds it. */
import { isWorkTime, WORK_MILLIS_MAX } from "./duration.ts";
import { faultProblems, operatorNodeProblem } from "./faultProblems.ts";
import { nodeCountsProblem } from "./nodesFlag.ts";
import type { SimulationOptions } from "./options.ts";

/** How a sentence begins that is about an option: as its user has written it. */
export interface OptionNames {
  readonly operations: string;
  readonly nodes: string;
  readonly seed: string;
  readonly upgradeMillis: string;
  readonly rebootMillis: string;
  readonly faults: string;
  readonly operatorNode: string;
}

/** Options as they are known so far: what could not be read is left out. */
export interface OptionsRead extends Omit<SimulationOptions, "manifests"> {
  readonly manifests: SimulationOptions["manifests"] | undefined;
}

const SEED_WANTED = `write a whole number from ${Number.MIN_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}`;
const TIME_WANTED = `write milliseconds, more than 0 and at most ${WORK_MILLIS_MAX} (720h)`;

const about = (name: string, problem: string | undefined): ReadonlyArray<string> =>
  problem === undefined ? [] : [`${name}: ${problem}`];
const time = (name: string, millis: number | undefined): ReadonlyArray<string> =>
  millis === undefined || isWorkTime(millis)
    ? []
    : [`${name}: ${millis} is not a time that can be simulated; ${TIME_WANTED}`];

/** A sentence for each option that cannot be simulated: a simulation of it would never end, or mean nothing. */
export const optionProblems = (options: OptionsRead, names: OptionNames): ReadonlyArray<string> => {
  const { manifests, nodes, seed, upgradeMillis, rebootMillis } = options;
  const countsProblem = nodes === undefined ? undefined : nodeCountsProblem(nodes);
  const isTwice = nodes !== undefined && manifests !== undefined && manifests.nodes.length > 0;
  return [
    ...(manifests?.operations.length === 0
      ? about(names.operations, "no NodeOpUpgrade or NodeOp to simulate; give at least one")
      : []),
    ...about(names.nodes, countsProblem),
    ...(isTwice
      ? about(
          names.nodes,
          "the manifests bring their own Nodes; leave it out, or take the Nodes out",
        )
      : []),
    ...(seed === undefined || Number.isSafeInteger(seed)
      ? []
      : [`${names.seed}: ${seed} is not a seed; ${SEED_WANTED}`]),
    ...time(names.upgradeMillis, upgradeMillis),
    ...time(names.rebootMillis, rebootMillis),
    // Whether a fault's node is there can be told only where it is known which there are.
    ...(countsProblem === undefined && manifests !== undefined
      ? [
          ...about(names.operatorNode, operatorNodeProblem({ ...options, manifests })),
          ...faultProblems({ ...options, manifests }).map((problem) => `${names.faults}${problem}`),
        ]
      : []),
  ];
};
