/** What follows from a request that failed: when it may be sent again, and what of it a person must know. */
import { Clock, Effect } from "effect";
import { advised } from "../../domain/kube/refusal.ts";
import type { Note } from "../../domain/rollout/decision.ts";
import type { ApiError } from "../../services/KubeApi.ts";
import type { OperationMemory } from "./Memory.ts";

/** A conflict only says that the cache is behind: its news will most likely come within moments. */
const CONFLICT_DELAY_MILLIS = 100;

/** Conflicts and outages are everyday, and pass. One that does not for so long is told: no wait is a silent one. */
const TOLD_AFTER_MILLIS = 30_000;

/** A request among those of its operation: by `key` its attempts are counted; what is wrong with it concerns `nodes`. */
export interface Request {
  readonly key: string;
  readonly nodes: ReadonlyArray<string>;
  /** The reason under which a refusal is told. */
  readonly refusal: "PodRefused" | "PodsRefused" | "JobRefused" | "RequestRefused";
}

/** Notes that a request failed, and answers with what a person must know. It is sent again at growing intervals, however it failed. */
export const noteFailure = Effect.fnUntraced(function* (
  memory: OperationMemory,
  request: Request,
  error: ApiError,
) {
  const now = yield* Clock.currentTimeMillis;
  const isConflict = error._tag === "Conflict";
  const failingMillis = memory.failed(
    request.key,
    now,
    isConflict ? CONFLICT_DELAY_MILLIS : undefined,
  );
  const problem = problemOf(error, request.refusal, failingMillis);
  if (problem !== undefined) for (const node of request.nodes) memory.problems.set(node, problem);
  if (isConflict && problem === undefined) return undefined;
  yield* Effect.annotateLogs(Effect.logWarning("request failed"), {
    request: request.key,
    error: error.message,
  });
  return problem;
});

/**
 * What a person must know: refusals, and objects that make no sense, at once, because they do not go away by themselves;
 * anything else once it lasts.
 */
const problemOf = (
  error: ApiError,
  refusal: Request["refusal"],
  failingMillis: number,
): Note | undefined => {
  const told = (reason: string, message = error.message): Note => ({
    reason,
    message,
    problem: true,
  });
  switch (error._tag) {
    case "Forbidden":
      return told(refusal, advised(error.message));
    case "Invalid":
    case "BadRequest":
    case "Undecodable":
      return told(refusal);
    case "AlreadyExists":
      return told("NameTaken");
    default:
      return failingMillis < TOLD_AFTER_MILLIS ? undefined : told("RequestFailed");
  }
};
