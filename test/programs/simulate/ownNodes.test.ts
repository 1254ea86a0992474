/** Nodes that a file brings are in the simulated cluster what they are in the file. */
import { expect, it } from "@effect/vitest";
import { Result } from "effect";
import { labelValue } from "../../../src/domain/labels.ts";
import { readManifests } from "../../../src/programs/simulate/manifests.ts";
import { finalState, simulate } from "../../support/simulations.ts";

const OPERATION =
  'apiVersion: operator.kairos.io/v1alpha1\nkind: NodeOp\nmetadata: {name: op}\nspec: {command: [sh, -c, "true"], cordon: true, rebootOnSuccess: true}\n';
const node = (name: string, rest = "") =>
  `---\napiVersion: v1\nkind: Node\nmetadata: {name: ${name}, annotations: {example.org/rack: r1}}\n${rest}\n`;
const ready = (status: string) => `status: {conditions: [{type: Ready, status: "${status}"}]}`;

const run = (...nodes: ReadonlyArray<string>) =>
  simulate({
    manifests: Result.getOrThrow(
      readManifests([{ path: "own.yaml", text: OPERATION + nodes.join("") }]),
    ),
  });
const nodesLeft = ({ history }: ReturnType<typeof run>) =>
  finalState(history).filter(({ kind }) => kind === "Node");

it("a node that is not Ready is never started, never becomes Ready, and fails", () => {
  const simulation = run(
    node("ready", ready("True")),
    node("unready", ready("False")),
    node("lost", ready("Unknown")),
    node("untold"),
  );
  expect(simulation.result.nodes.map(({ name, phase, reason }) => [name, phase, reason])).toEqual([
    ["lost", "Failed", "NotReady"],
    ["ready", "Completed", undefined],
    ["unready", "Failed", "NotReady"],
    ["untold", "Completed", undefined],
  ]);
  expect(simulation.result).toMatchObject({ phase: "Failed", violations: [] });
});

it("a cordon of the file stays, and so do annotations", () => {
  const simulation = run(node("theirs", "spec: {unschedulable: true}"), node("free"));
  expect(simulation.result.phase).toBe("Completed");
  const left = nodesLeft(simulation).map(({ metadata, spec }) => ({ name: metadata.name, spec }));
  expect(left).toContainEqual({
    name: "theirs",
    spec: expect.objectContaining({ unschedulable: true }),
  });
  expect(left.find(({ name }) => name === "free")?.spec ?? {}).not.toMatchObject({
    unschedulable: true,
  });
  for (const { metadata } of nodesLeft(simulation))
    expect(metadata.annotations).toEqual({ "example.org/rack": "r1" });
});

it("a node's name may be longer than a label's value", () => {
  const long = `${"n".repeat(60)}.${"e".repeat(60)}.example.org`;
  const simulation = run(node(long), node("short"));
  expect(simulation.result).toMatchObject({ phase: "Completed", violations: [] });
  const labels = nodesLeft(simulation).map(({ metadata }) => [
    metadata.name,
    metadata.labels?.["kubernetes.io/hostname"],
  ]);
  expect(labels).toContainEqual(["short", "short"]);
  expect(labels).toContainEqual([long, labelValue(long)]);
});
