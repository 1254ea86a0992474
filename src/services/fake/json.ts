/**
 * Plain JSON as the fake API server holds it: deep-frozen, shared by identity between versions, compared cheaply.
 * A value that is `owned` was made here and is frozen all the way down, so it is never copied again.
 */
import { changedFields } from "./lineage.ts";

/** A JSON object whose fields are not known. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Lets a subclass put its private fields on an object that exists already. */
class Stamped extends Object {
  constructor(value: object) {
    super();
    return value;
  }
}

/**
 * What is known about an owned value, in private fields on the value itself. They say nothing about its content, so a
 * frozen value may get them. A WeakSet would do the same, but looking into one of a million values takes 1 µs and makes
 * every garbage collection dearer; this takes 20 ns.
 */
class Owned extends Stamped {
  #complete: object | undefined;
  #valid: object | undefined;

  static has(value: object): boolean {
    return #complete in value;
  }
  static isComplete(value: object, form: object): boolean {
    return #complete in value && value.#complete === form;
  }
  static isValid(value: object, form: object): boolean {
    return #valid in value && value.#valid === form;
  }
  static setComplete(value: object, form: object): void {
    if (#complete in value) value.#complete = form;
  }
  static setValid(value: object, form: object): void {
    if (#valid in value) value.#valid = form;
  }
}

/**
 * Whether a value was found to need no pruning and no defaults by a form: a schema, or whatever else defines what is
 * complete. A value remembers one form, the last.
 */
export const isComplete = (value: object, form: object): boolean => Owned.isComplete(value, form);
export const markComplete = (value: object, form: object): void => Owned.setComplete(value, form);

/** Whether a value was found to be valid by a form. */
export const isValid = (value: object, form: object): boolean => Owned.isValid(value, form);
export const markValid = (value: object, form: object): void => Owned.setValid(value, form);

/** Whether the value is a JSON object (not an array, not null). */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The value as a list; undefined when it is none. */
export const asArray = (value: unknown): ReadonlyArray<unknown> | undefined =>
  Array.isArray(value) ? value : undefined;

/** The value as an object; an empty one when it is none. */
export const asObject = (value: unknown): JsonObject => (isObject(value) ? value : EMPTY);

/** An own field of a JSON value; undefined when there is none. Inherited names such as `constructor` are none. */
export const field = (value: unknown, name: string): unknown =>
  isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;

/** The value at a path of field names. */
export const at = (value: unknown, ...path: ReadonlyArray<string>): unknown => {
  let found = value;
  for (const name of path) found = field(found, name);
  return found;
};

/** Freezes a value whose children are owned already, and takes ownership of it. */
export const own = <T extends object>(value: T): T => {
  if (!Owned.has(value)) {
    Object.freeze(value);
    void new Owned(value);
  }
  return value;
};

/** An object without fields. */
export const EMPTY: JsonObject = own({});

/** From how many fields on an object is a hash table, which spread syntax copies ten times slower than a loop does. */
const FIELDS_SPREAD_MAX = 128;

/** A mutable copy of one level. */
export const copyOf = (
  value: JsonObject,
  names: ReadonlyArray<string> = Object.keys(value),
): Record<string, unknown> => {
  if (names.length <= FIELDS_SPREAD_MAX) return { ...value };
  const copy: Record<string, unknown> = {};
  for (const name of names) copy[name] = value[name];
  return copy;
};

/** The object with some fields replaced; those that are `undefined` are taken away. */
export const withFields = <A extends object>(object: A, fields: JsonObject): A => {
  const copy = { ...object, ...fields };
  for (const name of Object.keys(fields)) {
    if (fields[name] === undefined) Reflect.deleteProperty(copy, name);
  }
  return own(copy);
};

/** A scalar as text, "" when absent; anything else as JSON. */
export const textOf = (value: unknown): string =>
  typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);

/** The fields of an object that are strings. */
export const stringsOf = (value: unknown): Readonly<Record<string, string>> =>
  own(
    Object.fromEntries(
      Object.entries(asObject(value)).filter(
        (entry): entry is [string, string] => typeof entry[1] === "string",
      ),
    ),
  );

/**
 * The value as the server keeps it: what `JSON.parse(JSON.stringify(value))` would give, frozen, without copying what is
 * owned already. Later changes to the caller's object are not seen.
 */
export const adopt = (value: unknown): unknown => {
  // JSON has no NaN, no infinities and no -0.
  if (typeof value === "number") return Number.isFinite(value) ? value + 0 : null;
  if (typeof value === "bigint") throw new TypeError("A BigInt is no JSON value");
  if (typeof value !== "object" || value === null) {
    return typeof value === "function" || typeof value === "symbol" ? undefined : value;
  }
  if (Owned.has(value)) return value;
  if (Array.isArray(value)) return own(value.map((item) => adopt(item) ?? null));
  if ("toJSON" in value && typeof value.toJSON === "function") return adopt(value.toJSON());
  const copy: Record<string, unknown> = {};
  for (const [name, child] of Object.entries(value)) {
    const adopted = adopt(child);
    if (adopted !== undefined) copy[name] = adopted;
  }
  return own(copy);
};

/**
 * Whether two JSON values are equal. The order of fields does not matter; what is identical, or known to have been made
 * from the other by a change, costs nothing.
 */
export const sameJson = (a: unknown, b: unknown): boolean => {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (changedFields(a, b) !== undefined) return false;
  if (Array.isArray(a)) {
    return (
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((item, index) => sameJson(item, b[index]))
    );
  }
  if (!isObject(a) || !isObject(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && sameJson(a[name], b[name]))
  );
};

/**
 * `next`, with every part that equals the corresponding part of `base` replaced by that part itself, so that what did
 * not change is identical. Both must be owned.
 */
export const reuse = (base: unknown, next: unknown): unknown => {
  if (base === next || typeof base !== "object" || typeof next !== "object") return next;
  if (base === null || next === null) return next;
  if (Array.isArray(next)) {
    if (!Array.isArray(base)) return next;
    const items = next.map((item, index) => reuse(base[index], item));
    return items.length === base.length && items.every((item, index) => item === base[index])
      ? base
      : own(items);
  }
  if (!isObject(next) || !isObject(base)) return next;
  const result: Record<string, unknown> = {};
  let changed = Object.keys(base).length !== Object.keys(next).length;
  for (const name of Object.keys(next)) {
    const value = reuse(field(base, name), next[name]);
    result[name] = value;
    if (!Object.hasOwn(base, name) || value !== base[name]) changed = true;
  }
  return changed ? own(result) : base;
};
