/** An operation that takes new nodes never ends: that all is done is told as such, and is no failure. */
import { describe, expect, it } from "@effect/vitest";
import { Result } from "effect";
import { parseFault } from "../../../src/programs/simulate/fault.ts";
import { readManifests } from "../../../src/programs/simulate/manifests.ts";
import { story } from "../../../src/programs/simulate/story.ts";
import { simulate } from "../../support/simulations.ts";

const nodeOp = (name: string, spec: string) =>
  `---\napiVersion: operator.kairos.io/v1alpha1\nkind: NodeOp\nmetadata: {name: ${name}, namespace: default}\nspec: {command: ["true"], concurrency: 1, ${spec}}\n`;

const upgrade = (spec: string) =>
  `---\napiVersion: operator.kairos.io/v1alpha1\nkind: NodeOpUpgrade\nmetadata: {name: up, namespace: default}\nspec: {image: "quay.io/kairos/opensuse:leap-15.6-standard-amd64-generic-v3.4.2-k3sv1.30.11-k3s1", concurrency: 1, ${spec}}\n`;

const run = (text: string, ...faults: ReadonlyArray<string>) => {
  const options = {
    manifests: Result.getOrThrow(readManifests([{ path: "ops.yaml", text }])),
    nodes: { controlPlanes: 1, workers: 1 },
    faults: faults.map((fault) => Result.getOrThrow(parseFault(fault))),
  };
  const simulation = simulate(options);
  return { ...simulation.result, told: story(simulation, options, "npx nodeop simulate ops.yaml") };
};

describe("an operation with includeNewNodes", () => {
  it.each([
    ["NodeOp", nodeOp("op", "includeNewNodes: true")],
    ["NodeOpUpgrade", upgrade("includeNewNodes: true")],
  ])("%s: is Running with nothing left to do when all nodes are done", (_, text) => {
    const { phase, message, open, told, violations } = run(text);
    expect({ phase, open, violations }).toEqual({ phase: "Running", open: true, violations: [] });
    expect(message).toMatch(/All 2 nodes are done; waiting for new nodes that match$/u);
    expect(told).toMatch(
      /^ *\d+:\d\d {2}Running, nothing left to do: 2 \w+, 0 skipped, 0 failed/mu,
    );
  });

  it("is not, while a node of its own is waited for", () => {
    const { phase, open } = run(nodeOp("op", "includeNewNodes: true"), "worker-1:not-ready");
    expect({ phase, open }).not.toMatchObject({ open: true });
  });

  it("is not, when a node failed", () => {
    const { phase, open } = run(
      nodeOp("op", "includeNewNodes: true, stopOnFailure: true"),
      "cp-1:script-fails",
    );
    expect({ phase, open }).toEqual({ phase: "Failed", open: undefined });
  });

  it("leaves the whole as good as it is when others are Completed, and as bad as the others when they are not", () => {
    const two = nodeOp("open", "includeNewNodes: true") + nodeOp("other", "stopOnFailure: true");
    const good = run(two);
    expect(good).toMatchObject({ phase: "Running", open: true });
    expect(good.operations?.map(({ open }) => open)).toEqual([true, undefined]);
    const bad = run(
      nodeOp("open", "includeNewNodes: true") +
        nodeOp("lost", "nodeSelector: {matchLabels: {is: nowhere}}"),
    );
    expect({ phase: bad.phase, open: bad.open }).toEqual({ phase: "Running", open: undefined });
  });
});
