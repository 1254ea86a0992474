/** Custom resources by their schema: semantic 17 of reliability.md (c). Messages were read off kube-apiserver 1.36.3. */
import { describe, expect, it } from "@effect/vitest";
import { customResource } from "../../../src/services/fake/kinds/customResource.ts";
import type { CrdLike } from "../../../src/services/fake/structural/schema.ts";
import { at, foo, fooCrd, Foos, TestCluster } from "./support.ts";

const NOT_CHECKED =
  "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";

const problems = (spec: Readonly<Record<string, unknown>>): ReadonlyArray<string> => {
  const refused = new TestCluster().refusal("create", Foos, { body: foo("b", spec) });
  expect([refused.code, refused.reason]).toEqual([422, "Invalid"]);
  return (refused.details?.causes ?? []).map((cause) => `${cause.field}: ${cause.message}`);
};

describe("defaults, pruning, nulls", () => {
  it("(c)17 on the way in: unknown fields go, defaults come, nulls where none are allowed count as absent", () => {
    const t = new TestCluster();
    const spec = { image: "abc", unknown: 1, flag: null, mode: null, n: null };
    expect(t.create(Foos, foo("a", spec, { extra: 1 }))).toEqual({
      apiVersion: "example.com/v1",
      kind: "Foo",
      metadata: expect.anything(),
      spec: { image: "abc", n: null, flag: true, concurrency: 1, count: 3, d: { x: 7 } },
      status: { observed: -1 },
    });
  });

  it("(c)17 a map has no entries that are null", () => {
    const t = new TestCluster();
    const created = t.create(Foos, foo("a", { image: "abc", m: { a: "x", b: null } }));
    expect(at(created, "spec", "m")).toEqual({ a: "x" });
  });

  it("(c)17 removing a field brings its default back", () => {
    const t = new TestCluster();
    t.create(Foos, foo("a", { image: "abc", concurrency: 4 }));
    const patched = t.patch(Foos, "a", { spec: { concurrency: null } });
    expect(at(patched, "spec", "concurrency")).toBe(1);
    const cleared = t.patch(Foos, "a", { status: null }, { subresource: "status" });
    expect(cleared["status"]).toEqual({ observed: -1 });
  });

  it("(c)17 x-kubernetes-preserve-unknown-fields keeps everything", () => {
    const t = new TestCluster();
    const free = { any: { thing: [1, { x: null }] } };
    expect(at(t.create(Foos, foo("a", { image: "abc", free })), "spec", "free")).toEqual(free);
  });

  it("(c)17 items get their defaults", () => {
    const t = new TestCluster();
    const created = t.create(Foos, foo("a", { image: "abc", items: [{ name: "x", y: 1 }] }));
    expect(at(created, "spec", "items")).toEqual([{ name: "x", v: 1 }]);
  });

  it("(c)17 on the way out: objects stored before a default existed are read and watched with it", () => {
    const t = new TestCluster({ crds: [] });
    const old = JSON.parse(JSON.stringify(fooCrd).replace(',"default":true', "")) as CrdLike;
    t.cluster.defineCrd(old);
    const created = t.create(Foos, foo("a"));
    expect(at(created, "spec", "flag")).toBeUndefined();
    t.cluster.defineCrd(fooCrd);
    expect(at(t.get(Foos, "a"), "spec", "flag")).toBe(true);
    expect(at(t.ask("list", Foos), "items")).toMatchObject([{ spec: { flag: true } }]);
    expect(t.watch(Foos).frames).toMatchObject([
      { type: "ADDED", object: { spec: { flag: true } } },
    ]);
    expect(t.get(Foos, "a").metadata.resourceVersion).toBe(created.metadata.resourceVersion);
  });

  it("(c)17 strict field validation refuses what would be pruned", () => {
    const t = new TestCluster();
    const query = { fieldValidation: "Strict" } as const;
    const body = foo(
      "a",
      { image: "abc", unknown: 1, items: [{ name: "a", zz: 1 }] },
      { extra: 1 },
    );
    expect(t.refusal("create", Foos, { body, query })).toMatchObject({
      code: 400,
      message:
        'Foo in version "v1" cannot be handled as a Foo: strict decoding error: unknown field "extra", unknown field "spec.items[0].zz", unknown field "spec.unknown"',
    });
    t.create(Foos, foo("a"));
    const patch = { name: "a", body: { spec: { zz: 1 } }, query };
    expect(t.refusal("patch", Foos, patch).message).toMatch(
      /^ "" is invalid: patch: Invalid value: .*: strict decoding error: unknown field "spec\.zz"$/u,
    );
  });
});

describe("validation", () => {
  it.each([
    ["required", { concurrency: 1 }, ["spec.image: Required value", NOT_CHECKED]],
    [
      "minimum",
      { image: "abc", concurrency: -1 },
      [
        "spec.concurrency: Invalid value: -1: spec.concurrency in body should be greater than or equal to 0",
      ],
    ],
    [
      "maximum",
      { image: "abc", concurrency: 11 },
      [
        "spec.concurrency: Invalid value: 11: spec.concurrency in body should be less than or equal to 10",
        "spec: Invalid value: too many",
      ],
    ],
    [
      "exclusive maximum",
      { image: "abc", num: 5 },
      ["spec.num: Invalid value: 5: spec.num in body should be less than 5"],
    ],
    [
      "enum",
      { image: "abc", mode: "C" },
      ['spec.mode: Unsupported value: "C": supported values: "A", "B"', NOT_CHECKED],
    ],
    [
      "pattern",
      { image: "ABC" },
      ["spec.image: Invalid value: \"ABC\": spec.image in body should match '^[a-z]+$'"],
    ],
    [
      "minLength, after which the pattern is not looked at",
      { image: "A" },
      ['spec.image: Invalid value: "A": spec.image in body should be at least 2 chars long'],
    ],
    [
      "maxLength",
      { image: "abcdefghijklm" },
      ["spec.image: Too long: may not be more than 10 bytes", NOT_CHECKED],
    ],
    [
      "type",
      { image: 5 },
      [
        'spec.image: Invalid value: "integer": spec.image in body must be of type string: "integer"',
        NOT_CHECKED,
      ],
    ],
    [
      "an integer with a fraction",
      { image: "abc", count: 1.5 },
      [
        'spec.count: Invalid value: "number": spec.count in body must be of type integer: "number"',
        '<nil>: Invalid value: "": Checked value must be of type integer (default format) in spec.count',
        NOT_CHECKED,
      ],
    ],
    [
      "int32",
      { image: "abc", concurrency: 3_000_000_000 },
      [
        '<nil>: Invalid value: "": Checked value must be of type integer with format int32 in spec.concurrency',
        "spec.concurrency: Invalid value: 3000000000: spec.concurrency in body should be less than or equal to 10",
        "spec: Invalid value: too many",
      ],
    ],
    [
      "int-or-string",
      { image: "abc", ios: true },
      [
        'spec.ios: Invalid value: "boolean": spec.ios in body must be of type integer,string: "boolean"',
        NOT_CHECKED,
      ],
    ],
    [
      "date-time",
      { image: "abc", when: "yesterday" },
      [
        'spec.when: Invalid value: "yesterday": spec.when in body must be of type date-time: "yesterday"',
        NOT_CHECKED,
      ],
    ],
    [
      "minItems and minProperties",
      { image: "abc", items: [], m: {} },
      [
        "spec.items: Invalid value: 0: spec.items in body should have at least 1 items",
        "spec.m: Invalid value: 0: spec.m in body should have at least 1 properties",
        'spec: Invalid value: "object": no such key: a evaluating rule: a must be x',
      ],
    ],
    [
      "maxItems and maxProperties",
      {
        image: "abc",
        items: [{ name: "a" }, { name: "b" }, { name: "c" }],
        m: { a: "x", b: "1", c: "2" },
      },
      [
        "spec.items: Too many: 3: must have at most 2 items",
        "spec.m: Too many: 3: must have at most 2 items",
        NOT_CHECKED,
      ],
    ],
    [
      "keys of a map list",
      { image: "abc", items: [{ name: "a" }, { name: "a" }] },
      ['spec.items[1]: Duplicate value: {"name":"a"}'],
    ],
    ["members of a set", { image: "abc", set: ["a", "a"] }, ['spec.set[1]: Duplicate value: "a"']],
    [
      "null in a list",
      { image: "abc", items: [null] },
      [
        'spec.items[0]: Invalid value: "null": spec.items[0] in body must be of type object: "null"',
        NOT_CHECKED,
      ],
    ],
  ])("(c)17 %s", (_what, spec, expected) => {
    expect([...problems(spec)].toSorted()).toEqual([...expected].toSorted());
  });

  it("(c)17 the message lists every mistake", () => {
    const t = new TestCluster();
    const body = foo("b", { image: "ABC", concurrency: -1 });
    expect(t.refusal("create", Foos, { body })).toMatchObject({
      message:
        'Foo.example.com "b" is invalid: [spec.image: Invalid value: "ABC": spec.image in body should match \'^[a-z]+$\', spec.concurrency: Invalid value: -1: spec.concurrency in body should be greater than or equal to 0]',
      details: { name: "b", group: "example.com", kind: "Foo" },
    });
  });

  it("(c)17 a status write is judged by the status alone", () => {
    const t = new TestCluster();
    t.create(Foos, foo("a"));
    const body = { status: { observed: "x", nodes: { n1: { phase: "Odd" } } } };
    const refused = t.refusal("patch", Foos, { name: "a", body, subresource: "status" });
    expect(refused.details?.causes?.map((cause) => `${cause.field}: ${cause.message}`)).toEqual([
      'status.observed: Invalid value: "string": observed in body must be of type integer: "string"',
      'status.nodes.n1.phase: Unsupported value: "Odd": supported values: "Pending", "Running", "Done"',
      NOT_CHECKED,
    ]);
  });

  it("(c)17 what was stored before a stricter schema stays until it is changed", () => {
    const t = new TestCluster({ crds: [] });
    const lax = JSON.parse(JSON.stringify(fooCrd).replace('"pattern":"^[a-z]+$",', "")) as CrdLike;
    t.cluster.defineCrd(lax);
    t.create(Foos, foo("a", { image: "ABC", set: ["x"] }));
    t.cluster.defineCrd(fooCrd);
    expect(at(t.patch(Foos, "a", { spec: { set: ["y"] } }), "spec", "image")).toBe("ABC");
    expect(t.refusal("create", Foos, { body: foo("b", { image: "ABC" }) }).code).toBe(422);
  });
});

describe("rules", () => {
  it.each([
    ["message", { concurrency: 7 }, "spec: Invalid value: too many"],
    ["no message", { count: 99 }, "spec: Invalid value: failed rule: self.count + 1 < 100"],
    ["fieldPath and reason", { tag: "bad" }, "spec.tag: Forbidden: bad tag"],
    ["messageExpression", { tag: "m" }, "spec: Invalid value: tag is m"],
    [
      "an error while evaluating",
      { m: { b: "1" } },
      'spec: Invalid value: "object": no such key: a evaluating rule: a must be x',
    ],
  ])("(c)17 with %s", (_what, spec, expected) => {
    expect(problems({ image: "abc", ...spec })).toEqual([expected]);
  });

  it("(c)17 transition rules compare with the old object, on updates only", () => {
    const t = new TestCluster();
    t.create(Foos, foo("a"));
    const refused = t.refusal("patch", Foos, { name: "a", body: { spec: { image: "xyz" } } });
    expect(refused.message).toBe(
      'Foo.example.com "a" is invalid: spec: Invalid value: image is immutable; create one with a new name',
    );
    expect(t.patch(Foos, "a", { spec: { concurrency: 2 } }).metadata.generation).toBe(2);
  });

  it("(c)17 integers are integers: a rule may calculate with them", () => {
    const t = new TestCluster();
    expect(at(t.create(Foos, foo("a", { image: "abc", count: 98 })), "spec", "count")).toBe(98);
  });

  it("(c)17 a broken rule is refused with the definition, not ignored", () => {
    const crd = JSON.parse(
      JSON.stringify(fooCrd).replace("self.concurrency <= 5", "self.concurrency <="),
    ) as CrdLike;
    expect(() => customResource(crd)).toThrow("Unexpected token: EOF");
    const unknown = JSON.parse(
      JSON.stringify(fooCrd).replace("self.concurrency <= 5", "isURL(self.image)"),
    ) as CrdLike;
    expect(() => customResource(unknown)).toThrow(
      /the rule "isURL\(self\.image\)" does not compile/u,
    );
  });

  it("(c)17 a keyword that is not implemented is refused, not ignored", () => {
    const crd = JSON.parse(
      JSON.stringify(fooCrd).replace('"minLength":2', '"oneOf":[]'),
    ) as CrdLike;
    expect(() => customResource(crd)).toThrow(
      'CustomResourceDefinition: spec.image: the fake API server does not implement "oneOf"',
    );
  });
});

const upgrade = (name: string, spec: Readonly<Record<string, unknown>>) => ({
  apiVersion: "operator.kairos.io/v1alpha1",
  kind: "NodeOpUpgrade",
  metadata: { name },
  spec,
});

describe("nodeop's own definitions", () => {
  it("(c)17 are served", async () => {
    const { crds } = await import("../../../src/domain/api/crd.ts");
    const { NodeOpUpgrades } = await import("../../../src/domain/kube/resource.ts");
    const t = new TestCluster({ crds: crds() });
    const image =
      "quay.io/kairos/opensuse:leap-15.6-standard-amd64-generic-v3.4.2-k3sv1.30.11-k3s1";
    const created = t.create(NodeOpUpgrades, upgrade("a", { image, unknown: 1 }));
    expect(created["spec"]).toMatchObject({
      image,
      concurrency: 0,
      stopOnFailure: false,
      upgradeActive: true,
      upgradeRecovery: false,
      force: false,
    });
    expect(created["spec"]).not.toHaveProperty("unknown");
    expect(created["status"]).toEqual({ observedGeneration: -1 });
    const missing = t.refusal("create", NodeOpUpgrades, { body: upgrade("b", {}) });
    expect(missing.message).toContain("spec.image: Required value");
    const neither = upgrade("b", { image, upgradeActive: false });
    expect(t.refusal("create", NodeOpUpgrades, { body: neither }).message).toContain(
      "select at least one partition",
    );
    const other = { name: "a", body: { spec: { image: "other:1" } } };
    expect(t.refusal("patch", NodeOpUpgrades, other).message).toMatch(
      /is immutable.*create one with a new name/u,
    );
    t.patch(NodeOpUpgrades, "a", { spec: { concurrency: 3 } });
    const running = { status: { phase: "Running" } };
    t.patch(NodeOpUpgrades, "a", running, { subresource: "status" });
    expect(t.get(NodeOpUpgrades, "a")).toMatchObject({
      metadata: { generation: 2 },
      spec: { concurrency: 3 },
      status: { phase: "Running" },
    });
  });
});
