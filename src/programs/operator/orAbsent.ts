/** An object that is not there is an answer, and not an error. */
import { Effect } from "effect";
import type { ApiError } from "../../services/KubeApi.ts";

/** The object, or undefined where the API server knows none; any other error stays one. */
export const orAbsent = <A, R>(get: Effect.Effect<A, ApiError, R>) =>
  Effect.catchTag(get, "NotFound", () => Effect.undefined);
