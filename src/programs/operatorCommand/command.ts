/** `nodeop operator`: reads flags and environment, and starts the process. What it needs of a cluster is loaded only then. */
import { Config, Effect, Option, Result } from "effect";
import { Command, GlobalFlag } from "effect/cli";
import { CannotStart } from "../CannotStart.ts";
import { operatorFlags, type OperatorText, SETTINGS } from "./flags.ts";
import { operatorConfig } from "./options.ts";

/** `--log-level` is a flag of every command; its environment variable is the operator's. */
const readLogLevel = Effect.gen(function* () {
  const level = yield* GlobalFlag.LogLevel;
  if (Option.isSome(level)) return level.value;
  const text = yield* Config.option(Config.String(SETTINGS.logLevel.env));
  return Option.getOrUndefined(Option.filter(text, (value) => value !== ""));
});

const readConfig = Effect.fnUntraced(function* (text: OperatorText) {
  const logLevel = yield* Effect.orDie(readLogLevel);
  return yield* Effect.fromResult(
    Result.mapError(
      operatorConfig({ ...text, logLevel }),
      (problems) => new CannotStart({ problems }),
    ),
  );
});

export const operatorCommand = Command.make("operator", operatorFlags, (text) =>
  Effect.flatMap(readConfig(text), (config) =>
    Effect.flatMap(
      Effect.promise(() => import("./process.ts")),
      ({ operatorProcess }) => operatorProcess(config),
    ),
  ),
).pipe(
  Command.withDescription(
    "Runs the operator against the cluster that the kubeconfig, or the Pod's ServiceAccount, leads to.",
  ),
  Command.withExamples([
    { command: "nodeop operator", description: "In a Pod, as the manifests start it" },
    {
      command: "nodeop operator --kubeconfig ~/.kube/config --no-leader-elect --namespace kairos",
      description: "From a workstation, for one namespace",
    },
  ]),
);
