/** JSON values as CEL sees them: integers are `int` where the schema says so, field names are escaped, parts are shared. */
import { isObject, type JsonObject } from "../json.ts";
import { celDuration, celTimestamp } from "./celRule.ts";
import type { SchemaNode } from "./schema.ts";

const RESERVED: ReadonlySet<string> = new Set(
  "true false null in as break const continue else for function if import let loop package namespace return var void while".split(
    " ",
  ),
);

/** A property's name as an expression writes it (Kubernetes docs, "Validation rules", escaping). */
const escaped = (name: string): string => {
  if (RESERVED.has(name)) return `__${name}__`;
  return /[-./]|__/u.test(name)
    ? name
        .replaceAll("__", "__underscores__")
        .replaceAll(".", "__dot__")
        .replaceAll("-", "__dash__")
        .replaceAll("/", "__slash__")
    : name;
};

const objectValue = (node: SchemaNode, value: JsonObject): Record<string, unknown> => {
  const result: Record<string, unknown> = {};
  for (const [name, child] of Object.entries(value)) {
    const property = node.properties.get(name);
    if (property !== undefined) result[escaped(name)] = celValue(property, child);
    else
      result[name] =
        node.additional === undefined ? untyped(child) : celValue(node.additional, child);
  }
  return result;
};

/** A value that no schema describes: whole numbers are `int`, as Go reads them from JSON. */
const untyped = (value: unknown): unknown => {
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(untyped);
  return isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([name, child]) => [name, untyped(child)]))
    : value;
};

const compute = (node: SchemaNode, value: unknown): unknown => {
  if (typeof value === "string") {
    if (node.format === "date-time") return celTimestamp(value);
    return node.format === "duration" ? celDuration(value) : value;
  }
  if (typeof value === "number") return node.type === "number" ? value : untyped(value);
  if (Array.isArray(value)) {
    const { items } = node;
    return value.map((item) => (items === undefined ? untyped(item) : celValue(items, item)));
  }
  return isObject(value) ? objectValue(node, value) : value;
};

/** The value for CEL. Values of owned objects are remembered, so only changed parts are made anew. */
export const celValue = (node: SchemaNode, value: unknown): unknown => {
  if (typeof value !== "object" || value === null) return compute(node, value);
  const known = node.celValues.get(value);
  if (known !== undefined) return known;
  const made = compute(node, value);
  node.celValues.set(value, made);
  return made;
};

/** The whole object as a rule on the root sees it: of the metadata only `name` and `generateName`. */
export const celRoot = (node: SchemaNode, value: JsonObject): unknown => {
  const { apiVersion, kind, metadata, ...rest } = value;
  const { name, generateName } = isObject(metadata) ? metadata : {};
  return {
    ...objectValue(node, rest),
    apiVersion,
    kind,
    metadata: {
      ...(name === undefined ? {} : { name }),
      ...(generateName === undefined ? {} : { generateName }),
    },
  };
};
