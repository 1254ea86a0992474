/** The operator runs on one of the nodes that it upgrades: that node goes last in its group, and its reboot ends the operator. */
import { describe, expect, it } from "@effect/vitest";
import { Result } from "effect";
import { readManifests } from "../../../src/programs/simulate/manifests.ts";
import { optionProblems } from "../../../src/programs/simulate/optionProblems.ts";
import { flaws, marksLeft, simulate } from "../../support/simulations.ts";

const manifests = Result.getOrThrow(
  readManifests([
    {
      path: "op.yaml",
      text: 'apiVersion: operator.kairos.io/v1alpha1\nkind: NodeOp\nmetadata: {name: op}\nspec: {command: [sh, -c, "true"], concurrency: 1, cordon: true, rebootOnSuccess: true}\n',
    },
  ]),
);

const order = ["cp-1", "cp-2", "worker-1", "worker-2"];

describe("an operator on a node that it upgrades", () => {
  it.each([
    ["cp-1", ["cp-2", "cp-1", "worker-1", "worker-2"]],
    ["cp-2", order],
    ["worker-1", ["cp-1", "cp-2", "worker-2", "worker-1"]],
  ])(
    "on %s: it goes last in its group, and the next operator goes on",
    (operatorNode, expected) => {
      const simulation = simulate({
        manifests,
        nodes: { controlPlanes: 2, workers: 2 },
        operatorNode,
      });
      expect(flaws(simulation)).toEqual([]);
      const claims = simulation.lines.filter(({ step }) => step === "claimed");
      expect(claims.map(({ node }) => node)).toEqual(expected);
      const deaths = simulation.lines.filter(({ step }) => step === "killed");
      expect(deaths.map(({ text }) => text)).toEqual([
        `the operator dies with its node ${operatorNode}`,
      ]);
      expect(simulation.result.phase).toBe("Completed");
      expect(marksLeft(simulation.history)).toEqual([]);
    },
  );

  it("on the only node: it is started again when that is back", () => {
    const simulation = simulate({
      manifests,
      nodes: { controlPlanes: 1, workers: 0 },
      operatorNode: "cp-1",
    });
    expect(flaws(simulation)).toEqual([]);
    expect(simulation.result.phase).toBe("Completed");
  });

  it("on a node that does not exist is refused, with those that do", () => {
    const names = {
      operations: "file",
      nodes: "--nodes",
      seed: "--seed",
      upgradeMillis: "--upgrade",
      rebootMillis: "--reboot",
      faults: "--fault ",
      operatorNode: "--operator-node",
    };
    expect(optionProblems({ manifests, operatorNode: "cp-7" }, names)).toEqual([
      "--operator-node: there is no node cp-7; there are cp-1, worker-1, worker-2, worker-3",
    ]);
  });
});
