/** Two operators at once: leader election only saves work, correctness does not rest on it. */
import { describe, expect, it } from "@effect/vitest";
import { shuffling } from "../../../src/services/simulation/schedule.ts";
import { Chance } from "../../../src/services/simulation/World.ts";
import { Scene } from "./harness.ts";

const SEEDS = Array.from({ length: 12 }, (_, index) => index + 1);

describe("two operators over one cluster", () => {
  it.each(SEEDS)("hold concurrency 1 on three nodes to the end, seed %i", (seed) => {
    const scene = new Scene({
      seed,
      nodes: ["cp-1", "worker-1", "worker-2"],
      schedule: () => shuffling(new Chance(seed)),
    });
    scene.createOperation();
    scene.startOperator({ actor: "operator" });
    scene.startOperator({ actor: "operator-b" });
    scene.untilEnded();
    scene.pass(1200);
    expect(scene.status().phase).toBe("Completed");
    expect(scene.violations()).toEqual([]);
    // Both were at work, and in each other's way.
    const writers = new Set(
      scene.requests
        .filter(({ request }) => !["get", "list", "watch"].includes(request.verb))
        .map(({ actor }) => actor),
    );
    expect(writers.size).toBe(2);
    expect(scene.requests.some(({ failure }) => failure?.reason === "Conflict")).toBe(true);
  });
});
