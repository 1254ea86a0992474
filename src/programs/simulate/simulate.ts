/** Simulations for embedding: options as a program has them, a typed result, and nothing printed. */
import { Effect, type FileSystem, Result } from "effect";
import { BadInput } from "./BadInput.ts";
import { parseFault, type Fault } from "./fault.ts";
import { readManifestFiles } from "./manifestFiles.ts";
import { readManifests, type Manifests } from "./manifests.ts";
import type { NodeCounts } from "./nodesFlag.ts";
import { optionProblems } from "./optionProblems.ts";
import type { SimulationResult } from "./result.ts";
import { runSimulation } from "./simulation.ts";

/** What `simulate` is told. */
export interface SimulateOptions {
  /** NodeOpUpgrades, NodeOps and, if you like, your own Nodes, as YAML (several documents) or as read by `readManifests`. */
  readonly manifests: string | Manifests;
  /** How many nodes to make up when the manifests bring none. Default: 1 control plane and 3 workers. */
  readonly nodes?: NodeCounts;
  /** Everything drawn by chance follows from it. Default: 1. */
  readonly seed?: number;
  /** How long the upgrade takes on a node, in milliseconds, give or take a quarter. Default: 2 minutes. */
  readonly upgradeMillis?: number;
  /** How long a reboot takes, in milliseconds, give or take a quarter. Default: 90 seconds. */
  readonly rebootMillis?: number;
  /** The node that the operator runs on: it goes last in its group, and the operator dies when it goes down. */
  readonly operatorNode?: string;
  /** What goes wrong, as on the command line: `worker-1:script-fails`, `operator:crash-after=12`, … */
  readonly faults?: ReadonlyArray<string>;
}

/** The options as a program writes them. */
const NAMES = {
  operations: "manifests",
  nodes: "nodes",
  seed: "seed",
  upgradeMillis: "upgradeMillis",
  rebootMillis: "rebootMillis",
  operatorNode: "operatorNode",
  faults: "faults: ",
};

/**
 * Simulates an upgrade with the operator's real programs on virtual time. Fails with `BadInput`, which lists every problem,
 * when the manifests or other options make no sense; a rollout that fails is a result, and so is a law that was broken.
 *
 * @example
 * const { phase, virtualSeconds, violations } = yield* simulate({ manifests: yaml, faults: ["worker-1:script-fails"] })
 */
export const simulate = Effect.fn("simulate")(function* (
  options: SimulateOptions,
): Effect.fn.Return<SimulationResult, BadInput> {
  const { manifests: given, faults: texts = [], ...rest } = options;
  const manifests =
    typeof given === "string"
      ? readManifests([{ path: "manifests", text: given }])
      : Result.succeed(given);
  const faults = texts.map(parseFault);
  const problems = [
    ...(Result.isFailure(manifests) ? manifests.failure : []),
    ...faults.flatMap((fault) =>
      Result.isFailure(fault) ? [`${NAMES.faults}${fault.failure}`] : [],
    ),
  ];
  const simulated = {
    ...rest,
    manifests: Result.getOrUndefined(manifests),
    faults: faults.flatMap((fault): ReadonlyArray<Fault> =>
      Result.isSuccess(fault) ? [fault.success] : [],
    ),
  };
  problems.push(...optionProblems(simulated, NAMES));
  if (problems.length > 0 || Result.isFailure(manifests)) return yield* new BadInput({ problems });
  const simulation = yield* Effect.mapError(
    runSimulation({ ...simulated, manifests: manifests.success }),
    ({ problems: refused }) => new BadInput({ problems: refused }),
  );
  return simulation.result;
});

/** Reads manifests from files. Fails with `BadInput`, which lists every problem of all files. */
export const loadManifests = Effect.fn("loadManifests")(function* (
  paths: ReadonlyArray<string>,
): Effect.fn.Return<Manifests, BadInput, FileSystem.FileSystem> {
  const { files, problems } = yield* readManifestFiles(paths);
  const manifests = readManifests(files);
  const wrong = [...problems, ...(Result.isFailure(manifests) ? manifests.failure : [])];
  return Result.isSuccess(manifests) && wrong.length === 0
    ? manifests.success
    : yield* new BadInput({ problems: wrong });
});
