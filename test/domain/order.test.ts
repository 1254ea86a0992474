import { describe, expect, it } from "@effect/vitest";
import { Schema } from "effect";
import { inOrder, isControlPlane } from "../../src/domain/order.ts";

const CONTROL_PLANE = "node-role.kubernetes.io/control-plane";
const MASTER = "node-role.kubernetes.io/master";

const names = (nodes: ReadonlyArray<{ readonly name: string }>): ReadonlyArray<string> =>
  nodes.map(({ name }) => name);
const sorted = (...given: ReadonlyArray<string>): ReadonlyArray<string> =>
  names(inOrder(given.map((name) => ({ name }))));

describe("isControlPlane", () => {
  it("is true by the presence of either label, whatever its value", () => {
    expect(isControlPlane({ [CONTROL_PLANE]: "" })).toBe(true);
    expect(isControlPlane({ [CONTROL_PLANE]: "false" })).toBe(true);
    expect(isControlPlane({ [MASTER]: "true" })).toBe(true);
  });

  it("is false without one of the labels", () => {
    expect(isControlPlane(undefined)).toBe(false);
    expect(isControlPlane({})).toBe(false);
    expect(isControlPlane({ "node-role.kubernetes.io/worker": "", role: "master" })).toBe(false);
    expect(isControlPlane({ [`x-${MASTER}`]: "" })).toBe(false);
  });
});

describe("inOrder", () => {
  it("takes control planes first, whichever label names them", () => {
    const nodes = [
      { name: "a" },
      { name: "z", labels: { [CONTROL_PLANE]: "" } },
      { name: "b", labels: {} },
      { name: "y", labels: { [MASTER]: "true" } },
    ];
    expect(names(inOrder(nodes))).toEqual(["y", "z", "a", "b"]);
  });

  it("takes the operator's own node last in its group, and never after the other group", () => {
    const nodes = [
      { name: "a", labels: { [CONTROL_PLANE]: "" } },
      { name: "b", labels: { [CONTROL_PLANE]: "" } },
      { name: "c" },
      { name: "d" },
    ];
    expect(names(inOrder(nodes, "a"))).toEqual(["b", "a", "c", "d"]);
    expect(names(inOrder(nodes, "c"))).toEqual(["a", "b", "d", "c"]);
    expect(names(inOrder(nodes, "elsewhere"))).toEqual(["a", "b", "c", "d"]);
  });

  it("counts as people do", () => {
    expect(sorted("worker-10", "worker-2", "worker-1")).toEqual([
      "worker-1",
      "worker-2",
      "worker-10",
    ]);
    expect(sorted("rack2-node10", "rack10-node1", "rack2-node9")).toEqual([
      "rack2-node9",
      "rack2-node10",
      "rack10-node1",
    ]);
    expect(sorted("n1.b", "n1.a", "n")).toEqual(["n", "n1.a", "n1.b"]);
  });

  it("compares numbers of any length exactly", () => {
    const huge = "9".repeat(40);
    expect(sorted(`n-1${"0".repeat(40)}`, `n-${huge}`)).toEqual([
      `n-${huge}`,
      `n-1${"0".repeat(40)}`,
    ]);
    expect(sorted("n-9007199254740993", "n-9007199254740992")).toEqual([
      "n-9007199254740992",
      "n-9007199254740993",
    ]);
  });

  it("takes numbers of any length before words", () => {
    const long = `n${"1".repeat(120)}`;
    expect(sorted("na", "n-", long, "n1")).toEqual(["n1", long, "n-", "na"]);
  });

  it("orders names of equal value, too", () => {
    expect(sorted("n-1", "n-01", "n-001")).toEqual(["n-001", "n-01", "n-1"]);
    expect(sorted("n-1", "n-001", "n-01")).toEqual(["n-001", "n-01", "n-1"]);
  });

  it("leaves what it was given as it was", () => {
    const nodes = [{ name: "b" }, { name: "a" }];
    inOrder(nodes);
    expect(names(nodes)).toEqual(["b", "a"]);
  });

  const Node = Schema.Struct({
    name: Schema.String.check(Schema.isPattern(/^[a01]{0,2}-?[a019]{0,3}(-[01]{0,3})?$/u)),
    labels: Schema.Record(Schema.Literals([CONTROL_PLANE, "other"]), Schema.Literal("")),
  });

  it.prop(
    "does not depend on the order given, and every part of it is in the same order",
    { nodes: Schema.Array(Node).check(Schema.isMaxLength(8)) },
    ({ nodes }) => {
      const unique = [...new Map(nodes.map((node) => [node.name, node])).values()];
      const order = inOrder(unique);
      expect(new Set(order)).toEqual(new Set(unique));
      expect(inOrder(unique.toReversed())).toEqual(order);
      expect(inOrder(order)).toEqual(order);
      // Transitivity: what a comparison of any two says agrees with the whole.
      for (const [index, left] of order.entries()) {
        for (const right of order.slice(index + 1)) {
          expect(inOrder([right, left])).toEqual([left, right]);
        }
      }
    },
    { arbitrary: { runs: 300, seed: "order" } },
  );
});
