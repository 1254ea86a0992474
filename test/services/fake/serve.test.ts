/** Evictions, dry runs, admission and the record of requests: semantics 19 and 25 of reliability.md (c). */
import { describe, expect, it } from "@effect/vitest";
import type { Commit } from "../../../src/domain/history.ts";
import { Pods } from "../../../src/domain/kube/resource.ts";
import type { Admission, Served } from "../../../src/services/fake/FakeCluster.ts";
import { forbidden } from "../../../src/services/fake/status.ts";
import { at, type Body, ConfigMaps, configMap, foo, Foos, pod, TestCluster } from "./support.ts";

const eviction = (name: string, deleteOptions: Body = {}) => ({
  name,
  subresource: "eviction" as const,
  body: { apiVersion: "policy/v1", kind: "Eviction", metadata: { name }, deleteOptions },
});

describe("eviction", () => {
  it("(c)19 deletes the Pod gracefully and answers 201", () => {
    const t = new TestCluster();
    t.create(Pods, pod("p", { nodeName: "n1" }));
    const commits: Array<Commit> = [];
    t.cluster.onCommit((commit) => commits.push(commit));
    const answer = t.cluster.handle("operator", {
      verb: "create",
      resource: Pods,
      namespace: "default",
      ...eviction("p", { gracePeriodSeconds: 5 }),
    });
    expect(answer).toMatchObject({ ok: true, object: { status: "Success", code: 201 } });
    expect(t.get(Pods, "p").metadata.deletionGracePeriodSeconds).toBe(5);
    expect(commits.map(({ verb, subresource, actor }) => [verb, subresource, actor])).toEqual([
      // The condition DisruptionTarget, then the mark.
      ["evict", "eviction", "operator"],
      ["evict", "eviction", "operator"],
    ]);
  });

  it("(c)19 keeps to preconditions, names and dry runs", () => {
    const t = new TestCluster();
    t.create(Pods, pod("p"));
    const other = eviction("p", { preconditions: { uid: "q" } });
    expect(t.refusal("create", Pods, other).message).toMatch(
      /^Operation cannot be fulfilled on Pod "p": the UID in the precondition \(q\) does not match/u,
    );
    expect(t.refusal("create", Pods, { ...eviction("q"), name: "p" }).message).toBe(
      "name in URL does not match name in Eviction object",
    );
    t.ask("create", Pods, eviction("p", { dryRun: ["All"] }));
    expect(t.has(Pods, "p")).toBe(true);
    expect(t.refusal("create", Pods, eviction("none")).code).toBe(404);
  });

  it("(c)19 is there for Pods only", () => {
    const t = new TestCluster();
    t.create(ConfigMaps, configMap("a"));
    expect(t.refusal("create", ConfigMaps, eviction("a")).code).toBe(404);
  });
});

describe("dry run", () => {
  it("(c)25 answers as if, and stores nothing", () => {
    const t = new TestCluster();
    const query = { dryRun: true };
    const created = t.ask("create", Foos, { body: foo("a"), query });
    expect(created["spec"]).toMatchObject({ count: 3 });
    expect(created.metadata.uid).not.toBe("");
    expect(created.metadata.resourceVersion).toBeUndefined();
    expect(t.has(Foos, "a")).toBe(false);
    t.create(Foos, foo("a"));
    const patched = t.patch(Foos, "a", { spec: { concurrency: 2 } }, { query });
    expect([at(patched, "spec", "concurrency"), patched.metadata.resourceVersion]).toEqual([
      2,
      "1",
    ]);
    t.ask("delete", Foos, { name: "a", query });
    expect(at(t.get(Foos, "a"), "spec", "concurrency")).toBe(1);
    expect(t.cluster.resourceVersion).toBe(1);
  });

  it("(c)25 of a graceful deletion and of the last finalizer changes nothing either", () => {
    const t = new TestCluster();
    const query = { dryRun: true };
    t.create(Pods, pod("p", { nodeName: "n1" }));
    const marked = t.ask("delete", Pods, { name: "p", query });
    expect(marked.metadata.deletionGracePeriodSeconds).toBe(30);
    expect(t.get(Pods, "p").metadata.deletionTimestamp).toBeUndefined();
    const metadata = { name: "a", finalizers: ["a.b/c"] };
    t.create(Foos, foo("a", { image: "abc" }, { metadata }));
    t.delete(Foos, "a");
    t.patch(Foos, "a", { metadata: { finalizers: null } }, { query });
    expect(t.has(Foos, "a")).toBe(true);
  });

  it("(c)25 is refused like the real thing", () => {
    const t = new TestCluster();
    t.create(Foos, foo("a"));
    const query = { dryRun: true };
    expect(t.refusal("create", Foos, { body: foo("a"), query }).reason).toBe("AlreadyExists");
    expect(t.refusal("create", Foos, { body: foo("b", {}), query }).code).toBe(422);
  });
});

const refuses: Admission = (actor, request, object) =>
  actor === "user" && request.resource.plural === "pods" && at(object, "spec", "hostPID") === true
    ? forbidden(request.resource, object.metadata.name, "violates PodSecurity")
    : undefined;

describe("admission", () => {
  it("(c)20 refuses an object that is valid, with its own Status", () => {
    const t = new TestCluster({ admission: [() => undefined, refuses] });
    t.create(Pods, pod("plain"));
    expect(t.refusal("create", Pods, { body: pod("p", { hostPID: true }) })).toMatchObject({
      code: 403,
      reason: "Forbidden",
      message: 'pods "p" is forbidden: violates PodSecurity',
    });
    const invalid = pod("p", { hostPID: true, containers: [] });
    expect(t.refusal("create", Pods, { body: invalid }).code).toBe(422);
  });

  it("(c)19 sees deletions and evictions with the object that would go", () => {
    const seen: Array<readonly [string, string | undefined, string]> = [];
    const t = new TestCluster({
      admission: [
        (_actor, request, object) => {
          seen.push([request.verb, request.subresource, object.metadata.name]);
          return undefined;
        },
      ],
    });
    t.create(Pods, pod("p", { nodeName: "n1" }));
    t.ask("create", Pods, eviction("p"));
    t.delete(Pods, "p", { gracePeriodSeconds: 0 });
    expect(seen).toEqual([
      ["create", undefined, "p"],
      ["create", "eviction", "p"],
      ["delete", undefined, "p"],
    ]);
  });
});

describe("the record of requests", () => {
  it("has every request, reads, failures and watches too", () => {
    const t = new TestCluster();
    const served: Array<Served> = [];
    const stop = t.cluster.onRequest((one) => served.push(one));
    t.create(ConfigMaps, configMap("a"));
    t.get(ConfigMaps, "a");
    t.refusal("get", ConfigMaps, { name: "none" });
    t.watch(ConfigMaps);
    stop();
    t.names(ConfigMaps);
    expect(
      served.map(({ actor, request, failure }) => [actor, request.verb, failure?.code]),
    ).toEqual([
      ["user", "create", undefined],
      ["user", "get", undefined],
      ["user", "get", 404],
      ["watcher", "watch", undefined],
    ]);
  });
});

describe("looking inside", () => {
  it("objects() and object() are no requests", () => {
    const t = new TestCluster();
    const created = t.create(ConfigMaps, configMap("a"));
    const served: Array<Served> = [];
    t.cluster.onRequest((one) => served.push(one));
    expect([...t.cluster.objects(ConfigMaps)]).toEqual([created]);
    expect(t.cluster.object(ConfigMaps, { namespace: "default", name: "a" })).toBe(created);
    expect(t.cluster.object(ConfigMaps, { namespace: "default", name: "b" })).toBeUndefined();
    expect(served).toEqual([]);
  });
});
