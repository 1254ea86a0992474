/** What the closing line of a story counts. */
import { expect, it } from "@effect/vitest";
import { Result } from "effect";
import { readManifests } from "../../../src/programs/simulate/manifests.ts";
import type { SimulatedNodeResult } from "../../../src/programs/simulate/result.ts";
import { story } from "../../../src/programs/simulate/story.ts";
import { simulate } from "../../support/simulations.ts";

const options = {
  manifests: Result.getOrThrow(
    readManifests([
      {
        path: "op.yaml",
        text: 'apiVersion: operator.kairos.io/v1alpha1\nkind: NodeOp\nmetadata: {name: op}\nspec: {command: [sh, -c, "true"]}\n',
      },
    ]),
  ),
  nodes: { controlPlanes: 1, workers: 0 },
};
const simulated = simulate(options);

const endedAt = "2026-01-01T12:10:00Z";
const told = (...nodes: ReadonlyArray<Pick<SimulatedNodeResult, "phase" | "reason" | "endedAt">>) =>
  story(
    {
      ...simulated,
      result: {
        ...simulated.result,
        nodes: nodes.map((node, index) => ({ name: `n${index}`, controlPlane: false, ...node })),
      },
    },
    options,
    "again",
  );

it("a node counts as what it came to once it has ended, and as in flight before", () => {
  const nodes = [
    { phase: "Completed", endedAt },
    { phase: "Completed", reason: "Skipped", endedAt },
    { phase: "Failed", endedAt },
    { phase: "Completed" },
    { phase: "Failed" },
    { phase: "Running" },
    { phase: "NotStarted" },
  ];
  expect(told(...nodes)).toContain("1 done, 1 skipped, 1 failed, 3 in flight, 1 not started. Peak");
});

it("where nothing is in flight or waits, neither is counted", () =>
  expect(told({ phase: "Completed", endedAt })).toContain("1 done, 0 skipped, 0 failed. Peak"));
