/** What the operator remembers between passes. */
import { describe, expect, it } from "@effect/vitest";
import { statusIntervalMillis } from "../../../src/programs/operator/Memory.ts";

describe("a status is written", () => {
  const idle = { moving: 0, vacancy: false };
  it("twice a second at most, whoever waits", () => {
    expect(statusIntervalMillis(499, idle)).toBe(500);
    expect(statusIntervalMillis(1, { moving: 1, vacancy: true })).toBe(500);
  });
  it("every two seconds where it is large and few wait for it", () => {
    expect(statusIntervalMillis(500, { moving: 9, vacancy: false })).toBe(2000);
  });
  it("every second where many wait, or a slot may be filled", () => {
    expect(statusIntervalMillis(500, { moving: 10, vacancy: false })).toBe(1000);
    expect(statusIntervalMillis(5000, { moving: 0, vacancy: true })).toBe(1000);
  });
});
