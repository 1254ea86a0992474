/** Applies the body of a PATCH request to an object, by its media type. */
import { Result } from "effect";
import type { KubeRequest, PatchType } from "../../KubeTransport.ts";
import type { StatusBody } from "../../ApiServer.ts";
import { adopt, isObject, type JsonObject } from "../json.ts";
import { beginLineage } from "../lineage.ts";
import { badRequest, unprocessable, unsupportedMediaType } from "../status.ts";
import { jsonPatch } from "./jsonPatch.ts";
import { mergePatch } from "./mergePatch.ts";
import { strategicMerge } from "./strategicMerge.ts";

const jsonKind = (value: unknown): string =>
  Array.isArray(value) ? "array" : value === null ? "null" : typeof value;

const MERGE: PatchType = "application/merge-patch+json";
const JSON_PATCH: PatchType = "application/json-patch+json";
const STRATEGIC: PatchType = "application/strategic-merge-patch+json";

/** The media types a resource takes: custom resources have no merge keys, so no strategic merge. */
const accepted = (custom: boolean): ReadonlyArray<PatchType> =>
  custom ? [JSON_PATCH, MERGE] : [JSON_PATCH, MERGE, STRATEGIC];

const undecodable = (patch: unknown, wanted: string): StatusBody =>
  badRequest(
    `error decoding patch: json: cannot unmarshal ${jsonKind(patch)} into Go value of type ${wanted}`,
  );

/** `object` with the request's patch applied, or the Status that says why not. `object` must be owned. */
export const applyPatch = (
  object: JsonObject,
  request: KubeRequest,
  custom: boolean,
): Result.Result<JsonObject, StatusBody> => {
  const type = request.patchType ?? MERGE;
  if (!accepted(custom).includes(type)) return Result.fail(unsupportedMediaType(accepted(custom)));
  beginLineage();
  const patch = adopt(request.body);
  if (type === JSON_PATCH) {
    if (!Array.isArray(patch)) return Result.fail(undecodable(patch, "[]handlers.jsonPatchOp"));
    const patched = jsonPatch(object, patch);
    return isObject(patched) ? Result.succeed(patched) : Result.fail(unprocessable());
  }
  if (!isObject(patch)) return Result.fail(undecodable(patch, "map[string]interface {}"));
  const merged = type === STRATEGIC ? strategicMerge(object, patch) : mergePatch(object, patch);
  // Only a patch that is no object makes something else of an object.
  return isObject(merged) ? Result.succeed(merged) : Result.fail(unprocessable());
};
