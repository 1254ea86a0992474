/** Where evicted Pods could go: the scheduler's rules about taints, and what makes a node no place at all. */
import { describe, expect, it } from "@effect/vitest";
import { isRefugeFor } from "../../../src/domain/drain/refuge.ts";
import { type Taint, type Toleration, toleratesAll } from "../../../src/domain/kube/taint.ts";
import { node } from "../rollout/support.ts";
import { nodePod } from "./support.ts";

const CONTROL_PLANE: Taint = { key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" };
const GPU: Taint = { key: "gpu", value: "yes", effect: "NoExecute" };

/** The table of "Taints and Tolerations" in the Kubernetes documentation, and its corners. */
const TOLERATIONS: ReadonlyArray<
  readonly [what: string, tolerations: ReadonlyArray<Toleration>, taint: Taint, tolerates: boolean]
> = [
  ["none", [], CONTROL_PLANE, false],
  ["the key exists", [{ key: CONTROL_PLANE.key, operator: "Exists" }], CONTROL_PLANE, true],
  ["everything", [{ operator: "Exists" }], GPU, true],
  ["everything of one effect", [{ operator: "Exists", effect: "NoSchedule" }], GPU, false],
  ["another effect", [{ key: "gpu", operator: "Exists", effect: "NoSchedule" }], GPU, false],
  ["the value", [{ key: "gpu", operator: "Equal", value: "yes" }], GPU, true],
  ["the value, which is the default", [{ key: "gpu", value: "yes" }], GPU, true],
  ["another value", [{ key: "gpu", value: "no" }], GPU, false],
  ["no value, as the taint has none", [{ key: CONTROL_PLANE.key }], CONTROL_PLANE, true],
  ["another key", [{ key: "cpu", operator: "Exists" }], GPU, false],
  ["an operator that nobody knows", [{ key: "gpu", operator: "Gt", value: "yes" }], GPU, false],
  ["the second one does", [{ key: "cpu" }, { key: "gpu", value: "yes" }], GPU, true],
  [
    "for a while",
    [{ key: "gpu", operator: "Exists", tolerationSeconds: 300 } as Toleration],
    GPU,
    true,
  ],
];

describe("toleratesAll", () => {
  it.each(TOLERATIONS)("%s", (_what, tolerations, taint, tolerates) => {
    expect(toleratesAll(tolerations, [taint])).toBe(tolerates);
  });

  it("asks for each taint that keeps Pods off, and for no other", () => {
    const gpu = [{ key: "gpu", operator: "Exists" }];
    expect(toleratesAll(gpu, [GPU, CONTROL_PLANE])).toBe(false);
    expect(toleratesAll(gpu, [GPU, { ...CONTROL_PLANE, effect: "PreferNoSchedule" }])).toBe(true);
    expect(toleratesAll([], [])).toBe(true);
  });
});

describe("isRefugeFor", () => {
  const tainted = node("cp", { taints: [CONTROL_PLANE] });
  const web = nodePod("web");
  const dns = nodePod("dns", { tolerations: [{ key: CONTROL_PLANE.key, operator: "Exists" }] });

  it("is a Ready and schedulable node", () => {
    expect(isRefugeFor(node("w"), [web])).toBe(true);
    expect(isRefugeFor(node("w", { ready: false }), [web])).toBe(false);
    expect(isRefugeFor(node("w", { unschedulable: true }), [web])).toBe(false);
  });

  it("has no taint that none of the Pods tolerates", () => {
    expect(isRefugeFor(tainted, [web])).toBe(false);
    expect(isRefugeFor(tainted, [web, dns])).toBe(true);
  });

  it("is taken for one while the Pods are not known", () => {
    expect(isRefugeFor(tainted, undefined)).toBe(true);
  });
});
