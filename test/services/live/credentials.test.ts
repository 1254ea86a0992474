import { spawnSync } from "node:child_process";
import * as NodeServices from "@effect/platform-node/NodeServices";
import { describe, expect, it } from "@effect/vitest";
import { Effect, FileSystem } from "effect";
import { Nodes } from "../../../src/domain/kube/resource.ts";
import { KubeTransport } from "../../../src/services/KubeTransport.ts";
import type { LiveTransportOptions } from "../../../src/services/live/liveTransport.ts";
import {
  type Answerer,
  directoryOf,
  json,
  kubeconfigJson,
  serve,
  status,
  type TestServer,
  withTransport,
} from "./support/apiServer.ts";

const get = Effect.flatMap(KubeTransport, (transport) =>
  transport.request({ verb: "get", resource: Nodes, name: "n" }),
);
const unauthorized: Answerer = (_, response) =>
  json(response, 401, status(401, "Unauthorized", "who are you?"));
/** Knows only this token. */
const guarded =
  (token: () => string): Answerer =>
  (request, response, count, message) =>
    request.headers.authorization === `Bearer ${token()}`
      ? json(response, 200, { kind: "Node" })
      : unauthorized(request, response, count, message);

/** A user of a kubeconfig whose files are beside it. */
const asUser = <A, E>(
  answer: Answerer,
  user: (at: string) => object,
  files: Readonly<Record<string, string>>,
  body: (
    server: TestServer,
    at: string,
  ) => Effect.Effect<A, E, KubeTransport | FileSystem.FileSystem>,
  options: LiveTransportOptions = {},
) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem;
    const server = yield* serve(answer);
    const at = yield* directoryOf(files);
    yield* fs.writeFileString(`${at}/config`, kubeconfigJson(server.url, user(at)));
    return yield* withTransport({ kubeconfig: `${at}/config`, ...options })(body(server, at));
  }).pipe(Effect.scoped, Effect.provide(NodeServices.layer));

/** A credential plugin: a shell script that counts its runs in the file `runs`. */
const plugin = (script: string) => ({
  files: { plugin: `#!/bin/sh\necho run >> "$(dirname "$0")/runs"\n${script}\n`, runs: "" },
  user: (at: string) => {
    spawnSync("chmod", ["+x", `${at}/plugin`]);
    return {
      exec: { apiVersion: "client.authentication.k8s.io/v1", command: "./plugin", args: [] },
    };
  },
});
const credential = (token: string, expires = ""): string =>
  `echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"'"${token}"'"${expires}}}'`;
const runsOf = (at: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem;
    return (yield* fs.readFileString(`${at}/runs`)).split("\n").length - 1;
  });

describe("a token in a file", () => {
  it.live("is read relative to the kubeconfig, without the newline at its end", () =>
    asUser(
      guarded(() => "one"),
      () => ({ tokenFile: "token" }),
      { token: "one\n" },
      () => get,
    ),
  );
  it.live("that was rotated is read again when the server refuses the old one", () => {
    let valid = "one";
    return asUser(
      guarded(() => valid),
      () => ({ tokenFile: "token" }),
      { token: "one" },
      (server, at) =>
        Effect.gen(function* () {
          const fs = yield* FileSystem.FileSystem;
          yield* get;
          valid = "two";
          yield* fs.writeFileString(`${at}/token`, "two");
          yield* get;
          expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
            "Bearer one",
            "Bearer one",
            "Bearer two",
          ]);
        }),
    );
  });
  it.live("that is refused is not sent twice, and the error says so", () =>
    asUser(
      unauthorized,
      () => ({ tokenFile: "token" }),
      { token: "one" },
      (server) =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(get);
          expect(error).toMatchObject({
            _tag: "Unauthorized",
            message: "get Node n: who are you?",
          });
          expect(server.requests).toHaveLength(1);
        }),
    ),
  );
});

describe("a password", () => {
  it.live("is sent as HTTP's basic authentication", () =>
    asUser(
      (_, response) => json(response, 200, {}),
      () => ({ username: "a", password: "b:ü" }),
      {},
      (server) =>
        Effect.gen(function* () {
          yield* get;
          const [request] = server.requests;
          expect(request?.headers.authorization).toBe(
            `Basic ${Buffer.from("a:b:ü").toString("base64")}`,
          );
        }),
    ),
  );
});

describe("a credential plugin", () => {
  it.live("runs once for many requests at once, and is told the protocol's version", () => {
    const { user, files } = plugin(
      credential(`$(echo "$KUBERNETES_EXEC_INFO" | grep -o 'v1"' | head -n 1 | tr -d '"')`),
    );
    return asUser(
      guarded(() => "v1"),
      user,
      files,
      (_, at) =>
        Effect.gen(function* () {
          yield* Effect.all(
            Array.from({ length: 8 }, () => get),
            { concurrency: "unbounded" },
          );
          expect(yield* runsOf(at)).toBe(1);
        }),
    );
  });
  it.live("runs again when its credentials have expired", () => {
    const { user, files } = plugin(
      credential("t", `,"expirationTimestamp":"2020-01-01T00:00:00Z"`),
    );
    return asUser(
      guarded(() => "t"),
      user,
      files,
      (_, at) =>
        Effect.gen(function* () {
          const before = yield* runsOf(at);
          yield* get;
          expect(yield* runsOf(at)).toBe(before + 1);
        }),
    );
  });
  it.live("runs again when the server refuses what it gave", () => {
    const { user, files } = plugin(
      credential('run$(wc -l < "$(dirname "$0")/runs" | tr -d \' \')'),
    );
    return asUser(
      guarded(() => "run2"),
      user,
      files,
      (_, at) =>
        Effect.gen(function* () {
          yield* Effect.all([get, get, get], { concurrency: "unbounded" });
          expect(yield* runsOf(at)).toBe(2);
        }),
    );
  });
  it.live.each([
    ["prints garbage", "echo hello"],
    ["prints JSON that is no credential", "echo '{}'"],
    ["fails", "echo 'please log in' >&2; exit 3"],
  ] as const)("that %s is named in one sentence", ([, script]) =>
    Effect.gen(function* () {
      const { user, files } = plugin(script);
      const error = yield* Effect.flip(
        asUser(
          (_, response) => json(response, 200, {}),
          user,
          files,
          () => get,
        ),
      );
      expect(error).toMatchObject({ _tag: "LiveConfigError" });
      expect(error.message).toMatch(
        /the credential plugin .*\/plugin of .* gave no credentials: .*log in/u,
      );
      expect(error.message).not.toContain("\n");
    }),
  );
  it.live("that hangs is named in one sentence, and is not started again and again", () =>
    Effect.gen(function* () {
      // Answers at first, with credentials that have expired already; then it hangs until its input ends.
      const first = credential("t", `,"expirationTimestamp":"2020-01-01T00:00:00Z"`);
      const { user, files } = plugin(
        `if [ "$(wc -l < "$(dirname "$0")/runs")" -gt 1 ]; then exec cat; fi; ${first}`,
      );
      yield* asUser(
        (_, response) => json(response, 200, {}),
        user,
        files,
        (server, where) =>
          Effect.gen(function* () {
            for (const _ of [1, 2, 3]) {
              const error = yield* Effect.flip(get);
              expect(error).toMatchObject({ _tag: "Unauthorized" });
              expect(error.message).toContain("no answer, it hangs");
            }
            expect(yield* runsOf(where)).toBe(2);
            expect(server.requests).toHaveLength(0);
          }),
        { credentialsTimeout: "300 millis" },
      );
    }),
  );
  it.live("that is not installed is named in one sentence", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        asUser(
          (_, response) => json(response, 200, {}),
          () => ({ exec: { apiVersion: "v1", command: "no-such-plugin-anywhere" } }),
          {},
          () => get,
        ),
      );
      expect(error.message).toContain("no-such-plugin-anywhere");
    }),
  );
});
