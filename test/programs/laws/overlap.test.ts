/** What an operation meets that others left or do: marks of an operation that vanished, a person's cordon, a second operation. */
import { describe, expect, it } from "@effect/vitest";
import { ANNOTATION_CORDONED_BY, ANNOTATION_HELD_BY } from "../../../src/domain/labels.ts";
import type { NewKubeObject } from "../../../src/domain/kube/object.ts";
import type { Simulation } from "../../../src/programs/simulate/result.ts";
import { marksLeft, simulate } from "../../support/simulations.ts";

const VANISHED = "default/vanished@00000000-0000-4000-8000-000000000000";

const node = (
  name: string,
  annotations: Readonly<Record<string, string>> = {},
  unschedulable = false,
): NewKubeObject => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name, annotations },
  spec: unschedulable ? { unschedulable } : {},
});

const nodeOp = (name: string, spec: object = {}): NewKubeObject => ({
  apiVersion: "operator.kairos.io/v1alpha1",
  kind: "NodeOp",
  metadata: { name, namespace: "default" },
  spec: { command: ["/bin/true"], concurrency: 1, rebootOnSuccess: true, cordon: true, ...spec },
});

const phaseOf = ({ history }: Simulation, name: string): unknown => {
  const last = history.findLast(
    ({ resource, name: is }) => resource.kind === "NodeOp" && is === name,
  );
  const status = last?.after?.["status"];
  return typeof status === "object" && status !== null && "phase" in status
    ? status.phase
    : undefined;
};

describe("what others left on a Node", () => {
  it.each([
    ["a hold", { [ANNOTATION_HELD_BY]: VANISHED }, false, []],
    ["a cordon", { [ANNOTATION_CORDONED_BY]: VANISHED }, true, []],
    ["both", { [ANNOTATION_HELD_BY]: VANISHED, [ANNOTATION_CORDONED_BY]: VANISHED }, true, []],
    ["a signature below no cordon", { [ANNOTATION_CORDONED_BY]: VANISHED }, false, []],
    ["a hold below a person's cordon", { [ANNOTATION_HELD_BY]: VANISHED }, true, ["a is cordoned"]],
  ])(
    "%s of a vanished operation is taken off, and a person's cordon stays",
    (_, marks, cordoned, left) => {
      const simulation = simulate({
        manifests: { operations: [nodeOp("up")], nodes: [node("a", marks, cordoned), node("b")] },
      });
      expect(simulation.result.violations).toEqual([]);
      expect(phaseOf(simulation, "up")).toBe("Completed");
      expect(marksLeft(simulation.history)).toEqual(left);
    },
  );
  it("a hold of a living operation is waited for, and taken over when that has ended", () => {
    const elsewhere = { nodeSelector: { matchLabels: { "kubernetes.io/hostname": "b" } } };
    const simulation = simulate({
      manifests: {
        operations: [nodeOp("up"), nodeOp("other", elsewhere)],
        nodes: [node("a"), node("b")].map((one) => ({
          ...one,
          metadata: {
            ...one.metadata,
            labels: { "kubernetes.io/hostname": one.metadata.name ?? "" },
          },
        })),
      },
      holds: [{ node: "a", operation: "other" }],
    });
    const { violations, nodes } = simulation.result;
    expect(violations).toEqual([]);
    expect([phaseOf(simulation, "up"), phaseOf(simulation, "other")]).toEqual([
      "Completed",
      "Completed",
    ]);
    expect(nodes.map(({ name, operation }) => `${operation} ${name}`)).toEqual([
      "NodeOp default/up a",
      "NodeOp default/up b",
      "NodeOp default/other b",
    ]);
    expect(marksLeft(simulation.history)).toEqual([]);
  });
});

describe("two operations on the same nodes", () => {
  it("keep their laws where a reboot of the one fails silently and the other works there next", () => {
    const simulation = simulate({
      manifests: {
        operations: [nodeOp("one"), nodeOp("two")],
        nodes: ["a", "b", "c"].map((name) => node(name)),
      },
      faults: [{ _tag: "Condition", node: "a", kind: "reboot-silently-fails" }],
    });
    expect(simulation.result.violations).toEqual([]);
    expect([phaseOf(simulation, "one"), phaseOf(simulation, "two")]).toEqual(["Failed", "Failed"]);
  });
});
