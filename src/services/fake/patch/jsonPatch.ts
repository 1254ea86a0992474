/** JSON patch (RFC 6902) by fast-json-patch, applied to shared, frozen values. */
import { Result } from "effect";
import fastJsonPatch from "fast-json-patch";
import { adopt, field, isObject, reuse } from "../json.ts";

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

/** The server's library (evanphx/json-patch) does not mind when `replace` finds no member to replace in an object. */
const asGoDoes = (document: unknown, operation: Operation): Operation => {
  if (operation.op !== "replace") return operation;
  const parent = operation.path.slice(0, operation.path.lastIndexOf("/"));
  const container: unknown =
    parent === "" ? document : fastJsonPatch.getValueByPointer(document, parent);
  return isObject(container) ? { ...operation, op: "add" } : operation;
};

/**
 * `target` with the operations applied in order, all or none; undefined when one of them does not apply. Both must be
 * owned; so is the result, which shares what did not change.
 */
export const jsonPatch = (target: unknown, patch: ReadonlyArray<unknown>): unknown => {
  if (!patch.every(isOperation)) return undefined;
  const patched = Result.try(() => {
    let document: unknown = structuredClone(target);
    for (const operation of patch) {
      const asGo = asGoDoes(document, structuredClone(operation));
      document = fastJsonPatch.applyPatch(document, [asGo], true).newDocument;
    }
    return document;
  });
  return Result.isSuccess(patched) ? reuse(target, adopt(patched.success)) : undefined;
};
