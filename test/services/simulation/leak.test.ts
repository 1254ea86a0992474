/** Thousands of simulations fit into one isolate: a finished world leaves nothing behind, however it ended. */
import { expect, it } from "@effect/vitest";
import { Effect, Queue, Stream } from "effect";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Nodes } from "../../../src/domain/kube/resource.ts";
import { KubeTransport } from "../../../src/services/KubeTransport.ts";
import { simTransport } from "../../../src/services/simulation/SimTransport.ts";
import { World } from "../../../src/services/simulation/World.ts";
import { TinyServer, write } from "./tinyServer.ts";

/** A world with watches, requests, timers, waiting fibers and a killed process in it. */
const history = (seed: number): void => {
  const world = new World({ seed });
  const server = world.process("api-server");
  const cluster = new TinyServer(() => world.now);
  for (const name of ["a", "b", "c"]) {
    const process = world.process(name);
    // Makes a leaked world visible: 100 kB of it per process.
    const ballast = Array.from({ length: 12_800 }, (_, i) => i + seed);
    const program = Effect.gen(function* () {
      const { request, watch } = yield* KubeTransport;
      yield* Effect.forkChild(Stream.runDrain(watch({ resource: Nodes })));
      yield* Effect.forkDetach(Effect.flatMap(Queue.unbounded<never>(), Queue.take));
      for (let i = 0; i < 3; i++) {
        yield* request(write(`${name}${ballast[i]}`));
        yield* Effect.sleep("1 second");
      }
      return yield* Effect.never;
    });
    process.boot(Effect.provide(program, simTransport({ server, cluster, process, actor: name })));
    if (name === "b") server.after(1500, () => process.kill());
  }
  expect(world.run({ done: () => false })).toBe("idle");
  expect(cluster.log).toHaveLength(8);
};

it("the heap after 1,000 more worlds is what it was", { timeout: 60_000 }, () => {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  const heapUsed = (): number => {
    if (typeof collect !== "function") throw new Error("this Node does not expose its collector");
    collect();
    return process.memoryUsage().heapUsed;
  };
  for (let seed = 0; seed < 50; seed++) history(seed);
  const before = heapUsed();
  for (let seed = 0; seed < 1000; seed++) history(seed);
  // One in ten worlds leaked would be 30 MB.
  expect(heapUsed() - before).toBeLessThan(3_000_000);
});
