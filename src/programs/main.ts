/** The command line. Without arguments it runs the demonstration: the documented canary upgrade on 1+3 nodes. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime";
import * as NodeServices from "@effect/platform-node/NodeServices";
import { Console, Effect, Layer } from "effect";
import { CliOutput, Command } from "effect/cli";
import type { LiveTransportOptions } from "../services/live/liveTransport.ts";
import { nodeLabelerCommand } from "./nodeLabelerCommand.ts";
import { manifestsCommand } from "./manifests/command.ts";
import { operatorCommand } from "./operatorCommand/command.ts";
import { rebootAgentCommand } from "./rebootAgentCommand/command.ts";
import { simulateCommand } from "./simulate/command.ts";
import { teardownOf } from "./teardown.ts";
import { usageSentences } from "./usage.ts";
import { VERSION } from "./version.ts";

const DEMONSTRATION = ["simulate", "examples/canary.yaml"];

/** The cluster that this process runs in or is configured for. Loaded where it is used: a simulation starts without it. */
const liveTransport = (options: LiveTransportOptions) =>
  Layer.unwrap(
    Effect.map(
      Effect.promise(() => import("../services/live/liveTransport.ts")),
      ({ liveTransportLayer }) => liveTransportLayer(options),
    ),
  );

const nodeop = Command.make("nodeop").pipe(
  Command.withDescription(
    "Safe, observable upgrades of Kubernetes nodes. Without a command: simulates examples/canary.yaml.",
  ),
  Command.withSubcommands([
    simulateCommand,
    manifestsCommand,
    operatorCommand,
    rebootAgentCommand,
    nodeLabelerCommand(liveTransport),
  ]),
);

/** A command line that makes no sense is answered on stderr, in sentences; stdout is for answers. */
const presenter = CliOutput.layerPresenter({
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? Console.error(
          [...usageSentences(event.errors), `See: ${event.commandPath.join(" ")} --help`].join(
            "\n",
          ),
        )
      : CliOutput.defaultPresenter.present(event),
});

/** Runs one command line. Errors go to stderr as sentences that say what to do; stdout carries only the answer. */
export const run = (
  args: ReadonlyArray<string>,
): Effect.Effect<void, { readonly _tag: string; readonly message: string }> =>
  Command.runWith(nodeop, { version: VERSION })(args.length === 0 ? DEMONSTRATION : [...args]).pipe(
    Effect.tapError((error) =>
      error._tag === "BadInput" || error._tag === "CannotStart"
        ? Console.error(error.message)
        : Effect.void,
    ),
    Effect.tapDefect((defect) =>
      Console.error(
        `nodeop: a bug, please report it with this command line: ${defect instanceof Error ? defect.message : String(defect)}`,
      ),
    ),
    Effect.provide([NodeServices.layer, presenter]),
  );

if (import.meta.main) {
  const args = process.argv.slice(2);
  NodeRuntime.runMain(run(args), {
    teardown: teardownOf(args, process.stdout),
    disableErrorReporting: true,
  });
}
