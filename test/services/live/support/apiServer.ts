/** An HTTP server on loopback that answers as the test says, and kubeconfigs that lead to it. */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import * as NodeServices from "@effect/platform-node/NodeServices";
import { ConfigProvider, Effect, FileSystem, Layer, type Scope } from "effect";
import type { KubeTransport } from "../../../../src/services/KubeTransport.ts";
import {
  type LiveTransportOptions,
  liveTransportLayer,
} from "../../../../src/services/live/liveTransport.ts";
import type { LiveConfigError } from "../../../../src/services/live/LiveConfigError.ts";

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface TestServer {
  readonly url: string;
  readonly port: number;
  /** Requests so far, oldest first. */
  readonly requests: ReadonlyArray<SeenRequest>;
  /** Connections that were ever made. */
  readonly connections: () => number;
  /** Connections that are open now. */
  readonly open: () => number;
  /** Closes every connection, in the middle of whatever they carry. */
  readonly cut: () => void;
}

/** Answers one request. `count` is how many came before it. */
export type Answerer = (
  request: SeenRequest,
  response: ServerResponse,
  count: number,
  message: IncomingMessage,
) => void;

export const json = (response: ServerResponse, code: number, body: unknown): void => {
  response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(body));
};

export const status = (code: number, reason: string, message: string, details: object = {}) => ({
  kind: "Status",
  apiVersion: "v1",
  status: "Failure",
  metadata: {},
  code,
  reason,
  message,
  details,
});

const listen = (
  server: Server,
  scheme: string,
  sockets: Set<Socket>,
  count: () => number,
  requests: Array<SeenRequest>,
) =>
  Effect.callback<TestServer>((resume) => {
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      resume(
        Effect.succeed({
          url: `${scheme}://127.0.0.1:${port}`,
          port,
          requests,
          connections: count,
          open: () => sockets.size,
          cut: () => {
            for (const socket of sockets) socket.destroy();
          },
        }),
      );
    });
  });

/** Starts a server, with TLS if it is given certificates; stops with the scope. */
export const serve = (
  answer: Answerer,
  tls?: ServerOptions,
): Effect.Effect<TestServer, never, Scope.Scope> =>
  Effect.gen(function* () {
    const requests: Array<SeenRequest> = [];
    const sockets = new Set<Socket>();
    let connections = 0;
    const listener: RequestListener = (message, response) => {
      let body = "";
      message.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      message.on("end", () => {
        const { method = "", url = "", headers } = message;
        const request = { method, url, headers, body };
        answer(request, response, requests.push(request) - 1, message);
      });
    };
    const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
    server.on(tls === undefined ? "connection" : "secureConnection", (socket: Socket) => {
      connections++;
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket)).on("error", () => undefined);
    });
    const scheme = tls === undefined ? "http" : "https";
    return yield* Effect.acquireRelease(
      listen(server, scheme, sockets, () => connections, requests),
      () =>
        Effect.callback<void>((resume) => {
          for (const socket of sockets) socket.destroy();
          server.close(() => resume(Effect.void));
        }),
    );
  });

/** A kubeconfig of one cluster, user and context, as JSON, which is YAML. */
export const kubeconfigJson = (server: string, user: object = {}, cluster: object = {}): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "test", cluster: { server, ...cluster } }],
    users: [{ name: "tester", user }],
    contexts: [{ name: "test", context: { cluster: "test", user: "tester" } }],
    "current-context": "test",
  });

/** A directory with these files; their paths are relative to it. Goes away with the scope. */
export const directoryOf = (files: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem;
    const at = yield* fs.makeTempDirectoryScoped();
    for (const [path, text] of Object.entries(files))
      yield* fs.writeFileString(`${at}/${path}`, text);
    return at;
  });

/** Provides the live transport that a kubeconfig leads to, with no environment of the machine's. */
export const withTransport =
  (options: LiveTransportOptions) =>
  <A, E, R>(
    body: Effect.Effect<A, E, R>,
  ): Effect.Effect<A, E | LiveConfigError, Exclude<R, KubeTransport>> => {
    const environment = ConfigProvider.layer(ConfigProvider.fromUnknown({}));
    return Effect.provide(body, Layer.provideMerge(liveTransportLayer(options), environment));
  };

/** Runs a body against a server over plain HTTP. */
export const against = <A, E>(
  answer: Answerer,
  body: (server: TestServer) => Effect.Effect<A, E, KubeTransport>,
  options: LiveTransportOptions = {},
  user: object = { token: "secret" },
) =>
  Effect.gen(function* () {
    const server = yield* serve(answer);
    const at = yield* directoryOf({ config: kubeconfigJson(server.url, user) });
    return yield* withTransport({ kubeconfig: `${at}/config`, ...options })(body(server));
  }).pipe(Effect.scoped, Effect.provide(NodeServices.layer));

/** Waits until it holds; the test's own timeout ends what never does. */
export const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() =>
    condition() ? Effect.void : Effect.andThen(Effect.sleep("5 millis"), until(condition)),
  );
