import { describe, expect, it } from "@effect/vitest";
import { Schema } from "effect";
import { isNewer } from "../../src/services/resourceVersion.ts";

const Version = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2_000_000 }));

describe("isNewer", () => {
  it.prop("orders versions as integers, not as text", { a: Version, b: Version }, ({ a, b }) => {
    expect(isNewer(String(a), String(b))).toBe(a > b);
  });

  it("is exact beyond what a number holds", () => {
    expect(isNewer("9007199254740993", "9007199254740992")).toBe(true);
    expect(isNewer("10000000000000000000", "9999999999999999999")).toBe(true);
  });

  it("gives no order to what is not a decimal integer", () => {
    for (const [a, b] of [
      ["", "1"],
      ["1", "x"],
      ["01", "1"],
      ["-1", "0"],
      ["1.5", "1"],
    ] as const)
      expect(isNewer(a, b)).toBeUndefined();
  });
});
