/** Operator, API server, controllers and kubelets are away for an hour, from each moment of a short canary on. */
import { describe, expect, it } from "@effect/vitest";
import type { Simulation } from "../../../src/programs/simulate/result.ts";
import { simulateShortCanary } from "../../support/simulations.ts";
import { expectAtEvery, notCompleted } from "./everyMoment.ts";

/** Every `step`-th moment of the short canary. */
const moments = (step = 1): ReadonlyArray<number> =>
  simulateShortCanary().moments.filter((_, index) => index % step === 0);

describe("an hour away, from any moment on, changes nothing but the time", () => {
  // Hours take long to simulate: some moments stand for all of them here.
  it.each([
    ["operator", 1],
    ["controller-manager", 2],
    ["api-server", 5],
  ] as const)(
    "%s",
    (who, step) =>
      expectAtEvery(
        moments(step),
        (moment) => `${who}:away@${moment}:1h`,
        notCompleted,
        simulateShortCanary,
      ),
    120_000,
  );
});

const endOf = ({ result }: Simulation, node: string): string => {
  const { phase = "not there", reason } = result.nodes.find(({ name }) => name === node) ?? {};
  return reason === undefined ? phase : `${phase} ${reason}`;
};

describe("a kubelet that is away for an hour", () => {
  it("does not harm a node whose time is longer; a preflight or reboot that it cannot report in time has failed", () => {
    const ends = new Set<string>();
    expectAtEvery(
      [...new Set([...moments(2), ...moments().slice(-8)])],
      (moment) => `worker-1:kubelet-away@${moment}:1h`,
      (simulation) => {
        const end = endOf(simulation, "worker-1");
        ends.add(end);
        if (end === "Completed") return notCompleted(simulation);
        return endOf(simulation, "cp-1") === "Completed" ? [] : ["cp-1 was disturbed, too"];
      },
      simulateShortCanary,
    );
    expect([...ends].toSorted()).toEqual([
      "Completed",
      "Failed PreflightDeadlineExceeded",
      "Failed RebootDeadlineExceeded",
    ]);
  }, 120_000);
});

describe("an hour without an operator", () => {
  it("does not turn what has failed into a success", () => {
    const simulation = simulateShortCanary("cp-1:never-returns", "operator:away@30:1h");
    expect(simulation.result.violations).toEqual([]);
    expect(endOf(simulation, "cp-1")).toBe("Failed RebootDeadlineExceeded");
    expect(endOf(simulation, "worker-1")).toBe("NotStarted StoppedOnFailure");
  });
});
