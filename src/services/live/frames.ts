/** The frames of a watch out of the bytes of its answer: whole lines whatever the chunks, errors and silence as failures. */
import { Array, Effect, Predicate, type Pull, Stream } from "effect";
import { Ndjson } from "effect/encoding";
import { type KubeError, Unreachable } from "../KubeError.ts";
import type { WatchFrame, WatchRequest } from "../KubeTransport.ts";
import { describeRequest, statusToError } from "../statusError.ts";
import { statusOf } from "./answer.ts";

const isFrame = (json: unknown): json is WatchFrame =>
  Predicate.hasProperty(json, "object") &&
  Predicate.hasProperty(json, "type") &&
  (json.type === "ADDED" ||
    json.type === "MODIFIED" ||
    json.type === "DELETED" ||
    json.type === "BOOKMARK");

/** The error of a line that is no frame: an ERROR frame's Status, or nonsense. */
const lineError = (request: WatchRequest, json: unknown): KubeError => {
  const isError = Predicate.hasProperty(json, "type") && json.type === "ERROR";
  const object: unknown =
    isError && Predicate.hasProperty(json, "object") ? json.object : undefined;
  const status = statusOf(object, 500, undefined);
  return status === undefined
    ? new Unreachable({
        request: describeRequest(request),
        detail: `the watch delivered something that is no frame: ${JSON.stringify(json).slice(0, 200)}; is there a proxy in between?`,
      })
    : statusToError(request, status);
};

/** Delivers the frames before the first line that is none; then that line's error. */
const checkFrames =
  (request: WatchRequest) =>
  (
    pull: Pull.Pull<Array.NonEmptyReadonlyArray<unknown>, KubeError>,
  ): Effect.Effect<Pull.Pull<Array.NonEmptyReadonlyArray<WatchFrame>, KubeError>> => {
    let failed: KubeError | undefined;
    const check = (lines: Array.NonEmptyReadonlyArray<unknown>) => {
      const frames: Array<WatchFrame> = [];
      for (const line of lines) {
        if (isFrame(line)) frames.push(line);
        else {
          failed = lineError(request, line);
          break;
        }
      }
      return Array.isReadonlyArrayNonEmpty(frames) ? Effect.succeed(frames) : next;
    };
    const next: Pull.Pull<Array.NonEmptyReadonlyArray<WatchFrame>, KubeError> = Effect.suspend(() =>
      failed === undefined ? Effect.flatMap(pull, check) : Effect.fail(failed),
    );
    return Effect.succeed(next);
  };

/**
 * The frames in the bytes of a watch's answer. Bytes are read as frames are taken, so a slow reader slows the server.
 * Fails when no byte comes for `silenceMillis` although somebody waits: the line is half-open, or we are forgotten.
 */
export const framesOf = <R>(
  request: WatchRequest,
  silenceMillis: number,
  bytes: Stream.Stream<Uint8Array, KubeError, R>,
): Stream.Stream<WatchFrame, KubeError, R> => {
  const fail = (detail: string) =>
    Effect.fail(new Unreachable({ request: describeRequest(request), detail }));
  const silence = fail(
    `nothing came for ${silenceMillis / 1000} s, not even a bookmark; the connection is taken for dead`,
  );
  const inTime = Stream.transformPull(bytes, (pull) =>
    Effect.succeed(Effect.timeoutOrElse(pull, { duration: silenceMillis, orElse: () => silence })),
  );
  const lines = inTime.pipe(
    Stream.pipeThroughChannel(Ndjson.decode<KubeError>({ ignoreEmptyLines: true })),
    Stream.catchIf(Ndjson.isNdjsonError, (error) =>
      Stream.fromEffect(
        fail(
          error.unterminated === true
            ? "the watch was cut in the middle of a frame"
            : `the watch delivered a line that is not JSON (${String(error.cause)}); is there a proxy in between?`,
        ),
      ),
    ),
  );
  return Stream.transformPull(lines, checkFrames(request));
};
