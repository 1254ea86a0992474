/** Which failed requests are sent again, and when: only where the first cannot have been applied, or where it does not matter. */
import { Clock, Effect, Predicate, Result } from "effect";
import { type Backoff, backoffMillis } from "../backoff.ts";
import type { KubeError } from "../KubeError.ts";
import type { KubeRequest, WatchRequest } from "../KubeTransport.ts";

/** Sent again at most this often. Whoever calls has its own, longer backoff. */
const RETRIES_MAX = 3;
const BACKOFF: Backoff = { base: "100 millis", max: "2 seconds" };
/** A server that wants us to stay away longer than this is obeyed by the caller, who is told. */
const RETRY_AFTER_MILLIS_MAX = 10_000;

const changesNothing = (request: KubeRequest | WatchRequest): boolean =>
  !("verb" in request) || request.verb === "get" || request.verb === "list";

/** `policy/v1` tells by this cause that a disruption budget, not load, refused an eviction. */
const isBudget = (error: KubeError): boolean =>
  error._tag === "TooManyRequests" &&
  error.causes.some(({ reason }) => reason === "DisruptionBudget");

/**
 * Whether a request that failed so may be sent again. Reads may after anything that can heal. Writes may after a 429,
 * which the server's filters answer before they let the request in, and when nothing was sent. An eviction that a
 * budget refused is the caller's business.
 */
export const mayRepeat = (request: KubeRequest | WatchRequest, error: KubeError): boolean => {
  switch (error._tag) {
    case "TooManyRequests":
      return !isBudget(error);
    case "Unavailable":
      return changesNothing(request);
    case "Unreachable":
      return error.sent === false || changesNothing(request);
    default:
      return false;
  }
};

const retryAfterMillis = (error: KubeError): number =>
  Predicate.hasProperty(error, "retryAfterSeconds") && typeof error.retryAfterSeconds === "number"
    ? 1000 * error.retryAfterSeconds
    : 0;

/**
 * Sends a request until it is answered, as often as is allowed. No attempt starts later than `withinMillis` after the
 * first, so that a server that does not answer is not asked again.
 */
export const repeating = Effect.fnUntraced(function* <A, R>(
  request: KubeRequest | WatchRequest,
  withinMillis: number,
  send: Effect.Effect<A, KubeError, R>,
): Effect.fn.Return<A, KubeError, R> {
  const startedAt = yield* Clock.currentTimeMillis;
  for (let retries = 0; ; retries++) {
    const answer = yield* Effect.result(send);
    if (Result.isSuccess(answer)) return answer.success;
    const error = answer.failure;
    const asked = retryAfterMillis(error);
    if (retries === RETRIES_MAX || !mayRepeat(request, error) || asked > RETRY_AFTER_MILLIS_MAX)
      return yield* error;
    const waitMillis = Math.max(asked, yield* backoffMillis(BACKOFF, retries));
    if ((yield* Clock.currentTimeMillis) + waitMillis - startedAt >= withinMillis)
      return yield* error;
    yield* Effect.sleep(waitMillis);
  }
});
