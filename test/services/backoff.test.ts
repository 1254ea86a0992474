import { describe, expect, it } from "@effect/vitest";
import { Effect, Random } from "effect";
import { backoffMillis } from "../../src/services/backoff.ts";

/** The waits after 0, 1, 2, … failures when chance always says the same. */
const waits = (chance: number, count: number, base: number) =>
  Effect.forEach(Array.from({ length: count }), (_, failures) =>
    backoffMillis({ base, max: "1 second" }, failures),
  ).pipe(
    Effect.provideService(Random.Random, {
      nextDoubleUnsafe: () => chance,
      nextIntUnsafe: () => 0,
    }),
  );

describe("backoffMillis", () => {
  it.effect("doubles from the base up to the maximum", () =>
    Effect.gen(function* () {
      expect(yield* waits(0.5, 6, 100)).toEqual([100, 200, 400, 800, 1000, 1000]);
    }),
  );

  it.effect("chance moves it by a fifth at most, also at the maximum", () =>
    Effect.gen(function* () {
      expect(yield* waits(0, 5, 100)).toEqual([80, 160, 320, 640, 800]);
      expect(yield* waits(1, 5, 100)).toEqual([120, 240, 480, 960, 1200]);
    }),
  );

  it.effect("is always a whole, positive number of milliseconds, however often it failed", () =>
    Effect.gen(function* () {
      expect(yield* waits(0.3, 3, 0)).toEqual([1, 1, 1]);
      for (const wait of yield* waits(0.123, 3000, 0.7)) {
        expect(Number.isSafeInteger(wait)).toBe(true);
        expect(wait).toBeGreaterThan(0);
      }
    }),
  );
});
