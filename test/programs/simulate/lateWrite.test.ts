/** A call that is held back comes to an end in the story, too. */
import { expect, it } from "@effect/vitest";
import { simulateCanary } from "../../support/simulations.ts";

const TEN_MINUTES = 600_000;

/** The story's lines about the held call, by their step. */
const linesOf = (fault: string) =>
  simulateCanary(fault).lines.filter(({ text }) => text.includes(`${fault}: `));

it("a story tells when a held call is applied, or that it is refused by then", () => {
  const steps = Array.from({ length: 12 }, (_, index) => {
    const [killed, late, ...more] = linesOf(`operator:late-write=${3 * index + 1}`);
    expect(more).toEqual([]);
    expect(killed?.step).toBe("killed");
    expect(late!.at - killed!.at).toBe(TEN_MINUTES);
    expect(late!.text).toContain(killed!.text);
    return late!.step;
  });
  expect(new Set(steps)).toEqual(new Set(["applied", "refused"]));
});

it("and of calls that are not held nothing more than that the operator was killed", () =>
  expect(linesOf("operator:crash-after=9").map(({ step }) => step)).toEqual(["killed"]));
