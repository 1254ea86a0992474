/**
 * The one pool of connections to the API server, kept alive between requests. It is replaced only when the TLS material
 * changed, i.e. when a client certificate or CA was rotated; what runs on the old one then may finish.
 */
import { isDeepStrictEqual } from "node:util";
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient";
import { Effect, type Scope } from "effect";
import { HttpClient, type HttpClientError } from "effect/http";
import type { Credentials } from "./credentials.ts";
import { LiveConfigError, wordsOf } from "./LiveConfigError.ts";

type Dispatcher = NodeHttpClient.Dispatcher["Service"];

/** Less than the 90 s after which an API server closes an idle connection, and than most load balancers'. */
const IDLE_MILLIS = 30_000;

/** Probes of TCP: client-go's interval, below the idle limits of cloud load balancers. */
const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelay: 30_000 };

/** SOCKS is spoken by client-node only, which hides its connector in the dispatcher that it makes. */
const socksDispatcher = (config: Credentials["config"]): Promise<Dispatcher> =>
  import("@kubernetes/client-node/dist/gen/http/http.js").then(({ HttpMethod, RequestContext }) => {
    const context = new RequestContext("http://unused", HttpMethod.GET);
    return config.applySecurityAuthentication(context).then(() => {
      const dispatcher = context.getDispatcher();
      if (dispatcher === undefined) throw new Error("client-node offers no SOCKS connection");
      return dispatcher;
    });
  });

/**
 * HTTP/1.1 on purpose: an interrupted request closes its own socket, and a broken connection takes down one request,
 * where a stalled HTTP/2 connection stalls all that share it.
 */
const makeDispatcher = (
  { config, tls }: Credentials,
  connectTimeoutMillis: number,
): Effect.Effect<Dispatcher, LiveConfigError> =>
  Effect.tryPromise({
    try: () =>
      import("@effect/platform-node/Undici").then(({ Agent, ProxyAgent }) => {
        const options = config.createDispatcherOptions(config.getCurrentCluster(), tls);
        const pool = {
          allowH2: false,
          connectTimeout: connectTimeoutMillis,
          keepAliveTimeout: IDLE_MILLIS,
        };
        const connect = { ...tls, ...KEEP_ALIVE, timeout: connectTimeoutMillis };
        switch (options.type) {
          case "socks":
            return socksDispatcher(config);
          case "proxy":
            return new ProxyAgent({
              ...pool,
              uri: options.uri,
              requestTls: { ...connect, allowH2: false },
            });
          case "agent":
          case "none":
            return new Agent({ ...pool, connect });
        }
      }),
    catch: (thrown) =>
      new LiveConfigError({
        message: `no connection can be made with this configuration: ${wordsOf(thrown)}; check certificates and proxy-url`,
      }),
  });

/** A client whose requests end with the scope in which they were sent. */
export type ScopedHttpClient = HttpClient.HttpClient.With<
  HttpClientError.HttpClientError,
  Scope.Scope
>;

interface Pool {
  readonly tls: Credentials["tls"];
  readonly dispatcher: Dispatcher;
  readonly client: ScopedHttpClient;
}

/** Gives the client for credentials: always the same one, until their TLS material differs. */
export const makeConnection = Effect.fnUntraced(function* (
  first: Credentials,
  connectTimeoutMillis: number,
): Effect.fn.Return<
  (credentials: Credentials) => Effect.Effect<ScopedHttpClient, LiveConfigError>,
  LiveConfigError,
  Scope.Scope
> {
  const open = new Set<Dispatcher>();
  yield* Effect.addFinalizer(() =>
    Effect.forEach(open, (dispatcher) => Effect.promise(() => dispatcher.destroy()), {
      concurrency: "unbounded",
      discard: true,
    }),
  );
  const scope = yield* Effect.scope;

  const openPool = Effect.fnUntraced(function* (credentials: Credentials) {
    const dispatcher = yield* makeDispatcher(credentials, connectTimeoutMillis);
    open.add(dispatcher);
    const client = yield* Effect.provideService(
      NodeHttpClient.makeUndici,
      NodeHttpClient.Dispatcher,
      dispatcher,
    );
    return { tls: credentials.tls, dispatcher, client: HttpClient.withScope(client) };
  });

  let pool: Pool = yield* openPool(first);
  return Effect.fnUntraced(function* (credentials) {
    if (isDeepStrictEqual(credentials.tls, pool.tls)) return pool.client;
    const old = pool.dispatcher;
    pool = yield* openPool(credentials);
    // Ends once the requests and watches that run on it have ended.
    yield* Effect.forkIn(
      Effect.andThen(
        Effect.promise(() => old.close()),
        Effect.sync(() => open.delete(old)),
      ),
      scope,
    );
    return pool.client;
  });
});
