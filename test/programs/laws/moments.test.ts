/** Why the exhaustive simulations need one commit of each moment only: the others give the same history, byte for byte. */
import { describe, expect, it } from "@effect/vitest";
import type { Simulation } from "../../../src/programs/simulate/result.ts";
import { simulateCanary, simulateNodeOp } from "../../support/simulations.ts";

/** Every so many moments: each costs two upgrades. */
const STEP = 5;

/** Everything that a simulation tells, as text: a whole history would be a useless message. */
const told = ({ result, lines, history }: Simulation): string =>
  JSON.stringify([result, lines, history]);

describe("a fault at any commit of one moment", () => {
  it.each([
    ["worker-1:power-loss", simulateCanary],
    ["operation:deleted", simulateNodeOp],
  ] as const)(
    "%s: gives the same history",
    (fault, run) => {
      const { moments, commits } = run();
      const spans = moments
        .map((first, index) => [first, (moments[index + 1] ?? commits + 1) - 1] as const)
        .filter(([first, last]) => last > first)
        .filter((_, index) => index % STEP === 0);
      expect(spans.length).toBeGreaterThan(3);
      const different = spans.filter(
        ([first, last]) => told(run(`${fault}@${first}`)) !== told(run(`${fault}@${last}`)),
      );
      expect(different).toEqual([]);
    },
    120_000,
  );

  it("and at the last commit of the moment before it gives another", () => {
    const { moments } = simulateCanary();
    const [first = 0] = moments.slice(moments.length / 2);
    const [at, before] = [first, first - 1].map((commit) =>
      told(simulateCanary(`worker-1:power-loss@${commit}`)),
    );
    expect(at).not.toBe(before);
  }, 120_000);
});
