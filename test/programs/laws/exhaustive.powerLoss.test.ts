/** The power of a machine of the canary fails after each commit. */
import { describe, it } from "@effect/vitest";
import { CANARY_NODES, simulateCanary } from "../../support/simulations.ts";
import { expectAtEvery, notCompleted, upTo } from "./everyMoment.ts";

describe("whenever a machine loses its power, the upgrade goes on when it is back", () => {
  it.each(CANARY_NODES)(
    "%s after every commit",
    (node) =>
      expectAtEvery(
        upTo(simulateCanary().commits),
        (commit) => `${node}:power-loss@${commit}`,
        notCompleted,
      ),
    120_000,
  );
});
