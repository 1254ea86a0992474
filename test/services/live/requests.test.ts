import { describe, expect, it } from "@effect/vitest";
import { Effect, Fiber } from "effect";
import { Nodes } from "../../../src/domain/kube/resource.ts";
import type { KubeError } from "../../../src/services/KubeError.ts";
import { type KubeRequest, KubeTransport } from "../../../src/services/KubeTransport.ts";
import { type Answerer, against, json, status, until } from "./support/apiServer.ts";

const get: KubeRequest = { verb: "get", resource: Nodes, name: "n" };
const patch: KubeRequest = { verb: "patch", resource: Nodes, name: "n", body: {} };
const node = { kind: "Node", metadata: { name: "n" } };

const send = (request: KubeRequest) =>
  Effect.flatMap(KubeTransport, (transport) => transport.request(request));
const failing = (answer: Answerer, request: KubeRequest = get) =>
  against(answer, () => Effect.flip(send(request)));

describe("a request", () => {
  it.live("is sent with credentials, and answered with the object", () =>
    against(
      (_, response) => json(response, 200, node),
      (server) =>
        Effect.gen(function* () {
          expect(yield* send(get)).toEqual(node);
          const [request] = server.requests;
          expect(request?.url).toBe("/api/v1/nodes/n");
          expect(request?.headers).toMatchObject({
            authorization: "Bearer secret",
            accept: "application/json",
            "user-agent": "nodeop",
          });
        }),
    ),
  );
  it.live("uses connections again, however many are sent", () =>
    against(
      (_, response) => json(response, 200, node),
      (server) =>
        Effect.gen(function* () {
          for (let index = 0; index < 20; index++) yield* send(get);
          // A response and the request after it may overlap on the wire by a moment.
          expect(server.connections()).toBeLessThanOrEqual(2);
        }),
    ),
  );
  it.live("that is interrupted closes its connection", () =>
    against(
      () => undefined,
      (server) =>
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(send(get));
          yield* until(() => server.requests.length === 1);
          yield* Fiber.interrupt(fiber);
          yield* until(() => server.open() === 0);
        }),
    ),
  );
  it.live("that is not answered in time fails and is not repeated", () =>
    against(
      (_, response) => {
        response.writeHead(200).write("{");
      },
      (server) =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(send(get));
          expect(error._tag).toBe("Unreachable");
          expect(error.message).toContain("did not answer within 0.1 s");
          expect(server.requests).toHaveLength(1);
          yield* until(() => server.open() === 0);
        }),
      { requestTimeout: "100 millis" },
    ),
  );
});

describe("an answer that is no success becomes the typed error of its Status", () => {
  it.live.each<[number, string, KubeError["_tag"]]>([
    [404, "NotFound", "NotFound"],
    [409, "AlreadyExists", "AlreadyExists"],
    [409, "Conflict", "Conflict"],
    [422, "Invalid", "Invalid"],
    [403, "Forbidden", "Forbidden"],
    [410, "Expired", "Expired"],
    [400, "BadRequest", "BadRequest"],
  ])("%i %s", ([code, reason, tag]) =>
    Effect.gen(function* () {
      const error = yield* failing((_, response) =>
        json(response, code, status(code, reason, "told")),
      );
      expect(error._tag).toBe(tag);
      expect(error.message).toBe("get Node n: told");
    }),
  );
  it.live("with its causes", () =>
    Effect.gen(function* () {
      const causes = [{ reason: "FieldValueInvalid", message: "must be", field: "spec.x" }];
      const error = yield* failing((_, response) =>
        json(response, 422, status(422, "Invalid", "told", { causes })),
      );
      expect(error).toMatchObject({ _tag: "Invalid", causes });
    }),
  );
  it.live("with the Retry-After of the header where the Status has none", () =>
    Effect.gen(function* () {
      const error = yield* failing((_, response) => {
        response.setHeader("retry-after", "40");
        json(response, 429, status(429, "TooManyRequests", "slow down"));
      });
      expect(error).toMatchObject({ _tag: "TooManyRequests", retryAfterSeconds: 40 });
    }),
  );
});

const html =
  (code: number): Answerer =>
  (_, response) => {
    response.writeHead(code, { "content-type": "text/html" }).end("<html><h1>Log in</h1></html>");
  };

describe("an answer of something else than an API server", () => {
  it.live("is no object, even if it is a success", () =>
    Effect.gen(function* () {
      const error = yield* failing(html(200), patch);
      expect(error._tag).toBe("Unreachable");
      expect(error.message).toMatch(/^patch Node n: http:.* answered 200 .*Log in.*proxy/u);
    }),
  );
  it.live("is no proof that an object is absent", () =>
    Effect.gen(function* () {
      expect((yield* failing(html(404), patch))._tag).toBe("Unreachable");
    }),
  );
  it.live("is not available when it says 502", () =>
    Effect.gen(function* () {
      expect(yield* failing(html(502), patch)).toMatchObject({ _tag: "Unavailable", code: 502 });
    }),
  );
  it.live("a path that the server does not have names the missing kind", () =>
    Effect.gen(function* () {
      const error = yield* failing((_, response) => {
        response.writeHead(404).end("404 page not found\n");
      });
      expect(error._tag).toBe("NotFound");
      expect(error.message).toContain("no resource nodes");
    }),
  );
});

const once =
  (fault: Answerer): Answerer =>
  (request, response, count, message) =>
    count === 0 ? fault(request, response, count, message) : json(response, 200, node);
const cut: Answerer = (_, _response, _count, message) => void message.socket.destroy();
const unavailable: Answerer = (_, response) =>
  json(response, 503, status(503, "ServiceUnavailable", "starting"));
const busy: Answerer = (_, response) => json(response, 429, status(429, "TooManyRequests", "busy"));
const budget: Answerer = (_, response) =>
  json(
    response,
    429,
    status(429, "TooManyRequests", "no", { causes: [{ reason: "DisruptionBudget" }] }),
  );

const countOf = (fault: Answerer, request: KubeRequest) =>
  against(once(fault), (server) =>
    Effect.map(Effect.result(send(request)), () => server.requests.length),
  );

describe("a request is sent again", () => {
  it.live.each<[string, Answerer, KubeRequest, number]>([
    ["when it reads and the connection was cut", cut, get, 2],
    ["not when it writes and the connection was cut", cut, patch, 1],
    ["when it reads and the server is not ready", unavailable, get, 2],
    ["not when it writes and the server is not ready", unavailable, patch, 1],
    ["when it writes and the server is busy", busy, patch, 2],
    ["not when a disruption budget refuses", budget, patch, 1],
  ])("%s", ([, fault, request, expected]) =>
    Effect.gen(function* () {
      expect(yield* countOf(fault, request)).toBe(expected);
    }),
  );
});
