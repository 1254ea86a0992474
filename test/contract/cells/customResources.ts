/** Structural schemas: defaults, pruning, validation, CEL, field validation (reliability.md (c)17), on our own kinds too. */
import { Effect } from "effect";
import { NodeOps, NodeOpUpgrades } from "../../../src/domain/kube/resource.ts";
import type { KubeQuery } from "../../../src/services/KubeTransport.ts";
import { type Body, type Group, type Kit, outcome, view } from "../support/cell.ts";
import { foo, Foos, nodeOp, nodeOpUpgrade } from "../support/objects.ts";

const specOf = (kit: Kit, spec: Body, query: KubeQuery = {}) =>
  Effect.map(outcome(kit.create(Foos, foo("a", spec), { query })), (created) =>
    view(created, "spec"),
  );

/** What becomes of each change to an object that is there. */
const changed = (kit: Kit, spec: Body, changes: Readonly<Record<string, Body>>) =>
  Effect.gen(function* () {
    yield* kit.create(NodeOps, nodeOp("a", spec));
    return yield* Effect.forEach(Object.entries(changes), ([what, change]) =>
      Effect.map(outcome(kit.patch(NodeOps, "a", { spec: change })), (answer) => [
        what,
        view(answer, ...Object.keys(change).map((key) => `spec.${key}`)),
      ]),
    );
  });

const invalidFoos: Readonly<Record<string, Body>> = {
  "required field missing": { image: null },
  "wrong types": { image: 1, concurrency: "x", flag: "yes", items: {}, m: [] },
  "pattern, minLength": { image: "A" },
  maxLength: { image: "abcdefghijklm" },
  minimum: { concurrency: -1 },
  maximum: { concurrency: 11 },
  "format int32": { concurrency: 3_000_000_000 },
  "no integer": { count: 1.5 },
  enum: { mode: "C" },
  minItems: { items: [] },
  maxItems: { items: [{ name: "a" }, { name: "b" }, { name: "c" }] },
  "required in an item": { items: [{ v: 1 }] },
  "duplicate keys in a list map": { items: [{ name: "a" }, { name: "a" }] },
  "duplicates in a set": { set: ["a", "a"] },
  minProperties: { m: {} },
  maxProperties: { m: { a: "x", b: "1", c: "2" } },
  "type of a map's value": { m: { a: 1 } },
  "null in a map": { m: { a: "x", b: null } },
  "exclusive maximum": { num: 5 },
  "format date-time": { when: "yesterday" },
  "int or string": { ios: true },
  "null where allowed": { n: null },
  "null where not allowed": { tag: null },
  "CEL rule with message": { concurrency: 6 },
  "CEL rule without message": { count: 99 },
  "CEL rule with fieldPath and reason": { tag: "bad" },
  "CEL rule with messageExpression": { tag: "m" },
  "CEL rule on a map without the key": { m: { b: "1" } },
  "several mistakes at once": { image: "A", concurrency: 11, mode: "C", set: ["a", "a"] },
};

export const customResources: Group = {
  title: "custom resources",
  cells: {
    "create × defaults, also inside of what is given": (kit) =>
      specOf(kit, { d: {}, items: [{ name: "i" }] }),
    "create × unknown fields are pruned": (kit) =>
      Effect.gen(function* () {
        const created = yield* kit.create(Foos, {
          ...foo("a", { unknown: 1, d: { unknown: 1 }, items: [{ name: "i", unknown: 1 }] }),
          unknown: 1,
        });
        return view(created, "spec", "unknown");
      }),
    "create × x-kubernetes-preserve-unknown-fields keeps all": (kit) =>
      specOf(kit, { free: { a: { b: [1, null, "x"] }, n: null } }),
    "create × x-kubernetes-int-or-string": (kit) =>
      Effect.map(specOf(kit, { ios: "50%" }), (answer) => answer),
    ...Object.fromEntries(
      Object.entries(invalidFoos).map(([what, spec]) => [
        `create × ${what}`,
        (kit: Kit) => specOf(kit, spec),
      ]),
    ),
    "create × no spec": (kit) =>
      outcome(
        kit.create(Foos, { apiVersion: "example.com/v1", kind: "Foo", metadata: { name: "a" } }),
      ),
    "create × spec is no object": (kit) => outcome(kit.create(Foos, { ...foo("a"), spec: "text" })),
    "create × fieldValidation Strict names unknown fields": (kit) =>
      Effect.gen(function* () {
        const query = { fieldValidation: "Strict" } as const;
        return [
          yield* specOf(kit, { unknown: 1, d: { deep: 1 } }, query),
          yield* outcome(
            kit.create(Foos, { ...foo("a", {}, { strange: 1 }), other: 1 }, { query }),
          ),
          yield* specOf(kit, { tag: "fine" }, query),
        ];
      }),
    "create × fieldValidation Warn and Ignore prune": (kit) =>
      Effect.gen(function* () {
        const one = yield* specOf(kit, { unknown: 1 }, { fieldValidation: "Warn" });
        yield* kit.delete(Foos, "a");
        const two = yield* specOf(kit, { unknown: 1 }, { fieldValidation: "Ignore" });
        return [one, two];
      }),
    "patch × fieldValidation Strict": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Foos, foo("a"));
        const query = { fieldValidation: "Strict" } as const;
        return [
          yield* outcome(kit.patch(Foos, "a", { spec: { unknown: 1 } }, { query })),
          view(yield* outcome(kit.patch(Foos, "a", { spec: { tag: "t" } }, { query })), "spec.tag"),
        ];
      }),
    "update × fieldValidation Strict": (kit) =>
      Effect.gen(function* () {
        const created = yield* kit.create(Foos, foo("a"));
        const query = { fieldValidation: "Strict" } as const;
        return yield* outcome(
          kit.put(Foos, { ...created, spec: { image: "abc", unknown: 1 } }, { query }),
        );
      }),
    "patch × CEL transition rule": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Foos, foo("a"));
        return [
          yield* outcome(kit.patch(Foos, "a", { spec: { image: "xyz" } })),
          view(yield* outcome(kit.patch(Foos, "a", { spec: { image: "abc" } })), "spec.image"),
        ];
      }),
    "patch × null of a field with a default brings the default": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Foos, foo("a", { concurrency: 4, d: { x: 1 } }));
        const patched = yield* kit.patch(Foos, "a", { spec: { concurrency: null, d: null } });
        return view(patched, "spec");
      }),
    "NodeOp create × defaults": (kit) => kit.create(NodeOps, nodeOp("a")),
    "NodeOp create × all defaults written out change nothing": (kit) =>
      Effect.gen(function* () {
        const first = yield* kit.create(NodeOps, nodeOp("a"));
        const second = yield* kit.create(NodeOps, {
          ...nodeOp("b"),
          spec: (first as unknown as { readonly spec: Body }).spec,
        });
        return view(second, "spec");
      }),
    "NodeOp create × invalid": (kit) =>
      Effect.forEach(
        [
          { command: [] },
          { command: null },
          { concurrency: -1 },
          { hostMountPath: "relative" },
          { nodeSelector: { matchLabels: { "a b": "c" } } },
          { nodeSelector: { matchExpressions: [{ key: "a", operator: "Maybe" }] } },
          { nodeSelector: { matchExpressions: [{ key: "a", operator: "In" }] } },
          { nodeSelector: { matchExpressions: [{ key: "a", operator: "Exists", values: ["b"] }] } },
          { deadlines: { upgradeSeconds: -1 } },
          { preflight: {} },
          { backoffLimit: 2 ** 31 },
        ],
        (spec) => outcome(kit.create(NodeOps, nodeOp("a", spec))),
      ),
    "NodeOp patch × what is immutable": (kit) =>
      changed(
        kit,
        { image: "i:1", nodeSelector: { matchLabels: { a: "b" } } },
        {
          command: { command: ["false"] },
          image: { image: "i:2" },
          "image removed": { image: null },
          hostMountPath: { hostMountPath: "/other" },
          cordon: { cordon: true },
          rebootOnSuccess: { rebootOnSuccess: true },
          "preflight added": { preflight: { command: ["true"] } },
          nodeSelector: { nodeSelector: { matchLabels: { a: "c" } } },
          "nodeSelector removed": { nodeSelector: null },
          "two at once": { command: ["false"], image: "i:2" },
          "default written out": { cordon: false, hostMountPath: "/host" },
        },
      ),
    "NodeOp patch × what may change": (kit) =>
      changed(
        kit,
        {},
        {
          concurrency: { concurrency: 3 },
          stopOnFailure: { stopOnFailure: true },
          backoffLimit: { backoffLimit: 1 },
          deadlines: { deadlines: { upgradeSeconds: 5 } },
          imagePullSecrets: { imagePullSecrets: [{ name: "s" }, {}] },
        },
      ),
    "NodeOp update status × whole nodeStatuses": (kit) =>
      Effect.gen(function* () {
        const created = yield* kit.create(NodeOps, nodeOp("a"));
        const body = {
          ...created,
          status: {
            phase: "Running",
            observedGeneration: 1,
            nodeStatuses: { n: { phase: "Running", stage: "upgrading", unknownStage: "x" } },
          },
        };
        return view(yield* outcome(kit.put(NodeOps, body, { subresource: "status" })), "status");
      }),
    "NodeOp patch status × invalid": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(NodeOps, nodeOp("a"));
        return yield* Effect.forEach(
          [
            { nodeStatuses: { n: { phase: "Lost" } } },
            { nodeStatuses: { n: {} } },
            { conditions: [{ type: "Ready", status: "Perhaps" }] },
            { lastUpdated: "now" },
            { total: -1 },
          ],
          (status) => outcome(kit.patch(NodeOps, "a", { status }, { subresource: "status" })),
        );
      }),
    "NodeOpUpgrade create × defaults": (kit) => kit.create(NodeOpUpgrades, nodeOpUpgrade("a")),
    "NodeOpUpgrade create × invalid": (kit) =>
      Effect.forEach(
        [
          { image: "" },
          { image: null },
          { upgradeActive: false, upgradeRecovery: false },
          { concurrency: -5 },
          { force: "yes" },
        ],
        (spec) => outcome(kit.create(NodeOpUpgrades, nodeOpUpgrade("a", spec))),
      ),
    "NodeOpUpgrade patch × image is immutable": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(NodeOpUpgrades, nodeOpUpgrade("a"));
        return yield* outcome(kit.patch(NodeOpUpgrades, "a", { spec: { image: "other:1" } }));
      }),
    "NodeOpUpgrade create × of another version": (kit) =>
      outcome(
        kit.create(NodeOpUpgrades, {
          ...nodeOpUpgrade("a"),
          apiVersion: "operator.kairos.io/v1beta1",
        }),
      ),
  },
};
