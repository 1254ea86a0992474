/** Quantities are read, added and written as the API server does. */
import { describe, expect, it } from "@effect/vitest";
import {
  addQuantities,
  formatQuantity,
  maxQuantity,
  parseQuantity,
} from "../../src/services/quantity.ts";

const written = (value: unknown) => formatQuantity(parseQuantity(value)!);

describe("formatQuantity", () => {
  it.each([
    ["4", "4"],
    [4, "4"],
    ["0", "0"],
    ["1000m", "1"],
    ["1500m", "1500m"],
    ["0.5", "500m"],
    [".1", "100m"],
    ["1.5Gi", "1536Mi"],
    ["2048Mi", "2Gi"],
    ["1023Mi", "1023Mi"],
    ["1000k", "1M"],
    ["12e", undefined],
    ["-1", "-1"],
  ])("%s is written %s", (value, expected) => {
    expect(parseQuantity(value) === undefined ? undefined : written(value)).toBe(expected);
  });

  it.each(["", "x", "1.2.3", "1Kii", "1m2", null, {}, "."])("%s is none", (value) => {
    expect(parseQuantity(value)).toBeUndefined();
  });

  it("rounds what is finer than a thousandth up", () => {
    expect(written("0.0001")).toBe("1m");
  });
});

const sum = (one: string, other: string) =>
  formatQuantity(addQuantities(parseQuantity(one)!, parseQuantity(other)!));

it("a sum is in the format of the first that is not zero", () => {
  expect(sum("1Gi", "1G")).toBe("2073741824");
  expect(sum("0", "64Mi")).toBe("64Mi");
  expect(sum("100m", "900m")).toBe("1");
});

it("the larger of two is the larger, however it is written", () => {
  expect(formatQuantity(maxQuantity(parseQuantity("1G")!, parseQuantity("1Gi")!))).toBe("1Gi");
});
