/** The reboot agent as a process: on the real host, with the account of its Pod. */
import { Config, Effect, type FileSystem, Layer, Logger, Option, Result } from "effect";
import type { ChildProcessSpawner } from "effect/process";
import { kubeApiLayer } from "../../services/kubeApiLayer.ts";
import { liveHostLayer } from "../../services/liveHost.ts";
import { liveTransportLayer } from "../../services/live/liveTransport.ts";
import { CannotStart } from "../CannotStart.ts";
import { type OwnPod, rebootAgent } from "../rebootAgent.ts";
import { VERSION } from "../version.ts";

const read = (name: string) =>
  Effect.map(Effect.orDie(Config.option(Config.String(name))), (value) =>
    Option.getOrUndefined(Option.filter(value, (text) => text !== "")),
  );

/** Who the agent is. The Pod's manifest fills these in from the Pod itself. */
const readSelf = Effect.gen(function* () {
  const [name, namespace, uid] = [
    yield* read("POD_NAME"),
    yield* read("POD_NAMESPACE"),
    yield* read("POD_UID"),
  ];
  const missing = Object.entries({
    POD_NAME: name,
    POD_NAMESPACE: namespace,
    POD_UID: uid,
  }).flatMap(([variable, value]) =>
    value === undefined
      ? [`${variable} is not set; the reboot agent only runs in a Pod that the operator made`]
      : [],
  );
  return name === undefined || namespace === undefined || uid === undefined
    ? Result.fail(new CannotStart({ problems: missing }))
    : Result.succeed<OwnPod>({ name, namespace, uid });
});

const agent = Effect.gen(function* () {
  const self = yield* Effect.flatMap(readSelf, Effect.fromResult);
  const sentinelDir = yield* read("SENTINEL_DIR");
  const transport = liveTransportLayer({ userAgent: `nodeop-reboot-agent/${VERSION}` });
  const services = Layer.merge(
    Layer.provide(kubeApiLayer, transport),
    liveHostLayer({ sentinelDir }),
  );
  yield* Effect.annotateLogs(Effect.logInfo("the reboot agent starts"), {
    pod: `${self.namespace ?? ""}/${self.name}`,
    version: VERSION,
  });
  yield* Effect.provide(rebootAgent(self), services);
  yield* Effect.logInfo("there is nothing more to do");
});

/** Runs until the Pod's work is done. Interruption must not look like that: see the exit codes of main. */
export const rebootAgentProcess: Effect.Effect<
  void,
  CannotStart,
  FileSystem.FileSystem | ChildProcessSpawner.ChildProcessSpawner
> = agent.pipe(
  Effect.catchTag("LiveConfigError", (error) =>
    Effect.fail(new CannotStart({ problems: [error.message] })),
  ),
  Effect.provide(Logger.layer([Logger.consoleJson])),
);
