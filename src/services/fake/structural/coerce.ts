/** Pruning, null handling and defaulting by a structural schema, on the way in and on the way out (apiextensions pruning, defaulting). */
import {
  copyOf,
  field,
  isComplete,
  isObject,
  type JsonObject,
  markComplete,
  own,
  sameJson,
  withFields,
} from "../json.ts";
import { derivationOf, noteDerivation } from "../lineage.ts";
import { ROOT_FIELDS, type SchemaNode } from "./schema.ts";

const NONE: ReadonlySet<string> = new Set();

/** The schema of a field; undefined when the field is unknown. */
const childOf = (node: SchemaNode, name: string): SchemaNode | undefined =>
  node.properties.get(name) ?? node.additional;

/** The fields that can need something: all, or those that changed since the object was complete. */
const suspects = (node: SchemaNode, value: JsonObject): ReadonlyArray<string> => {
  const derivation = derivationOf(value);
  return derivation !== undefined && isComplete(derivation.base, node)
    ? derivation.fields
    : Object.keys(value);
};

/** What must change about an object's fields, `undefined` for those that must go; undefined when nothing must. */
const corrections = (
  node: SchemaNode,
  value: JsonObject,
  exempt: ReadonlySet<string>,
): Record<string, unknown> | undefined => {
  let changes: Record<string, unknown> | undefined;
  for (const name of suspects(node, value)) {
    if (exempt.has(name) || !Object.hasOwn(value, name)) continue;
    const child = childOf(node, name);
    if (child === undefined && node.preserveUnknown) continue;
    const before = value[name];
    const isNull = before === null && child?.nullable !== true;
    const after = child === undefined || isNull ? undefined : coerce(child, before);
    if (after !== before) (changes ??= {})[name] = after;
  }
  for (const [name, child] of node.defaulted) {
    const isRemoved =
      changes !== undefined && Object.hasOwn(changes, name) && changes[name] === undefined;
    if (isRemoved || !Object.hasOwn(value, name))
      (changes ??= {})[name] = coerce(child, child.default);
  }
  return changes;
};

const corrected = (value: JsonObject, changes: Record<string, unknown>): JsonObject => {
  const result = copyOf(value);
  for (const [name, after] of Object.entries(changes)) {
    if (after === undefined) delete result[name];
    else result[name] = after;
  }
  const derivation = derivationOf(value);
  if (derivation === undefined) return own(result);
  // What was pruned may have been all that the patch changed.
  const { base } = derivation;
  const fields = [...new Set([...derivation.fields, ...Object.keys(changes)])].filter(
    (name) => !sameJson(field(result, name), field(base, name)),
  );
  if (fields.length === 0 && isObject(base)) return base;
  noteDerivation(own(result), base, fields);
  return result;
};

const isGoverned = (node: SchemaNode): boolean =>
  node.type === "object" || node.properties.size > 0 || node.additional !== undefined;

/**
 * The value without unknown fields and without nulls where none are allowed, with defaults filled in. The same value
 * when nothing changes; subtrees seen before cost nothing. `value` must be owned.
 */
const coerce = (node: SchemaNode, value: unknown): unknown => {
  if (typeof value !== "object" || value === null || isComplete(value, node)) return value;
  let result: object = value;
  if (isObject(value)) {
    const changes = isGoverned(node) ? corrections(node, value, NONE) : undefined;
    if (changes !== undefined) result = corrected(value, changes);
  } else if (Array.isArray(value) && node.items !== undefined) {
    const { items } = node;
    const coerced = value.map((item) => coerce(items, item));
    if (coerced.some((item, index) => item !== value[index])) result = own(coerced);
  }
  markComplete(result, node);
  return result;
};

/** The same for a whole object, whose apiVersion, kind and metadata are no business of its schema. */
export const coerceRoot = <A extends JsonObject>(node: SchemaNode, object: A): A => {
  if (isComplete(object, node)) return object;
  const changes = corrections(node, object, ROOT_FIELDS);
  const result = changes === undefined ? object : withFields(object, changes);
  markComplete(result, node);
  return result;
};

const unknownIn = (node: SchemaNode, value: unknown, path: string): ReadonlyArray<string> => {
  if (Array.isArray(value) && node.items !== undefined) {
    const { items } = node;
    return value.flatMap((item, index) => unknownIn(items, item, `${path}[${index}]`));
  }
  if (!isObject(value) || !isGoverned(node)) return [];
  return Object.keys(value).flatMap((name) => {
    if (path === "" && ROOT_FIELDS.has(name)) return [];
    const child = childOf(node, name);
    const at = path === "" ? name : `${path}.${name}`;
    if (child === undefined) return node.preserveUnknown ? [] : [at];
    return unknownIn(child, field(value, name), at);
  });
};

/** The paths of the fields of an object that pruning would remove, sorted, as strict field validation reports them. */
export const unknownFields = (node: SchemaNode, object: JsonObject): ReadonlyArray<string> =>
  unknownIn(node, object, "").toSorted();
