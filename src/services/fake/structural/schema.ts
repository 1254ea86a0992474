/**
 * The structural schema of a custom resource, compiled from its CustomResourceDefinition (Kubernetes docs, "Specifying a
 * structural schema"). A keyword that this server does not implement is refused, never ignored.
 */
import { adopt, asArray, asObject, at, field, isObject, type JsonObject } from "../json.ts";
import { type CelRule, compileRules } from "./celRule.ts";

/** The part of a CustomResourceDefinition (apiextensions.k8s.io/v1) that a server needs; more may be there. */
export interface CrdLike {
  readonly metadata?: { readonly name?: string } | undefined;
  readonly spec: {
    readonly group: string;
    readonly scope: string;
    readonly names: { readonly plural: string; readonly kind: string };
    readonly versions: ReadonlyArray<{
      readonly name: string;
      readonly served?: boolean | undefined;
      readonly storage?: boolean | undefined;
      readonly schema?: { readonly openAPIV3Schema?: unknown } | undefined;
      readonly subresources?: { readonly status?: unknown } | undefined;
    }>;
  };
}

/** Limits on a value that are not its type. */
export interface Constraints {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum: boolean;
  readonly exclusiveMaximum: boolean;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: { readonly text: string; readonly regexp: RegExp };
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly enum?: ReadonlyArray<unknown>;
}

/** One node of a compiled schema, with what is known about values that passed it. */
export interface SchemaNode {
  /** `object`, `array`, `string`, `integer`, `number`, `boolean`; undefined: int-or-string or anything. */
  readonly type: string | undefined;
  readonly format: string | undefined;
  readonly intOrString: boolean;
  readonly nullable: boolean;
  readonly preserveUnknown: boolean;
  readonly properties: ReadonlyMap<string, SchemaNode>;
  /** The schema of a map's values. */
  readonly additional: SchemaNode | undefined;
  readonly items: SchemaNode | undefined;
  readonly required: ReadonlyArray<string>;
  /** Properties that have a default. */
  readonly defaulted: ReadonlyArray<readonly [name: string, node: SchemaNode]>;
  readonly default: unknown;
  readonly listType: "atomic" | "set" | "map";
  readonly listMapKeys: ReadonlyArray<string>;
  readonly constraints: Constraints;
  readonly rules: ReadonlyArray<CelRule>;
  /** Whether this node or one below it has rules, and rules that compare with the old value. */
  readonly hasRules: boolean;
  readonly hasTransitions: boolean;
  /** Values that fulfil the rules when they are new, and when they stay as they are. */
  readonly fulfilled: WeakSet<object>;
  readonly steady: WeakSet<object>;
  /** The values as CEL sees them. */
  readonly celValues: WeakMap<object, unknown>;
}

const DESCRIPTIVE = "description title example externalDocs x-kubernetes-map-type";
const STRUCTURAL = "type format nullable default properties additionalProperties items required";
const LIMITING = "enum pattern minLength maxLength minItems maxItems minProperties maxProperties";
const NUMERIC = "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf anyOf";
const EXTENSIONS =
  "x-kubernetes-int-or-string x-kubernetes-preserve-unknown-fields x-kubernetes-list-type x-kubernetes-list-map-keys x-kubernetes-validations";

const HANDLED: ReadonlySet<string> = new Set(
  [DESCRIPTIVE, STRUCTURAL, LIMITING, NUMERIC, EXTENSIONS].join(" ").split(" "),
);

const refuse = (path: string, why: string): never => {
  throw new Error(`CustomResourceDefinition: ${path}: ${why}`);
};

const checkKeywords = (schema: JsonObject, path: string): void => {
  for (const name of Object.keys(schema)) {
    if (!HANDLED.has(name)) refuse(path, `the fake API server does not implement "${name}"`);
  }
  // The one use of `anyOf` in structural schemas that says nothing new.
  if (schema["anyOf"] !== undefined && schema["x-kubernetes-int-or-string"] !== true) {
    refuse(path, 'the fake API server implements "anyOf" only beside x-kubernetes-int-or-string');
  }
};

const numberOf = (schema: JsonObject, name: string): number | undefined => {
  const value = field(schema, name);
  return typeof value === "number" ? value : undefined;
};

const constraintsOf = (schema: JsonObject): Constraints => {
  const limits: Record<string, number> = {};
  for (const name of [
    "minimum",
    "maximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
  ]) {
    const value = numberOf(schema, name);
    if (value !== undefined) limits[name] = value;
  }
  const pattern = field(schema, "pattern");
  const values = asArray(field(schema, "enum"));
  return {
    ...limits,
    exclusiveMinimum: field(schema, "exclusiveMinimum") === true,
    exclusiveMaximum: field(schema, "exclusiveMaximum") === true,
    ...(typeof pattern === "string"
      ? { pattern: { text: pattern, regexp: new RegExp(pattern, "u") } }
      : {}),
    ...(values === undefined ? {} : { enum: values }),
  };
};

const ANYTHING: JsonObject = { "x-kubernetes-preserve-unknown-fields": true };

/** Fields of an object that are the server's own business, whatever the schema says about them. */
export const ROOT_FIELDS: ReadonlySet<string> = new Set(["apiVersion", "kind", "metadata"]);

const childrenOf = (schema: JsonObject, path: string) => {
  const properties = new Map<string, SchemaNode>();
  for (const [name, child] of Object.entries(asObject(field(schema, "properties")))) {
    if (path === "" && ROOT_FIELDS.has(name)) continue;
    properties.set(name, compileNode(asObject(child), path === "" ? name : `${path}.${name}`));
  }
  const values = field(schema, "additionalProperties");
  const items = field(schema, "items");
  return {
    properties,
    additional:
      values === undefined || values === false
        ? undefined
        : compileNode(isObject(values) ? values : ANYTHING, `${path}.*`),
    items: isObject(items) ? compileNode(items, `${path}[]`) : undefined,
  };
};

/** The schema at `path`, for messages, with everything below it. */
const compileNode = (schema: JsonObject, path: string): SchemaNode => {
  checkKeywords(schema, path);
  const children = childrenOf(schema, path);
  const below = [...children.properties.values(), children.additional, children.items].filter(
    (child) => child !== undefined,
  );
  const rules = compileRules(asArray(field(schema, "x-kubernetes-validations")) ?? [], path);
  const type = field(schema, "type");
  const format = field(schema, "format");
  const listType = field(schema, "x-kubernetes-list-type");
  return {
    type: typeof type === "string" ? type : undefined,
    format: typeof format === "string" ? format : undefined,
    intOrString: field(schema, "x-kubernetes-int-or-string") === true,
    nullable: field(schema, "nullable") === true,
    preserveUnknown: field(schema, "x-kubernetes-preserve-unknown-fields") === true,
    ...children,
    required: (asArray(field(schema, "required")) ?? []).map(String),
    defaulted: [...children.properties].filter(([, child]) => child.default !== undefined),
    default: adopt(field(schema, "default")),
    listType: listType === "set" || listType === "map" ? listType : "atomic",
    listMapKeys: (asArray(field(schema, "x-kubernetes-list-map-keys")) ?? []).map(String),
    constraints: constraintsOf(schema),
    rules,
    hasRules: rules.length > 0 || below.some((child) => child.hasRules),
    hasTransitions:
      rules.some((rule) => rule.transition) || below.some((child) => child.hasTransitions),
    fulfilled: new WeakSet(),
    steady: new WeakSet(),
    celValues: new WeakMap(),
  };
};

/** The served version of a CustomResourceDefinition, compiled. Throws, naming the place, where it cannot be served. */
export const compileCrd = (crd: CrdLike) => {
  const { group, names, scope, versions } = crd.spec;
  const version =
    versions.find((one) => one.served !== false && one.storage === true) ??
    refuse(`${names.plural}.${group}`, "no version is both served and stored");
  const schema =
    at(version, "schema", "openAPIV3Schema") ??
    refuse(`${names.plural}.${group}`, "the stored version has no schema");
  return {
    resource: {
      group,
      version: version.name,
      plural: names.plural,
      kind: names.kind,
      namespaced: scope === "Namespaced",
    },
    hasStatus: version.subresources?.status !== undefined,
    schema: compileNode(asObject(schema), ""),
  };
};
