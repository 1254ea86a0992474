/** A `KubeTransport` straight into an API server in the same process: no messages, no latency, no faults. */
import { Cause, Effect, Queue, Stream } from "effect";
import type { ApiServer } from "../ApiServer.ts";
import type { KubeError } from "../KubeError.ts";
import type { KubeRequest, KubeTransport, WatchFrame, WatchRequest } from "../KubeTransport.ts";
import { statusToError } from "../statusError.ts";

/** Ends of a watch: an error fails the stream, a clean close ends it. */
type Frames = Queue.Queue<WatchFrame, KubeError | Cause.Done>;

const open = (server: ApiServer, actor: string, request: WatchRequest, queue: Frames) =>
  Effect.acquireRelease(
    Effect.suspend(() => {
      const opened = server.watch(actor, request, {
        frames: (frames) => {
          Queue.offerAllUnsafe(queue, frames);
        },
        closed: (end) => {
          if (end === undefined) Queue.endUnsafe(queue);
          else Queue.failCauseUnsafe(queue, Cause.fail(statusToError(request, end)));
        },
      });
      return "close" in opened
        ? Effect.succeed(opened)
        : Effect.fail(statusToError(request, opened));
    }),
    (watch) => Effect.sync(watch.close),
  );

/** The server's own idea of how long a watch lasts: after `timeoutSeconds` it closes it cleanly. */
const timed = <A, E, R>(stream: Stream.Stream<A, E, R>, seconds: number | undefined) =>
  seconds === undefined || seconds === 0
    ? stream
    : Stream.interruptWhen(stream, Effect.sleep(`${seconds} seconds`));

/** The transport of one actor to a server. */
export const transportOf = (server: ApiServer, actor: string): KubeTransport["Service"] => ({
  request: (request: KubeRequest) =>
    Effect.suspend(() => {
      const answer = server.handle(actor, request);
      return answer.ok
        ? Effect.succeed(answer.object)
        : Effect.fail(statusToError(request, answer.status));
    }),
  watch: (request) =>
    timed(
      Stream.callback<WatchFrame, KubeError>((queue) => open(server, actor, request, queue)),
      request.timeoutSeconds,
    ),
});
