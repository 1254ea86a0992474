import { describe, expect, it } from "@effect/vitest";
import { Schema } from "effect";
import type { CacheChange } from "../../src/services/InformerCache.ts";
import { InformerCache } from "../../src/services/InformerCache.ts";
import type { ObjectList } from "../../src/services/KubeApi.ts";
import { Undecodable } from "../../src/services/KubeError.ts";
import { metaOf, type Thing, thing } from "./support/things.ts";

const made = () => {
  const changes: Array<CacheChange<Thing>> = [];
  const cache = new InformerCache<Thing, "size">({
    meta: metaOf,
    indexes: { size: (one) => [String(one.spec.size)] },
    onChange: (change) => changes.push(change),
  });
  return { cache, changes };
};
const list = (
  resourceVersion: number | string,
  ...items: ReadonlyArray<Thing>
): ObjectList<Thing> => ({
  items,
  resourceVersion: String(resourceVersion),
  undecodable: [],
});
const versions = (cache: InformerCache<Thing, "size">) =>
  Object.fromEntries(
    [...cache.all().values()].map(({ metadata }) => [metadata.name, metadata.resourceVersion]),
  );
const error = new Undecodable({ request: "decode Thing", detail: "poison" });

describe("observe", () => {
  it("is ahead of the stream, and the stream's echo is told to nobody", () => {
    const { cache, changes } = made();
    cache.listed(list(10, thing("a", "u1", 5)));
    cache.observe(thing("a", "u1", 12));
    cache.applied(thing("a", "u1", 11));
    cache.applied(thing("a", "u1", 12));
    expect(versions(cache)).toEqual({ a: "12" });
    expect(changes.length).toBe(2);
  });

  it("is ignored at or below what the stream has told: the object may be gone since", () => {
    const { cache } = made();
    cache.listed(list(10, thing("a", "u1", 5)));
    cache.deleted(thing("a", "u1", 13));
    cache.observe(thing("a", "u1", 12));
    cache.observe(thing("a", "u1", 13));
    expect(versions(cache)).toEqual({});
    cache.bookmark("20");
    cache.observe(thing("b", "u2", 20));
    expect(versions(cache)).toEqual({});
  });

  it("never replaces a newer state", () => {
    const { cache } = made();
    cache.listed(list(10));
    cache.observe(thing("a", "u1", 14));
    cache.observe(thing("a", "u1", 12));
    expect(versions(cache)).toEqual({ a: "14" });
  });

  it("what it brought is removed by the deletion that the stream tells later", () => {
    const { cache } = made();
    cache.listed(list(10));
    cache.observe(thing("a", "u1", 12));
    cache.deleted(thing("a", "u1", 15));
    expect(versions(cache)).toEqual({});
  });

  it("what it brought survives a list that was taken before it, not one that was taken after", () => {
    const { cache } = made();
    cache.listed(list(10));
    cache.observe(thing("a", "u1", 12));
    cache.listed(list(11));
    expect(versions(cache)).toEqual({ a: "12" });
    cache.listed(list(12));
    expect(versions(cache)).toEqual({});
  });

  it("what it brought is not replaced by the older state of such a list", () => {
    const { cache, changes } = made();
    cache.listed(list(10, thing("a", "u1", 5)));
    cache.observe(thing("a", "u1", 12));
    cache.listed(list(11, thing("a", "u1", 5)));
    expect(versions(cache)).toEqual({ a: "12" });
    expect(changes.length).toBe(2);
  });

  it("an object that leaves the selection in the very write that was observed is removed", () => {
    const { cache } = made();
    cache.listed(list(10, thing("a", "u1", 5)));
    cache.observe(thing("a", "u1", 12));
    cache.deleted(thing("a", "u1", 12));
    expect(versions(cache)).toEqual({});
  });

  it("another uid is a replacement: one change with both", () => {
    const { cache, changes } = made();
    cache.listed(list(10, thing("a", "u1", 5)));
    cache.observe(thing("a", "u2", 13));
    cache.deleted(thing("a", "u1", 12));
    cache.applied(thing("a", "u2", 13));
    expect(changes.slice(1)).toEqual([
      { key: "default/a", before: thing("a", "u1", 5), after: thing("a", "u2", 13) },
    ]);
  });
});

describe("the stream", () => {
  it("a part of it that is told again changes nothing and brings nothing back", () => {
    const { cache, changes } = made();
    cache.listed(list(10));
    for (let times = 0; times < 2; times++) {
      cache.applied(thing("a", "u1", 11));
      cache.applied(thing("b", "u2", 12));
      cache.deleted(thing("a", "u1", 13));
      cache.bookmark("11");
    }
    expect(versions(cache)).toEqual({ b: "12" });
    expect(changes.length).toBe(3);
    expect(cache.processed).toBe("13");
  });
});

describe("forget", () => {
  it("takes the object out, whatever the stream still tells of its life", () => {
    const { cache, changes } = made();
    cache.listed(list(10, thing("a", "u1", 5)));
    cache.forget("default/a", "5");
    cache.applied(thing("a", "u1", 11));
    cache.observe(thing("a", "u1", 12));
    cache.listed(list(12, thing("a", "u1", 12)));
    cache.deleted(thing("a", "u1", 13));
    expect(versions(cache)).toEqual({});
    expect(changes.length).toBe(2);
  });

  it("leaves a newer state alone", () => {
    const { cache } = made();
    cache.listed(list(10, thing("a", "u1", 5)));
    cache.observe(thing("a", "u2", 12));
    cache.forget("default/a", "5");
    expect(versions(cache)).toEqual({ a: "12" });
  });

  it("the next object of that name is another one", () => {
    const { cache } = made();
    cache.listed(list(10, thing("a", "u1", 5)));
    cache.forget("default/a", "5");
    cache.applied(thing("a", "u2", 14));
    expect(versions(cache)).toEqual({ a: "14" });
  });

  it("covers the objects that had the name before: a lagging stream does not bring them back", () => {
    const { cache, changes } = made();
    cache.listed(list(10));
    cache.observe(thing("a", "u2", 15));
    cache.forget("default/a", "15");
    cache.applied(thing("a", "u1", 12));
    cache.listed(list(13, thing("a", "u1", 12)));
    expect(versions(cache)).toEqual({});
    expect(changes.length).toBe(2);
  });

  it("an object that left the selection before it was gone does not come back in between", () => {
    const { cache } = made();
    cache.listed(list(10));
    cache.observe(thing("a", "u1", 14));
    cache.forget("default/a", "14");
    cache.deleted(thing("a", "u1", 11));
    cache.applied(thing("a", "u1", 13));
    expect(versions(cache)).toEqual({});
  });

  it("ends with a list that the object is not in, if it lived before that list", () => {
    const { cache } = made();
    cache.listed(list(10, thing("a", "u1", 5), thing("b", "u2", 6)));
    cache.observe(thing("b", "u2", 14));
    cache.forget("default/a", "5");
    cache.forget("default/b", "14");
    expect(cache.tombstones).toBe(2);
    // `a` cannot have any more events; `b` may: the list is older than what we know of it.
    cache.listed(list(12));
    expect(cache.tombstones).toBe(1);
    cache.deleted(thing("b", "u2", 16));
    expect(cache.tombstones).toBe(0);
  });
});

/** A state that does not decode, as lists and watches report it. */
const unreadable = (name: string, uid: string, version: number) => ({
  ref: { namespace: "default", name },
  uid,
  resourceVersion: String(version),
  error,
});

describe("undecodable", () => {
  it("leaves the last readable state, advances the stream, and is news once", () => {
    const { cache } = made();
    cache.listed(list(10, thing("a", "u1", 5)));
    expect(cache.undecodable(unreadable("a", "u1", 12), { deleted: false })).toBe(true);
    expect(cache.undecodable(unreadable("a", "u1", 12), { deleted: false })).toBe(false);
    expect(cache.processed).toBe("12");
    expect(versions(cache)).toEqual({ a: "5" });
  });

  it("another uid removes what was there; a deletion removes it, too", () => {
    const { cache } = made();
    cache.listed(list(10, thing("a", "u1", 5), thing("b", "u2", 6)));
    cache.undecodable(unreadable("a", "u3", 12), { deleted: false });
    cache.undecodable(unreadable("b", "u2", 13), { deleted: true });
    expect(versions(cache)).toEqual({});
  });

  it("in a list it is not absence, unless it is another object", () => {
    const { cache } = made();
    cache.listed(list(10, thing("a", "u1", 5), thing("b", "u2", 6)));
    cache.listed({
      ...list(20),
      undecodable: [unreadable("a", "u1", 12), unreadable("b", "u9", 13)],
    });
    expect(versions(cache)).toEqual({ a: "5" });
  });

  it("without a name it can only be reported", () => {
    const { cache } = made();
    cache.listed(list(10, thing("a", "u1", 5)));
    const nameless = { ref: undefined, uid: undefined, resourceVersion: undefined, error };
    expect(cache.undecodable(nameless, { deleted: true })).toBe(true);
    expect(versions(cache)).toEqual({ a: "5" });
  });
});

describe("versions without an order", () => {
  it("the stream is believed in its order, and observe is ignored", () => {
    const { cache, changes } = made();
    cache.listed(list("x1", thing("a", "u1", "p")));
    cache.observe(thing("a", "u1", "q"));
    expect(versions(cache)).toEqual({ a: "p" });
    cache.applied(thing("a", "u1", "b"));
    cache.applied(thing("a", "u1", "b"));
    expect(versions(cache)).toEqual({ a: "b" });
    cache.deleted(thing("a", "u1", "c"));
    expect(versions(cache)).toEqual({});
    expect(changes.length).toBe(3);
    expect(cache.processed).toBe("c");
  });

  it("forget needs the very version that is cached", () => {
    const { cache } = made();
    cache.listed(list("x1", thing("a", "u1", "p")));
    cache.forget("default/a", "q");
    expect(versions(cache)).toEqual({ a: "p" });
    cache.forget("default/a", "p");
    expect(versions(cache)).toEqual({});
  });
});

describe("a rewound history", () => {
  it("replaces everything, tombstones included", () => {
    const { cache } = made();
    cache.listed(list(10, thing("a", "u1", 5), thing("b", "u2", 6)));
    cache.observe(thing("a", "u1", 12));
    cache.forget("default/b", "6");
    const restored = list(4, thing("a", "u1", 3), thing("b", "u2", 2));
    expect(cache.isStale(restored)).toBe(true);
    cache.listed(restored, { rewound: true });
    expect(versions(cache)).toEqual({ a: "3", b: "2" });
    cache.applied(thing("a", "u1", 5));
    expect(versions(cache)).toEqual({ a: "5", b: "2" });
  });
});

describe("indexes", () => {
  it("an object that changes within a bucket stays in it", () => {
    const { cache } = made();
    cache.listed(list(10, thing("a", "u1", 5, 1), thing("b", "u2", 6, 1)));
    const ones = cache.by("size", "1");
    cache.applied(thing("a", "u1", 11, 1));
    expect([...ones].map(({ metadata }) => metadata.resourceVersion)).toEqual(["11", "6"]);
    cache.applied(thing("a", "u1", 12, 2));
    cache.deleted(thing("b", "u2", 13, 1));
    expect([...ones]).toEqual([]);
    cache.applied(thing("c", "u3", 14, 1));
    expect([...ones].length).toBe(1);
  });
});

/** One object name in a total order of commits, told by a stream, by lists, and by reads that land late. */
const Step = Schema.Struct({
  do: Schema.Literals([
    "put",
    "put",
    "remove",
    "stream",
    "stream",
    "stream",
    "list",
    "read",
    "read",
    "land",
    "gone",
  ]),
  name: Schema.Literals(["a", "b"]),
  /** How late: a list shows the state so many commits ago; a read lands so many reads later. */
  late: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 6 })),
});

class History {
  readonly commits: Array<{
    readonly version: number;
    readonly deleted: boolean;
    readonly object: Thing;
  }> = [];
  version = 10;
  #uids = 0;

  stateAt(version: number): Map<string, Thing> {
    const state = new Map<string, Thing>();
    for (const commit of this.commits) {
      if (commit.version > version) break;
      const { name } = commit.object.metadata;
      if (commit.deleted) state.delete(name);
      else state.set(name, commit.object);
    }
    return state;
  }

  commit(name: string, deleted: boolean): void {
    const known = this.stateAt(this.version).get(name);
    if (deleted && known === undefined) return;
    const uid = known?.metadata.uid ?? `u${++this.#uids}`;
    const object = thing(name, uid, ++this.version, this.version % 3);
    this.commits.push({ version: this.version, deleted, object });
  }
}

describe("laws", () => {
  it.prop(
    "whatever is told in whatever order, nothing comes back, no version goes back, and in the end the cache is the truth",
    { steps: Schema.Array(Step).check(Schema.isMaxLength(60)) },
    ({ steps }) => {
      const { cache, changes } = made();
      const history = new History();
      const reads: Array<Thing> = [];
      cache.listed(list(10));
      let told = 10;
      for (const step of steps) {
        const { do: action, name, late } = step;
        if (action === "put" || action === "remove") history.commit(name, action === "remove");
        if (action === "stream") {
          const next = history.commits.find(({ version }) => version > told);
          if (next === undefined) continue;
          told = next.version;
          if (next.deleted) cache.deleted(next.object);
          else cache.applied(next.object);
        }
        if (action === "list") {
          // Never older than what was told: the informer refuses such lists.
          const version = Math.max(told, history.version - late);
          told = version;
          cache.listed(list(version, ...history.stateAt(version).values()));
        }
        const truth = history.stateAt(history.version).get(name);
        if (action === "read" && truth !== undefined) {
          if (late < 3) cache.observe(truth);
          else reads.push(truth);
        }
        if (action === "land") {
          const [read] = reads.splice(Math.min(late, reads.length - 1), 1);
          if (read !== undefined) cache.observe(read);
        }
        if (action === "gone" && truth === undefined) {
          const cached = cache.get(`default/${name}`);
          if (cached !== undefined)
            cache.forget(`default/${name}`, cached.metadata.resourceVersion);
        }
      }
      for (const { version, deleted, object } of history.commits) {
        if (version <= told) continue;
        if (deleted) cache.deleted(object);
        else cache.applied(object);
      }
      for (const read of reads) cache.observe(read);
      const truth = history.stateAt(history.version);
      expect(new Map([...cache.all().values()].map((one) => [one.metadata.name, one]))).toEqual(
        truth,
      );
      expect(cache.tombstones).toBe(0);
      checkChanges(changes);
    },
    { arbitrary: { runs: 1000, size: 60, seed: "nodeop" }, timeout: 60_000 },
  );
});

/** No change is told twice, versions of a key only grow, and a uid that has left never returns. */
const checkChanges = (changes: ReadonlyArray<CacheChange<Thing>>): void => {
  const known = new Map<string, Thing>();
  const left = new Set<string>();
  const newest = new Map<string, number>();
  for (const { key, before, after } of changes) {
    expect(before).toBe(known.get(key));
    if (before !== undefined && before.metadata.uid !== after?.metadata.uid)
      left.add(before.metadata.uid);
    if (after === undefined) {
      expect(before).toBeDefined();
      known.delete(key);
      continue;
    }
    expect(left.has(after.metadata.uid)).toBe(false);
    const version = Number(after.metadata.resourceVersion);
    expect(version).toBeGreaterThan(newest.get(key) ?? 0);
    newest.set(key, version);
    known.set(key, after);
  }
};
