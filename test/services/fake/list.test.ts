/** Lists and selectors: semantics 14 and 23 of reliability.md (c). */
import { describe, expect, it } from "@effect/vitest";
import { Nodes, Pods } from "../../../src/domain/kube/resource.ts";
import { at, ConfigMaps, configMap, pod, TestCluster } from "./support.ts";

const filled = (...names: ReadonlyArray<string>): TestCluster => {
  const t = new TestCluster();
  for (const name of names) t.create(ConfigMaps, configMap(name));
  return t;
};

const continueOf = (list: unknown): string => String(at(list, "metadata", "continue"));

describe("a list", () => {
  it("(c)14 has the version it shows, in the order of the keys", () => {
    const t = filled("b", "a-b", "a");
    expect(t.ask("list", ConfigMaps)).toMatchObject({
      apiVersion: "v1",
      kind: "ConfigMapList",
      metadata: { resourceVersion: "3" },
    });
    expect(t.names(ConfigMaps)).toEqual(["a", "a-b", "b"]);
  });

  it("(c)14 of all namespaces or of one", () => {
    const t = filled("a");
    t.ask("create", ConfigMaps, { namespace: "other", body: configMap("b") });
    expect(t.names(ConfigMaps)).toEqual(["a"]);
    const all = t.ask("list", ConfigMaps, { namespace: undefined });
    expect(all["items"]).toHaveLength(2);
  });

  it("(c)14 goes on page by page in the snapshot of the first page", () => {
    const t = filled("a", "b", "c");
    const first = t.ask("list", ConfigMaps, { query: { limit: 1 } });
    expect(first.metadata).toEqual({
      resourceVersion: "3",
      continue: expect.any(String),
      remainingItemCount: 2,
    });
    t.create(ConfigMaps, configMap("bb"));
    t.delete(ConfigMaps, "b");
    t.patch(ConfigMaps, "c", { data: { k: "changed" } });
    const second = t.ask("list", ConfigMaps, { query: { limit: 1, continue: continueOf(first) } });
    const rest = t.ask("list", ConfigMaps, { query: { continue: continueOf(second) } });
    const shown = [first, second, rest].map((page) => [
      page.metadata.resourceVersion,
      Array.isArray(page["items"]) ? page["items"].map((one: unknown) => at(one, "data", "k")) : [],
    ]);
    expect(shown).toEqual([
      ["3", ["a"]],
      ["3", ["b"]],
      ["3", ["c"]],
    ]);
    expect(rest.metadata).toEqual({ resourceVersion: "3" });
  });

  it("(c)14 does not say how many remain when it selects", () => {
    const t = filled("a", "b");
    const query = { limit: 1, fieldSelector: "metadata.namespace=default" };
    expect(t.ask("list", ConfigMaps, { query }).metadata).toEqual({
      resourceVersion: "2",
      continue: expect.any(String),
    });
  });

  it("(c)14 an expired page token is 410 with a token for the inconsistent rest", () => {
    const t = filled("a", "b", "c");
    const first = t.ask("list", ConfigMaps, { query: { limit: 1 } });
    t.delete(ConfigMaps, "b");
    t.cluster.compact(4);
    const refused = t.refusal("list", ConfigMaps, { query: { continue: continueOf(first) } });
    expect([refused.code, refused.reason]).toEqual([410, "Expired"]);
    expect(refused.message).toMatch(/^The provided continue parameter is too old/u);
    const rest = t.ask("list", ConfigMaps, { query: { continue: continueOf(refused) } });
    expect(rest.metadata.resourceVersion).toBe("4");
    expect(rest["items"]).toMatchObject([{ metadata: { name: "c" } }]);
  });

  it("(c)14 at version 0 is whatever there is, without pages", () => {
    const t = filled("a", "b");
    expect(t.names(ConfigMaps, { resourceVersion: "0", limit: 1 })).toEqual(["a", "b"]);
  });

  it("(c)14 of a version that is not reached yet times out; of one that is none is a bad request", () => {
    const t = filled("a");
    expect(t.refusal("list", ConfigMaps, { query: { resourceVersion: "9" } })).toMatchObject({
      code: 504,
      reason: "Timeout",
      message: "Timeout: Too large resource version: 9, current: 1",
      details: { causes: [{ reason: "ResourceVersionTooLarge" }], retryAfterSeconds: 1 },
    });
    expect(t.refusal("list", ConfigMaps, { query: { resourceVersion: "abc" } }).message).toBe(
      'invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax',
    );
    expect(t.names(ConfigMaps, { resourceVersion: "1" })).toEqual(["a"]);
  });

  it("(c)14 a page token that is none, or comes with a version, is a bad request", () => {
    const t = filled("a", "b");
    const first = continueOf(t.ask("list", ConfigMaps, { query: { limit: 1 } }));
    expect(t.refusal("list", ConfigMaps, { query: { continue: "abc" } }).message).toMatch(
      /^invalid continue token: continue key is not valid/u,
    );
    const query = { continue: first, resourceVersion: "1" };
    expect(t.refusal("list", ConfigMaps, { query }).message).toBe(
      "specifying resource version is not allowed when using continue",
    );
  });
});

const labels = (t: TestCluster, name: string, some: Readonly<Record<string, string>>) =>
  t.create(ConfigMaps, configMap(name, { metadata: { name, labels: some } }));

describe("selectors", () => {
  it.each([
    ["z=1", ["a"]],
    ["z in (1,2)", ["a", "b"]],
    ["z!=1", ["b", "none"]],
    ["z notin (1,2)", ["none"]],
    ["z", ["a", "b"]],
    ["!z", ["none"]],
    ["", ["a", "b", "none"]],
  ])("(c)23 labels: %s; != and notin also match where the label is absent", (selector, names) => {
    const t = new TestCluster();
    labels(t, "a", { z: "1" });
    labels(t, "b", { z: "2" });
    labels(t, "none", {});
    expect(t.names(ConfigMaps, { labelSelector: selector })).toEqual(names);
  });

  it.each([
    ["spec.nodeName=n1", ["a"]],
    ["spec.nodeName=", ["c"]],
    ["spec.nodeName!=n1", ["b", "c"]],
    ["status.phase=Running", ["b"]],
    ["metadata.name=b,spec.nodeName=n1", []],
    ["metadata.name=b", ["b"]],
    ["metadata.namespace=other", []],
  ])("(c)23 fields of Pods: %s", (selector, names) => {
    const t = new TestCluster();
    t.create(Pods, pod("a", { nodeName: "n1" }));
    t.create(Pods, pod("b", { nodeName: "n2" }));
    t.create(Pods, pod("c"));
    t.patch(Pods, "b", { status: { phase: "Running" } }, { subresource: "status" });
    expect(t.names(Pods, { fieldSelector: selector })).toEqual(names);
  });

  it("(c)23 a Pod that is gone is found no more by its node", () => {
    const t = new TestCluster();
    t.create(Pods, pod("a", { nodeName: "n1" }));
    t.delete(Pods, "a", { gracePeriodSeconds: 0 });
    expect(t.names(Pods, { fieldSelector: "spec.nodeName=n1" })).toEqual([]);
  });

  it("(c)23 an absent field counts as its zero value", () => {
    const t = new TestCluster();
    t.create(Nodes, { metadata: { name: "n" } });
    expect(t.names(Nodes, { fieldSelector: "spec.unschedulable=false" })).toEqual(["n"]);
  });

  it("(c)23 what does not parse, and a field that is not supported, is 400", () => {
    const t = new TestCluster();
    const refused = (query: { labelSelector?: string; fieldSelector?: string }) =>
      t.refusal("list", Pods, { query });
    expect(refused({ fieldSelector: "spec.foo=x" })).toMatchObject({
      code: 400,
      reason: "BadRequest",
      message: "field label not supported: spec.foo",
    });
    expect(refused({ fieldSelector: "spec.foo" }).message).toBe(
      "invalid selector: 'spec.foo'; can't understand 'spec.foo'",
    );
    expect(refused({ labelSelector: "a in (" }).code).toBe(400);
    expect(t.watchRefusal(Pods, { fieldSelector: "spec.foo=x" }).code).toBe(400);
  });
});
