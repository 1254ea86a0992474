/** Who may write what: semantics 4 (status subresource) and 22 (Status bodies) of reliability.md (c). */
import { describe, expect, it } from "@effect/vitest";
import { Jobs, Nodes, Pods } from "../../../src/domain/kube/resource.ts";
import { at, ConfigMaps, configMap, foo, Foos, pod, TestCluster } from "./support.ts";

const STATUS = { subresource: "status" } as const;

describe("status of custom resources", () => {
  it("(c)4 is dropped on creation and starts with its defaults", () => {
    const t = new TestCluster();
    const created = t.create(Foos, foo("a", { image: "abc" }, { status: { phase: "mine" } }));
    expect(created["status"]).toEqual({ observed: -1 });
  });

  it("(c)4 PUT main drops status", () => {
    const t = new TestCluster();
    t.create(Foos, foo("a"));
    const current = t.patch(Foos, "a", { status: { phase: "Running" } }, STATUS);
    const put = t.put(Foos, {
      ...current,
      spec: { image: "abc", concurrency: 4 },
      status: { phase: "forged" },
    });
    expect(put["status"]).toEqual({ observed: -1, phase: "Running" });
    expect(put["spec"]).toMatchObject({ concurrency: 4 });
  });

  it("(c)4 PUT status drops everything else, metadata too", () => {
    const t = new TestCluster();
    const current = t.create(Foos, foo("a"));
    const put = t.put(
      Foos,
      {
        ...current,
        metadata: { ...current.metadata, labels: { forged: "1" }, finalizers: ["a.b/c"] },
        spec: { image: "zzz" },
        status: { phase: "Running", junk: 1 },
      },
      STATUS,
    );
    expect(put["status"]).toEqual({ phase: "Running" });
    expect(put["spec"]).toBe(current["spec"]);
    expect(put.metadata).toEqual({ ...current.metadata, resourceVersion: "2" });
  });

  it("(c)4 PATCH status changes nothing but status", () => {
    const t = new TestCluster();
    const current = t.create(Foos, foo("a"));
    const body = {
      metadata: { labels: { a: "b" } },
      spec: { image: "zzz" },
      status: { observed: 4 },
    };
    const patched = t.patch(Foos, "a", body, STATUS);
    expect(patched).toEqual({
      ...current,
      metadata: { ...current.metadata, resourceVersion: "2" },
      status: { observed: 4 },
    });
  });

  it("(c)4 both share one version: a status write makes a read of the spec stale", () => {
    const t = new TestCluster();
    const read = t.create(Foos, foo("a"));
    t.patch(Foos, "a", { status: { phase: "Running" } }, STATUS);
    const body = { ...read, spec: { image: "abc", concurrency: 2 } };
    expect(t.refusal("update", Foos, { name: "a", body }).reason).toBe("Conflict");
    expect(t.refusal("update", Foos, { name: "a", body: read, ...STATUS }).reason).toBe("Conflict");
  });

  it("(c)4 a kind without the subresource answers 404", () => {
    const t = new TestCluster();
    t.create(ConfigMaps, configMap("a"));
    const refused = t.refusal("patch", ConfigMaps, { name: "a", body: {}, ...STATUS });
    expect([refused.code, refused.message]).toEqual([
      404,
      "the server could not find the requested resource",
    ]);
  });
});

describe("status of built-in kinds", () => {
  it("(c)4 a Node keeps the status it registers with; later its main resource drops status", () => {
    const t = new TestCluster();
    const status = { nodeInfo: { bootID: "b" } };
    const created = t.create(Nodes, { metadata: { name: "n" }, status });
    expect(created["status"]).toEqual(status);
    expect(t.patch(Nodes, "n", { status: { nodeInfo: { bootID: "forged" } } })).toBe(created);
  });

  it("(c)4 a status PATCH of a Node also changes labels and annotations, never spec", () => {
    const t = new TestCluster();
    t.create(Nodes, { metadata: { name: "n", labels: { x: "y" } } });
    const patched = t.patch(
      Nodes,
      "n",
      {
        metadata: { labels: { q: "r" }, annotations: { an: "x" } },
        spec: { unschedulable: true },
        status: { nodeInfo: { bootID: "b" } },
      },
      STATUS,
    );
    expect(patched.metadata.labels).toEqual({ x: "y", q: "r" });
    expect(patched.metadata.annotations).toEqual({ an: "x" });
    expect(patched["spec"]).toEqual({});
    expect(patched["status"]).toEqual({ nodeInfo: { bootID: "b" } });
  });

  it("(c)4 a status PATCH of a Pod changes metadata but neither spec nor owners", () => {
    const t = new TestCluster();
    const owner = { apiVersion: "v1", kind: "Node", name: "n", uid: "1" };
    const created = t.create(Pods, pod("a", { nodeName: "n1" }));
    const patched = t.patch(
      Pods,
      "a",
      {
        metadata: { labels: { l: "1" }, ownerReferences: [owner] },
        spec: { nodeName: "q" },
        status: { phase: "Running" },
      },
      STATUS,
    );
    expect(patched.metadata.labels).toEqual({ l: "1" });
    expect(patched.metadata.ownerReferences).toBeUndefined();
    expect(patched["spec"]).toBe(created["spec"]);
    expect(patched["status"]).toEqual({ phase: "Running" });
  });

  it("(c)4 Pods and Jobs start without the status they are sent with", () => {
    const t = new TestCluster();
    const sent = { ...pod("a"), status: { phase: "Succeeded" } };
    expect(t.create(Pods, sent)["status"]).toEqual({ phase: "Pending" });
    const template = { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "i" }] } };
    const created = t.create(Jobs, {
      metadata: { name: "j" },
      spec: { template },
      status: { succeeded: 1 },
    });
    expect(created["status"]).toEqual({});
  });
});

const labels = (length: number) =>
  configMap("a", { metadata: { name: "a", labels: { k: "x".repeat(length) } } });

const owner = (name: string) => ({
  apiVersion: "v1",
  kind: "K",
  name,
  uid: name,
  controller: true,
});

describe("Status bodies", () => {
  it("(c)22 name the resource of an object that is not there or there already", () => {
    const t = new TestCluster();
    expect(t.refusal("get", Foos, { name: "zzz" })).toEqual({
      kind: "Status",
      apiVersion: "v1",
      status: "Failure",
      reason: "NotFound",
      code: 404,
      message: 'foos.example.com "zzz" not found',
      details: { name: "zzz", group: "example.com", kind: "foos" },
    });
    t.create(Foos, foo("a"));
    expect(t.refusal("create", Foos, { body: foo("a") })).toMatchObject({
      reason: "AlreadyExists",
      code: 409,
      message: 'foos.example.com "a" already exists',
      details: { name: "a", group: "example.com", kind: "foos" },
    });
  });

  it("(c)22 name the kind of an object that is invalid, with a cause per field", () => {
    const t = new TestCluster();
    const body = configMap("a", {
      metadata: {
        name: "B_ad",
        labels: { "a b": "c", ok: "-x" },
        ownerReferences: [{ apiVersion: "v1", kind: "A", name: "a", uid: "" }],
        finalizers: ["unqualified"],
      },
    });
    const refused = t.refusal("create", ConfigMaps, { body });
    expect(refused.message).toMatch(
      /^ConfigMap "B_ad" is invalid: \[metadata\.name: Invalid value: "B_ad": /u,
    );
    expect(refused.details?.kind).toBe("ConfigMap");
    expect(refused.details?.causes?.map((cause) => [cause.reason, cause.field])).toEqual([
      ["FieldValueInvalid", "metadata.name"],
      ["FieldValueInvalid", "metadata.labels"],
      ["FieldValueInvalid", "metadata.labels"],
      ["FieldValueInvalid", "metadata.ownerReferences.uid"],
      ["FieldValueInvalid", "metadata.finalizers[0]"],
    ]);
  });

  it("(c)22 label values have at most 63 bytes", () => {
    const t = new TestCluster();
    expect(t.refusal("create", ConfigMaps, { body: labels(64) }).message).toBe(
      `ConfigMap "a" is invalid: metadata.labels: Invalid value: "${"x".repeat(64)}": must be no more than 63 bytes`,
    );
    expect(t.create(ConfigMaps, labels(63)).metadata.labels).toEqual({ k: "x".repeat(63) });
  });

  it("(c)22 a label that is no string cannot be decoded", () => {
    const t = new TestCluster();
    const body = { metadata: { name: "a", labels: { "kairos.io/managed": true } } };
    expect(t.refusal("create", ConfigMaps, { body })).toMatchObject({
      reason: "BadRequest",
      code: 400,
      message:
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels of type string',
    });
  });

  it("(c)22 only one owner may be the controller", () => {
    const t = new TestCluster();
    const body = configMap("a", {
      metadata: { name: "a", ownerReferences: [owner("x"), owner("y")] },
    });
    expect(t.refusal("create", ConfigMaps, { body }).message).toContain(
      'Only one reference can have Controller set to true. Found "true" in references for K/x and K/y',
    );
  });

  it("(c)22 a request to no place: unknown resource, missing namespace, wrong name, wrong namespace", () => {
    const t = new TestCluster();
    const Bars = { ...Foos, plural: "bars" };
    expect(t.refusal("get", Bars, { name: "x" }).code).toBe(404);
    expect(
      t.refusal("create", ConfigMaps, { namespace: undefined, body: configMap("a") }).code,
    ).toBe(405);
    t.create(ConfigMaps, configMap("a"));
    expect(t.refusal("update", ConfigMaps, { name: "a", body: configMap("b") }).message).toBe(
      "the name of the object (b) does not match the name on the URL (a)",
    );
    const elsewhere = configMap("c", { metadata: { name: "c", namespace: "other" } });
    expect(t.refusal("create", ConfigMaps, { body: elsewhere }).message).toBe(
      "the namespace of the provided object does not match the namespace sent on the request",
    );
  });

  it("(c)22 the answer to a delete is a Status with the uid, for Pods the Pod", () => {
    const t = new TestCluster();
    const { uid } = t.create(Foos, foo("a")).metadata;
    t.create(Pods, pod("p"));
    const details = { name: "a", group: "example.com", kind: "foos", uid };
    expect(t.delete(Foos, "a")).toMatchObject({ kind: "Status", status: "Success", details });
    expect(at(t.delete(Pods, "p"), "kind")).toBe("Pod");
  });
});
