/** Watches carry every frame in order, and break with either of their ends. */
import { describe, expect, it } from "@effect/vitest";
import { Effect, Stream } from "effect";
import { Nodes } from "../../../src/domain/kube/resource.ts";
import { KubeTransport } from "../../../src/services/KubeTransport.ts";
import { callEach, never, setting } from "./harness.ts";
import { status, write } from "./tinyServer.ts";

/** Watches Nodes and notes each frame, and how the watch ended. */
const follow = (seen: Array<string>, resourceVersion?: string) =>
  Effect.flatMap(KubeTransport, ({ watch }) =>
    watch({ resource: Nodes, resourceVersion }).pipe(
      Stream.runForEach(({ type, object }) =>
        Effect.sync(() => seen.push(`${type} ${JSON.stringify(object)}`)),
      ),
      Effect.match({
        onFailure: (error) => void seen.push(error.name),
        onSuccess: () => void seen.push("end"),
      }),
    ),
  );

describe("watches", () => {
  it("deliver what exists, then every change, in order", () => {
    const { world, start } = setting();
    const seen: Array<string> = [];
    start("writer", callEach([write("a"), write("b")], []));
    world.run(never);
    start("watcher", follow(seen));
    world.run(never);
    start("writer", callEach([write("a")], []));
    world.run(never);
    expect(seen).toEqual([
      'ADDED {"name":"a","rv":1}',
      'ADDED {"name":"b","rv":2}',
      'MODIFIED {"name":"a","rv":3}',
    ]);
  });

  it("fail Expired at the start when the version is too old", () => {
    const { world, start } = setting();
    const seen: Array<string> = [];
    start("watcher", follow(seen, "old"));
    world.run(never);
    expect(seen).toEqual(["Expired"]);
  });

  it("end when the server closes them, fail when it says why, after the frames that came before", () => {
    for (const [end, expected] of [
      [undefined, "end"],
      [status("Expired", 410), "Expired"],
      [status("InternalError", 500), "Unavailable"],
    ] as const) {
      const { world, server, cluster, start } = setting();
      const seen: Array<string> = [];
      start("watcher", follow(seen), { latency: { minMillis: 0, maxMillis: 9 } });
      world.process("closer").after(100, () =>
        server.post(() => {
          for (const sink of cluster.sinks) {
            sink.frames([{ type: "BOOKMARK", object: {} }]);
            sink.closed(end);
          }
        }),
      );
      world.run(never);
      expect(seen).toEqual(["BOOKMARK {}", expected]);
    }
  });

  it("are closed at the server when the watcher has enough, is interrupted, or is killed", () => {
    const { world, cluster, start } = setting();
    start(
      "enough",
      Effect.flatMap(KubeTransport, ({ watch }) => Stream.runHead(watch({ resource: Nodes }))),
    );
    const interrupted = start("interrupted", follow([]));
    const killed = start("killed", follow([]));
    const seen: Array<string> = [];
    start("stays", follow(seen));
    world.run(never);
    expect(cluster.sinks.size).toBe(4);
    start("writer", callEach([write("a")], []));
    world.run(never);
    expect(cluster.sinks.size).toBe(3);
    interrupted.interrupt();
    world.run(never);
    expect(cluster.sinks.size).toBe(2);
    killed.kill();
    world.run(never);
    expect(cluster.sinks.size).toBe(1);
    expect(seen).toHaveLength(1);
  });

  it("of a process that is killed while the watch is being opened are not left open", () => {
    const { world, cluster, start } = setting();
    const process = start("watcher", follow([]), { latency: { minMillis: 10, maxMillis: 10 } });
    world.process("chaos").after(5, () => process.kill());
    world.run(never);
    expect(cluster.sinks.size).toBe(0);
  });

  it("fail Unreachable when the server dies", () => {
    const { world, server, start } = setting();
    const seen: Array<string> = [];
    start("watcher", follow(seen));
    world.process("chaos").after(5, () => server.kill());
    world.run(never);
    start("late", follow(seen));
    world.run(never);
    expect(seen).toEqual(["Unreachable", "Unreachable"]);
  });
});
