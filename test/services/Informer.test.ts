import { describe, expect, it } from "@effect/vitest";
import { Clock, Effect, Fiber, Logger, References, Schema } from "effect";
import { TestClock } from "effect/testing";
import {
  Conflict,
  Expired,
  type KubeError,
  TooManyRequests,
  Unreachable,
} from "../../src/services/KubeError.ts";
import * as Informer from "../../src/services/Informer.ts";
import type { CacheChange } from "../../src/services/InformerCache.ts";
import { ScriptedServer } from "./support/ScriptedServer.ts";
import { keyOf, metaOf, type Thing, ThingResource } from "./support/things.ts";

const tooOld = new Expired({ request: "watch Thing", detail: "too old resource version" });
const cut = new Unreachable({ request: "watch Thing", detail: "connection reset" });

/** Fails at once when a change is told twice, out of order, or brings back what was gone. */
class Witness {
  readonly mirror = new Map<string, Thing>();
  readonly changes: Array<CacheChange<Thing>> = [];
  readonly #gone = new Set<string>();
  readonly onChange = (change: CacheChange<Thing>): void => {
    this.changes.push(change);
    const { key, before, after } = change;
    expect(before).toEqual(this.mirror.get(key));
    expect(before ?? after).toBeDefined();
    if (before !== undefined && before.metadata.uid !== after?.metadata.uid)
      this.#gone.add(before.metadata.uid);
    if (after === undefined) this.mirror.delete(key);
    else {
      expect(this.#gone).not.toContain(after.metadata.uid);
      if (before !== undefined)
        expect(Number(after.metadata.resourceVersion)).toBeGreaterThan(
          Number(before.metadata.resourceVersion),
        );
      this.mirror.set(key, after);
    }
  };
}

const started = Effect.fnUntraced(function* (
  server: ScriptedServer,
  options: { readonly onUndecodable?: (name: string) => void } = {},
) {
  const witness = new Witness();
  const informer = yield* Informer.make({
    of: ThingResource,
    meta: metaOf,
    indexes: { size: (thing: Thing) => [String(thing.spec.size)] },
    onChange: witness.onChange,
    onUndecodable: ({ ref }) => options.onUndecodable?.(ref?.name ?? "?"),
  });
  const fiber = yield* Effect.forkChild(Effect.provide(informer.run, server.layer));
  return { informer, witness, fiber };
});

const read = (json: unknown): Effect.Effect<Thing> => Effect.orDie(ThingResource.decode(json));
const sizes = (informer: { readonly all: () => ReadonlyMap<string, Thing> }) =>
  Object.fromEntries([...informer.all()].map(([, t]) => [t.metadata.name, t.spec.size]));

describe("following the server", () => {
  it.effect("lists, then follows the watch from there; synced completes with the first list", () =>
    Effect.gen(function* () {
      const server = new ScriptedServer();
      server.put("a", 1);
      server.listMillis = 100;
      const { informer, witness } = yield* started(server);
      const synced = yield* Effect.forkChild(informer.synced);
      expect(informer.phase()).toBe("Empty");
      yield* TestClock.adjust(50);
      expect(informer.phase()).toBe("Listing");
      expect(synced.pollUnsafe()).toBeUndefined();
      yield* TestClock.adjust(50);
      yield* Fiber.join(synced);
      expect(informer.phase()).toBe("Watching");
      expect(sizes(informer)).toEqual({ a: 1 });
      server.put("a", 2);
      server.put("b", 3);
      server.deliver(9);
      yield* TestClock.adjust(1);
      expect(sizes(informer)).toEqual({ a: 2, b: 3 });
      server.remove("a");
      server.deliver(9);
      yield* TestClock.adjust(1);
      expect(sizes(informer)).toEqual({ b: 3 });
      expect(witness.changes.length).toBe(4);
      expect(server).toMatchObject({ lists: 1, watches: 1 });
    }),
  );

  it.effect("the map is live, and an index finds exactly the objects of a value", () =>
    Effect.gen(function* () {
      const server = new ScriptedServer();
      const { informer } = yield* started(server);
      const all = informer.all();
      const ones = informer.by("size", "1");
      yield* TestClock.adjust(1);
      server.put("a", 1);
      server.put("b", 1);
      server.put("c", 2);
      server.deliver(9);
      yield* TestClock.adjust(1);
      expect([...all.keys()]).toEqual(["default/a", "default/b", "default/c"]);
      expect([...ones].map((t) => t.metadata.name)).toEqual(["a", "b"]);
      server.put("a", 2);
      server.remove("b");
      server.deliver(9);
      yield* TestClock.adjust(1);
      expect([...ones]).toEqual([]);
      expect([...informer.by("size", "2")].map((t) => t.metadata.name)).toEqual(["c", "a"]);
    }),
  );

  it.effect("a cut watch goes on from the last version, bookmarks included, without a list", () =>
    Effect.gen(function* () {
      const server = new ScriptedServer();
      const { informer } = yield* started(server);
      yield* TestClock.adjust(1);
      server.put("a", 1);
      server.deliver(9);
      server.elsewhere();
      server.deliver(0, { bookmark: true });
      yield* TestClock.adjust(1);
      server.disconnect(cut);
      server.put("b", 2);
      yield* TestClock.adjust("1 second");
      expect(informer.lastError()).toBe(cut);
      server.deliver(9);
      yield* TestClock.adjust(1);
      expect(informer.lastError()).toBeUndefined();
      expect(server.watchedFrom).toEqual(["10", "12"]);
      expect(server.lists).toBe(1);
      expect(sizes(informer)).toEqual({ a: 1, b: 2 });
    }),
  );

  it.effect(
    "tells since when it has followed the server: an outage of a minute starts it anew",
    () =>
      Effect.gen(function* () {
        const server = new ScriptedServer();
        server.put("a", 1);
        const { informer } = yield* started(server);
        yield* TestClock.adjust("10 seconds");
        const now = Clock.currentTimeMillis;
        const first = informer.followsSince(yield* now);
        expect(first).toBeLessThanOrEqual(10_000);
        server.onWatch = () => cut;
        server.listFaults.push(...Array.from({ length: 20 }, () => cut));
        server.disconnect(cut);
        yield* TestClock.adjust("50 seconds");
        expect(informer.followsSince(yield* now)).toBe(first);
        yield* TestClock.adjust("50 seconds");
        expect(informer.followsSince(yield* now)).toBe(yield* now);
        server.listFaults.length = 0;
        server.onWatch = () => undefined;
        yield* TestClock.adjust("5 minutes");
        const again = informer.followsSince(yield* now);
        expect(again).toBeGreaterThan(100_000);
        expect(again).toBeLessThan(yield* now);
      }),
  );

  it.effect(
    "when its version has expired it lists again and tells what was deleted meanwhile",
    () =>
      Effect.gen(function* () {
        const server = new ScriptedServer();
        server.put("a", 1);
        server.put("b", 1);
        const { informer, witness } = yield* started(server);
        yield* TestClock.adjust(1);
        witness.changes.length = 0;
        server.remove("a");
        server.put("b", 2);
        server.put("c", 3);
        server.compact();
        yield* TestClock.adjust("1 second");
        expect(sizes(informer)).toEqual({ b: 2, c: 3 });
        const told = witness.changes.map(({ key, before, after }) => [
          key,
          before?.spec.size,
          after?.spec.size,
        ]);
        expect(told).toEqual([
          ["default/b", 1, 2],
          ["default/c", undefined, 3],
          ["default/a", 1, undefined],
        ]);
      }),
  );

  it.effect("a list that changes nothing is told to nobody", () =>
    Effect.gen(function* () {
      const server = new ScriptedServer();
      server.put("a", 1);
      const { informer, witness } = yield* started(server);
      yield* TestClock.adjust(1);
      const before = informer.get("default/a");
      server.compact();
      yield* TestClock.adjust("1 second");
      expect(server.lists).toBe(2);
      expect(witness.changes.length).toBe(1);
      expect(informer.get("default/a")).toBe(before);
    }),
  );

  it.effect("the cache holds the whole list before the first change is told", () =>
    Effect.gen(function* () {
      const server = new ScriptedServer();
      server.put("a", 1);
      server.put("b", 2);
      const seen: Array<number> = [];
      const informer: Informer.Informer<Thing> = yield* Informer.make({
        of: ThingResource,
        meta: metaOf,
        onChange: () => seen.push(informer.all().size),
      });
      yield* Effect.forkChild(Effect.provide(informer.run, server.layer));
      yield* TestClock.adjust(1);
      expect(seen).toEqual([2, 2]);
    }),
  );

  it.effect("delete and make anew while nobody watches is one change with another uid", () =>
    Effect.gen(function* () {
      const server = new ScriptedServer();
      server.put("a", 1);
      const { witness } = yield* started(server);
      yield* TestClock.adjust(1);
      server.remove("a");
      server.put("a", 1);
      server.compact();
      yield* TestClock.adjust("1 second");
      const last = witness.changes.at(-1);
      expect([last?.before?.metadata.uid, last?.after?.metadata.uid]).toEqual(["u1", "u2"]);
      expect(witness.changes.length).toBe(2);
    }),
  );
});

describe("patience", () => {
  /** The times at which requests were made, in the first `minutes`. */
  const timesOf = Effect.fnUntraced(function* (
    end: () => KubeError | "end" | undefined,
    minutes: number,
  ) {
    const server = new ScriptedServer();
    const clock = yield* Clock.Clock;
    const times: Array<number> = [];
    server.onWatch = () => {
      times.push(clock.currentTimeMillisUnsafe());
      return end();
    };
    yield* started(server);
    yield* TestClock.adjust(`${minutes} minutes`);
    return { times, server };
  });

  it.effect("a watch that ends at once, again and again, is asked for ever more rarely", () =>
    Effect.gen(function* () {
      for (const end of ["end", cut] as const) {
        const { times } = yield* timesOf(() => end, 30);
        expect(times.length).toBeGreaterThan(50);
        expect(times.length).toBeLessThan(100);
        const waits = times.slice(1).map((at, i) => at - (times[i] ?? 0));
        expect(waits[0]).toBeGreaterThanOrEqual(80);
        expect(waits[0]).toBeLessThanOrEqual(120);
        for (const wait of waits.slice(10)) {
          expect(wait).toBeGreaterThanOrEqual(24_000);
          expect(wait).toBeLessThanOrEqual(36_000);
        }
      }
    }),
  );

  it.effect("an outage is told once, another one after it again", () =>
    Effect.gen(function* () {
      const server = new ScriptedServer();
      const told: Array<number> = [];
      const logger = Logger.make(({ logLevel, date }) => {
        if (logLevel === "Warn") told.push(date.getTime());
      });
      server.listFaults.push(...Array.from({ length: 20 }, () => cut));
      yield* started(server).pipe(
        Effect.provideService(References.CurrentLoggers, new Set([logger])),
      );
      yield* TestClock.adjust("30 minutes");
      expect(server.listFaults).toEqual([]);
      expect(told.length).toBe(1);
      server.listFaults.push(...Array.from({ length: 20 }, () => cut));
      server.onWatch = () => cut;
      server.disconnect(cut);
      yield* TestClock.adjust("1 minute");
      expect(server.listFaults.length).toBeLessThan(20);
      expect(told.length).toBe(2);
    }),
  );

  it.effect("also when every list works and every watch from it is expired", () =>
    Effect.gen(function* () {
      const { server } = yield* timesOf(() => tooOld, 30);
      expect(server.lists).toBeGreaterThan(50);
      expect(server.lists).toBeLessThan(100);
    }),
  );

  it.effect("the waits start over once something has arrived", () =>
    Effect.gen(function* () {
      const server = new ScriptedServer();
      let broken = true;
      server.onWatch = () => (broken ? cut : undefined);
      const { informer } = yield* started(server);
      yield* TestClock.adjust("10 minutes");
      expect(informer.lastError()).toBe(cut);
      broken = false;
      yield* TestClock.adjust("1 minute");
      server.put("a", 1);
      server.deliver(9);
      yield* TestClock.adjust(1);
      expect(informer.lastError()).toBeUndefined();
      const { watches } = server;
      server.disconnect(cut);
      yield* TestClock.adjust(79);
      expect(server.watches).toBe(watches);
      yield* TestClock.adjust(42);
      expect(server.watches).toBe(watches + 1);
    }),
  );

  it.effect("a server that asks to be left alone is left alone", () =>
    Effect.gen(function* () {
      const server = new ScriptedServer();
      const busy = new TooManyRequests({
        request: "list Thing",
        detail: "too many requests",
        retryAfterSeconds: 17,
        causes: [],
      });
      server.listFaults.push(busy);
      const { informer } = yield* started(server);
      yield* TestClock.adjust("16900 millis");
      expect(server.lists).toBe(1);
      expect(informer.lastError()).toBe(busy);
      yield* TestClock.adjust("200 millis");
      expect(server.lists).toBe(2);
      expect(informer.isSynced()).toBe(true);
    }),
  );

  it.effect("a version that the server can never serve is given up for a new list", () =>
    Effect.gen(function* () {
      const server = new ScriptedServer();
      const strange = new Conflict({ request: "watch Thing", detail: "no such version" });
      server.onWatch = () => (server.watchedFrom.at(-1) === "10" ? strange : undefined);
      const { informer } = yield* started(server);
      yield* TestClock.adjust(1);
      server.put("a", 1);
      yield* TestClock.adjust("1 minute");
      expect(sizes(informer)).toEqual({ a: 1 });
      expect(server).toMatchObject({ lists: 2, watches: 6 });
    }),
  );

  it.effect("a half-open watch is noticed within eleven minutes", () =>
    Effect.gen(function* () {
      const server = new ScriptedServer();
      const { informer } = yield* started(server);
      yield* TestClock.adjust(1);
      server.put("a", 1); // never delivered on this connection
      yield* TestClock.adjust("11 minutes");
      expect(server.openWatches).toBe(1);
      expect(server.watches).toBeGreaterThan(1);
      server.deliver(9);
      yield* TestClock.adjust(1);
      expect(sizes(informer)).toEqual({ a: 1 });
    }),
  );

  it.effect(
    "lists older than what was seen are refused, until history has plainly been rewound",
    () =>
      Effect.gen(function* () {
        const server = new ScriptedServer();
        server.put("a", 1);
        const { informer, witness } = yield* started(server);
        yield* TestClock.adjust(1);
        server.remove("a");
        server.deliver(9);
        yield* TestClock.adjust(1);
        server.listLags.push(1, 1);
        server.expire();
        yield* TestClock.adjust("5 seconds");
        // Two lists still showed `a`; neither brought it back (the witness would have failed).
        expect(server.lists).toBe(4);
        expect(sizes(informer)).toEqual({});
        expect(witness.changes.length).toBe(2);
      }),
  );
});

describe("a restored backup", () => {
  it.effect("is accepted in the end, although its versions are lower", () =>
    Effect.gen(function* () {
      const server = new ScriptedServer();
      const informer = yield* Informer.make({
        of: ThingResource,
        meta: metaOf,
        onChange: () => {},
      });
      yield* Effect.forkChild(Effect.provide(informer.run, server.layer));
      server.put("a", 1);
      server.put("b", 2);
      yield* TestClock.adjust(1);
      server.restore(5);
      server.put("c", 3);
      yield* TestClock.adjust("1 minute");
      expect(sizes(informer)).toEqual({ c: 3 });
      server.put("c", 4);
      server.deliver(9);
      yield* TestClock.adjust(1);
      expect(sizes(informer)).toEqual({ c: 4 });
    }),
  );
});

describe("objects that do not decode", () => {
  it.effect("are reported and left out; the others go on", () =>
    Effect.gen(function* () {
      const server = new ScriptedServer();
      const reported: Array<string> = [];
      server.put("bad", "poison");
      server.put("a", 1);
      const { informer } = yield* started(server, { onUndecodable: (name) => reported.push(name) });
      yield* TestClock.adjust(1);
      expect(sizes(informer)).toEqual({ a: 1 });
      server.put("worse", "poison");
      server.put("a", 2);
      server.put("bad", 3);
      server.deliver(9);
      yield* TestClock.adjust(1);
      expect(sizes(informer)).toEqual({ a: 2, bad: 3 });
      expect(reported).toEqual(["bad", "worse"]);
      expect(server.lists).toBe(1);
    }),
  );

  it.effect("one that could be read before stays as it was, until it is gone or replaced", () =>
    Effect.gen(function* () {
      const server = new ScriptedServer();
      server.put("a", 1);
      server.put("b", 1);
      server.put("c", 1);
      const { informer } = yield* started(server);
      yield* TestClock.adjust(1);
      for (const name of ["a", "b", "c"]) server.put(name, "poison");
      server.deliver(9);
      yield* TestClock.adjust(1);
      expect(sizes(informer)).toEqual({ a: 1, b: 1, c: 1 });
      server.compact();
      yield* TestClock.adjust("1 second");
      expect(sizes(informer)).toEqual({ a: 1, b: 1, c: 1 });
      server.remove("a");
      server.remove("b");
      server.put("b", "poison");
      server.deliver(9);
      yield* TestClock.adjust(1);
      expect(sizes(informer)).toEqual({ c: 1 });
      server.remove("c");
      server.put("c", "poison");
      server.compact();
      yield* TestClock.adjust("1 second");
      expect(sizes(informer)).toEqual({});
    }),
  );
});

const Name = Schema.Literals(["a", "b", "c"]);
const small = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }));
const Op = Schema.Union([
  Schema.Struct({ op: Schema.Literal("put"), name: Name, size: small }),
  Schema.Struct({ op: Schema.Literal("put"), name: Name, size: small }),
  Schema.Struct({ op: Schema.Literal("poison"), name: Name }),
  Schema.Struct({ op: Schema.Literal("remove"), name: Name }),
  Schema.Struct({ op: Schema.Literal("elsewhere") }),
  Schema.Struct({ op: Schema.Literal("deliver"), count: small, bookmark: Schema.Boolean }),
  Schema.Struct({ op: Schema.Literal("deliver"), count: small, bookmark: Schema.Boolean }),
  Schema.Struct({ op: Schema.Literal("end"), how: Schema.Literals(["clean", "cut", "expired"]) }),
  Schema.Struct({ op: Schema.Literal("compact") }),
  Schema.Struct({ op: Schema.Literal("lists"), lag: small, millis: Schema.Literals([0, 100]) }),
  Schema.Struct({ op: Schema.Literal("list fails") }),
  /** A live read or the answer to a write, put into the cache at once or some operations later. */
  Schema.Struct({ op: Schema.Literal("read"), name: Name, land: Schema.Boolean }),
  Schema.Struct({ op: Schema.Literal("land") }),
  /** A live read that finds nothing. */
  Schema.Struct({ op: Schema.Literal("confirm gone"), name: Name }),
  Schema.Struct({ op: Schema.Literal("wait"), millis: Schema.Literals([1, 60, 200, 2000]) }),
]);
type Op = typeof Op.Type;

/** Does one thing to the server or the informer. */
const perform = Effect.fnUntraced(function* (
  op: Op,
  server: ScriptedServer,
  informer: Informer.Informer<Thing, "size">,
  inFlight: Array<Thing>,
) {
  switch (op.op) {
    case "put":
      server.put(op.name, op.size);
      break;
    case "poison":
      server.put(op.name, "poison");
      break;
    case "remove":
      server.remove(op.name);
      break;
    case "elsewhere":
      server.elsewhere();
      break;
    case "deliver":
      server.deliver(op.count, { bookmark: op.bookmark });
      break;
    case "end":
      if (op.how === "expired") server.expire();
      else server.disconnect(op.how === "cut" ? cut : undefined);
      break;
    case "compact":
      server.compact();
      break;
    case "lists":
      server.listLags.push(op.lag);
      server.listMillis = op.millis;
      break;
    case "list fails":
      server.listFaults.push(cut);
      break;
    case "read": {
      const found = server.objects.get(op.name);
      if (found === undefined || found.spec.size === "poison") break;
      const thing = yield* read(found);
      if (op.land) informer.observe(thing);
      else inFlight.push(thing);
      break;
    }
    case "land": {
      const thing = inFlight.shift();
      if (thing !== undefined) informer.observe(thing);
      break;
    }
    case "confirm gone": {
      const cached = informer.get(`default/${op.name}`);
      if (cached !== undefined && !server.objects.has(op.name))
        informer.forget(keyOf(cached), cached.metadata.resourceVersion);
      break;
    }
    case "wait":
      yield* TestClock.adjust(op.millis);
  }
  yield* TestClock.adjust(1);
});

/** The cache is right about every object: it holds what is true, or for what cannot be read an older state of it. */
const expectTruth = Effect.fnUntraced(function* (
  server: ScriptedServer,
  informer: Informer.Informer<Thing, "size">,
) {
  for (const cached of informer.all().values()) {
    const found = server.objects.get(cached.metadata.name);
    expect(found).toBeDefined();
    expect(cached.metadata.uid).toBe(found?.metadata.uid);
    if (found?.spec.size !== "poison") expect(cached).toEqual(yield* read(found));
  }
  for (const [name, { spec }] of server.objects)
    if (spec.size !== "poison") expect(informer.get(`default/${name}`)).toBeDefined();
  for (const size of [0, 1, 2, 3]) {
    const indexed = [...informer.by("size", String(size))].map(keyOf).toSorted();
    const all = [...informer.all().values()].filter((thing) => thing.spec.size === size);
    expect(indexed).toEqual(all.map(keyOf).toSorted());
  }
});

describe("laws", () => {
  it.effect.prop(
    "whatever happened, once it is quiet the cache is the truth; no change is told twice, nothing comes back from the dead",
    { ops: Schema.Array(Op).check(Schema.isMaxLength(40)) },
    ({ ops }) =>
      Effect.gen(function* () {
        const server = new ScriptedServer();
        const { informer, witness, fiber } = yield* started(server);
        const inFlight: Array<Thing> = [];
        for (const op of ops) yield* perform(op, server, informer, inFlight);
        server.listLags.length = 0;
        server.listFaults.length = 0;
        yield* TestClock.adjust("2 minutes");
        server.deliver(Infinity);
        yield* TestClock.adjust(1);
        for (const thing of inFlight) informer.observe(thing);
        expect(fiber.pollUnsafe()).toBeUndefined();
        yield* expectTruth(server, informer);
        expect(witness.mirror).toEqual(new Map(informer.all()));
        const told = witness.changes.length;
        yield* TestClock.adjust("1 hour");
        expect(witness.changes.length).toBe(told);
      }),
    { arbitrary: { runs: 300, size: 40, seed: "nodeop" }, timeout: 60_000 },
  );
});
