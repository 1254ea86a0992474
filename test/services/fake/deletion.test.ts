/** Deletion: semantics 7, 10, 11 of reliability.md (c), and the finalizers of 12 that the server itself sets. */
import { describe, expect, it } from "@effect/vitest";
import type { Commit } from "../../../src/domain/history.ts";
import { Jobs, Pods } from "../../../src/domain/kube/resource.ts";
import { at, ConfigMaps, configMap, foo, Foos, job, pod, said, TestCluster } from "./support.ts";

const withFinalizers = (...finalizers: ReadonlyArray<string>) =>
  foo("a", { image: "abc" }, { metadata: { name: "a", finalizers } });

describe("propagation", () => {
  it("(c)7 a Job deleted without a policy orphans its Pods", () => {
    const t = new TestCluster();
    t.create(Jobs, job("j"));
    const answer = t.delete(Jobs, "j");
    expect(answer.metadata.finalizers).toEqual(["orphan"]);
    expect(t.has(Jobs, "j")).toBe(true);
  });

  it("(c)7 a Job deleted in the background goes at once", () => {
    const t = new TestCluster();
    t.create(Jobs, job("j"));
    t.delete(Jobs, "j", { propagationPolicy: "Background" });
    expect(t.has(Jobs, "j")).toBe(false);
  });

  it.each([
    ["Foreground", "foregroundDeletion"],
    ["Orphan", "orphan"],
  ])("(c)12 %s puts the finalizer on which the garbage collector acts", (policy, finalizer) => {
    const t = new TestCluster();
    t.create(Foos, foo("a"));
    const marked = t.delete(Foos, "a", { propagationPolicy: policy });
    expect(marked.metadata).toMatchObject({
      finalizers: [finalizer],
      deletionTimestamp: "2026-01-01T00:00:00Z",
      deletionGracePeriodSeconds: 0,
      generation: 2,
    });
    t.patch(Foos, "a", { metadata: { finalizers: null } });
    expect(t.has(Foos, "a")).toBe(false);
  });

  it("(c)12 a later delete in the background takes the finalizer away again", () => {
    const t = new TestCluster();
    t.create(Foos, foo("a"));
    t.delete(Foos, "a", { propagationPolicy: "Foreground" });
    t.delete(Foos, "a", { propagationPolicy: "Background" });
    expect(t.has(Foos, "a")).toBe(false);
  });

  it("(c)12 an unknown policy is invalid", () => {
    const t = new TestCluster();
    t.create(Foos, foo("a"));
    const body = { propagationPolicy: "Foo" };
    expect(t.refusal("delete", Foos, { name: "a", body }).message).toBe(
      'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Foo": supported values: "Foreground", "Background", "Orphan", "nil"',
    );
  });
});

describe("finalizers", () => {
  it("(c)10 the first delete marks the object and counts for generation, the second does nothing", () => {
    const t = new TestCluster();
    t.create(Foos, withFinalizers("a.b/c"));
    const marked = t.delete(Foos, "a");
    expect(marked.metadata).toMatchObject({
      deletionTimestamp: "2026-01-01T00:00:00Z",
      deletionGracePeriodSeconds: 0,
      generation: 2,
      resourceVersion: "2",
    });
    t.now += 60_000;
    expect(t.delete(Foos, "a")).toBe(marked);
  });

  it("(c)10 removing the last finalizer deletes in the same update", () => {
    const t = new TestCluster();
    t.create(Foos, withFinalizers("a.b/c", "d.e/f"));
    t.delete(Foos, "a");
    const commits: Array<Commit> = [];
    t.cluster.onCommit((commit) => commits.push(commit));
    t.patch(Foos, "a", { metadata: { finalizers: ["d.e/f"] } });
    expect(t.has(Foos, "a")).toBe(true);
    t.patch(Foos, "a", { metadata: { finalizers: null } });
    expect(t.has(Foos, "a")).toBe(false);
    expect(commits.map((commit) => [commit.verb, commit.after === undefined])).toEqual([
      ["patch", false],
      ["delete", true],
    ]);
  });

  it("(c)10 while it is being deleted an object gets no new finalizers: 422, not 403", () => {
    const t = new TestCluster();
    t.create(Foos, withFinalizers("a.b/c"));
    t.delete(Foos, "a");
    const body = { metadata: { finalizers: ["a.b/c", "d.e/f"] } };
    const refused = t.refusal("patch", Foos, { name: "a", body });
    expect([refused.code, refused.reason, refused.message]).toEqual([
      422,
      "Invalid",
      'Foo.example.com "a" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"d.e/f"}',
    ]);
    expect(refused.details?.causes?.[0]?.reason).toBe("FieldValueForbidden");
  });

  it("(c)10 an object that is being deleted can still be updated, and cannot be brought back", () => {
    const t = new TestCluster();
    t.create(Foos, withFinalizers("a.b/c"));
    const marked = t.delete(Foos, "a");
    const { deletionTimestamp: _, ...metadata } = marked.metadata;
    const put = t.put(Foos, { ...marked, metadata, spec: { image: "abc", concurrency: 2 } });
    expect(put.metadata.deletionTimestamp).toBe(marked.metadata.deletionTimestamp);
    expect(put["spec"]).toMatchObject({ concurrency: 2 });
    const other = { metadata: { deletionTimestamp: "2030-01-01T00:00:00Z" } };
    expect(t.refusal("patch", Foos, { name: "a", body: other }).message).toContain(
      'metadata.deletionTimestamp: Invalid value: "2030-01-01T00:00:00Z": field is immutable',
    );
  });
});

const running = (t: TestCluster, name = "p") => {
  t.create(Pods, pod(name, { nodeName: "n1" }));
  return t.patch(Pods, name, { status: { phase: "Running" } }, { subresource: "status" });
};

describe("graceful deletion of Pods", () => {
  it("(c)10 the first delete grants the grace period; the Pod stays until its kubelet ends it", () => {
    const t = new TestCluster();
    running(t);
    expect(t.delete(Pods, "p").metadata).toMatchObject({
      deletionTimestamp: "2026-01-01T00:00:30Z",
      deletionGracePeriodSeconds: 30,
      generation: 2,
    });
    expect(t.has(Pods, "p")).toBe(true);
    t.delete(Pods, "p", { gracePeriodSeconds: 0 });
    expect(t.has(Pods, "p")).toBe(false);
  });

  it("(c)10 grace may only shrink", () => {
    const t = new TestCluster();
    running(t);
    const first = t.delete(Pods, "p");
    expect(t.delete(Pods, "p", { gracePeriodSeconds: 60 })).toBe(first);
    expect(t.delete(Pods, "p")).toBe(first);
    expect(t.delete(Pods, "p", { gracePeriodSeconds: 10 }).metadata).toMatchObject({
      deletionTimestamp: "2026-01-01T00:00:10Z",
      deletionGracePeriodSeconds: 10,
      generation: 2,
    });
  });

  it("(c)10 Pods that no node has, and Pods that have ended, go at once", () => {
    const t = new TestCluster();
    t.create(Pods, pod("unscheduled"));
    t.create(Pods, pod("ended", { nodeName: "n1" }));
    t.patch(Pods, "ended", { status: { phase: "Succeeded" } }, { subresource: "status" });
    t.delete(Pods, "unscheduled");
    t.delete(Pods, "ended");
    expect(t.names(Pods)).toEqual([]);
  });

  it("(c)10 at once means: marked, then gone, two events", () => {
    const t = new TestCluster();
    t.create(Pods, pod("p"));
    const watch = t.watch(Pods, { resourceVersion: "1" });
    t.delete(Pods, "p");
    expect(watch.frames.map(said)).toEqual(["MODIFIED p@2", "DELETED p@3"]);
    expect(at(watch.frames[0]?.object, "metadata", "deletionGracePeriodSeconds")).toBe(0);
  });

  it("(c)10 a Pod with a finalizer stays after its grace is over", () => {
    const t = new TestCluster();
    t.create(
      Pods,
      pod("p", { nodeName: "n1" }, { finalizers: ["batch.kubernetes.io/job-tracking"] }),
    );
    t.delete(Pods, "p");
    t.delete(Pods, "p", { gracePeriodSeconds: 0 });
    expect(t.get(Pods, "p").metadata.deletionGracePeriodSeconds).toBe(0);
    t.patch(Pods, "p", { metadata: { finalizers: null } });
    expect(t.has(Pods, "p")).toBe(false);
  });

  it("(c)10 removing a finalizer within the grace period does not end the Pod", () => {
    const t = new TestCluster();
    t.create(Pods, pod("p", { nodeName: "n1" }, { finalizers: ["a.b/c"] }));
    t.delete(Pods, "p");
    t.patch(Pods, "p", { metadata: { finalizers: null } });
    expect(t.has(Pods, "p")).toBe(true);
  });

  it("(c)10 a negative grace period means one second", () => {
    const t = new TestCluster();
    running(t);
    const { metadata } = t.delete(Pods, "p", { gracePeriodSeconds: -5 });
    expect(metadata.deletionGracePeriodSeconds).toBe(1);
  });
});

describe("preconditions", () => {
  it("(c)11 a delete of another uid conflicts", () => {
    const t = new TestCluster();
    const { uid } = t.create(Foos, foo("a")).metadata;
    const body = { preconditions: { uid: "x" } };
    expect(t.refusal("delete", Foos, { name: "a", body })).toMatchObject({
      reason: "Conflict",
      code: 409,
      message: `Operation cannot be fulfilled on Foo.example.com "a": the UID in the precondition (x) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
    });
    t.delete(Foos, "a", { preconditions: { uid } });
    expect(t.has(Foos, "a")).toBe(false);
  });

  it("(c)11 a delete of another version conflicts", () => {
    const t = new TestCluster();
    t.create(ConfigMaps, configMap("a"));
    t.patch(ConfigMaps, "a", { data: { k: "w" } });
    const body = { preconditions: { resourceVersion: "1" } };
    expect(t.refusal("delete", ConfigMaps, { name: "a", body }).message).toBe(
      'Operation cannot be fulfilled on ConfigMap "a": the ResourceVersion in the precondition (1) does not match the ResourceVersion in record (2). The object might have been modified',
    );
    t.delete(ConfigMaps, "a", { preconditions: { resourceVersion: "2" } });
    expect(t.has(ConfigMaps, "a")).toBe(false);
  });
});
