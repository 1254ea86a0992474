/** Several operations in one simulation: nothing of one is taken for another's. */
import { describe, expect, it } from "@effect/vitest";
import { Result } from "effect";
import { parseFault } from "../../../src/programs/simulate/fault.ts";
import { readManifests } from "../../../src/programs/simulate/manifests.ts";
import { story } from "../../../src/programs/simulate/story.ts";
import { simulate } from "../../support/simulations.ts";

const nodeOp = (name: string, spec: string, namespace = "default") =>
  `---\napiVersion: operator.kairos.io/v1alpha1\nkind: NodeOp\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: {command: [sh, -c, "true"], concurrency: 1, ${spec}}\n`;
const CONTROL_PLANES =
  "nodeSelector: {matchExpressions: [{key: node-role.kubernetes.io/control-plane, operator: Exists}]}";

const run = (text: string, ...faults: ReadonlyArray<string>) => {
  const options = {
    manifests: Result.getOrThrow(readManifests([{ path: "ops.yaml", text }])),
    nodes: { controlPlanes: 1, workers: 2 },
    faults: faults.map((fault) => Result.getOrThrow(parseFault(fault))),
  };
  const simulation = simulate(options);
  return { ...simulation, told: story(simulation, options, "npx nodeop simulate ops.yaml") };
};

describe("two operations over the same nodes", () => {
  const { result, told } = run(
    nodeOp("planes", CONTROL_PLANES) + nodeOp("all", "stopOnFailure: true, rebootOnSuccess: true"),
    "worker-1:script-fails",
  );

  it("each has its own nodes in the result, and its own outcome", () => {
    expect(result.nodes.map(({ operation, name, phase }) => [operation, name, phase])).toEqual([
      ["NodeOp default/planes", "cp-1", "Completed"],
      ["NodeOp default/all", "cp-1", "NotStarted"],
      ["NodeOp default/all", "worker-1", "Failed"],
      ["NodeOp default/all", "worker-2", "NotStarted"],
    ]);
    expect(result.operations).toMatchObject([
      { operation: "NodeOp default/planes", phase: "Completed" },
      { operation: "NodeOp default/all", phase: "Failed" },
    ]);
  });

  it("the whole is as good as the worst, which is named", () => {
    expect(result.phase).toBe("Failed");
    expect(result.message).toMatch(/^NodeOp default\/all: /u);
  });

  it("every line of the story names its operation, and so do header and end", () => {
    expect(told).toMatch(/^planes: 1 node \(1 control plane\)/mu);
    expect(told).toMatch(/^all: 3 nodes \(1 control plane, 2 workers\)/mu);
    expect(told).toMatch(/^order {2}all: cp-1 → worker-1 → worker-2$/mu);
    const steps = told.split("\n").filter((line) => /^ *\d+:\d\d {2}(?!\w+: )/u.test(line));
    expect(steps.length).toBeGreaterThan(6);
    for (const line of steps) expect(line).toMatch(/^ *\d+:\d\d {2}(?:planes|all {3}) {2}/u);
    expect(told).toMatch(/^ +planes: Completed: 1 done, 0 skipped, 0 failed$/mu);
    expect(told).toMatch(/^ +all: Failed: 0 done, 0 skipped, 1 failed, 2 not started\. /mu);
  });
});

it("an operation that has failed is Failed, though another still waits", () => {
  const { result } = run(
    nodeOp("waits", "nodeSelector: {matchLabels: {a: nobody}}") +
      nodeOp("fails", "stopOnFailure: true"),
    "cp-1:script-fails",
  );
  expect(result.operations?.map(({ phase }) => phase)).toEqual(["Running", "Failed"]);
});

it("operations of one name in two namespaces are told apart in full", () => {
  const { told } = run(nodeOp("a", CONTROL_PLANES) + nodeOp("a", CONTROL_PLANES, "ops"));
  expect(told).toMatch(/^NodeOp default\/a: 1 node/mu);
  expect(told).toMatch(/^NodeOp ops\/a: 1 node/mu);
});

it("the result of a single operation has no word about operations", () => {
  const { result } = run(nodeOp("a", CONTROL_PLANES));
  expect(Object.keys(result)).toEqual([
    "seed",
    "phase",
    "message",
    "virtualSeconds",
    "peakInFlight",
    "nodes",
    "requests",
    "writes",
    "violations",
  ]);
  expect(Object.keys(result.nodes[0]!)).not.toContain("operation");
});
