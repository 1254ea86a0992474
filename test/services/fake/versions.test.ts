/** Versions, conflicts, identity, generation, time: semantics 1, 3, 5, 15, 16, 24 of reliability.md (c). */
import { describe, expect, it } from "@effect/vitest";
import { Jobs, Nodes } from "../../../src/domain/kube/resource.ts";
import type { Commit } from "../../../src/domain/history.ts";
import { ConfigMaps, configMap, foo, Foos, job, TestCluster } from "./support.ts";

const ofVersion = (resourceVersion: string) => ({
  metadata: { resourceVersion },
  spec: { concurrency: 2 },
});

describe("resourceVersion", () => {
  it("(c)3 counts commits of all resources, from 1", () => {
    const t = new TestCluster();
    expect(t.cluster.resourceVersion).toBe(0);
    expect(t.create(ConfigMaps, configMap("a")).metadata.resourceVersion).toBe("1");
    expect(t.create(Foos, foo("a")).metadata.resourceVersion).toBe("2");
    t.delete(ConfigMaps, "a");
    expect(t.cluster.resourceVersion).toBe(3);
  });

  it("(c)3 a stale PUT conflicts, and changes nothing", () => {
    const t = new TestCluster();
    const read = t.create(ConfigMaps, configMap("a"));
    t.patch(ConfigMaps, "a", { data: { k: "other" } });
    const body = { ...read, data: { k: "mine" } };
    expect(t.refusal("update", ConfigMaps, { name: "a", body })).toEqual({
      kind: "Status",
      apiVersion: "v1",
      status: "Failure",
      reason: "Conflict",
      code: 409,
      message:
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
      details: { name: "a", kind: "configmaps" },
    });
    expect(t.get(ConfigMaps, "a")["data"]).toEqual({ k: "other" });
  });

  it("(c)3 an update without a version overwrites built-ins and is invalid for custom resources", () => {
    const t = new TestCluster();
    t.create(ConfigMaps, configMap("a"));
    t.create(Foos, foo("a"));
    const body = configMap("a", { data: { k: "blind" } });
    expect(t.ask("update", ConfigMaps, { name: "a", body })["data"]).toEqual({ k: "blind" });
    const refused = t.refusal("update", Foos, { name: "a", body: foo("a") });
    expect([refused.code, refused.message]).toEqual([
      422,
      'foos.example.com "a" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    ]);
  });

  it("(c)18 a version in a patch is a precondition", () => {
    const t = new TestCluster();
    const { metadata } = t.create(Foos, foo("a"));
    t.patch(Foos, "a", { spec: { concurrency: 3 } });
    const stale = { name: "a", body: ofVersion(metadata.resourceVersion) };
    expect(t.refusal("patch", Foos, stale).reason).toBe("Conflict");
    const current = t.get(Foos, "a").metadata.resourceVersion;
    expect(t.patch(Foos, "a", ofVersion(current))["spec"]).toMatchObject({ concurrency: 2 });
  });

  it("(c)3 a version on create is an error of the server, as in the original", () => {
    const t = new TestCluster();
    const body = configMap("a", { metadata: { name: "a", resourceVersion: "1" } });
    const refused = t.refusal("create", ConfigMaps, { body });
    expect([refused.code, refused.reason, refused.message]).toEqual([
      500,
      "",
      "resourceVersion should not be set on objects to be created",
    ]);
  });

  it("(c)15 an update that changes nothing keeps the version and tells nobody", () => {
    const t = new TestCluster();
    const created = t.create(Foos, foo("a"));
    const commits: Array<Commit> = [];
    t.cluster.onCommit((commit) => commits.push(commit));
    const watch = t.watch(Foos, { resourceVersion: created.metadata.resourceVersion });
    expect(t.put(Foos, structuredClone(created))).toBe(created);
    expect(t.patch(Foos, "a", { spec: { image: "abc", unknown: 1 } })).toBe(created);
    expect(t.patch(Foos, "a", { status: { phase: "ignored here" } })).toBe(created);
    expect([commits, watch.frames]).toEqual([[], []]);
  });

  it("(c)15 uncordoning a node that is not cordoned changes nothing", () => {
    const t = new TestCluster();
    const node = t.create(Nodes, { metadata: { name: "n" } });
    expect(t.patch(Nodes, "n", { spec: { unschedulable: false } })).toBe(node);
    expect(t.patch(Nodes, "n", { spec: { unschedulable: null } })).toBe(node);
    expect(t.patch(Nodes, "n", { spec: { unschedulable: true } })["spec"]).toEqual({
      unschedulable: true,
    });
    expect(t.patch(Nodes, "n", { spec: { unschedulable: false } })["spec"]).toEqual({});
  });
});

describe("late and repeated requests", () => {
  it("(c)1 the history tells when a write was sent and when it was applied", () => {
    const t = new TestCluster();
    const commits: Array<Commit> = [];
    t.cluster.onCommit((commit) => commits.push(commit));
    const sentAt = t.now;
    t.now += 90_000;
    const request = {
      verb: "create",
      resource: ConfigMaps,
      namespace: "default",
      body: configMap("a"),
    } as const;
    t.cluster.handle("operator", request, sentAt);
    expect(commits).toMatchObject([
      {
        rv: 1,
        at: t.now,
        sentAt,
        actor: "operator",
        verb: "create",
        name: "a",
        namespace: "default",
      },
    ]);
    expect(commits[0]?.before).toBeUndefined();
    expect(commits[0]?.after?.metadata.resourceVersion).toBe("1");
  });

  it("(c)1 a create that was applied though its answer was lost answers AlreadyExists the second time", () => {
    const t = new TestCluster();
    const first = t.create(ConfigMaps, configMap("a"));
    expect(t.refusal("create", ConfigMaps, { body: configMap("a") }).reason).toBe("AlreadyExists");
    expect(t.get(ConfigMaps, "a")).toBe(first);
  });
});

const run = (seed: number) => {
  const t = new TestCluster({ seed });
  return t.create(ConfigMaps, { metadata: { generateName: "a-" } });
};

describe("names and uids", () => {
  it("(c)5 an object made again under its name has another uid", () => {
    const t = new TestCluster();
    const first = t.create(ConfigMaps, configMap("a"));
    t.delete(ConfigMaps, "a");
    const second = t.create(ConfigMaps, configMap("a"));
    expect(first.metadata.uid).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u,
    );
    expect(second.metadata.uid).not.toBe(first.metadata.uid);
  });

  it("(c)5 a PUT with another uid conflicts; a patch of the uid is invalid", () => {
    const t = new TestCluster();
    const created = t.create(ConfigMaps, configMap("a"));
    const uid = "11111111-1111-4111-8111-111111111111";
    const body = { ...created, metadata: { ...created.metadata, uid } };
    expect(t.refusal("update", ConfigMaps, { name: "a", body })).toMatchObject({
      reason: "Conflict",
      message: expect.stringContaining(
        `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${created.metadata.uid}`,
      ),
    });
    const patch = { name: "a", body: { metadata: { uid } } };
    expect(t.refusal("patch", ConfigMaps, patch).message).toBe(
      `ConfigMap "a" is invalid: metadata.uid: Invalid value: "${uid}": field is immutable`,
    );
  });

  it("(c)5 generateName is cut to 58 characters and gets five; a taken name is drawn again", () => {
    const draws: Array<number> = [];
    const t = new TestCluster({ chance: () => draws.shift() ?? 0 });
    const metadata = { generateName: "x".repeat(70) };
    const first = t.create(ConfigMaps, { metadata });
    expect(first.metadata.name).toBe(`${"x".repeat(58)}bbbbb`);
    draws.push(0, 0, 0, 0, 0, 0.5, 0.5, 0.5, 0.5, 0.5);
    expect(t.create(ConfigMaps, { metadata }).metadata.name).toBe(`${"x".repeat(58)}rrrrr`);
  });

  it("(c)5 after eight taken names the server gives up with AlreadyExists", () => {
    const t = new TestCluster({ chance: () => 0 });
    t.create(ConfigMaps, { metadata: { generateName: "a-" } });
    const body = { metadata: { generateName: "a-" } };
    expect(t.refusal("create", ConfigMaps, { body }).message).toBe(
      'configmaps "a-bbbbb" already exists',
    );
  });

  it("(c)5 the same seed gives the same uids and names", () => {
    expect(run(1)).toEqual(run(1));
    expect(run(1)).not.toEqual(run(2));
  });
});

describe("generation", () => {
  it("(c)16 of a custom resource counts changes outside metadata and status", () => {
    const t = new TestCluster();
    const generation = () => t.get(Foos, "a").metadata.generation;
    t.create(Foos, foo("a"));
    expect(generation()).toBe(1);
    t.patch(Foos, "a", { metadata: { labels: { a: "b" } } });
    t.patch(Foos, "a", { status: { phase: "x" } }, { subresource: "status" });
    expect(generation()).toBe(1);
    t.patch(Foos, "a", { spec: { concurrency: 2 } });
    expect(generation()).toBe(2);
    const forged = { metadata: { generation: 9 }, spec: { concurrency: 3 } };
    expect(t.patch(Foos, "a", forged).metadata.generation).toBe(3);
  });

  it("(c)16 of a Job counts changes of its spec", () => {
    const t = new TestCluster();
    expect(t.create(Jobs, job("j")).metadata.generation).toBe(1);
    expect(t.patch(Jobs, "j", { metadata: { labels: { z: "1" } } }).metadata.generation).toBe(1);
    expect(t.patch(Jobs, "j", { spec: { suspend: true } }).metadata.generation).toBe(2);
  });

  it("(c)16 Nodes and ConfigMaps have none", () => {
    const t = new TestCluster();
    expect(t.create(Nodes, { metadata: { name: "n" } }).metadata.generation).toBeUndefined();
    expect(t.create(ConfigMaps, configMap("a")).metadata.generation).toBeUndefined();
  });
});

describe("time", () => {
  it("(c)24 timestamps of the server have whole seconds", () => {
    const t = new TestCluster();
    t.now += 1999;
    const created = t.create(ConfigMaps, configMap("a"));
    expect(created.metadata.creationTimestamp).toBe("2026-01-01T00:00:01Z");
  });

  it("(c)24 what the client says about creation is ignored", () => {
    const t = new TestCluster();
    const metadata = {
      name: "a",
      uid: "mine",
      creationTimestamp: "2020-01-01T00:00:00Z",
      deletionTimestamp: "2020-01-01T00:00:00Z",
      generation: 7,
    };
    const created = t.create(Foos, foo("a", { image: "abc" }, { metadata }));
    expect(created.metadata).toEqual({
      name: "a",
      namespace: "default",
      uid: expect.not.stringMatching("mine"),
      resourceVersion: "1",
      generation: 1,
      creationTimestamp: "2026-01-01T00:00:00Z",
    });
  });
});

describe("sharing", () => {
  it("what the server hands out is frozen all the way down and keeps what did not change", () => {
    const t = new TestCluster();
    const body = { metadata: { name: "a" }, data: { k: "v" } };
    const created = t.create(ConfigMaps, body);
    expect(Object.isFrozen(created["data"])).toBe(true);
    expect(Object.isFrozen(created.metadata)).toBe(true);
    const changed = t.patch(ConfigMaps, "a", { metadata: { labels: { a: "b" } } });
    expect(changed["data"]).toBe(created["data"]);
    expect(t.get(ConfigMaps, "a")).toBe(changed);
  });

  it("later changes of what the client sent are not seen", () => {
    const t = new TestCluster();
    const data = { k: "v" };
    t.create(ConfigMaps, { metadata: { name: "a" }, data });
    data.k = "changed";
    expect(t.get(ConfigMaps, "a")["data"]).toEqual({ k: "v" });
  });
});
