/** A world with one tiny API server, and a way to start processes that talk to it. */
import { Effect } from "effect";
import { type KubeRequest, KubeTransport } from "../../../src/services/KubeTransport.ts";
import {
  planned,
  type PlannedInterception,
} from "../../../src/services/simulation/interception.ts";
import {
  simTransport,
  type SimTransportOptions,
} from "../../../src/services/simulation/SimTransport.ts";
import { type Process, World } from "../../../src/services/simulation/World.ts";
import { TinyServer } from "./tinyServer.ts";

/** Run to the end. */
export const never = { done: () => false };

export const setting = () => {
  const world = new World({ seed: 1 });
  const server = world.process("api-server");
  const cluster = new TinyServer(() => world.now);
  /** Boots `program` in a new process that talks to the server. */
  const start = (
    name: string,
    program: Effect.Effect<unknown, unknown, KubeTransport>,
    options: Partial<SimTransportOptions> = {},
  ): Process => {
    const process = world.process(name);
    const transport = simTransport({ server, cluster, process, actor: name, ...options });
    process.boot(Effect.provide(program, transport));
    return process;
  };
  return { world, server, cluster, start };
};

/** Sends the requests one after the other and reports after each what came of it. */
export const callEach = (
  requests: ReadonlyArray<KubeRequest>,
  seen: Array<string>,
): Effect.Effect<void, never, KubeTransport> =>
  Effect.gen(function* () {
    const transport = yield* KubeTransport;
    for (const request of requests) {
      const outcome = yield* transport.request(request).pipe(
        Effect.map((object) => JSON.stringify(object)),
        Effect.catch((error) => Effect.succeed(error.name)),
      );
      seen.push(outcome);
    }
  });

export const plan = (...plans: ReadonlyArray<PlannedInterception>) => ({
  interceptor: planned(plans),
});
