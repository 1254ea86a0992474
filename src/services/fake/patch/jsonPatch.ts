/** JSON patch (RFC 6902) by fast-json-patch, applied to shared, frozen values. */
import { Result } from "effect";
import fastJsonPatch from "fast-json-patch";
import { adopt, field, reuse } from "../json.ts";

const OPERATIONS: ReadonlySet<unknown> = new Set([
  "add",
  "remove",
  "replace",
  "move",
  "copy",
  "test",
]);

type Operation = Parameters<typeof fastJsonPatch.applyPatch>[1][number];

const isOperation = (one: unknown): one is Operation =>
  OPERATIONS.has(field(one, "op")) && typeof field(one, "path") === "string";

/**
 * `target` with the operations applied in order, all or none; undefined when one of them does not apply. Both must be
 * owned; so is the result, which shares what did not change.
 */
export const jsonPatch = (target: unknown, patch: ReadonlyArray<unknown>): unknown => {
  if (!patch.every(isOperation)) return undefined;
  const patched = Result.try(() => {
    const operations = patch.map((one) => structuredClone(one));
    return fastJsonPatch.applyPatch(structuredClone(target), operations, true).newDocument;
  });
  return Result.isSuccess(patched) ? reuse(target, adopt(patched.success)) : undefined;
};
