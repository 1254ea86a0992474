/** What happens to a drain: the operator dies at its calls, a machine loses its power, a person takes the cordon off. */
import { describe, expect, it } from "@effect/vitest";
import { OPERATOR_FAULTS } from "../../../src/programs/simulate/fault.ts";
import { Pods } from "../../../src/domain/kube/resource.ts";
import { simulateDrain } from "../../support/simulations.ts";
import { expectAtEvery, notCompleted, upTo } from "./everyMoment.ts";

/** Some of them: each costs a whole upgrade, and what a node goes through repeats itself. */
const CALLS_STEP = 7;
const MOMENTS_STEP = 3;
const some = (all: ReadonlyArray<number>, step: number, from = 0): ReadonlyArray<number> =>
  all.filter((_, index) => index >= from && (index - from) % step === 0);

describe("a cluster with a workload", () => {
  const plain = simulateDrain();

  it("is drained node by node, and every Pod is back at the end", () => {
    expect(notCompleted(plain)).toEqual([]);
    const evicted = plain.history.filter(
      ({ resource, actor, before, after }) =>
        resource.plural === Pods.plural &&
        actor === "operator" &&
        before?.metadata.namespace === "default" &&
        before.metadata.name.startsWith("shop-") &&
        after?.metadata.deletionTimestamp !== undefined,
    );
    expect(evicted.length).toBeGreaterThanOrEqual(3);
  });

  it.each(OPERATOR_FAULTS.map((kind, index) => [kind, index] as const))(
    "%s: whenever the operator dies, no budget is broken and no Pod lost",
    (kind, from) =>
      expectAtEvery(
        some(upTo(plain.calls), CALLS_STEP, from),
        (call) => `operator:${kind}=${call}`,
        notCompleted,
        simulateDrain,
      ),
    120_000,
  );

  it(
    "worker-1 loses its power: whatever becomes of it, the laws hold",
    () =>
      expectAtEvery(
        some(plain.moments, MOMENTS_STEP),
        (commit) => `worker-1:power-loss@${commit}`,
        () => [],
        simulateDrain,
      ),
    120_000,
  );

  it(
    "worker-1 is uncordoned by a person: it goes on",
    () =>
      expectAtEvery(
        some(plain.moments, MOMENTS_STEP, 1),
        (commit) => `worker-1:uncordoned@${commit}`,
        () => [],
        simulateDrain,
      ),
    120_000,
  );
});
