/** The power of a machine of the canary fails at each moment. */
import { describe, it } from "@effect/vitest";
import { CANARY_NODES, simulateCanary } from "../../support/simulations.ts";
import { expectAtEvery, notCompleted } from "./everyMoment.ts";

describe("whenever a machine loses its power, the upgrade goes on when it is back", () => {
  it.each(CANARY_NODES)(
    "%s at every moment",
    (node) =>
      expectAtEvery(
        simulateCanary().moments,
        (commit) => `${node}:power-loss@${commit}`,
        notCompleted,
      ),
    120_000,
  );
});
