import { describe, expect, it } from "@effect/vitest";
import { Schema } from "effect";
import { celCheck, celRules, open, withDefault } from "../../../src/domain/api/fields.ts";
import { type StructuralSchema, toStructuralSchema } from "../../../src/domain/api/structural.ts";

class Inner extends Schema.Class<Inner>("Inner")({ a: Schema.String }) {}

interface Tree {
  readonly children: ReadonlyArray<Tree>;
}
const Tree: Schema.Codec<Tree> = Schema.Struct({
  children: Schema.Array(Schema.suspend(() => Tree)),
}).annotate({ identifier: "Tree" });

const inner = { type: "object", properties: { a: { type: "string" } }, required: ["a"] } as const;

describe("a schema becomes structural:", () => {
  it.each<[string, Schema.Constraint, StructuralSchema]>([
    ["a class is inlined", Inner, inner],
    [
      "a schema with an identifier is inlined",
      Schema.Struct({ x: Schema.String.annotate({ identifier: "Name" }) }),
      { type: "object", properties: { x: { type: "string" } }, required: ["x"] },
    ],
    ["an open object loses additionalProperties", open({ a: Schema.String }), inner],
    [
      "a map keeps the schema of its values",
      Schema.Record(Schema.String, Schema.Struct({ a: Schema.String })),
      { type: "object", additionalProperties: inner },
    ],
    ["null makes it nullable", Schema.NullOr(Schema.String), { type: "string", nullable: true }],
    [
      "an optional key that may be undefined is nullable in JSON",
      Schema.Struct({ a: Schema.optional(Schema.Boolean) }),
      { type: "object", properties: { a: { type: "boolean", nullable: true } } },
    ],
    [
      "null beside an annotation keeps it",
      Schema.NullOr(Schema.Boolean).annotate({ description: "d" }),
      { type: "boolean", nullable: true, description: "d" },
    ],
    [
      "integer or string is an extension and nothing else",
      Schema.Union([Schema.Int, Schema.String]).annotate({
        description: "A count or a percentage.",
        "x-kubernetes-int-or-string": true,
      }),
      { description: "A count or a percentage.", "x-kubernetes-int-or-string": true },
    ],
    [
      "any value preserves unknown fields",
      Schema.Struct({ raw: Schema.Unknown, json: Schema.optionalKey(Schema.Unknown) }),
      {
        type: "object",
        properties: {
          raw: { "x-kubernetes-preserve-unknown-fields": true },
          json: { "x-kubernetes-preserve-unknown-fields": true },
        },
        required: ["raw"],
      },
    ],
    ["an integer is an int64 without bounds", Schema.Int, { type: "integer", format: "int64" }],
    [
      "a format and real bounds of an integer stay",
      Schema.Int.annotate({ format: "int32" }).check(
        Schema.isGreaterThanOrEqualTo(0),
        Schema.isLessThanOrEqualTo(9),
      ),
      { type: "integer", format: "int32", minimum: 0, maximum: 9 },
    ],
    [
      "stacked checks are merged, the stricter bound wins",
      Schema.Int.annotate({ format: "int32" })
        .check(Schema.isGreaterThanOrEqualTo(1), Schema.isLessThanOrEqualTo(9))
        .annotate({ format: "int32" })
        .check(Schema.isGreaterThanOrEqualTo(3))
        .annotate({ description: "d" })
        .check(Schema.isLessThanOrEqualTo(99)),
      { type: "integer", format: "int32", minimum: 3, maximum: 9, description: "d" },
    ],
    [
      "lengths and patterns of strings stay",
      Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(9), Schema.isPattern(/^a+$/u)),
      { type: "string", minLength: 1, maxLength: 9, pattern: "^a+$" },
    ],
    [
      "CEL rules of an annotation and of several checks are all kept, in order",
      Schema.String.annotate(celRules([{ rule: "1 == 1", message: "one" }])).check(
        celCheck({ rule: "2 == 2", message: "two" }, () => true),
        celCheck({ rule: "3 == 3", message: "three" }, () => true),
      ),
      {
        type: "string",
        "x-kubernetes-validations": [
          { rule: "1 == 1", message: "one" },
          { rule: "2 == 2", message: "two" },
          { rule: "3 == 3", message: "three" },
        ],
      },
    ],
    [
      "a non-empty array has minItems",
      Schema.NonEmptyArray(Schema.String),
      { type: "array", items: { type: "string" }, minItems: 1 },
    ],
    [
      "a default of the decoder is a default of the CRD, and the key is not required",
      Schema.Struct({ a: withDefault(Schema.Int, 3) }),
      {
        type: "object",
        properties: { a: { type: "integer", format: "int64", default: 3 } },
      },
    ],
    [
      "a time has the format date-time",
      Schema.DateTimeUtcFromString.pipe(Schema.annotateEncoded({ format: "date-time" })),
      { type: "string", format: "date-time" },
    ],
    ["a literal is an enum of one", Schema.Literal("x"), { type: "string", enum: ["x"] }],
    ["literals are an enum", Schema.Literals(["x", "y"]), { type: "string", enum: ["x", "y"] }],
    ["a number stays a number", Schema.Finite, { type: "number" }],
    [
      "x-kubernetes annotations and descriptions are carried over, others are not",
      Schema.Array(Schema.String).annotate({
        description: "d",
        "x-kubernetes-list-type": "set",
        other: "no",
      }),
      {
        type: "array",
        items: { type: "string" },
        description: "d",
        "x-kubernetes-list-type": "set",
      },
    ],
  ])("%s", (_, schema, expected) => {
    expect(toStructuralSchema(schema)).toEqual(expected);
  });

  it.each<[string, Schema.Constraint, RegExp]>([
    ["recursion", Tree, /recursive/],
    ["a union of two types", Schema.Union([Schema.String, Schema.Boolean]), /union/],
    [
      "a tagged union",
      Schema.Union([
        Schema.Struct({ a: Schema.Literal("x") }),
        Schema.Struct({ b: Schema.Literal("y") }),
      ]),
      /union/,
    ],
    ["a tuple", Schema.Tuple([Schema.String, Schema.Int]), /tuples/],
    [
      "a non-uniform tuple with rest",
      Schema.TupleWithRest(Schema.Tuple([Schema.String]), [Schema.Int]),
      /tuples/,
    ],
    [
      "a rule on keys",
      Schema.Record(Schema.String.check(Schema.isPattern(/^a/u)), Schema.String),
      /keys/,
    ],
    [
      "two patterns",
      Schema.String.check(Schema.isPattern(/^a/u), Schema.isPattern(/b$/u)),
      /two different values of pattern/,
    ],
    ["nothing but null", Schema.Null, /type/],
  ])("%s is refused", (_, schema, reason) => {
    expect(() => toStructuralSchema(schema)).toThrow(reason);
  });

  it("what is refused is named by its path", () => {
    const schema = Schema.Struct({ a: Schema.Array(Schema.Struct({ b: Schema.Tuple([]) })) });
    expect(() => toStructuralSchema(schema)).toThrow(/\.a\[\]\.b/);
  });

  it("decoding with the default agrees with the CRD", () => {
    const S = Schema.Struct({ a: withDefault(Schema.Int, 3) });
    const { default: value } = toStructuralSchema(S).properties?.["a"] ?? {};
    expect(Schema.decodeSync(S)({})).toEqual({ a: value });
  });
});
