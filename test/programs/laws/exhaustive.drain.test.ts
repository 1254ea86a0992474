/** What happens to a drain: the operator dies at its calls, a machine loses its power, a person takes the cordon off. */
import { describe, expect, it } from "@effect/vitest";
import { OPERATOR_FAULTS } from "../../../src/programs/simulate/fault.ts";
import { Pods } from "../../../src/domain/kube/resource.ts";
import { simulateDrain } from "../../support/simulations.ts";
import { expectAtEvery, notCompleted, upTo } from "./everyMoment.ts";

/** Every seventh: a moment costs a whole upgrade, and what a node goes through repeats itself. */
const EVERY = 7;
const some = (last: number, from = 1): ReadonlyArray<number> =>
  upTo(last).filter((moment) => moment >= from && (moment - from) % EVERY === 0);

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

  it.each(OPERATOR_FAULTS.map((kind, index) => [kind, index + 1] as const))(
    "%s: whenever the operator dies, no budget is broken and no Pod lost",
    (kind, from) =>
      expectAtEvery(
        some(plain.calls, from),
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
        some(plain.commits),
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
        some(plain.commits, 2),
        (commit) => `worker-1:uncordoned@${commit}`,
        () => [],
        simulateDrain,
      ),
    120_000,
  );
});
