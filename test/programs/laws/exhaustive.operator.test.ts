/** The operator of the canary dies at each of its API calls, before it, after it, and with the write arriving ten minutes late. */
import { describe, it } from "@effect/vitest";
import { OPERATOR_FAULTS } from "../../../src/programs/simulate/fault.ts";
import { simulateCanary } from "../../support/simulations.ts";
import { expectAtEvery, notCompleted, upTo } from "./everyMoment.ts";

describe("whenever the operator dies, its next start goes on rightly", () => {
  it.each(OPERATOR_FAULTS)(
    "%s at every call",
    (kind) =>
      expectAtEvery(
        upTo(simulateCanary().calls),
        (call) => `operator:${kind}=${call}`,
        notCompleted,
      ),
    120_000,
  );
});
