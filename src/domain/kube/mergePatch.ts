/** The JSON merge patch (RFC 7386) that turns one value into another. */
import { knownChange } from "./changes.ts";

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * The smallest merge patch from `before` to `after`; undefined when they are equal. Unchanged subtrees that are shared by
 * identity are not looked into, and where it is known what changed (changes.ts) a patch of a large map costs just that. Lists are replaced as a whole.
 *
 * @example
 * mergePatchBetween({ a: 1, b: { c: 2 } }, { b: { c: 3 } }) // { a: null, b: { c: 3 } }
 */
export const mergePatchBetween = (before: unknown, after: unknown): unknown => {
  if (before === after) return undefined;
  if (!isFields(before) || !isFields(after)) return isEqual(before, after) ? undefined : after;
  const patch: Record<string, unknown> = {};
  const changed = knownChange(before, after)?.names;
  for (const key of changed ?? Object.keys(before))
    if (Object.hasOwn(before, key) && (!Object.hasOwn(after, key) || after[key] === undefined))
      patch[key] = null;
  for (const key of changed ?? Object.keys(after)) {
    if (after[key] === undefined) continue;
    const part = mergePatchBetween(before[key], after[key]);
    if (part !== undefined) patch[key] = part;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
};

/** Whether two JSON values are the same; identity first. */
export const isEqual = (a: unknown, b: unknown): boolean => {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => isEqual(item, b[index]));
  if (!isFields(a) || !isFields(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => isEqual(a[key], b[key]));
};
