import { describe, expect, it } from "@effect/vitest";
import { Clock, Effect, Fiber } from "effect";
import { TestClock } from "effect/testing";
import { Nodes, Pods } from "../../../src/domain/kube/resource.ts";
import {
  Conflict,
  type KubeError,
  TooManyRequests,
  Unavailable,
  Unreachable,
} from "../../../src/services/KubeError.ts";
import type { KubeRequest } from "../../../src/services/KubeTransport.ts";
import { mayRepeat, repeating } from "../../../src/services/live/retry.ts";

const base = { request: "a request", detail: "went wrong" };
const get: KubeRequest = { verb: "get", resource: Nodes, name: "n" };
const patch: KubeRequest = { verb: "patch", resource: Nodes, name: "n", body: {} };
const evict: KubeRequest = {
  verb: "create",
  resource: Pods,
  namespace: "a",
  name: "p",
  subresource: "eviction",
  body: {},
};
const busy = (retryAfterSeconds?: number) =>
  new TooManyRequests({
    ...base,
    causes: [],
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
const budget = new TooManyRequests({ ...base, causes: [{ reason: "DisruptionBudget" }] });

describe("a request is repeated only where that is safe", () => {
  it.each<[string, KubeRequest, KubeError, boolean]>([
    ["a read after a lost connection", get, new Unreachable(base), true],
    ["a write after a lost connection", patch, new Unreachable(base), false],
    ["a write of which nothing was sent", patch, new Unreachable({ ...base, sent: false }), true],
    ["a read after a 503", get, new Unavailable({ ...base, code: 503 }), true],
    ["a write after a 503", patch, new Unavailable({ ...base, code: 503 }), false],
    ["a write after a 429", patch, busy(), true],
    ["an eviction after a 429 for load", evict, busy(), true],
    ["an eviction that a budget refused", evict, budget, false],
    ["anything after an answer", get, new Conflict(base), false],
  ])("%s", (_, request, error, expected) => {
    expect(mayRepeat(request, error)).toBe(expected);
  });
  it("a watch after a 503", () => {
    expect(mayRepeat({ resource: Nodes }, new Unavailable({ ...base, code: 503 }))).toBe(true);
  });
});

/** Repeats a request that always fails so; answers with when it was sent, in milliseconds after the first time. */
const timesOf = (request: KubeRequest, error: KubeError, withinMillis = 30_000) =>
  Effect.gen(function* () {
    const times: Array<number> = [];
    const send = Effect.flatMap(Clock.currentTimeMillis, (now) => {
      times.push(now);
      return Effect.fail(error);
    });
    const fiber = yield* Effect.forkChild(Effect.flip(repeating(request, withinMillis, send)), {
      startImmediately: true,
    });
    yield* TestClock.adjust("5 minutes");
    expect(yield* Fiber.join(fiber)).toBe(error);
    return times.map((time) => time - (times[0] ?? 0));
  });

describe("the waits between attempts", () => {
  it.effect("grow, and are few: who asked has a longer backoff", () =>
    Effect.gen(function* () {
      const times = yield* timesOf(get, new Unreachable(base));
      expect(times).toHaveLength(4);
      const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0));
      for (const [index, wait] of waits.entries()) {
        expect(wait).toBeGreaterThanOrEqual(80 * 2 ** index);
        expect(wait).toBeLessThanOrEqual(120 * 2 ** index);
      }
    }),
  );
  it.effect("are at least what the server asks for", () =>
    Effect.gen(function* () {
      expect(yield* timesOf(patch, busy(3))).toEqual([0, 3000, 6000, 9000]);
    }),
  );
  it.effect("are left to the caller when the server asks for long ones", () =>
    Effect.gen(function* () {
      expect(yield* timesOf(get, busy(10))).toEqual([0, 10_000, 20_000]);
      expect(yield* timesOf(get, busy(11))).toEqual([0]);
    }),
  );
  it.effect("end with the time that one request may take", () =>
    Effect.gen(function* () {
      expect(yield* timesOf(get, busy(3), 5000)).toEqual([0, 3000]);
    }),
  );
});
