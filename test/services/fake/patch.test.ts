/** Patches: semantic 18 of reliability.md (c). */
import { describe, expect, it } from "@effect/vitest";
import { Pods } from "../../../src/domain/kube/resource.ts";
import { adopt } from "../../../src/services/fake/json.ts";
import { mergePatch } from "../../../src/services/fake/patch/mergePatch.ts";
import {
  at,
  ConfigMaps,
  configMap,
  foo,
  Foos,
  JSON_PATCH,
  pod,
  STRATEGIC,
  TestCluster,
} from "./support.ts";

describe("merge patch", () => {
  // RFC 7386, appendix A, as far as an object is patched.
  it.each([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
    [{ a: "foo" }, { a: { b: 1, c: null } }, { a: { b: 1 } }],
  ])("(c)18 RFC 7386: %j with %j is %j", (target, patch, expected) => {
    expect(mergePatch(adopt(target), adopt(patch))).toEqual(expected);
  });

  it("(c)18 shares what it does not change, and the whole when it changes nothing", () => {
    const target = adopt({ a: { b: 1 }, c: { d: [1, 2] } });
    expect(mergePatch(target, adopt({ a: { b: 1 }, c: { d: [1, 2], x: null } }))).toBe(target);
    const changed = mergePatch(target, adopt({ a: { b: 2 } }));
    expect(at(changed, "c")).toBe(at(target, "c"));
  });

  it("(c)18 must be an object", () => {
    const t = new TestCluster();
    t.create(ConfigMaps, configMap("a"));
    expect(t.refusal("patch", ConfigMaps, { name: "a", body: [] }).message).toBe(
      "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}",
    );
  });

  it("(c)18 a patch that only changes what is pruned changes nothing", () => {
    const t = new TestCluster();
    t.create(Foos, foo("a"));
    const before = t.patch(
      Foos,
      "a",
      { status: { nodes: { n1: { phase: "Pending" } } } },
      { subresource: "status" },
    );
    const body = { status: { junk: 1, nodes: { n1: { junk: { deep: 1 } } } } };
    expect(t.patch(Foos, "a", body, { subresource: "status" })).toBe(before);
  });
});

const patch = (t: TestCluster, operations: unknown) =>
  t.patch(ConfigMaps, "a", operations, { patchType: JSON_PATCH });

describe("JSON patch", () => {
  it("(c)18 applies its operations in order", () => {
    const t = new TestCluster();
    t.create(ConfigMaps, configMap("a"));
    const patched = patch(t, [
      { op: "test", path: "/data/k", value: "a" },
      { op: "add", path: "/metadata/labels", value: { q: "r" } },
      { op: "move", from: "/data/k", path: "/data/l" },
      { op: "replace", path: "/data/l", value: "w" },
    ]);
    expect([patched.metadata.labels, patched["data"]]).toEqual([{ q: "r" }, { l: "w" }]);
  });

  it.each([
    ["a test that fails", [{ op: "test", path: "/data/k", value: "other" }]],
    ["a path that is not there", [{ op: "remove", path: "/data/none" }]],
    ["an operation that is none", [{ op: "frob", path: "/data/k" }]],
    [
      "one of many",
      [
        { op: "remove", path: "/data/k" },
        { op: "test", path: "/data/k", value: "a" },
      ],
    ],
  ])("(c)18 %s applies nothing: 422", (_what, operations) => {
    const t = new TestCluster();
    const before = t.create(ConfigMaps, configMap("a"));
    const request = { name: "a", body: operations, patchType: JSON_PATCH };
    expect(t.refusal("patch", ConfigMaps, request)).toMatchObject({
      code: 422,
      reason: "Invalid",
      message: "the server rejected our request due to an error in our request",
    });
    expect(t.get(ConfigMaps, "a")).toBe(before);
  });

  it("(c)18 must be a list", () => {
    const t = new TestCluster();
    t.create(ConfigMaps, configMap("a"));
    const request = { name: "a", body: { op: "test" }, patchType: JSON_PATCH };
    expect(t.refusal("patch", ConfigMaps, request).message).toBe(
      "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
    );
  });
});

const strategic = (t: TestCluster, body: unknown) =>
  t.patch(ConfigMaps, "a", body, { patchType: STRATEGIC });

const owner = (uid: string, name: string) => ({ apiVersion: "v1", kind: "A", name, uid });

describe("strategic merge patch", () => {
  it("(c)18 custom resources do not take it", () => {
    const t = new TestCluster();
    t.create(Foos, foo("a"));
    const refused = t.refusal("patch", Foos, { name: "a", body: {}, patchType: STRATEGIC });
    expect([refused.code, refused.reason]).toEqual([415, "UnsupportedMediaType"]);
  });

  it("(c)18 server-side apply is not offered", () => {
    const t = new TestCluster();
    t.create(ConfigMaps, configMap("a"));
    const patchType = "application/apply-patch+yaml" as const;
    expect(t.refusal("patch", ConfigMaps, { name: "a", body: {}, patchType }).code).toBe(415);
  });

  it("(c)18 merges finalizers as a set and owners by uid, new ones first", () => {
    const t = new TestCluster();
    t.create(ConfigMaps, configMap("a"));
    strategic(t, { metadata: { finalizers: ["a.b/c"], ownerReferences: [owner("1", "a")] } });
    const merged = strategic(t, {
      metadata: {
        finalizers: ["a.b/d"],
        ownerReferences: [owner("2", "b"), { uid: "1", name: "renamed" }],
      },
    });
    expect(merged.metadata.finalizers).toEqual(["a.b/d", "a.b/c"]);
    expect(merged.metadata.ownerReferences).toEqual([owner("2", "b"), owner("1", "renamed")]);
  });

  it("(c)18 deletes from lists by directive", () => {
    const t = new TestCluster();
    t.create(ConfigMaps, configMap("a"));
    strategic(t, {
      metadata: {
        finalizers: ["a.b/c", "a.b/d"],
        ownerReferences: [owner("1", "a"), owner("2", "b")],
      },
    });
    const deleted = strategic(t, {
      metadata: {
        "$deleteFromPrimitiveList/finalizers": ["a.b/c"],
        ownerReferences: [{ $patch: "delete", uid: "1" }],
      },
    });
    expect(deleted.metadata.finalizers).toEqual(["a.b/d"]);
    expect(deleted.metadata.ownerReferences).toEqual([owner("2", "b")]);
    expect(strategic(t, { metadata: { finalizers: null } }).metadata.finalizers).toBeUndefined();
  });

  it("(c)18 merges containers by name and conditions by type, replaces tolerations", () => {
    const t = new TestCluster();
    t.create(Pods, pod("a", { containers: [{ name: "c", image: "i:1", args: ["x"] }] }));
    const image = { spec: { containers: [{ name: "c", image: "i:2" }] } };
    const patched = t.patch(Pods, "a", image, { patchType: STRATEGIC });
    expect(at(patched, "spec", "containers")).toMatchObject([
      { name: "c", image: "i:2", args: ["x"] },
    ]);
    const status = (type: string, value: string) =>
      t.patch(
        Pods,
        "a",
        { status: { conditions: [{ type, status: value }] } },
        { patchType: STRATEGIC, subresource: "status" },
      );
    status("Ready", "False");
    status("Initialized", "True");
    expect(at(status("Ready", "True"), "status", "conditions")).toEqual([
      { type: "Initialized", status: "True" },
      { type: "Ready", status: "True" },
    ]);
    const tolerations = { spec: { tolerations: [{ operator: "Exists" }] } };
    const request = { name: "a", body: tolerations, patchType: STRATEGIC };
    expect(t.refusal("patch", Pods, request).message).toContain(
      "existing toleration can not be modified",
    );
  });

  it("(c)18 an order puts the entries it names first", () => {
    const t = new TestCluster();
    t.create(ConfigMaps, configMap("a"));
    strategic(t, {
      metadata: { ownerReferences: [owner("1", "a"), owner("2", "b"), owner("3", "c")] },
    });
    const ordered = strategic(t, {
      metadata: { "$setElementOrder/ownerReferences": [{ uid: "3" }, { uid: "1" }] },
    });
    expect(ordered.metadata.ownerReferences?.map((one) => one.uid)).toEqual(["3", "1", "2"]);
  });

  it("(c)18 replaces an object whole by directive", () => {
    const t = new TestCluster();
    t.create(ConfigMaps, configMap("a"));
    expect(strategic(t, { data: { $patch: "replace", l: "w" } })["data"]).toEqual({ l: "w" });
  });
});
