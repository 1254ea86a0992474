import { describe, expect, it } from "@effect/vitest";
import { Result, Schema } from "effect";
import type { Labels, LabelSelector } from "../../../src/domain/kube/selector.ts";
import {
  formatLabelSelector,
  matchesRequirements,
  parseLabelSelector,
  selectorProblems,
  selectsLabels,
  targets,
} from "../../../src/domain/kube/selector.ts";

const expression = (key: string, operator: string, ...values: ReadonlyArray<string>) => ({
  matchExpressions: [{ key, operator, ...(values.length === 0 ? {} : { values }) }],
});

/** What a selector's text says about labels; the text must parse. */
const textSelects = (text: string, labels: Labels): boolean =>
  matchesRequirements(Result.getOrThrow(parseLabelSelector(text)), labels);

describe("selectsLabels", () => {
  const labels = { x: "a", y: "b", empty: "" };

  it.each<[LabelSelector, boolean]>([
    [{}, true],
    [{ matchLabels: {} }, true],
    [{ matchLabels: {}, matchExpressions: [] }, true],
    [{ matchLabels: { x: "a" } }, true],
    [{ matchLabels: { x: "a", y: "b" } }, true],
    [{ matchLabels: { x: "a", y: "c" } }, false],
    [{ matchLabels: { z: "a" } }, false],
    [{ matchLabels: { z: "" } }, false],
    [{ matchLabels: { empty: "" } }, true],
    [expression("x", "In", "b", "a"), true],
    [expression("x", "In", "b"), false],
    [expression("z", "In", ""), false],
    [expression("x", "NotIn", "a", "b"), false],
    [expression("x", "NotIn", "b"), true],
    [expression("z", "NotIn", "a"), true],
    [expression("z", "NotIn", ""), true],
    [expression("x", "Exists"), true],
    [expression("z", "Exists"), false],
    [expression("x", "DoesNotExist"), false],
    [expression("z", "DoesNotExist"), true],
    [{ matchLabels: { x: "a" }, ...expression("y", "In", "b") }, true],
    [{ matchLabels: { x: "a" }, ...expression("y", "NotIn", "b") }, false],
    [{ matchLabels: { x: "b" }, ...expression("y", "In", "b") }, false],
  ])("%j over {x: a, y: b, empty: ''} is %s", (selector, selected) => {
    expect(selectsLabels(selector, labels)).toBe(selected);
  });

  it("takes absent labels for none", () => {
    expect(selectsLabels({}, undefined)).toBe(true);
    expect(selectsLabels(expression("x", "DoesNotExist"), undefined)).toBe(true);
    expect(selectsLabels({ matchLabels: { x: "a" } }, undefined)).toBe(false);
  });

  it("does not find labels that every object inherits", () => {
    expect(selectsLabels(expression("constructor", "Exists"), {})).toBe(false);
    expect(selectsLabels(expression("toString", "DoesNotExist"), {})).toBe(true);
  });

  it.each<[LabelSelector]>([
    [expression("x", "Equals", "a")],
    [expression("x", "NotIn")],
    [expression("x", "In")],
    [expression("x", "Exists", "a")],
    [expression("not a key", "NotIn", "a")],
    [expression("not a key", "DoesNotExist")],
    [expression("x", "NotIn", "not a value")],
    [{ matchLabels: { x: "a" }, ...expression("x", "in", "a") }],
  ])("a selector with problems selects nothing: %j", (selector) => {
    expect(selectorProblems(selector)).not.toEqual([]);
    expect(selectsLabels(selector, labels)).toBe(false);
  });
});

describe("targets", () => {
  const nodes = [{ name: "b", labels: { x: "a" } }, { name: "a" }];

  it("are all nodes without a selector and with the empty one, in the order given", () => {
    expect(targets(undefined, nodes)).toEqual(nodes);
    expect(targets({}, nodes)).toEqual(nodes);
  });

  it("are the nodes that match", () => {
    expect(targets({ matchLabels: { x: "a" } }, nodes)).toEqual([nodes[0]]);
    expect(targets(expression("x", "NotIn", "a"), nodes)).toEqual([nodes[1]]);
    expect(targets(expression("x", "Like", "a"), nodes)).toEqual([]);
  });
});

describe("selectorProblems", () => {
  it.each<[LabelSelector, string, string]>([
    [
      expression("x", "Equals", "a"),
      "matchExpressions[0].operator",
      "not a valid selector operator",
    ],
    [expression("x", "in", "a"), "matchExpressions[0].operator", "not a valid selector operator"],
    [expression("x", "In"), "matchExpressions[0].values", "must be specified"],
    [expression("x", "NotIn"), "matchExpressions[0].values", "must be specified"],
    [expression("x", "Exists", "a"), "matchExpressions[0].values", "may not be specified"],
    [expression("x", "DoesNotExist", "a"), "matchExpressions[0].values", "may not be specified"],
    [expression("x", "In", "a", "b c"), "matchExpressions[0].values[1]", "a valid label must be"],
    [expression("", "Exists"), "matchExpressions[0].key", "name part must be non-empty"],
    [expression("x".repeat(64), "Exists"), "matchExpressions[0].key", "no more than 63"],
    [expression("-x", "Exists"), "matchExpressions[0].key", "name part must consist of"],
    [expression("/x", "Exists"), "matchExpressions[0].key", "prefix part must be non-empty"],
    [
      expression("example.com/", "Exists"),
      "matchExpressions[0].key",
      "name part must be non-empty",
    ],
    [expression("Example.com/x", "Exists"), "matchExpressions[0].key", "prefix part must consist"],
    [expression("a..b/x", "Exists"), "matchExpressions[0].key", "prefix part must consist"],
    [expression(`${"a".repeat(254)}/x`, "Exists"), "matchExpressions[0].key", "no more than 253"],
    [expression("a/b/c", "Exists"), "matchExpressions[0].key", "a qualified name must"],
    [{ matchLabels: { "a b": "c" } }, "matchLabels[a b]", "name part must consist of"],
    [{ matchLabels: { a: "b c" } }, "matchLabels[a]", "a valid label must be"],
    [{ matchLabels: { a: "b".repeat(64) } }, "matchLabels[a]", "no more than 63"],
    [{ matchLabels: { a: "b\n" } }, "matchLabels[a]", "a valid label must be"],
  ])("%j: %s", (selector, path, message) => {
    const problems = selectorProblems(selector);
    expect(problems.map((problem) => problem.path)).toEqual([path]);
    expect(problems[0]?.message).toContain(message);
  });

  it("lists all problems", () => {
    const selector = { matchLabels: { "a b": "c d" }, ...expression("e f", "G", "h i") };
    expect(selectorProblems(selector).map(({ path }) => path)).toEqual([
      "matchLabels[a b]",
      "matchLabels[a b]",
      "matchExpressions[0].operator",
      "matchExpressions[0].key",
      "matchExpressions[0].values[0]",
    ]);
  });

  it.each<[LabelSelector]>([
    [{}],
    [{ matchLabels: { "node-role.kubernetes.io/control-plane": "", "a_B.c-9": "A_b.c-9" } }],
    [expression(`${"a".repeat(253)}/${"x".repeat(63)}`, "In", "", "x".repeat(63))],
    [expression("x", "Exists")],
    [{ matchExpressions: [{ key: "x", operator: "Exists", values: [] }] }],
  ])("%j has none", (selector) => {
    expect(selectorProblems(selector)).toEqual([]);
  });
});

describe("formatLabelSelector", () => {
  it("is empty for the selector that selects everything", () => {
    expect(formatLabelSelector({})).toBe("");
  });

  it("writes every operator", () => {
    expect(
      formatLabelSelector({
        matchLabels: { a: "1" },
        matchExpressions: [
          { key: "b", operator: "In", values: ["3", "2", "3"] },
          { key: "c", operator: "NotIn", values: [""] },
          { key: "d", operator: "Exists" },
          { key: "e", operator: "DoesNotExist" },
        ],
      }),
    ).toBe("a=1,b in (2,3),c!=,d,!e");
  });

  const Key = Schema.Literals(["a", "b", "in", "notin", "example.com/c"]);
  const Value = Schema.Literals(["", "1", "2", "in", "notin"]);
  const Selector = Schema.Struct({
    matchLabels: Schema.optionalKey(Schema.Record(Key, Value)),
    matchExpressions: Schema.optionalKey(
      Schema.Array(
        Schema.Union([
          Schema.Struct({
            key: Key,
            operator: Schema.Literals(["In", "NotIn"]),
            values: Schema.Array(Value).check(Schema.isMinLength(1), Schema.isMaxLength(3)),
          }),
          Schema.Struct({ key: Key, operator: Schema.Literals(["Exists", "DoesNotExist"]) }),
        ]),
      ).check(Schema.isMaxLength(3)),
    ),
  });
  const Sample = Schema.Record(Key, Value);

  it.prop(
    "writes text that selects the same labels",
    { selector: Selector, labels: Schema.Array(Sample).check(Schema.isMaxLength(5)) },
    ({ selector, labels }) => {
      expect(selectorProblems(selector)).toEqual([]);
      const text = formatLabelSelector(selector);
      for (const sample of [...labels, {}]) {
        expect(textSelects(text, sample)).toBe(selectsLabels(selector, sample));
      }
    },
    { arbitrary: { runs: 500, seed: "selector" } },
  );
});
