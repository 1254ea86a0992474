/** A request is two messages, each with its own time on the wire. */
import { describe, expect, it } from "@effect/vitest";
import { Effect, Random, Stream } from "effect";
import { Nodes } from "../../../src/domain/kube/resource.ts";
import { KubeTransport } from "../../../src/services/KubeTransport.ts";
import {
  simTransport,
  type SimTransportOptions,
} from "../../../src/services/simulation/SimTransport.ts";
import { World } from "../../../src/services/simulation/World.ts";
import { callEach, never, setting } from "./harness.ts";
import { read, TinyServer, write } from "./tinyServer.ts";

describe("requests", () => {
  it("are applied in a step of the server and answered in a step of the caller", () => {
    const { world, cluster, start } = setting();
    const seen: Array<string> = [];
    const steps: Array<string | undefined> = [];
    const handle = cluster.handle.bind(cluster);
    cluster.handle = (...request) => {
      steps.push(world.current?.name);
      return handle(...request);
    };
    start(
      "operator",
      Effect.andThen(
        callEach([write("a"), read("a"), read("b"), write("refused")], seen),
        Effect.sync(() => steps.push(world.current?.name)),
      ),
    );
    world.run(never);
    expect(seen).toEqual(['{"name":"a","rv":1}', '{"name":"a","rv":1}', "NotFound", "Conflict"]);
    expect(steps).toEqual([...Array.from({ length: 4 }, () => "api-server"), "operator"]);
    expect(cluster.log).toEqual(["a 1 operator 0→0"]);
  });

  it("that fail name what was asked", () => {
    const { world, start } = setting();
    const messages: Array<string> = [];
    start(
      "operator",
      Effect.flatMap(KubeTransport, ({ request }) =>
        request({ ...read("worker-1"), subresource: "status" }),
      ).pipe(Effect.catch((error) => Effect.sync(() => messages.push(error.message)))),
    );
    world.run(never);
    expect(messages[0]).toContain("get status of Node worker-1");
    expect(messages[0]).toContain("NotFound!");
  });

  it("that were sent are applied even when the caller gave up waiting", () => {
    const { world, cluster, start } = setting();
    const seen: Array<string> = [];
    start("operator", Effect.timeoutOption(callEach([write("a")], seen), "5 millis"), {
      latency: { minMillis: 10, maxMillis: 10 },
    });
    world.run({ done: () => false, until: 100 });
    expect(seen).toEqual([]);
    // The program ended at 5 ms, its request arrived at 10 ms.
    expect(cluster.log).toEqual(["a 1 operator 0→10"]);
  });

  it("fail Unreachable when the server dies before it applies them, or is dead", () => {
    const { world, server, cluster, start } = setting();
    const seen: Array<string> = [];
    const process = start("operator", callEach([write("a"), write("b")], seen), {
      latency: { minMillis: 10, maxMillis: 10 },
    });
    world.process("chaos").after(5, () => server.kill());
    world.run(never);
    expect(seen).toEqual(["Unreachable", "Unreachable"]);
    expect(cluster.log).toEqual([]);
    expect(process.end).toMatchObject({ _tag: "Exited" });
  });
});

/** Twenty writes over a slow wire: how long each travelled, in milliseconds, and when all were answered. */
const run = (seed: number) => {
  const world = new World({ seed });
  const server = world.process("api-server");
  const cluster = new TinyServer(() => world.now);
  const process = world.process("operator");
  const latency = { minMillis: 20, maxMillis: 30 };
  const transport = simTransport({ server, cluster, process, actor: "operator", latency });
  const names = Array.from({ length: 20 }, (_, i) => `n${i}`);
  process.boot(Effect.provide(callEach(names.map(write), []), transport));
  world.run(never);
  const travels = cluster.log.map((line) => {
    const [sent, applied] = line.split(" ")[3]!.split("→");
    return Number(applied) - Number(sent);
  });
  return { travels, end: world.now };
};

/** What a program draws after a call over such a wire. */
const draw = (latency: SimTransportOptions["latency"]) => {
  const { world, start } = setting();
  const drawn: Array<number> = [];
  const program = Effect.andThen(
    callEach([write("a")], []),
    Effect.map(Random.next, (n) => drawn.push(n)),
  );
  start("operator", program, { latency });
  world.run(never);
  return drawn;
};

describe("latency", () => {
  it("each message takes its own time from the range, and the same seed takes the same", () => {
    const { travels, end } = run(1);
    expect(travels.every((millis) => millis >= 20 && millis <= 30)).toBe(true);
    expect(new Set(travels).size).toBeGreaterThan(3);
    expect(end).toBeGreaterThan(20 * 2 * 20);
    expect(run(1)).toEqual({ travels, end });
    expect(run(2)).not.toEqual({ travels, end });
  });

  it("does not change what the program draws", () => {
    expect(draw({ minMillis: 1, maxMillis: 50 })).toEqual(draw(undefined));
  });

  it("never reorders the frames of a watch", () => {
    const { world, start } = setting();
    const versions: Array<unknown> = [];
    start(
      "watcher",
      Effect.flatMap(KubeTransport, ({ watch }) =>
        Stream.runForEach(watch({ resource: Nodes }), ({ object }) =>
          Effect.sync(() => versions.push(object)),
        ),
      ),
      { latency: { minMillis: 0, maxMillis: 100 } },
    );
    const names = Array.from({ length: 50 }, (_, i) => `n${i}`);
    start("writer", Effect.andThen(Effect.sleep(500), callEach(names.map(write), [])), {
      latency: { minMillis: 0, maxMillis: 3 },
    });
    world.run(never);
    expect(versions).toEqual(names.map((name, i) => ({ name, rv: i + 1 })));
  });
});
