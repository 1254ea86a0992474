/** JSON merge patch (RFC 7386) that shares whatever it does not change. */
import { copyOf, EMPTY, field, isObject, own, sameJson } from "../json.ts";
import { noteDerivation } from "../lineage.ts";

/**
 * `target` with `patch` applied: null removes, objects merge, everything else replaces. What stays equal stays
 * identical, down to `target` itself. Both must be owned; so is the result.
 */
export const mergePatch = (target: unknown, patch: unknown): unknown => {
  if (!isObject(patch)) return sameJson(target, patch) ? target : patch;
  const base = isObject(target) ? target : EMPTY;
  const changed: Array<string> = [];
  let result: Record<string, unknown> | undefined;
  for (const name of Object.keys(patch)) {
    const value = patch[name];
    const before = field(base, name);
    const after = value === null ? undefined : mergePatch(before, value);
    if (after === before) continue;
    result ??= copyOf(base);
    if (after === undefined) delete result[name];
    else result[name] = after;
    changed.push(name);
  }
  if (result === undefined) return base;
  noteDerivation(own(result), base, changed);
  return result;
};
