import { readFileSync } from "node:fs";
import { describe, expect, it } from "@effect/vitest";
import { evaluate } from "@marcbachmann/cel-js";
import { Result } from "effect";
import { crdsYaml } from "../../../scripts/generate.ts";
import { crds } from "../../../src/domain/api/crd.ts";
import { decodeNodeOp, decodeNodeOpUpgrade } from "../../../src/domain/api/decode.ts";
import type { StructuralSchema } from "../../../src/domain/api/structural.ts";
import { nodeOp, nodeOpUpgrade } from "./fixtures.ts";

const schemas = crds().map((crd) => ({
  kind: crd.spec.names.kind,
  schema: crd.spec.versions[0]?.schema.openAPIV3Schema ?? {},
}));

/** A node of a CRD's schema by its path; `[]` goes to the items of a list. */
const at = (kind: string, path: string): StructuralSchema => {
  let node = schemas.find((each) => each.kind === kind)?.schema;
  for (const key of path.split(".")) node = key === "[]" ? node?.items : node?.properties?.[key];
  if (node === undefined) throw new Error(`${kind} has no ${path}`);
  return node;
};

const rulesAt = (kind: string, path: string) => at(kind, path)["x-kubernetes-validations"] ?? [];

/** Whether the API server would accept `self` by the rules that look at no earlier version. */
const celAccepts = (kind: string, path: string, self: unknown): boolean =>
  rulesAt(kind, path)
    .filter(({ rule }) => !rule.includes("oldSelf"))
    .every(({ rule }) => evaluate(rule, { self }) === true);

/** Every schema node that describes a field, with its path. */
const fieldsOf = (
  node: StructuralSchema,
  path: string,
): ReadonlyArray<readonly [string, StructuralSchema]> => [
  ...Object.entries(node.properties ?? {}).flatMap(([name, field]) => [
    [`${path}.${name}`, field] as const,
    ...fieldsOf(field, `${path}.${name}`),
  ]),
  ...(node.items === undefined ? [] : fieldsOf(node.items, `${path}[]`)),
  ...(node.additionalProperties === undefined
    ? []
    : fieldsOf(node.additionalProperties, `${path}[*]`)),
];

describe("the CustomResourceDefinitions", () => {
  it("are what is checked in; `node scripts/generate.ts` writes them", () => {
    const file = new URL("../../../deploy/crds.yaml", import.meta.url);
    expect(readFileSync(file, "utf8")).toBe(crdsYaml());
  });

  it("describe every field in at most two sentences, apart from its default", () => {
    for (const { kind, schema } of schemas) {
      for (const [path, field] of fieldsOf(schema, kind)) {
        if (path === `${kind}.metadata`) continue;
        const description = field.description ?? "";
        const sentences = description.replace(/ ?Default: \S+$/u, "").match(/\.( |$)/gu) ?? [];
        expect({ path, description, isWordy: sentences.length > 2 }).toEqual({
          path,
          description: expect.stringMatching(/./u),
          isWordy: false,
        });
      }
    }
  });

  it("state every scalar default in its description", () => {
    for (const { kind, schema } of schemas) {
      for (const [path, field] of fieldsOf(schema, kind)) {
        const { default: value, description } = field;
        if (value === undefined || value === "" || typeof value === "object") continue;
        const text = typeof value === "string" ? value : JSON.stringify(value);
        expect({ path, description }).toEqual({
          path,
          description: expect.stringContaining(`Default: ${text}.`),
        });
      }
    }
  });

  it("give fresh objects a status that no generation has been observed for", () => {
    for (const { kind } of schemas) {
      expect(at(kind, "status").default).toEqual({ observedGeneration: -1 });
    }
  });

  it("let kubectl show the kinds by their short names and columns", () => {
    const shown = crds().map(({ metadata, spec }) => ({
      name: metadata.name,
      ...spec.names,
      columns: spec.versions[0]?.additionalPrinterColumns.map((column) => [
        column.name,
        column.jsonPath,
        column.priority ?? 0,
      ]),
      subresources: spec.versions[0]?.subresources,
    }));
    expect(shown).toEqual([
      {
        name: "nodeops.operator.kairos.io",
        kind: "NodeOp",
        listKind: "NodeOpList",
        plural: "nodeops",
        singular: "nodeop",
        shortNames: ["nop"],
        categories: ["kairos"],
        columns: [
          ["Phase", ".status.phase", 0],
          ["Done", ".status.progress", 0],
          ["Failed", ".status.failed", 0],
          ["Message", ".status.message", 0],
          ["Age", ".metadata.creationTimestamp", 0],
        ],
        subresources: { status: {} },
      },
      {
        name: "nodeopupgrades.operator.kairos.io",
        kind: "NodeOpUpgrade",
        listKind: "NodeOpUpgradeList",
        plural: "nodeopupgrades",
        singular: "nodeopupgrade",
        shortNames: ["nou"],
        categories: ["kairos"],
        columns: [
          ["Phase", ".status.phase", 0],
          ["Done", ".status.progress", 0],
          ["Failed", ".status.failed", 0],
          ["Image", ".spec.image", 1],
          ["Message", ".status.message", 0],
          ["Age", ".metadata.creationTimestamp", 0],
        ],
        subresources: { status: {} },
      },
    ]);
  });
});

/** The fields that the transition rules refuse to change like this. */
const refused = (kind: string, oldSelf: object, self: object) =>
  rulesAt(kind, "spec")
    .filter(({ rule }) => rule.includes("oldSelf"))
    .filter(({ rule }) => evaluate(rule, { self, oldSelf }) !== true)
    .map(({ fieldPath }) => fieldPath);

describe("what defines an operation is immutable", () => {
  const steering = {
    concurrency: 3,
    stopOnFailure: true,
    deadlines: { rebootSeconds: 1, readySeconds: 2 },
    unreadyNodes: "Skip",
    includeNewNodes: true,
  };
  const full = {
    nodeSelector: { matchLabels: { a: "b" } },
    command: ["true"],
    image: "x",
    hostMountPath: "/host",
    cordon: true,
    rebootOnSuccess: true,
    preflight: { command: ["check"], activeDeadlineSeconds: 120 },
    upgradeActive: true,
    upgradeRecovery: true,
    force: true,
    debug: true,
    excludePaths: ["/etc"],
  };
  const defining: Record<string, ReadonlyArray<keyof typeof full>> = {
    NodeOp: [
      "nodeSelector",
      "command",
      "image",
      "hostMountPath",
      "cordon",
      "rebootOnSuccess",
      "preflight",
    ],
    NodeOpUpgrade: [
      "image",
      "nodeSelector",
      "upgradeActive",
      "upgradeRecovery",
      "force",
      "debug",
      "excludePaths",
    ],
  };

  it.each(Object.keys(defining))("in a %s, and what steers it is not", (kind) => {
    const fields = defining[kind] ?? [];
    expect(refused(kind, full, { ...full, ...steering })).toEqual([]);
    for (const field of fields) {
      const { [field]: _, ...without } = full;
      expect(refused(kind, full, without)).toEqual([`.${field}`]);
      expect(refused(kind, without, full)).toEqual([`.${field}`]);
      expect(refused(kind, full, { ...full, [field]: ["other"] })).toEqual([`.${field}`]);
      expect(refused(kind, without, without)).toEqual([]);
    }
    expect(refused(kind, {}, full)).toEqual(fields.map((field) => `.${field}`));
  });

  it("and the message says what to do", () => {
    for (const { kind } of schemas) {
      for (const { rule, message } of rulesAt(kind, "spec")) {
        if (!rule.includes("oldSelf")) continue;
        expect(message).toContain("is immutable");
        expect(message).toContain("create one with a new name");
      }
    }
  });
});

describe("the API server and the decoder agree", () => {
  const booleans = [undefined, false, true];
  const partitions = booleans.flatMap((upgradeActive) =>
    booleans.map((upgradeRecovery) => ({
      image: "x",
      ...(upgradeActive === undefined ? {} : { upgradeActive }),
      ...(upgradeRecovery === undefined ? {} : { upgradeRecovery }),
    })),
  );
  it.each(partitions)("on the partitions %j", (spec) => {
    const decoded = Result.isSuccess(decodeNodeOpUpgrade(nodeOpUpgrade(spec)));
    // The server fills in defaults before it evaluates rules.
    const defaulted = { upgradeActive: true, upgradeRecovery: false, ...spec };
    expect(celAccepts("NodeOpUpgrade", "spec", defaulted)).toBe(decoded);
  });

  const requirements = ["In", "NotIn", "Exists", "DoesNotExist"].flatMap((operator) =>
    [undefined, [], ["a"], ["a", "b"]].map((values) => ({
      key: "k",
      operator,
      ...(values === undefined ? {} : { values }),
    })),
  );
  it.each(requirements)("on the requirement %j", (requirement) => {
    const spec = { command: ["true"], nodeSelector: { matchExpressions: [requirement] } };
    const accepted = celAccepts("NodeOp", "spec.nodeSelector.matchExpressions.[]", requirement);
    expect(accepted).toBe(Result.isSuccess(decodeNodeOp(nodeOp(spec))));
  });

  it.each<[string, boolean]>([
    ["a", true],
    ["kubernetes.io/hostname", true],
    ["node-role.kubernetes.io/control-plane", true],
    ["A_b.c-9", true],
    ["", false],
    ["a b", false],
    ["/a", false],
    ["a/", false],
    ["A.io/b", false],
    ["a/b/c", false],
    ["-a", false],
    ["a".repeat(63), true],
    ["a".repeat(64), false],
    [`${"a".repeat(254)}/b`, true],
    [`${"a".repeat(317)}/b`, false],
  ])("on the label key %j", (key, valid) => {
    const nodeSelector = { matchLabels: { [key]: "" } };
    const decoded = decodeNodeOp(nodeOp({ command: ["true"], nodeSelector }));
    expect(Result.isSuccess(decoded)).toBe(valid);
    expect(celAccepts("NodeOp", "spec.nodeSelector.matchLabels", { [key]: "" })).toBe(valid);
  });

  it.each<[string, boolean]>([
    ["/host", true],
    ["/a/b/", true],
    ["/", false],
    ["//", false],
    ["host", false],
    ["", false],
    ["/a:b", false],
  ])("on the mount path %j", (hostMountPath, valid) => {
    const decoded = decodeNodeOp(nodeOp({ command: ["true"], hostMountPath }));
    expect(Result.isSuccess(decoded)).toBe(valid);
    expect(celAccepts("NodeOp", "spec.hostMountPath", hostMountPath)).toBe(valid);
  });
});
