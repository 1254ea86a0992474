import { describe, expect, it } from "@effect/vitest";
import { Effect, Schema, Stream } from "effect";
import { Jobs, Nodes, Pods } from "../../src/domain/kube/resource.ts";
import { KubeApi } from "../../src/services/KubeApi.ts";
import { Conflict, Expired, Undecodable, Unreachable } from "../../src/services/KubeError.ts";
import type { KubeRequest, WatchFrame, WatchRequest } from "../../src/services/KubeTransport.ts";
import { typed } from "../../src/services/typed.ts";
import { recording } from "./support/RecordingTransport.ts";
import { thing, ThingResource, thingJson } from "./support/things.ts";

const NodeResource = typed(
  Nodes,
  Schema.Struct({
    apiVersion: Schema.Literal("v1"),
    kind: Schema.Literal("Node"),
    metadata: Schema.Struct({ name: Schema.String }),
  }),
);
const expired = new Expired({ request: "list Thing", detail: "too old" });
const page = (items: ReadonlyArray<unknown>, version: number, next?: string) => ({
  kind: "ThingList",
  metadata: { resourceVersion: String(version), ...(next === undefined ? {} : { continue: next }) },
  items,
});
/** The request without the parameters that were not given, as it would appear on the wire. */
const wire = (request: KubeRequest | WatchRequest | undefined): unknown =>
  JSON.parse(JSON.stringify(request));

describe("list", () => {
  it.effect("collects all pages of 500 and the version of their snapshot", () => {
    const server = recording({
      answer: (_, i) =>
        Effect.succeed(
          i === 0 ? page([thingJson("a", "u1", 1)], 9, "more") : page([thingJson("b", "u2", 2)], 9),
        ),
    });
    return Effect.gen(function* () {
      const api = yield* KubeApi;
      const list = yield* api.list(ThingResource, { namespace: "default", labelSelector: "x=y" });
      expect(list).toEqual({
        items: [thing("a", "u1", 1), thing("b", "u2", 2)],
        resourceVersion: "9",
        undecodable: [],
      });
      expect(server.requests.map((r) => wire(r))).toMatchObject([
        { verb: "list", namespace: "default", query: { limit: 500, labelSelector: "x=y" } },
        { verb: "list", query: { limit: 500, labelSelector: "x=y", continue: "more" } },
      ]);
      expect(server.requests[0]?.query?.continue).toBeUndefined();
      expect(server.requests[0]?.query?.resourceVersion).toBeUndefined();
    }).pipe(Effect.provide(server.layer));
  });

  it.effect(
    "a 410 in the middle starts again from the beginning, without the pages read before",
    () => {
      const server = recording({
        answer: (_, i) =>
          i === 0
            ? Effect.succeed(page([thingJson("old", "u0", 1)], 5, "gone"))
            : i === 1
              ? Effect.fail(expired)
              : Effect.succeed(page([thingJson("a", "u1", 6)], 7)),
      });
      return Effect.gen(function* () {
        const list = yield* (yield* KubeApi).list(ThingResource);
        expect(list.items).toEqual([thing("a", "u1", 6)]);
        expect(list.resourceVersion).toBe("7");
        expect(server.requests.map((r) => r.query?.continue)).toEqual([
          undefined,
          "gone",
          undefined,
        ]);
      }).pipe(Effect.provide(server.layer));
    },
  );

  it.effect("a second 410 is given to the caller", () => {
    const server = recording({
      answer: (r) =>
        r.query?.continue === undefined
          ? Effect.succeed(page([], 5, "gone"))
          : Effect.fail(expired),
    });
    return Effect.gen(function* () {
      const error = yield* Effect.flip((yield* KubeApi).list(ThingResource));
      expect(error).toBeInstanceOf(Expired);
      expect(server.requests.length).toBe(4);
    }).pipe(Effect.provide(server.layer));
  });

  it.effect("pages of different snapshots are never taken for one list", () => {
    const server = recording({
      answer: (r, i) =>
        Effect.succeed(
          r.query?.continue === undefined
            ? page([thingJson("a", "u1", 1)], 5, "inconsistent")
            : page([thingJson("c", "u3", 3)], i === 1 ? 8 : 5),
        ),
    });
    return Effect.gen(function* () {
      const list = yield* (yield* KubeApi).list(ThingResource);
      expect(server.requests.length).toBe(4);
      expect(list.items.map((t) => t.metadata.name)).toEqual(["a", "c"]);
    }).pipe(Effect.provide(server.layer));
  });

  it.effect("an object that does not decode is returned beside the others", () => {
    const server = recording({
      answer: () =>
        Effect.succeed(page([thingJson("bad", "u1", 1, "big"), thingJson("b", "u2", 2)], 9)),
    });
    return Effect.gen(function* () {
      const list = yield* (yield* KubeApi).list(ThingResource);
      expect(list.items).toEqual([thing("b", "u2", 2)]);
      expect(list.undecodable).toMatchObject([
        { ref: { namespace: "default", name: "bad" }, uid: "u1", resourceVersion: "1" },
      ]);
      expect(list.undecodable[0]?.error.message).toContain("spec.size");
    }).pipe(Effect.provide(server.layer));
  });

  it.effect("items of built-in kinds get the apiVersion and kind that servers leave out", () => {
    const server = recording({
      answer: () => Effect.succeed(page([{ metadata: { name: "n1" } }], 9)),
    });
    return Effect.gen(function* () {
      const list = yield* (yield* KubeApi).list(NodeResource, { namespace: "ignored" });
      expect(list.items).toEqual([{ apiVersion: "v1", kind: "Node", metadata: { name: "n1" } }]);
      expect(server.requests[0]?.namespace).toBeUndefined();
    }).pipe(Effect.provide(server.layer));
  });

  it.effect("an answer that is no list is an error, not an empty list", () => {
    const server = recording({ answer: () => Effect.succeed({ metadata: {} }) });
    return Effect.gen(function* () {
      const error = yield* Effect.flip((yield* KubeApi).list(ThingResource));
      expect(error).toBeInstanceOf(Undecodable);
    }).pipe(Effect.provide(server.layer));
  });

  it.effect("Go writes an empty list as null", () => {
    const server = recording({
      answer: () => Effect.succeed({ metadata: { resourceVersion: "3" }, items: null }),
    });
    return Effect.gen(function* () {
      const list = yield* (yield* KubeApi).list(ThingResource);
      expect(list).toEqual({ items: [], resourceVersion: "3", undecodable: [] });
    }).pipe(Effect.provide(server.layer));
  });
});

describe("watch", () => {
  const bookmark = { kind: "Thing", metadata: { resourceVersion: "9" } };
  const frames: ReadonlyArray<WatchFrame> = [
    { type: "ADDED", object: thingJson("a", "u1", 5) },
    { type: "MODIFIED", object: thingJson("a", "u1", 6, "poison") },
    { type: "MODIFIED", object: thingJson("a", "u1", 7) },
    { type: "DELETED", object: thingJson("a", "u1", 8) },
    { type: "BOOKMARK", object: bookmark },
  ];

  it.effect("frames become events, and a poisoned object does not stop the others", () => {
    const server = recording({ frames: Stream.fromIterable(frames) });
    return Effect.gen(function* () {
      const selection = { namespace: "default", resourceVersion: "4", timeoutSeconds: 300 };
      const events = yield* Stream.runCollect((yield* KubeApi).watch(ThingResource, selection));
      expect(events).toMatchObject([
        { type: "Applied", object: thing("a", "u1", 5) },
        {
          type: "Undecodable",
          deleted: false,
          ref: { name: "a" },
          uid: "u1",
          resourceVersion: "6",
        },
        { type: "Applied", object: thing("a", "u1", 7) },
        { type: "Deleted", object: thing("a", "u1", 8) },
        { type: "Bookmark", resourceVersion: "9" },
      ]);
      expect(wire(server.watches[0])).toMatchObject({
        namespace: "default",
        resourceVersion: "4",
        timeoutSeconds: 300,
        allowWatchBookmarks: true,
      });
    }).pipe(Effect.provide(server.layer));
  });

  it.effect("failures of the stream arrive as they are", () => {
    const server = recording({ frames: Stream.fail(expired) });
    return Effect.gen(function* () {
      const watch = (yield* KubeApi).watch(ThingResource, { resourceVersion: "4" });
      expect(yield* Effect.flip(Stream.runDrain(watch))).toBe(expired);
    }).pipe(Effect.provide(server.layer));
  });
});

/** A server that answers every write with what was written. */
const echo = () => recording({ answer: (r) => Effect.succeed(r.body ?? thingJson("a", "u1", 1)) });

describe("writes", () => {
  it.effect("create posts to the collection and completes apiVersion and kind", () => {
    const server = echo();
    return Effect.gen(function* () {
      const api = yield* KubeApi;
      const { apiVersion: _, kind: __, ...json } = thingJson("a", "u1", 1);
      yield* api.create(ThingResource, json, { dryRun: true });
      expect(wire(server.requests[0])).toMatchObject({
        verb: "create",
        namespace: "default",
        query: { dryRun: true },
        body: { apiVersion: "test.example/v1", kind: "Thing" },
      });
      expect(server.requests[0]?.name).toBeUndefined();
    }).pipe(Effect.provide(server.layer));
  });

  it.effect("replace and replaceStatus name their object and subresource", () => {
    const server = echo();
    return Effect.gen(function* () {
      const api = yield* KubeApi;
      yield* api.replace(ThingResource, thingJson("a", "u1", 1));
      yield* api.replaceStatus(ThingResource, thingJson("a", "u1", 1), { dryRun: true });
      expect(server.requests.map((r) => wire(r))).toMatchObject([
        { verb: "update", name: "a", namespace: "default" },
        { verb: "update", name: "a", subresource: "status", query: { dryRun: true } },
      ]);
      expect(server.requests[0]?.subresource).toBeUndefined();
    }).pipe(Effect.provide(server.layer));
  });

  it.effect("patch is a merge patch unless told otherwise", () => {
    const server = recording({ answer: () => Effect.succeed(thingJson("a", "u1", 2)) });
    return Effect.gen(function* () {
      const api = yield* KubeApi;
      const ref = { namespace: "default", name: "a" };
      yield* api.patch(ThingResource, ref, { spec: { size: 2 } });
      yield* api.patch(
        ThingResource,
        ref,
        { spec: {} },
        {
          type: "application/apply-patch+yaml",
          fieldManager: "nodeop",
          force: true,
          subresource: "status",
        },
      );
      expect(server.requests.map((r) => wire(r))).toMatchObject([
        { verb: "patch", patchType: "application/merge-patch+json", body: { spec: { size: 2 } } },
        {
          patchType: "application/apply-patch+yaml",
          subresource: "status",
          query: { fieldManager: "nodeop", force: true },
        },
      ]);
    }).pipe(Effect.provide(server.layer));
  });

  it.effect(
    "delete says how, under which conditions, and that it is a dry run, in its body",
    () => {
      const server = echo();
      return Effect.gen(function* () {
        const api = yield* KubeApi;
        yield* api.delete(
          { resource: Jobs },
          { namespace: "default", name: "j" },
          {
            propagationPolicy: "Background",
            preconditions: { uid: "u1" },
            gracePeriodSeconds: 0,
            dryRun: true,
          },
        );
        expect(server.requests[0]?.body).toEqual({
          apiVersion: "v1",
          kind: "DeleteOptions",
          propagationPolicy: "Background",
          preconditions: { uid: "u1" },
          gracePeriodSeconds: 0,
          dryRun: ["All"],
        });
        expect(server.requests[0]?.query?.dryRun).toBe(true);
      }).pipe(Effect.provide(server.layer));
    },
  );

  it.effect("a real delete carries no dryRun and no empty options", () => {
    const server = echo();
    return Effect.gen(function* () {
      const ref = { namespace: "default", name: "j" };
      yield* (yield* KubeApi).delete({ resource: Jobs }, ref, { propagationPolicy: "Foreground" });
      expect(server.requests[0]?.body).toEqual({
        apiVersion: "v1",
        kind: "DeleteOptions",
        propagationPolicy: "Foreground",
      });
    }).pipe(Effect.provide(server.layer));
  });

  it.effect("evict posts a policy/v1 Eviction to the Pod", () => {
    const server = echo();
    return Effect.gen(function* () {
      const ref = { namespace: "shop", name: "db-0" };
      yield* (yield* KubeApi).evict(ref, { preconditions: { uid: "u1" }, gracePeriodSeconds: 5 });
      expect(wire(server.requests[0])).toEqual({
        verb: "create",
        resource: Pods,
        namespace: "shop",
        name: "db-0",
        subresource: "eviction",
        query: {},
        body: {
          apiVersion: "policy/v1",
          kind: "Eviction",
          metadata: { namespace: "shop", name: "db-0" },
          deleteOptions: { preconditions: { uid: "u1" }, gracePeriodSeconds: 5 },
        },
      });
    }).pipe(Effect.provide(server.layer));
  });

  it.effect("a request that names no object is refused before it is sent", () => {
    const server = echo();
    return Effect.gen(function* () {
      const api = yield* KubeApi;
      const noNamespace = yield* Effect.flip(api.get(ThingResource, { name: "a" }));
      expect(noNamespace.message).toBe("get Thing a: metadata.namespace is missing; set it");
      const noName = yield* Effect.flip(
        api.replace(ThingResource, { metadata: { namespace: "default" } }),
      );
      expect(noName.message).toContain("metadata.name is missing");
      expect(server.requests).toEqual([]);
    }).pipe(Effect.provide(server.layer));
  });

  it.effect("transport errors come through with their tag; nothing is retried", () => {
    const conflict = new Conflict({ request: "patch Thing default/a", detail: "changed" });
    const lost = new Unreachable({ request: "get Thing default/a", detail: "cut" });
    const server = recording({ answer: (r) => Effect.fail(r.verb === "get" ? lost : conflict) });
    return Effect.gen(function* () {
      const api = yield* KubeApi;
      const ref = { namespace: "default", name: "a" };
      expect(yield* Effect.flip(api.get(ThingResource, ref))).toBe(lost);
      expect(yield* Effect.flip(api.patch(ThingResource, ref, {}))).toBe(conflict);
      expect(server.requests.length).toBe(2);
    }).pipe(Effect.provide(server.layer));
  });

  it.effect("an answer that is not the object is Undecodable", () => {
    const server = recording({ answer: () => Effect.succeed({ kind: "Status" }) });
    return Effect.gen(function* () {
      const get = (yield* KubeApi).get(ThingResource, { namespace: "default", name: "a" });
      expect(yield* Effect.flip(get)).toBeInstanceOf(Undecodable);
    }).pipe(Effect.provide(server.layer));
  });
});
