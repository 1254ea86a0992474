import { connect as connectTo, createServer } from "node:net";
import type { TLSSocket } from "node:tls";
import * as NodeServices from "@effect/platform-node/NodeServices";
import { describe, expect, it } from "@effect/vitest";
import { Effect, FileSystem, type Scope } from "effect";
import { Nodes } from "../../../src/domain/kube/resource.ts";
import { KubeTransport } from "../../../src/services/KubeTransport.ts";
import {
  type Answerer,
  directoryOf,
  json,
  kubeconfigJson,
  serve,
  type TestServer,
  withTransport,
} from "./support/apiServer.ts";
import {
  caCertificate,
  clientOneCertificate,
  clientOneKey,
  clientTwoCertificate,
  clientTwoKey,
  otherCaCertificate,
  serverCertificate,
  serverKey,
} from "./support/certificates.ts";

const get = Effect.flatMap(KubeTransport, (transport) =>
  transport.request({ verb: "get", resource: Nodes, name: "n" }),
);
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const named = {
  "certificate-authority-data": base64(caCertificate),
  "tls-server-name": "kubernetes.test",
};

/** Tells the client by the name in its certificate. */
const tellClient: Answerer = (_, response, _count, message) =>
  json(response, 200, { client: (message.socket as TLSSocket).getPeerCertificate().subject?.CN });

const withServer = <A, E>(
  cluster: object,
  user: object,
  files: Readonly<Record<string, string>>,
  body: (
    server: TestServer,
    at: string,
  ) => Effect.Effect<A, E, KubeTransport | FileSystem.FileSystem | Scope.Scope>,
) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem;
    const server = yield* serve(tellClient, {
      cert: serverCertificate,
      key: serverKey,
      ca: caCertificate,
      requestCert: true,
      rejectUnauthorized: false,
    });
    const at = yield* directoryOf(files);
    yield* fs.writeFileString(`${at}/config`, kubeconfigJson(server.url, user, cluster));
    return yield* withTransport({ kubeconfig: `${at}/config` })(body(server, at));
  }).pipe(Effect.scoped, Effect.provide(NodeServices.layer));

describe("the server's certificate", () => {
  it.live(
    "is verified with the CA and the name of the kubeconfig, on a connection that is kept",
    () =>
      withServer(named, { token: "t" }, {}, (server) =>
        Effect.gen(function* () {
          for (let index = 0; index < 10; index++) yield* get;
          expect(server.connections()).toBeLessThanOrEqual(2);
        }),
      ),
  );
  it.live("may be verified with a CA in a file", () =>
    withServer(
      { "certificate-authority": "ca.crt", "tls-server-name": "kubernetes.test" },
      { token: "t" },
      { "ca.crt": caCertificate },
      () => get,
    ),
  );
  it.live.each([
    [
      "another CA",
      { ...named, "certificate-authority-data": base64(otherCaCertificate) },
      "the kubeconfig's CA did not sign",
    ],
    ["no CA", { "tls-server-name": "kubernetes.test" }, "the kubeconfig's CA did not sign"],
    [
      "another name",
      { "certificate-authority-data": base64(caCertificate) },
      "set tls-server-name in the kubeconfig",
    ],
  ] as const)("is refused with %s, and nothing is sent", ([, cluster, words]) =>
    withServer(cluster, { token: "t" }, {}, (server) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(get);
        expect(error._tag).toBe("Unreachable");
        expect(error.message).toContain(words);
        expect(server.requests).toHaveLength(0);
      }),
    ),
  );
  it.live("is not looked at when the kubeconfig says so", () =>
    withServer({ "insecure-skip-tls-verify": true }, { token: "t" }, {}, () => get),
  );
});

describe("a client certificate", () => {
  it.live("is presented, also without any token", () =>
    withServer(
      named,
      {
        "client-certificate-data": base64(clientOneCertificate),
        "client-key-data": base64(clientOneKey),
      },
      {},
      () => Effect.map(get, (answer) => expect(answer).toEqual({ client: "client-one" })),
    ),
  );
  it.live("that is rotated is presented on new connections, without a restart", () =>
    withServer(
      named,
      { "client-certificate": "client.crt", "client-key": "client.key" },
      { "client.crt": clientOneCertificate, "client.key": clientOneKey },
      (server, at) =>
        Effect.gen(function* () {
          const fs = yield* FileSystem.FileSystem;
          expect(yield* get).toEqual({ client: "client-one" });
          yield* fs.writeFileString(`${at}/client.crt`, clientTwoCertificate);
          yield* fs.writeFileString(`${at}/client.key`, clientTwoKey);
          expect(yield* get).toEqual({ client: "client-two" });
          expect(yield* get).toEqual({ client: "client-two" });
          expect(server.connections()).toBeLessThanOrEqual(3);
        }),
    ),
  );
});

/** An HTTP proxy that knows CONNECT; gives its address, and where it was asked to connect to. */
const connectProxy = Effect.gen(function* () {
  const asked: Array<string> = [];
  const server = createServer((client) => {
    client.once("data", (head) => {
      const [, target = ""] = head.toString("latin1").split(" ");
      asked.push(target);
      const upstream = connectTo(Number(target.split(":")[1]), "127.0.0.1", () => {
        client.write("HTTP/1.1 200 Connection Established\r\n\r\n");
        client.pipe(upstream);
        upstream.pipe(client);
      });
      upstream.on("error", () => client.destroy());
    });
    client.on("error", () => undefined);
  });
  yield* Effect.acquireRelease(
    Effect.callback<void>(
      (resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void)),
    ),
    () => Effect.sync(() => server.close()),
  );
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { url: `http://127.0.0.1:${port}`, asked };
});

describe("a proxy of the kubeconfig", () => {
  it.live("is gone through; what it carries is verified and encrypted all the same", () =>
    Effect.gen(function* () {
      const proxy = yield* connectProxy;
      yield* withServer({ ...named, "proxy-url": proxy.url }, { token: "t" }, {}, (server) =>
        Effect.gen(function* () {
          yield* get;
          yield* get;
          expect(proxy.asked.length).toBeGreaterThanOrEqual(1);
          expect(proxy.asked.length).toBeLessThanOrEqual(2);
          expect(proxy.asked[0]).toBe(`127.0.0.1:${server.port}`);
        }),
      );
    }).pipe(Effect.scoped),
  );
});
