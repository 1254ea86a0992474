/** `nodeop simulate`: reads the files and flags, says everything that is wrong with them at once, runs, and tells. */
import { Clock, Console, Effect, FileSystem, Option, Result, Runtime, Schema } from "effect";
import { Argument, Command, Flag } from "effect/cli";
import { BadInput } from "./BadInput.ts";
import { parseDuration } from "./duration.ts";
import { parseFault, type Fault } from "./fault.ts";
import { readManifests, type ManifestFile, type Manifests } from "./manifests.ts";
import { parseNodes, type NodeCounts } from "./nodesFlag.ts";
import type { SimulationOptions } from "./options.ts";
import type { SimulationResult } from "./result.ts";
import { simulatedNodes } from "./scenario.ts";
import { runSimulation, type Simulation } from "./simulation.ts";
import { story } from "./story.ts";

/** The rollout did not complete. Exit code 2; what happened has been told. */
class RolloutFailed extends Schema.TaggedError<RolloutFailed>()("RolloutFailed", {}) {
  override readonly [Runtime.errorExitCode] = 2;
  override readonly [Runtime.errorReported] = false;
}

/** A law was broken. Exit code 3; what happened has been told. */
class LawBroken extends Schema.TaggedError<LawBroken>()("LawBroken", {}) {
  override readonly [Runtime.errorExitCode] = 3;
  override readonly [Runtime.errorReported] = false;
}

const flags = {
  files: Argument.String("FILE").pipe(
    Argument.withDescription("YAML with NodeOpUpgrades, NodeOps and, if you like, your own Nodes."),
    Argument.variadic({ min: 1 }),
  ),
  nodes: Flag.String("nodes").pipe(
    Flag.withMetavar("C+W"),
    Flag.withDescription("Control planes + workers to simulate. Default: 1+3."),
    Flag.optional,
  ),
  seed: Flag.Int("seed").pipe(
    Flag.withDescription("Everything drawn by chance follows from it. Default: 1."),
    Flag.withDefault(1),
  ),
  upgrade: Flag.String("upgrade").pipe(
    Flag.withMetavar("DURATION"),
    Flag.withDescription(
      "How long the upgrade takes on a node, give or take a quarter. Default: 2m.",
    ),
    Flag.withDefault("2m"),
  ),
  reboot: Flag.String("reboot").pipe(
    Flag.withMetavar("DURATION"),
    Flag.withDescription("How long a reboot takes, give or take a quarter. Default: 90s."),
    Flag.withDefault("90s"),
  ),
  fault: Flag.String("fault").pipe(
    Flag.withMetavar("TARGET:KIND"),
    Flag.withDescription(
      "Something that goes wrong, as in worker-1:script-fails, worker-2:slow-reboot=40m, worker-1:power-loss@80, operator:crash-after=12 or operation:deleted@60. May be given several times.",
    ),
    Flag.between(0, 1000),
  ),
  output: Flag.Literals("output", ["text", "json"]).pipe(
    Flag.withAlias("o"),
    Flag.withDescription("A story for people, or JSON for programs. Default: text."),
    Flag.withDefault("text"),
  ),
};

interface Typed {
  readonly files: ReadonlyArray<string>;
  readonly nodes: Option.Option<string>;
  readonly seed: number;
  readonly upgrade: string;
  readonly reboot: string;
  readonly fault: ReadonlyArray<string>;
  readonly output: "text" | "json";
}

export const simulateCommand = Command.make("simulate", flags, (typed) =>
  simulateAndTell(typed),
).pipe(
  Command.withDescription(
    "Runs the operator's real programs against a simulated cluster on virtual time, tells the story and checks every law.",
  ),
  Command.withExamples([
    {
      command: "nodeop simulate examples/canary.yaml",
      description: "The canary upgrade on 1+3 nodes",
    },
    {
      command: "nodeop simulate examples/canary.yaml --nodes 3+10 --fault worker-2:script-fails",
      description: "What happens when a node fails",
    },
  ]),
);

const simulateAndTell = Effect.fnUntraced(function* (typed: Typed) {
  const options = yield* readOptions(typed);
  const startedAt = yield* Clock.currentTimeMillis;
  const simulation = yield* Effect.mapError(
    runSimulation(options),
    ({ problems }) => new BadInput({ problems }),
  );
  const seconds = ((yield* Clock.currentTimeMillis) - startedAt) / 1000;
  yield* Console.log(
    typed.output === "json"
      ? JSON.stringify(simulation.result, null, 2)
      : story(simulation, options, commandLine(typed)).trimEnd(),
  );
  yield* Console.error(`simulated in ${seconds.toFixed(2)} s`);
  for (const fault of simulation.missed)
    yield* Console.error(`did not happen: ${describeMissed(fault, simulation)}`);
  return yield* verdict(simulation.result);
});

const verdict = (result: SimulationResult): Effect.Effect<void, RolloutFailed | LawBroken> => {
  if (result.violations.length > 0) return Effect.fail(new LawBroken());
  return result.phase === "Completed" ? Effect.void : Effect.fail(new RolloutFailed());
};

const describeMissed = (fault: Fault, { commits, calls }: Simulation): string => {
  switch (fault._tag) {
    case "Operator":
      return `operator:${fault.kind}=${fault.call}; the operator made ${calls} calls`;
    case "Event":
      return `${fault.node}:${fault.kind}@${fault.at}; there were ${commits} commits`;
    case "OperationDeleted":
      return `operation:deleted@${fault.at}; there were ${commits} commits`;
    default:
      return fault._tag;
  }
};

/** The command line that gives this simulation again. */
const commandLine = ({ files, nodes, seed, upgrade, reboot, fault }: Typed): string =>
  [
    "npx nodeop simulate",
    ...files,
    ...Option.match(nodes, { onNone: () => [], onSome: (value) => [`--nodes ${value}`] }),
    ...(seed === 1 ? [] : [`--seed ${seed}`]),
    ...(upgrade === "2m" ? [] : [`--upgrade ${upgrade}`]),
    ...(reboot === "90s" ? [] : [`--reboot ${reboot}`]),
    ...fault.map((item) => `--fault ${item}`),
  ].join(" ");

/** Reads everything that was given, and answers with all that is wrong with it at once. */
const readOptions = Effect.fnUntraced(function* (typed: Typed) {
  const problems: Array<string> = [];
  const or = <A>(result: Result.Result<A, string | ReadonlyArray<string>>): A | undefined =>
    Result.match(result, {
      onSuccess: (value): A | undefined => value,
      onFailure: (problem) => {
        problems.push(...(typeof problem === "string" ? [problem] : problem));
        return undefined;
      },
    });
  const files = yield* readFiles(typed.files, problems);
  const manifests = files.length === 0 ? undefined : or(readManifests(files));
  const nodes = Option.getOrUndefined(Option.map(typed.nodes, (text) => or(parseNodes(text))));
  const upgradeMillis = or(
    Result.mapError(parseDuration(typed.upgrade), (why) => `--upgrade: ${why}`),
  );
  const rebootMillis = or(
    Result.mapError(parseDuration(typed.reboot), (why) => `--reboot: ${why}`),
  );
  const faults = typed.fault
    .map((text) => or(parseFault(text)))
    .filter((fault) => fault !== undefined);
  if (manifests !== undefined && manifests.nodes.length > 0 && Option.isSome(typed.nodes))
    problems.push("--nodes: the files bring their own Nodes; leave it out, or take the Nodes out");
  if (manifests !== undefined) problems.push(...unknownNodes(typed, { manifests, nodes, faults }));
  if (problems.length > 0 || manifests === undefined) return yield* new BadInput({ problems });
  return { manifests, nodes, seed: typed.seed, upgradeMillis, rebootMillis, faults };
});

const readFiles = Effect.fnUntraced(function* (
  paths: ReadonlyArray<string>,
  problems: Array<string>,
) {
  const fs = yield* FileSystem.FileSystem;
  const files: Array<ManifestFile> = [];
  for (const path of paths)
    yield* Effect.match(fs.readFileString(path), {
      onSuccess: (text) => files.push({ path, text }),
      onFailure: (error) =>
        problems.push(
          `${path}: cannot be read: ${error.reason._tag === "NotFound" ? "there is no such file" : error.message}`,
        ),
    });
  return files;
});

const unknownNodes = (
  typed: Typed,
  options: {
    readonly manifests: Manifests;
    readonly nodes: NodeCounts | undefined;
    readonly faults: ReadonlyArray<Fault>;
  },
): ReadonlyArray<string> => {
  const known = simulatedNodes({ ...options, seed: typed.seed } satisfies SimulationOptions).map(
    ({ name }) => name,
  );
  return options.faults.flatMap((fault) =>
    "node" in fault && !known.includes(fault.node)
      ? [
          `--fault ${fault.node}:…: there is no node ${fault.node}; there are ${known.slice(0, 8).join(", ")}${known.length > 8 ? ", …" : ""}`,
        ]
      : [],
  );
};
