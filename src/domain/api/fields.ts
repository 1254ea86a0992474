/** Building blocks of API schemas: fields with descriptions, defaults and checks that decoder and CRD share. */
import { Effect, Schema } from "effect";

const INT32_MIN = -2_147_483_648;
const INT32_MAX = 2_147_483_647;

/** A rule in the Common Expression Language, as `x-kubernetes-validations` holds it. */
export interface CelRule {
  readonly rule: string;
  readonly message: string;
  /** Where the problem is shown, relative to the object that carries the rule: `.image`. */
  readonly fieldPath?: string;
  readonly reason?: "FieldValueInvalid" | "FieldValueForbidden" | "FieldValueRequired";
}

/** CEL rules in the form in which a schema annotation carries them to the CRD. */
export const celRules = (rules: ReadonlyArray<CelRule>) => ({
  "x-kubernetes-validations": rules.map((rule) => ({ ...rule })),
});

/**
 * A check that the API server makes with a CEL rule and the decoder with `holds`, under the same message.
 * Both must say the same; the rule is for `self`, the value that the schema describes. `pattern` tells generators
 * of examples what strings that hold look like.
 */
export const celCheck = <T>(rule: CelRule, holds: (value: T) => boolean, pattern?: string) => {
  const path = rule.fieldPath === undefined ? [] : rule.fieldPath.split(".").slice(1);
  return Schema.makeFilter(
    (value: T) => (holds(value) ? undefined : { path, issue: rule.message }),
    {
      toJsonSchema: () => [celRules([rule]), true],
      ...(pattern === undefined
        ? {}
        : { arbitraryConstraint: { patterns: [{ source: pattern, flags: "u" }] } }),
    },
  );
};

/** A schema of an object whose type names the given fields and no others. */
type ObjectSchema<F extends Schema.Struct.Fields> = Schema.Codec<
  Schema.Struct.Type<F>,
  Schema.Struct.Encoded<F>,
  Schema.Struct.DecodingServices<F>,
  Schema.Struct.EncodingServices<F>
>;

/**
 * An object with the given fields that keeps the fields it does not know: a read-modify-write must give back
 * what a newer version stored. The type has no index signature, so that the compiler still finds misspelt fields.
 */
export const open = <const F extends Schema.Struct.Fields>(fields: F): ObjectSchema<F> =>
  Schema.make<ObjectSchema<F>>(
    Schema.StructWithRest(Schema.Struct(fields), [Schema.Record(Schema.String, Schema.Unknown)])
      .ast,
  );

/** A field that may be absent; absent (or Go's null) decodes to `value`, which is also the CRD's default. */
export const withDefault = <S extends Schema.Top & { readonly Rebuild: S }>(
  schema: S,
  value: S["Encoded"],
): Schema.withDecodingDefaultKey<S> =>
  Schema.withDecodingDefaultKey<S>(Effect.succeed(value))(schema.annotate({ default: value }));

/** A field that must be there; `hint` says what to write when it is not. */
export const required = <S extends Schema.Top>(schema: S, hint: string) =>
  schema.pipe(Schema.annotateKey({ messageMissingKey: `is required; ${hint}` }));

/** Any string. */
export const text = (description: string) => Schema.String.annotate({ description });

/** A string with at least one character; `hint` says what to write. */
export const nonEmptyText = (description: string, hint: string) =>
  Schema.String.annotate({ description }).check(
    Schema.isMinLength(1, { message: `must not be empty; ${hint}` }),
  );

/** What no reference to a container image contains; whether it names one is the kubelet's to say (`InvalidImageName`). */
export const withoutSpaces = Schema.isPattern(/^\S*$/u, {
  message: "must be an image reference, without spaces",
});

/** A boolean with a default. */
export const flag = (value: boolean, description: string) =>
  withDefault(Schema.Boolean.annotate({ description: `${description} Default: ${value}.` }), value);

/** A 32-bit integer, not below `minimum`. */
export const int32 = (description: string, minimum: number = INT32_MIN) =>
  Schema.Int.annotate({ description, format: "int32" }).check(
    Schema.isGreaterThanOrEqualTo(minimum, { expected: `${minimum} or more` }),
    Schema.isLessThanOrEqualTo(INT32_MAX, { expected: `${INT32_MAX} or less` }),
  );

/** A 64-bit integer; JavaScript holds it exactly up to 2^53. */
export const int64 = (description: string) => Schema.Int.annotate({ description, format: "int64" });

const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/u;

/** A point in time, kept as the RFC 3339 string that Kubernetes stores. */
export const time = (description: string) =>
  Schema.String.annotate({ description, format: "date-time" }).check(
    Schema.makeFilter((value: string) => RFC_3339.test(value) && !Number.isNaN(Date.parse(value)), {
      expected: "a time such as 2026-01-31T09:30:00Z",
      // The API server checks the format; a pattern beside it would say the same twice.
      toJsonSchema: () => [{}, true],
      arbitraryConstraint: {
        patterns: [
          { source: "^20[0-9]{2}-0[1-9]-[01][1-9]T1[0-9]:[0-5][0-9]:[0-5][0-9]Z$", flags: "" },
        ],
      },
    }),
  );

/** A list that is replaced as a whole (`x-kubernetes-list-type: atomic`), with at least `minimum` items. */
export const atomicList = <S extends Schema.Top>(item: S, description: string) =>
  Schema.Array(item).annotate({ description, "x-kubernetes-list-type": "atomic" });
