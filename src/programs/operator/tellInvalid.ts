/** What is done about a NodeOp or NodeOpUpgrade that does not follow its schema: its status says so. */
import { Clock, Effect, Result } from "effect";
import type { ApiProblems } from "../../domain/api/problems.ts";
import { parseKey } from "../../domain/kube/object.ts";
import { invalidStatus } from "../../domain/rollout/invalidSpec.ts";
import { type ApiError, KubeApi, type TypedResource } from "../../services/KubeApi.ts";
import { metadataOf } from "../../services/metadata.ts";
import { orAbsent } from "./orAbsent.ts";

/** One kind: how its objects are read whatever they are, and how they should be. */
export interface ReadableKind<A> {
  /** Keys of the objects whose last state cannot be read. */
  readonly unreadable: Set<string>;
  readonly any: TypedResource<unknown>;
  readonly decode: (json: unknown) => Result.Result<A, ApiProblems>;
  /** Takes an object that can be read again into the cache. */
  readonly observe: (object: A) => void;
}

/**
 * Reads the object of this key live and tells what is wrong with it. There is no retry: the next change of the object
 * brings the key again. The API server refuses the write where a field that is immutable has the wrong type, because
 * its rule cannot be evaluated; the log then has the errors. Answers with the object while it cannot be read, undefined
 * once it can, or is gone.
 */
export const tellInvalid = Effect.fnUntraced(function* <A>(
  key: string,
  kind: ReadableKind<A>,
): Effect.fn.Return<unknown, ApiError, KubeApi> {
  const api = yield* KubeApi;
  const ref = parseKey(key);
  const json = yield* orAbsent(api.get(kind.any, ref));
  const decoded = json === undefined ? undefined : kind.decode(json);
  if (decoded === undefined || Result.isSuccess(decoded)) {
    kind.unreadable.delete(key);
    if (decoded !== undefined) kind.observe(decoded.success);
    return undefined;
  }
  const status = invalidStatus(json, decoded.failure.message, yield* Clock.currentTimeMillis);
  if (status === undefined) return json;
  const { uid, resourceVersion } = metadataOf(json);
  return yield* Effect.catchTag(
    api.patch(
      kind.any,
      ref,
      { metadata: { uid, resourceVersion }, status },
      { subresource: "status" },
    ),
    "Invalid",
    (error) =>
      Effect.annotateLogs(Effect.logWarning("an invalid object cannot be told so"), {
        error: error.message,
      }).pipe(Effect.as(json)),
  );
});
