/**
 * Compiles an Effect schema to a structural OpenAPI v3 schema: the subset of JSON Schema that a
 * CustomResourceDefinition accepts (Kubernetes documentation, "Extend the Kubernetes API with
 * CustomResourceDefinitions", section "Specifying a structural schema").
 */
import { Schema } from "effect";
import type { CelRule } from "./fields.ts";

/** A node of a structural schema, as plain JSON. */
export interface StructuralSchema {
  readonly type?: "object" | "array" | "string" | "integer" | "number" | "boolean";
  readonly description?: string;
  readonly default?: unknown;
  readonly nullable?: boolean;
  readonly format?: string;
  readonly enum?: ReadonlyArray<unknown>;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly exclusiveMaximum?: boolean;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly required?: ReadonlyArray<string>;
  readonly additionalProperties?: StructuralSchema;
  readonly items?: StructuralSchema;
  readonly "x-kubernetes-validations"?: ReadonlyArray<CelRule>;
  readonly "x-kubernetes-list-type"?: "atomic" | "set" | "map";
  readonly "x-kubernetes-list-map-keys"?: ReadonlyArray<string>;
  readonly "x-kubernetes-map-type"?: "atomic" | "granular";
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
}

/** A node of the JSON Schema (draft 2020-12) that Effect emits. */
type Node = { readonly [keyword: string]: unknown };

const isExtension = (keyword: string): boolean => keyword.startsWith("x-kubernetes-");
const VALIDATIONS = "x-kubernetes-validations";
const INT_OR_STRING = "x-kubernetes-int-or-string";
const PRESERVE_UNKNOWN = "x-kubernetes-preserve-unknown-fields";

const TYPES: ReadonlyArray<unknown> = ["object", "array", "string", "integer", "number", "boolean"];

/** Keywords of which the greater value is the stricter, and those of which the smaller is. */
const LOWER_BOUNDS = new Set(["minimum", "minLength", "minItems", "minProperties"]);
const UPPER_BOUNDS = new Set(["maximum", "maxLength", "maxItems", "maxProperties"]);
/** Keywords that pass as they are; what is in no list here has no place in a structural schema. */
const PLAIN = [
  "type",
  "description",
  "default",
  "format",
  "enum",
  "multipleOf",
  "pattern",
  "required",
];
const isKept = (keyword: string): boolean =>
  PLAIN.includes(keyword) ||
  LOWER_BOUNDS.has(keyword) ||
  UPPER_BOUNDS.has(keyword) ||
  isExtension(keyword);

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const nodes = (value: unknown): ReadonlyArray<Node> =>
  Array.isArray(value) ? value.filter(isNode) : [];
const list = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : []);

/** A schema that a CustomResourceDefinition cannot express is a mistake in the program: a defect. */
const refuse = (path: string, why: string): never => {
  throw new Error(`${path === "" ? "schema" : path}: ${why}`);
};

/** One keyword that two parts of a schema both state: the stricter bound, all rules, the later annotation. */
const mergeKeyword = (keyword: string, left: unknown, right: unknown, path: string): unknown => {
  if (LOWER_BOUNDS.has(keyword)) return Math.max(Number(left), Number(right));
  if (UPPER_BOUNDS.has(keyword)) return Math.min(Number(left), Number(right));
  if (keyword === VALIDATIONS) return [...list(left), ...list(right)];
  const isAnnotation = keyword === "description" || keyword === "default" || isExtension(keyword);
  if (isAnnotation || JSON.stringify(left) === JSON.stringify(right)) return right;
  return refuse(path, `two different values of ${keyword} cannot hold at once in a CRD`);
};

/** Stacked checks and annotations arrive as `allOf`; a structural schema wants them in one node. */
const flatten = (node: Node, path: string): Node => {
  const { allOf, ...base } = node;
  const merged: Record<string, unknown> = { ...base };
  for (const part of nodes(allOf).map((each) => flatten(each, path))) {
    for (const [keyword, value] of Object.entries(part)) {
      // An object with known fields that keeps unknown ones arrives with `additionalProperties: {}` here.
      if (keyword === "additionalProperties" && merged["properties"] !== undefined) continue;
      merged[keyword] =
        keyword in merged ? mergeKeyword(keyword, merged[keyword], value, path) : value;
    }
  }
  return merged;
};

/** `X | null` is `X` with `nullable: true`; other unions have no place in a structural schema. */
const union = (node: Node, path: string): StructuralSchema => {
  const { anyOf, oneOf, ...rest } = node;
  const branches = nodes(anyOf ?? oneOf);
  const present = branches.filter((branch) => branch["type"] !== "null");
  const [only, ...others] = present;
  if (only === undefined || others.length > 0) {
    return refuse(path, "a union needs x-kubernetes-int-or-string or one type for all its members");
  }
  const nullable = present.length < branches.length ? { nullable: true } : {};
  return { ...structural({ ...only, ...rest }, path), ...nullable };
};

/** `{}` (any value) and integer-or-string are spelt with extensions instead of a type. */
const untyped = (node: Node, path: string): StructuralSchema => {
  const { anyOf: _, type: __, ...rest } = node;
  const keywords = Object.keys(rest).filter((keyword) => !isExtension(keyword));
  if (keywords.every((keyword) => keyword === "description" || keyword === "default")) {
    return rest[INT_OR_STRING] === true ? rest : { ...rest, [PRESERVE_UNKNOWN]: true };
  }
  return refuse(path, `a schema without a type: ${JSON.stringify(node)}`);
};

/** JavaScript's safe integers are no rule of ours: the type says int64, or int32 where annotated. */
const integer = (node: Node): Partial<Node> => ({
  format: node["format"] ?? "int64",
  ...(node["minimum"] === Number.MIN_SAFE_INTEGER ? { minimum: undefined } : {}),
  ...(node["maximum"] === Number.MAX_SAFE_INTEGER ? { maximum: undefined } : {}),
});

/** `properties` and `additionalProperties` exclude each other. */
const object = (node: Node, path: string): StructuralSchema => {
  const { properties, additionalProperties } = node;
  if (node["patternProperties"] !== undefined || node["propertyNames"] !== undefined) {
    return refuse(path, "rules on the keys of a map need a CEL rule");
  }
  if (isNode(properties)) {
    const compiled = Object.entries(properties).map(([key, value]) => [
      key,
      structural(isNode(value) ? value : {}, `${path}.${key}`),
    ]);
    return { properties: Object.fromEntries(compiled) };
  }
  if (additionalProperties === false) return refuse(path, "an object that may hold no field");
  return isNode(additionalProperties)
    ? { additionalProperties: structural(additionalProperties, `${path}[*]`) }
    : { [PRESERVE_UNKNOWN]: true };
};

/** A list of one kind of item; a non-empty array arrives with its first item as a tuple element. */
const array = (node: Node, path: string): StructuralSchema => {
  const { items, prefixItems } = node;
  if (!isNode(items)) return refuse(path, "tuples are not structural");
  const elements = list(prefixItems);
  if (elements.some((element) => JSON.stringify(element) !== JSON.stringify(items))) {
    return refuse(path, "tuples are not structural");
  }
  return { items: structural(items, `${path}[]`) };
};

const structural = (emitted: Node, path: string): StructuralSchema => {
  const node = flatten(emitted, path);
  if (node["$ref"] !== undefined) {
    return refuse(path, `${JSON.stringify(node["$ref"])} is recursive, which a CRD cannot be`);
  }
  if (node[INT_OR_STRING] === true || node[PRESERVE_UNKNOWN] === true) return untyped(node, path);
  if (node["anyOf"] !== undefined || node["oneOf"] !== undefined) return union(node, path);
  if (node["type"] === undefined) return untyped(node, path);
  if (!TYPES.includes(node["type"]))
    return refuse(path, `no CRD has type ${JSON.stringify(node["type"])}`);
  const kept = Object.entries(node).filter(([keyword]) => isKept(keyword));
  const compiled = {
    ...Object.fromEntries(kept),
    ...(node["type"] === "integer" ? integer(node) : {}),
    ...(node["type"] === "object" ? object(node, path) : {}),
    ...(node["type"] === "array" ? array(node, path) : {}),
  };
  return Object.fromEntries(Object.entries(compiled).filter(([, value]) => value !== undefined));
};

/**
 * Compiles a schema to the OpenAPI v3 subset that a CustomResourceDefinition accepts. Descriptions, defaults,
 * formats and annotations whose key starts with `x-kubernetes-` are carried over.
 * @throws Error when the schema has no structural form (unions, tuples, recursion): a defect of the program.
 */
export const toStructuralSchema = (schema: Schema.Constraint): StructuralSchema =>
  structural(
    Schema.toJsonSchemaDocument(schema, {
      referencePolicy: () => undefined,
      includeAnnotationKey: isExtension,
    }).schema,
    "",
  );
