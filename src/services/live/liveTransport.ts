/** The `KubeTransport` of a real cluster: Effect's HttpClient over one kept-alive pool, credentials by client-node's KubeConfig. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem";
import { Duration, Effect, Layer, Random, type Scope, Stream } from "effect";
import {
  type HttpClientRequest,
  HttpClientRequest as Http,
  type HttpClientResponse,
} from "effect/http";
import { type KubeError, Unauthorized } from "../KubeError.ts";
import { type KubeRequest, KubeTransport, type WatchRequest } from "../KubeTransport.ts";
import { describeRequest } from "../statusError.ts";
import { errorOf, objectOf } from "./answer.ts";
import { makeConnection } from "./connection.ts";
import { type CredentialOptions, type Credentials, makeCredentialSource } from "./credentials.ts";
import { framesOf } from "./frames.ts";
import { httpRequestOf, httpWatchOf } from "./httpRequest.ts";
import type { LiveConfigError } from "./LiveConfigError.ts";
import { networkError, timeoutError } from "./networkError.ts";
import { repeating } from "./retry.ts";

export interface LiveTransportOptions extends CredentialOptions {
  /** For one answer, credentials and all. Default: 30 seconds. */
  readonly requestTimeout?: Duration.Input | undefined;
  /** For a connection, with TLS. Default: 10 seconds. */
  readonly connectTimeout?: Duration.Input | undefined;
  /** A watch on which nothing came for so long is half-open. Default: 3 minutes; bookmarks come every minute. */
  readonly watchSilence?: Duration.Input | undefined;
  /** Who asks, for the server's logs. Default: `nodeop`. */
  readonly userAgent?: string | undefined;
}

/** As client-go: the server is asked to end a watch after this, or up to twice that by chance, lest all end at once. */
const WATCH_TIMEOUT_SECONDS = 300;
/** A watch that should have ended so long ago and is silent is dead. */
const WATCH_OVERTIME_MILLIS = 30_000;

type Response = HttpClientResponse.HttpClientResponse;

const serverOf = ({ config }: Credentials): string => config.getCurrentCluster()?.server ?? "";

/** Credentials that were there at the start and are not any more. */
const refused = (request: KubeRequest | WatchRequest) => (error: LiveConfigError) =>
  new Unauthorized({ request: describeRequest(request), detail: error.message });

const make = Effect.fnUntraced(function* (options: LiveTransportOptions) {
  const requestMillis = Duration.toMillis(options.requestTimeout ?? "30 seconds");
  const silenceMillis = Duration.toMillis(options.watchSilence ?? "3 minutes");
  const userAgent = options.userAgent ?? "nodeop";

  const source = yield* makeCredentialSource(options);
  const first = yield* source.current;
  const clientFor = yield* makeConnection(
    first,
    Duration.toMillis(options.connectTimeout ?? "10 seconds"),
  );
  // Only for words: where the last request went.
  let server = serverOf(first);

  /** Sends with these credentials. The answer lives as long as the scope. */
  const sendAs = Effect.fnUntraced(function* (
    request: KubeRequest | WatchRequest,
    credentials: Credentials,
    toHttp: (server: string) => HttpClientRequest.HttpClientRequest,
  ): Effect.fn.Return<Response, KubeError, Scope.Scope> {
    server = serverOf(credentials);
    const client = yield* Effect.mapError(clientFor(credentials), refused(request));
    const http = Http.setHeaders(toHttp(server), {
      "user-agent": userAgent,
      ...credentials.headers,
    });
    return yield* Effect.mapError(client.execute(http), (error) =>
      networkError(request, server, error),
    );
  });

  /** Sends; when the server does not know us (any more), once again with what the files and plugins say now. */
  const send = Effect.fnUntraced(function* (
    request: KubeRequest | WatchRequest,
    toHttp: (server: string) => HttpClientRequest.HttpClientRequest,
  ): Effect.fn.Return<Response, KubeError, Scope.Scope> {
    const credentials = yield* Effect.mapError(source.current, refused(request));
    const response = yield* sendAs(request, credentials, toHttp);
    if (response.status !== 401) return response;
    const renewed = yield* Effect.mapError(source.renew(credentials), refused(request));
    const same = renewed.headers["authorization"] === credentials.headers["authorization"];
    return same ? response : yield* sendAs(request, renewed, toHttp);
  });

  const read = (request: KubeRequest | WatchRequest, response: Response) =>
    response.text.pipe(
      Effect.mapBoth({
        onSuccess: (body) => ({ status: response.status, headers: response.headers, body }),
        onFailure: (error) => networkError(request, server, error),
      }),
    );

  const inTime = <A, R>(
    request: KubeRequest | WatchRequest,
    answer: Effect.Effect<A, KubeError, R>,
  ) =>
    repeating(
      request,
      requestMillis,
      Effect.timeoutOrElse(answer, {
        duration: requestMillis,
        orElse: () => Effect.fail(timeoutError(request, server, requestMillis)),
      }),
    );

  const request = Effect.fnUntraced(function* (asked: KubeRequest) {
    const attempt = Effect.gen(function* () {
      const response = yield* send(asked, (to) => httpRequestOf(to, asked));
      const answer = yield* read(asked, response);
      return yield* Effect.fromResult(objectOf(asked, server, answer));
    });
    return yield* inTime(asked, Effect.scoped(attempt));
  });

  /** Opens a watch: its answer has begun, and succeeded. */
  const open = (asked: WatchRequest) =>
    inTime(
      asked,
      Effect.gen(function* () {
        const response = yield* send(asked, (to) => httpWatchOf(to, asked));
        if (response.status === 200) return response;
        return yield* errorOf(asked, server, yield* read(asked, response));
      }),
    );

  const watch = (given: WatchRequest) =>
    Stream.unwrap(
      Effect.gen(function* () {
        const timeoutSeconds =
          given.timeoutSeconds ??
          (yield* Random.nextIntBetween(WATCH_TIMEOUT_SECONDS, 2 * WATCH_TIMEOUT_SECONDS));
        const asked = { ...given, timeoutSeconds };
        const response = yield* open(asked);
        const bytes = Stream.mapError(response.stream, (error) =>
          networkError(asked, server, error),
        );
        const silence = Math.min(silenceMillis, 1000 * timeoutSeconds + WATCH_OVERTIME_MILLIS);
        return framesOf(asked, silence, bytes);
      }),
    );

  return { request, watch };
});

/**
 * The transport to the cluster that the options, or else the environment, lead to. The first use loads client-node.
 * Fails with one sentence when there is no usable configuration or no credentials; whether the server answers shows
 * with the first request.
 */
export const liveTransportLayer = (
  options: LiveTransportOptions = {},
): Layer.Layer<KubeTransport, LiveConfigError> =>
  Layer.effect(KubeTransport, make(options)).pipe(Layer.provide(NodeFileSystem.layer));
