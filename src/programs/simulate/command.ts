/** `nodeop simulate`: reads the files and flags, says everything that is wrong with them at once, runs, and tells. */
import { Clock, Console, Effect, Option, Result, Runtime, Schema } from "effect";
import { Argument, Command, Flag } from "effect/cli";
import { BadInput } from "./BadInput.ts";
import { parseWorkTime } from "./duration.ts";
import { FAULT_FORMS, parseFault } from "./fault.ts";
import { readManifestFiles } from "./manifestFiles.ts";
import { readManifests } from "./manifests.ts";
import { parseNodes } from "./nodesFlag.ts";
import { optionProblems } from "./optionProblems.ts";
import type { SimulationResult } from "./result.ts";
import { runSimulation } from "./simulation.ts";
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
    Argument.withDescription(
      "YAML with NodeOpUpgrades, NodeOps and, if you like, your own Nodes and workloads.",
    ),
    Argument.variadic({ min: 1 }),
  ),
  nodes: Flag.String("nodes").pipe(
    Flag.withMetavar("C+W"),
    Flag.withDescription("Control planes + workers to simulate. Default: 1+3."),
    Flag.optional,
  ),
  seed: Flag.String("seed").pipe(
    Flag.withMetavar("NUMBER"),
    Flag.withDescription(
      "A whole number. Durations, boot ids and names follow from it: the same seed gives the same bytes. Default: 1.",
    ),
    Flag.withDefault("1"),
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
  operatorNode: Flag.String("operator-node").pipe(
    Flag.withMetavar("NODE"),
    Flag.withDescription(
      "The node that the operator runs on: it goes last in its group, and the operator dies when it goes down. Default: none of them.",
    ),
    Flag.optional,
  ),
  fault: Flag.String("fault").pipe(
    Flag.withMetavar("TARGET:KIND"),
    Flag.withDescription(
      "Something that goes wrong, as in worker-1:script-fails or operator:crash-after=12; all kinds are listed above. May be given several times.",
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
  readonly seed: string;
  readonly upgrade: string;
  readonly reboot: string;
  readonly operatorNode: Option.Option<string>;
  readonly fault: ReadonlyArray<string>;
  readonly output: "text" | "json";
}

const FORM_WIDTH = Math.max(...FAULT_FORMS.map(([form]) => form.length));

const DESCRIPTION = [
  "Runs the operator's real programs against a simulated cluster on virtual time, tells the story and checks every law.",
  "",
  "  Nothing outside of this program is touched. Exit codes: 0 all is done, 1 bad input, 2 the rollout did not complete,",
  "  3 a law was broken (the story names the seed that shows it again).",
  "",
  "  Deployments, ReplicaSets, StatefulSets, Pods, PodDisruptionBudgets, ResourceQuotas and Namespaces are in the cluster",
  "  from before the operation on. A scheduler and Kubernetes' controllers move their Pods; resources and affinity play no",
  "  part in that. A Namespace's label pod-security.kubernetes.io/enforce counts.",
  "",
  "  Made-up nodes are called cp-1, cp-2, …, worker-1, worker-2, …",
  "",
  "  Kinds of --fault. NODE is the name of a node, DURATION is written like 90s, 2m or 1h30m. K counts commits to the",
  "  cluster from the operation's creation on, or API calls of the operator; a story ends with the range of both.",
  "",
  ...FAULT_FORMS.map(([form, meaning]) => `    ${form.padEnd(FORM_WIDTH)}    ${meaning}`),
].join("\n");

/** `nodeop simulate FILE…`: its flags, its help and what it does. */
export const simulateCommand = Command.make("simulate", flags, (typed) =>
  simulateAndTell(typed),
).pipe(
  Command.withDescription(DESCRIPTION),
  Command.withShortDescription("Show what an upgrade would do, on a simulated cluster."),
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
  // In a story they are told where they are looked for; whoever reads JSON may not look.
  if (typed.output === "json")
    for (const missed of simulation.result.faultsMissed ?? [])
      yield* Console.error(`did not happen: ${missed}`);
  return yield* verdict(simulation.result);
});

const verdict = (result: SimulationResult): Effect.Effect<void, RolloutFailed | LawBroken> => {
  if (result.violations.length > 0) return Effect.fail(new LawBroken());
  return result.phase === "Completed" || result.open
    ? Effect.void
    : Effect.fail(new RolloutFailed());
};

/** A word as a shell reads it back; only what needs quotes gets them. */
const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/u.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;

/** The command line that gives this simulation again. */
const commandLine = (typed: Typed): string => {
  const { files, nodes, seed, upgrade, reboot, operatorNode, fault } = typed;
  return [
    "npx nodeop simulate",
    ...files.map(shellWord),
    ...Option.match(nodes, {
      onNone: () => [],
      onSome: (value) => [`--nodes ${shellWord(value)}`],
    }),
    ...(seed === "1" ? [] : [`--seed ${seed}`]),
    ...(upgrade === "2m" ? [] : [`--upgrade ${upgrade}`]),
    ...(reboot === "90s" ? [] : [`--reboot ${reboot}`]),
    ...Option.match(operatorNode, {
      onNone: () => [],
      onSome: (value) => [`--operator-node ${shellWord(value)}`],
    }),
    ...fault.map((item) => `--fault ${item}`),
  ].join(" ");
};

const quoted = (text: string): string => (text === "" ? '""' : text);

const parseSeed = (text: string): Result.Result<number, string> =>
  /^-?\d+$/u.test(text) && Number.isSafeInteger(Number(text))
    ? Result.succeed(Number(text))
    : Result.fail(`--seed ${quoted(text)}: not a whole number; write one, as in --seed 7`);

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
  const { files, problems: unread } = yield* readManifestFiles(typed.files);
  problems.push(...unread);
  const manifests = files.length === 0 ? undefined : or(readManifests(files));
  const nodesTyped = `--nodes ${quoted(Option.getOrElse(typed.nodes, () => ""))}`;
  const nodes = Option.getOrUndefined(
    Option.map(typed.nodes, (text) =>
      or(Result.mapError(parseNodes(text), (why) => `${nodesTyped}: ${why}`)),
    ),
  );
  const seed = or(parseSeed(typed.seed));
  const upgradeMillis = or(
    Result.mapError(parseWorkTime(typed.upgrade), (why) => `--upgrade: ${why}`),
  );
  const rebootMillis = or(
    Result.mapError(parseWorkTime(typed.reboot), (why) => `--reboot: ${why}`),
  );
  const faults = typed.fault
    .map((text) => or(Result.mapError(parseFault(text), (why) => `--fault ${why}`)))
    .filter((fault) => fault !== undefined);
  const operatorNode = Option.getOrUndefined(typed.operatorNode);
  const options = {
    manifests,
    nodes,
    seed,
    upgradeMillis,
    rebootMillis,
    operatorNode,
    faults,
  };
  const names = {
    operations: typed.files.join(", "),
    nodes: nodesTyped,
    seed: "--seed",
    upgradeMillis: "--upgrade",
    rebootMillis: "--reboot",
    operatorNode: "--operator-node",
    faults: "--fault ",
  };
  problems.push(...optionProblems(options, names));
  if (problems.length > 0 || manifests === undefined) return yield* new BadInput({ problems });
  return { ...options, manifests };
});
