/** Counts and times the requests that go through a `KubeTransport`: a decorator, the same service in and out. */
import { Clock, Duration, Effect, Exit, Layer, Metric, Option, Stream } from "effect";
import type { KubeError } from "./KubeError.ts";
import { type KubeRequest, KubeTransport, type WatchRequest } from "./KubeTransport.ts";

/** Requests by `verb`, `resource` (`pods`, `pods/eviction`) and `code`; a watch counts when it ends. */
export const apiRequests = Metric.counter("nodeop_api_requests_total", {
  description: "Requests to the Kubernetes API by verb, resource and HTTP code.",
  incremental: true,
});

/** Seconds from 1 ms to 32 s; longer than that no request may take. */
export const apiDurations = Metric.histogram("nodeop_api_request_duration_seconds", {
  description: "How long the Kubernetes API took to answer, by verb and resource; without watches.",
  boundaries: Metric.exponentialBoundaries({ start: 0.001, factor: 2, count: 16 }),
});

/** No answer, so no code. As client-go's `rest_client_requests_total` says it. */
const NO_ANSWER = "<error>";

const CODES: Readonly<Record<KubeError["_tag"], string | undefined>> = {
  NotFound: "404",
  AlreadyExists: "409",
  Conflict: "409",
  Expired: "410",
  Invalid: "422",
  Forbidden: "403",
  Unauthorized: "401",
  TooManyRequests: "429",
  Unreachable: NO_ANSWER,
  BadRequest: undefined,
  Unavailable: undefined,
};
const codeOf = (error: KubeError): string =>
  "code" in error ? String(error.code) : (CODES[error._tag] ?? NO_ANSWER);

const labelsOf = (request: KubeRequest | WatchRequest) => {
  const { plural } = request.resource;
  if (!("verb" in request)) return { verb: "watch", resource: plural };
  const resource = request.subresource === undefined ? plural : `${plural}/${request.subresource}`;
  return { verb: request.verb, resource };
};

/** Interrupted requests are not counted: nobody knows how they would have ended. */
const count = (
  request: KubeRequest | WatchRequest,
  exit: Exit.Exit<unknown, KubeError>,
): Effect.Effect<void> => {
  const failure = Option.getOrUndefined(Exit.findErrorOption(exit));
  if (failure === undefined && Exit.isFailure(exit)) return Effect.void;
  const created = "verb" in request && request.verb === "create";
  const code = failure === undefined ? (created ? "201" : "200") : codeOf(failure);
  return Metric.update(Metric.withAttributes(apiRequests, { ...labelsOf(request), code }), 1);
};

const measured = (transport: KubeTransport["Service"]): KubeTransport["Service"] => ({
  request: Effect.fnUntraced(function* (request) {
    const startedAt = yield* Clock.currentTimeNanos;
    return yield* Effect.onExit(transport.request(request), (exit) =>
      Effect.gen(function* () {
        const nanos = (yield* Clock.currentTimeNanos) - startedAt;
        const durations = Metric.withAttributes(apiDurations, labelsOf(request));
        yield* Metric.update(durations, Duration.toSeconds(Duration.nanos(nanos)));
        yield* count(request, exit);
      }),
    );
  }),
  watch: (request) => Stream.onExit(transport.watch(request), (exit) => count(request, exit)),
});

/** The transport that it is given, measured. */
export const apiMetricsLayer: Layer.Layer<KubeTransport, never, KubeTransport> = Layer.effect(
  KubeTransport,
  Effect.map(KubeTransport, measured),
);
