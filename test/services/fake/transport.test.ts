/** The direct transport: the fake cluster as a layer for unit tests and embedding. */
import { describe, expect, it } from "@effect/vitest";
import { Effect, Fiber, Random, Stream } from "effect";
import { TestClock } from "effect/testing";
import { CurrentCluster } from "../../../src/services/fake/CurrentCluster.ts";
import { FakeCluster } from "../../../src/services/fake/FakeCluster.ts";
import { failure } from "../../../src/services/fake/status.ts";
import { KubeTransport } from "../../../src/services/KubeTransport.ts";
import { at, ConfigMaps, configMap, said } from "./support.ts";

const create = (name: string) =>
  ({ verb: "create", resource: ConfigMaps, namespace: "default", body: configMap(name) }) as const;

describe("FakeCluster.layer", () => {
  it.effect("answers with objects and fails with typed errors", () =>
    Effect.gen(function* () {
      const { request } = yield* KubeTransport;
      const created = yield* request(create("a"));
      expect(at(created, "metadata", "creationTimestamp")).toBe("1970-01-01T00:00:00Z");
      const error = yield* Effect.flip(request(create("a")));
      expect([error._tag, error.message]).toEqual([
        "AlreadyExists",
        'create ConfigMap default/a: configmaps "a" already exists',
      ]);
    }).pipe(Effect.provide(FakeCluster.layer())),
  );

  it.effect("takes time from Effect's Clock, and the actor from its options", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("90 seconds");
      const cluster = yield* CurrentCluster;
      const actors: Array<string> = [];
      cluster.onCommit((commit) => actors.push(commit.actor));
      const created = yield* (yield* KubeTransport).request(create("a"));
      expect(at(created, "metadata", "creationTimestamp")).toBe("1970-01-01T00:01:30Z");
      expect(actors).toEqual(["operator"]);
    }).pipe(Effect.provide(FakeCluster.layer({ actor: "operator" }))),
  );

  it.effect("takes chance from Effect's Random: the same seed gives the same uids", () => {
    const uid = Effect.gen(function* () {
      const created = yield* (yield* KubeTransport).request(create("a"));
      return at(created, "metadata", "uid");
    });
    const run = (seed: string) =>
      uid.pipe(Effect.provide(FakeCluster.layer(), { local: true }), Random.withSeed(seed));
    return Effect.gen(function* () {
      expect(yield* run("a")).toBe(yield* run("a"));
      expect(yield* run("a")).not.toBe(yield* run("b"));
    });
  });

  it.effect("streams a watch and hangs up when it is interrupted", () =>
    Effect.gen(function* () {
      const { request, watch } = yield* KubeTransport;
      const cluster = yield* CurrentCluster;
      yield* request(create("a"));
      const fiber = yield* Effect.forkChild(
        Stream.runCollect(Stream.take(watch({ resource: ConfigMaps }), 2)),
        { startImmediately: true },
      );
      expect(cluster.openWatches()).toBe(1);
      yield* request(create("b"));
      expect((yield* Fiber.join(fiber)).map(said)).toEqual(["ADDED a@1", "ADDED b@2"]);
      expect(cluster.openWatches()).toBe(0);
    }).pipe(Effect.provide(FakeCluster.layer())),
  );

  it.effect("tells the three ends of a watch apart", () =>
    Effect.gen(function* () {
      const { request, watch } = yield* KubeTransport;
      const cluster = yield* CurrentCluster;
      yield* request(create("a"));
      const ended = yield* Effect.forkChild(Stream.runCollect(watch({ resource: ConfigMaps })), {
        startImmediately: true,
      });
      cluster.closeWatches();
      expect((yield* Fiber.join(ended)).map(said)).toEqual(["ADDED a@1"]);
      const broken = yield* Effect.forkChild(
        Effect.flip(Stream.runDrain(watch({ resource: ConfigMaps }))),
        { startImmediately: true },
      );
      cluster.closeWatches({ end: failure(500, "InternalError", "etcd is gone") });
      expect((yield* Fiber.join(broken)).message).toBe("watch ConfigMaps: etcd is gone");
      yield* request(create("b"));
      cluster.compact(2);
      const old = watch({ resource: ConfigMaps, resourceVersion: "1" });
      expect((yield* Effect.flip(Stream.runDrain(old)))._tag).toBe("Expired");
    }).pipe(Effect.provide(FakeCluster.layer())),
  );

  it.effect("a watch with timeoutSeconds ends cleanly then", () =>
    Effect.gen(function* () {
      const { watch } = yield* KubeTransport;
      const timed = watch({ resource: ConfigMaps, timeoutSeconds: 10 });
      const fiber = yield* Effect.forkChild(Stream.runDrain(timed), { startImmediately: true });
      yield* TestClock.adjust("10 seconds");
      yield* Fiber.join(fiber);
      expect((yield* CurrentCluster).openWatches()).toBe(0);
    }).pipe(Effect.provide(FakeCluster.layer())),
  );
});
