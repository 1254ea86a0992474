/** Laws that hold for every sequence of requests. */
import { describe, expect, it } from "@effect/vitest";
import { Schema } from "effect";
import type { Commit } from "../../../src/domain/history.ts";
import type { KubeObject } from "../../../src/domain/kube/object.ts";
import type { WatchFrame } from "../../../src/services/KubeTransport.ts";
import { adopt, reuse, sameJson, textOf } from "../../../src/services/fake/json.ts";
import { mergePatch } from "../../../src/services/fake/patch/mergePatch.ts";
import { at, type Body, foo, Foos, TestCluster } from "./support.ts";

const Name = Schema.Literals(["a", "b", "c"]);
const Request = Schema.Struct({
  verb: Schema.Literals(["create", "spec", "status", "label", "finalize", "unfinalize", "delete"]),
  name: Name,
  value: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 })),
});
type Request = Schema.Schema.Type<typeof Request>;
const Requests = Schema.Array(Request).check(Schema.isMaxLength(30));

const patchOf = ({ verb, value }: Request): Body => {
  switch (verb) {
    case "spec":
      return { spec: { concurrency: value } };
    case "status":
      return { status: { observed: value } };
    case "label":
      return { metadata: { labels: value === 0 ? null : { z: String(value % 2) } } };
    case "finalize":
      return { metadata: { finalizers: ["a.b/c"] } };
    default:
      return { metadata: { finalizers: null } };
  }
};

/** Carries the request out; what the server refuses is refused. */
const send = (t: TestCluster, request: Request): void => {
  const place = { resource: Foos, namespace: "default" };
  const { verb, name } = request;
  if (verb === "create") {
    t.cluster.handle("user", { verb, ...place, body: foo(name) });
  } else if (verb === "delete") {
    t.cluster.handle("user", { verb, ...place, name });
  } else {
    const subresource = verb === "status" ? { subresource: verb } : {};
    t.cluster.handle("user", {
      verb: "patch",
      ...place,
      name,
      ...subresource,
      body: patchOf(request),
    });
  }
};

const recorded = (requests: ReadonlyArray<Request>) => {
  const t = new TestCluster();
  const commits: Array<Commit> = [];
  t.cluster.onCommit((commit) => commits.push(commit));
  for (const request of requests) {
    t.now += 700;
    send(t, request);
  }
  return { t, commits };
};

/** What a client holds that applies frames to what it listed. */
const applied = (start: Iterable<KubeObject>, frames: ReadonlyArray<WatchFrame>) => {
  const held = new Map<string, unknown>([...start].map((one) => [one.metadata.name, one]));
  for (const { type, object } of frames) {
    const name = textOf(at(object, "metadata", "name"));
    if (type === "DELETED") held.delete(name);
    else held.set(name, object);
  }
  return held;
};

describe("for every sequence of requests", () => {
  it.prop(
    "versions grow by one, and each commit starts from the one before",
    [Requests],
    ([requests]) => {
      const { commits } = recorded(requests);
      const last = new Map<string, KubeObject | undefined>();
      for (const [index, commit] of commits.entries()) {
        expect(commit.rv).toBe(index + 1);
        expect(commit.before).toBe(last.get(commit.name));
        expect(commit.after?.metadata.resourceVersion ?? String(commit.rv)).toBe(String(commit.rv));
        expect(sameJson(commit.before, commit.after)).toBe(false);
        last.set(commit.name, commit.after);
      }
    },
  );

  it.prop(
    "a watch from any version leads to the present",
    [Requests, Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30 }))],
    ([requests, cut]) => {
      const t = new TestCluster();
      for (const request of requests.slice(0, cut)) send(t, request);
      const listed = [...t.cluster.objects(Foos)];
      const resourceVersion = String(t.cluster.resourceVersion);
      const live = resourceVersion === "0" ? undefined : t.watch(Foos, { resourceVersion });
      for (const request of requests.slice(cut)) send(t, request);
      const now = applied(t.cluster.objects(Foos), []);
      if (live === undefined) return;
      const replayed = t.watch(Foos, { resourceVersion });
      expect(applied(listed, live.frames)).toEqual(now);
      expect(replayed.frames).toEqual(live.frames);
    },
  );

  it.prop("a watch with a selector holds exactly what it selects", [Requests], ([requests]) => {
    const t = new TestCluster();
    const watch = t.watch(Foos, { labelSelector: "z=1" });
    for (const request of requests) {
      send(t, request);
      const held = [...applied([], watch.frames).keys()].toSorted();
      expect(held).toEqual(t.names(Foos, { labelSelector: "z=1" }));
    }
  });

  it.prop(
    "pages of a list show one moment, whatever happens between them",
    [Requests, Requests],
    ([before, between]) => {
      const { t } = recorded(before);
      const snapshot = t.ask("list", Foos)["items"];
      const shown: Array<unknown> = [];
      let page = t.ask("list", Foos, { query: { limit: 1 } });
      for (const request of [...between, undefined, undefined, undefined]) {
        if (Array.isArray(page["items"])) shown.push(...page["items"]);
        const token = at(page, "metadata", "continue");
        if (typeof token !== "string") break;
        if (request !== undefined) send(t, request);
        page = t.ask("list", Foos, { query: { limit: 1, continue: token } });
      }
      expect(shown).toEqual(snapshot);
    },
  );

  it.prop("the same requests make the same history", [Requests], ([requests]) => {
    expect(recorded(requests).commits).toEqual(recorded(requests).commits);
  });
});

const isRecord = (value: unknown): value is Body =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** RFC 7386, section 2, as it stands there. */
const reference = (target: unknown, patch: unknown): unknown => {
  if (!isRecord(patch)) return patch;
  const result = new Map(Object.entries(isRecord(target) ? target : {}));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) result.delete(name);
    else result.set(name, reference(result.get(name), value));
  }
  return Object.fromEntries(result);
};

describe("for every JSON", () => {
  const Json = Schema.Record(
    Schema.Literals(["a", "b", "c"]),
    Schema.Union([
      Schema.Int,
      Schema.Null,
      Schema.Array(Schema.Int),
      Schema.Record(Schema.Literals(["x", "y"]), Schema.Union([Schema.Int, Schema.Null])),
    ]),
  );

  it.prop("a merge patch does what RFC 7386 says", [Json, Json], ([target, patch]) => {
    expect(mergePatch(adopt(target), adopt(patch))).toEqual(reference(adopt(target), adopt(patch)));
  });

  it.prop(
    "a merge patch gives back the target itself exactly when it changes nothing",
    [Json, Json],
    ([target, patch]) => {
      const before = adopt(target);
      const after = mergePatch(before, adopt(patch));
      expect(after === before).toBe(sameJson(structuredClone(before), structuredClone(after)));
    },
  );

  it.prop("reuse keeps the value and shares what is equal", [Json, Json], ([base, next]) => {
    const kept = adopt(base);
    const reused = reuse(kept, adopt(next));
    expect(reused).toEqual(adopt(next));
    for (const [name, value] of Object.entries(next)) {
      if (sameJson(value, at(base, name))) expect(at(reused, name)).toBe(at(kept, name));
    }
  });
});
