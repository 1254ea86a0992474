/** JSON merge patch (RFC 7386) that shares whatever it does not change. */
import { isIndex, noteChange } from "../../../domain/kube/changes.ts";
import { copyOf, EMPTY, field, isObject, own, sameJson } from "../json.ts";
import { noteDerivation } from "../lineage.ts";

/** From how many fields on it pays to tell everybody who follows the object what changed (changes.ts). */
const LARGE_MIN = 64;

/**
 * `target` with `patch` applied: null removes, objects merge, everything else replaces. What stays equal stays
 * identical, down to `target` itself. Both must be owned; so is the result.
 */
export const mergePatch = (target: unknown, patch: unknown): unknown => {
  if (!isObject(patch)) return sameJson(target, patch) ? target : patch;
  const base = isObject(target) ? target : EMPTY;
  const changed: Array<string> = [];
  let isExtension = true;
  let result: Record<string, unknown> | undefined;
  let size = 0;
  for (const name of Object.keys(patch)) {
    const value = patch[name];
    const before = field(base, name);
    const after = value === null ? undefined : mergePatch(before, value);
    if (after === before) continue;
    if (result === undefined) {
      const names = Object.keys(base);
      size = names.length;
      result = copyOf(base, names);
    }
    if (after === undefined || (before === undefined && isIndex(name))) isExtension = false;
    if (after === undefined) delete result[name];
    else result[name] = after;
    changed.push(name);
  }
  if (result === undefined) return base;
  noteDerivation(own(result), base, changed);
  if (size >= LARGE_MIN) noteChange({ before: base, after: result, names: changed, isExtension });
  return result;
};
