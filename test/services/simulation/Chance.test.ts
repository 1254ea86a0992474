/** Simulated chance is fair enough that no process sees a pattern in it. */
import { expect, it } from "@effect/vitest";
import { Chance } from "../../../src/services/simulation/Chance.ts";

const draws = (seed: number): ReadonlyArray<number> => {
  const chance = new Chance(seed);
  return Array.from({ length: 20_000 }, () => chance.next());
};

/** Of two series that are even in [0, 1): 1 when equal, about 0 when unrelated. */
const correlation = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): number =>
  (12 * a.reduce((sum, x, i) => sum + (x - 0.5) * (b[i]! - 0.5), 0)) / a.length;

it("numbers are in [0, 1) and every tenth gets its share", () => {
  const drawn = draws(1);
  expect(drawn.every((x) => x >= 0 && x < 1)).toBe(true);
  for (let bucket = 0; bucket < 10; bucket++) {
    const share = drawn.filter((x) => Math.floor(x * 10) === bucket).length / drawn.length;
    expect(Math.abs(share - 0.1)).toBeLessThan(0.01);
  }
});

it("neighbouring seeds and successive numbers are unrelated", () => {
  const drawn = draws(1);
  expect(correlation(drawn, drawn)).toBeCloseTo(1, 1);
  for (const seed of [0, 2, 3, 4]) {
    expect(Math.abs(correlation(drawn, draws(seed)))).toBeLessThan(0.03);
  }
  expect(Math.abs(correlation(drawn, [...drawn.slice(1), drawn[0]!]))).toBeLessThan(0.03);
});

it("a seed is a number or a text, and each gives its own series", () => {
  const firsts = [0, 1, -1, "0/a", "0/b", "", "a", "b"].map((seed) => new Chance(seed).next());
  expect(new Set(firsts).size).toBe(8);
  expect(new Chance("a").next()).toBe(new Chance("a").next());
});

it("between includes both ends", () => {
  const dice = new Chance("dice");
  const thrown = new Set(Array.from({ length: 500 }, () => dice.between(1, 6)));
  expect([...thrown].toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(dice.between(4, 4)).toBe(4);
});
