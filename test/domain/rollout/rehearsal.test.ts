/** Before anything is claimed, the cluster is asked whether it would take what would be created. */
import { describe, expect, it } from "@effect/vitest";
import { decide } from "../../../src/domain/rollout/decide.ts";
import { noteOf } from "../../../src/domain/rollout/decision.ts";
import type { Observed } from "../../../src/domain/rollout/observed.ts";
import { entry, node, observed, operation } from "./support.ts";

const refusal = { reason: "PodsRefused", message: "violates PodSecurity", problem: true } as const;
const asked = (name: string, generation = 1) => [{ _tag: "Rehearsal", node: name, generation }];

const seen = (change: Partial<Observed>, options: Parameters<typeof operation>[0] = {}) =>
  observed({
    operation: operation(options),
    nodes: [node("a", { ready: false }), node("b"), node("c")],
    change,
  });

describe("before the first claim", () => {
  it("the dry run is asked for, for the first target that can start, and nothing is stored or done", () => {
    const decision = decide(seen({ rehearsal: undefined }));
    expect(decision.confirm).toEqual(asked("b"));
    const { status, actions } = decision.outlook();
    expect([status === decision.observed.operation.status, actions]).toEqual([true, []]);
    expect(noteOf(decision, "b").reason).toBe("Rehearsal");
  });

  it("once it is accepted the claims follow", () => {
    const decision = decide(seen({ rehearsal: { generation: 1 } }, { spec: { concurrency: 1 } }));
    expect(decision.confirm).toEqual([]);
    expect(Object.keys(decision.outlook().status.nodeStatuses ?? {})).toEqual(["b"]);
  });

  it("a refusal is told in the server's words, nothing is claimed, the finalizer goes, and it is asked again", () => {
    const decision = decide(seen({ rehearsal: { generation: 1, refusal } }));
    expect(decision.confirm).toEqual(asked("b"));
    const { status, actions } = decision.outlook();
    expect(status.nodeStatuses).toBeUndefined();
    expect(actions).toEqual([{ _tag: "RemoveFinalizer" }]);
    expect(status.message).toBe(refusal.message);
    const conditions = Object.fromEntries(
      (status.conditions ?? []).map(({ type, status: is, reason }) => [type, [is, reason]]),
    );
    expect(conditions).toMatchObject({
      Stalled: ["True", "PodsRefused"],
      Reconciling: ["False", "PodsRefused"],
      Ready: ["False", "PodsRefused"],
    });
    expect(noteOf(decision, "c").reason).toBe("PodsRefused");
  });

  it("what was found for one generation says nothing about the next", () => {
    const rehearsal = { generation: 1, refusal };
    const decision = decide(seen({ rehearsal }, { metadata: { generation: 2 } }));
    expect(decision.confirm).toEqual(asked("b", 2));
    expect(decision.outlook().status.message).toBeUndefined();
    const accepted = { generation: 1 };
    expect(decide(seen({ rehearsal: accepted }, { metadata: { generation: 2 } })).confirm).toEqual(
      asked("b", 2),
    );
  });

  it("nothing is asked where nothing could start, and where the operation is being deleted", () => {
    const none = observed({
      operation: operation(),
      nodes: [node("a", { ready: false })],
      change: { rehearsal: undefined },
    });
    expect(decide(none).confirm).toEqual([]);
    expect(decide(none).outlook().status.message).toContain("not Ready");
    const deleted = { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } };
    expect(decide(seen({ rehearsal: undefined }, deleted)).confirm).toEqual([]);
  });
});

describe("after the first claim", () => {
  it("each node tells of itself, and no dry run stands in the way", () => {
    const nodeStatuses = {
      c: entry("c", { phase: "Completed", rebootStatus: "completed" }),
    };
    const status = { observedGeneration: 1, nodeStatuses };
    const decision = decide(seen({ rehearsal: undefined }, { status, spec: { concurrency: 1 } }));
    expect(decision.confirm).toEqual([]);
    expect(Object.keys(decision.outlook().status.nodeStatuses ?? {})).toEqual(["c", "b"]);
  });
});
