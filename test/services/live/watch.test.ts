import type { ServerResponse } from "node:http";
import { describe, expect, it } from "@effect/vitest";
import { Effect, Fiber, Stream } from "effect";
import { Nodes } from "../../../src/domain/kube/resource.ts";
import {
  KubeTransport,
  type WatchFrame,
  type WatchRequest,
} from "../../../src/services/KubeTransport.ts";
import { type Answerer, against, json, status, until } from "./support/apiServer.ts";

const request: WatchRequest = { resource: Nodes, resourceVersion: "1", timeoutSeconds: 300 };
const watch = (asked = request) =>
  Stream.unwrap(Effect.map(KubeTransport, (transport) => transport.watch(asked)));

const frame = (type: string, name = "ü") => ({ type, object: { metadata: { name } } });
const line = (value: unknown): string => `${JSON.stringify(value)}\n`;
const begin = (response: ServerResponse): ServerResponse =>
  response.writeHead(200, { "content-type": "application/json" });

/** The frames that arrive, and how the stream ended. */
const observed = (answer: Answerer, options = {}) =>
  against(
    answer,
    (server) =>
      Effect.gen(function* () {
        const frames: Array<WatchFrame["type"]> = [];
        const end = yield* Effect.result(
          Stream.runForEach(watch(), ({ type }) => Effect.sync(() => frames.push(type))),
        );
        return { frames, end, requests: server.requests.length };
      }),
    options,
  );
const failure = (answer: Answerer, options = {}) =>
  Effect.map(observed(answer, options), ({ frames, end }) => ({
    frames,
    error: end._tag === "Failure" ? end.failure : undefined,
  }));

describe("a watch", () => {
  it.live("delivers frames whole, however the bytes are cut", () =>
    Effect.gen(function* () {
      const text = Buffer.from(
        ["ADDED", "MODIFIED", "BOOKMARK", "DELETED"].map((type) => line(frame(type))).join(""),
      );
      const { frames, end } = yield* observed((_, response) => {
        begin(response);
        // One byte at a time, in separate chunks of HTTP: characters are cut as well.
        for (const byte of text) response.write(Buffer.of(byte));
        response.end();
      });
      expect(frames).toEqual(["ADDED", "MODIFIED", "BOOKMARK", "DELETED"]);
      expect(end._tag).toBe("Success");
    }),
  );
  it.live("ends when the server ends it", () =>
    Effect.gen(function* () {
      const { end } = yield* observed((_, response) => void begin(response).end());
      expect(end._tag).toBe("Success");
    }),
  );
  it.live("asks the server for an end of its own where it is not told when", () =>
    against(
      (_, response) => void begin(response).end(),
      (server) =>
        Effect.gen(function* () {
          yield* Stream.runDrain(watch({ resource: Nodes }));
          expect(server.requests[0]?.url).toMatch(/timeoutSeconds=[345]\d\d&/u);
        }),
    ),
  );
  it.live("fails when the connection is cut, after what came before", () =>
    Effect.gen(function* () {
      const { frames, error } = yield* failure((_, response, _count, message) => {
        begin(response).write(line(frame("ADDED")), () => message.socket.destroy());
      });
      expect(frames).toEqual(["ADDED"]);
      expect(error?._tag).toBe("Unreachable");
      expect(error?.message).toMatch(/^watch Nodes: http:\/\/127.* cut the connection/u);
    }),
  );
  it.live("fails with Expired after an ERROR frame that says so", () =>
    Effect.gen(function* () {
      const { frames, error } = yield* failure((_, response) => {
        const expired = { type: "ERROR", object: status(410, "Expired", "too old") };
        begin(response).end(line(frame("ADDED")) + line(expired) + line(frame("MODIFIED")));
      });
      expect(frames).toEqual(["ADDED"]);
      expect(error).toMatchObject({ _tag: "Expired", message: "watch Nodes: too old" });
    }),
  );
  it.live("fails with Expired when it is refused with 410, at once", () =>
    Effect.gen(function* () {
      const { end, requests } = yield* observed((_, response) =>
        json(response, 410, status(410, "Expired", "too old")),
      );
      expect(end).toMatchObject({ failure: { _tag: "Expired" } });
      expect(requests).toBe(1);
    }),
  );
  it.live("fails with the error of any other ERROR frame", () =>
    Effect.gen(function* () {
      const { error } = yield* failure((_, response) => {
        const broken = { type: "ERROR", object: status(500, "InternalError", "etcd is away") };
        begin(response).end(line(broken));
      });
      expect(error).toMatchObject({ _tag: "Unavailable", code: 500 });
    }),
  );
  it.live("fails at a line that is no frame", () =>
    Effect.gen(function* () {
      for (const nonsense of [
        "<html>\n",
        line({ type: "ADDED" }),
        line(7),
        line({ type: "ERROR" }),
      ]) {
        const { error } = yield* failure((_, response) => void begin(response).end(nonsense));
        expect(error?.message).toContain("is there a proxy in between?");
      }
    }),
  );
  it.live("fails when nothing comes for longer than bookmarks take", () =>
    Effect.gen(function* () {
      const { frames, error } = yield* failure(
        (_, response) => {
          begin(response).write(line(frame("ADDED")));
        },
        { watchSilence: "100 millis" },
      );
      expect(frames).toEqual(["ADDED"]);
      expect(error?.message).toContain("nothing came for 0.1 s");
    }),
  );
  it.live("lives on while bookmarks come", () =>
    Effect.gen(function* () {
      const { frames, end } = yield* observed(
        (_, response) => {
          begin(response);
          let sent = 0;
          const timer = setInterval(() => {
            response.write(line(frame("BOOKMARK")));
            if (++sent < 6) return;
            clearInterval(timer);
            response.end();
          }, 60);
        },
        { watchSilence: "250 millis" },
      );
      expect(frames).toHaveLength(6);
      expect(end._tag).toBe("Success");
    }),
  );
  it.live("closes its connection when it is interrupted, or when enough was taken", () =>
    against(
      (_, response) => {
        begin(response).write(line(frame("ADDED")));
      },
      (server) =>
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(Stream.runDrain(watch()));
          yield* until(() => server.open() === 1);
          yield* Fiber.interrupt(fiber);
          yield* until(() => server.open() === 0);
          expect(yield* Stream.runCollect(Stream.take(watch(), 1))).toHaveLength(1);
          yield* until(() => server.open() === 0);
        }),
    ),
  );
  it.live("is read no faster than its frames are taken", () => {
    const big = line(frame("ADDED", "x".repeat(100_000)));
    let written = 0;
    return against(
      (_, response) => {
        begin(response);
        const more = () => {
          while (written < 2000) {
            written++;
            if (!response.write(big)) return void response.once("drain", more);
          }
          response.end();
        };
        more();
      },
      () =>
        Effect.gen(function* () {
          let last = -1;
          yield* Stream.runForEach(Stream.take(watch(), 1), () =>
            // The server goes on until everything between it and us is full; then it stands still.
            until(() => {
              const still = written === last;
              last = written;
              return still;
            }),
          );
          expect(written).toBeLessThan(1000);
        }),
    );
  });
  it.live("that cannot be opened is tried again", () =>
    Effect.gen(function* () {
      const { end, requests } = yield* observed((_, response, count) => {
        if (count === 0) json(response, 503, status(503, "ServiceUnavailable", "starting"));
        else begin(response).end();
      });
      expect(end._tag).toBe("Success");
      expect(requests).toBe(2);
    }),
  );
});
