/** What one pass over a NodeOpUpgrade does, as a table. */
import { describe, expect, it } from "@effect/vitest";
import type { NodeOpUpgrade } from "../../../src/domain/api/nodeopupgrade.ts";
import {
  decideUpgrade,
  type OwnOperation,
  type UpgradeDecision,
} from "../../../src/domain/upgrade/decideUpgrade.ts";
import { condition, NOW, operationOf, upgradeOf } from "./support.ts";

const DUE = { now: NOW, mirroredAt: NOW - 60_000 };
const UNKNOWN: OwnOperation = { _tag: "Unknown" };
const ABSENT: OwnOperation = { _tag: "Absent" };
const ended = (type: "Completed" | "Failed") => ({
  phase: type,
  nodeOpName: "kairos-upgrade",
  conditions: [condition(type, "True")],
});

const stored = (decision: UpgradeDecision) => {
  if (decision._tag !== "Store") throw new Error(`${decision._tag}, not Store`);
  return decision.status;
};
const stalledBy = (decision: UpgradeDecision) =>
  stored(decision).conditions?.find(({ type }) => type === "Stalled");
const exists = (
  upgrade: NodeOpUpgrade,
  change: Parameters<typeof operationOf>[1] = {},
): OwnOperation => ({ _tag: "Exists", operation: operationOf(upgrade, change) });

describe("an upgrade whose NodeOp is not in the cache", () => {
  it("is looked up live before anything is made", () =>
    expect(decideUpgrade(upgradeOf(), UNKNOWN, DUE)).toEqual({ _tag: "Confirm" }));

  it("gets its NodeOp, of its own name and owned by it, when there is none by a live read", () =>
    expect(decideUpgrade(upgradeOf(), ABSENT, DUE)).toMatchObject({
      _tag: "Create",
      object: {
        kind: "NodeOp",
        metadata: {
          name: "kairos-upgrade",
          namespace: "default",
          ownerReferences: [{ kind: "NodeOpUpgrade", uid: "upgrade-uid", controller: true }],
        },
        spec: { image: "quay.io/kairos/ubuntu:v2" },
      },
    }));

  it("is told what is wrong with one that does not follow its schema", () => {
    const problems = "NodeOp default/kairos-upgrade: spec.command: is required";
    const decision = decideUpgrade(upgradeOf(), { _tag: "Invalid", problems }, DUE);
    expect(stalledBy(decision)).toMatchObject({ status: "True", reason: "NodeOpInvalid" });
    expect(stored(decision).message).toBe(problems);
    const over = upgradeOf({ status: ended("Completed") });
    expect(decideUpgrade(over, { _tag: "Invalid", problems }, DUE)).toEqual({ _tag: "Nothing" });
  });

  it("never gets a second one: the first was deleted, and that is told", () => {
    const upgrade = upgradeOf({ status: { nodeOpName: "kairos-upgrade", phase: "Running" } });
    const decision = decideUpgrade(upgrade, ABSENT, DUE);
    expect(stalledBy(decision)).toMatchObject({ status: "True", reason: "NodeOpDeleted" });
    expect(stored(decision).message).toContain("create one with a new name");
    expect(stored(decision).observedGeneration).toBe(3);
  });

  it("is told that once, not at every pass", () => {
    const upgrade = upgradeOf({ status: { nodeOpName: "kairos-upgrade", phase: "Running" } });
    const told = { ...upgrade, status: stored(decideUpgrade(upgrade, ABSENT, DUE)) };
    expect(decideUpgrade(told, ABSENT, { ...DUE, now: NOW + 60_000 })).toEqual({ _tag: "Nothing" });
  });

  it.each(["Completed", "Failed"] as const)(
    "stays as it is when it has ended in %s: it never runs again",
    (end) => {
      const upgrade = upgradeOf({ status: ended(end) });
      for (const own of [UNKNOWN, ABSENT])
        expect(decideUpgrade(upgrade, own, DUE)).toEqual({ _tag: "Nothing" });
    },
  );
});

describe("an upgrade that is being deleted", () => {
  it("does nothing, whatever there is", () => {
    const upgrade = upgradeOf({
      metadata: { deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: ["foregroundDeletion"] },
    });
    for (const own of [UNKNOWN, ABSENT, exists(upgrade)])
      expect(decideUpgrade(upgrade, own, DUE)).toEqual({ _tag: "Nothing" });
  });
});

describe("a NodeOp of that name that belongs to somebody else", () => {
  const owner = {
    apiVersion: "operator.kairos.io/v1alpha1",
    kind: "NodeOpUpgrade",
    name: "kairos-upgrade",
    controller: true,
  };
  it.each([
    ["nobody", []],
    ["an earlier upgrade of the same name", [{ ...owner, uid: "before" }]],
    ["us, but not as its controller", [{ ...owner, uid: "upgrade-uid", controller: false }]],
  ])("owned by %s: is neither steered nor mirrored, and told", (_name, ownerReferences) => {
    const upgrade = upgradeOf({ spec: { concurrency: 5 } });
    const foreign = operationOf(upgradeOf(), {
      metadata: { ownerReferences },
      status: { phase: "Completed", observedGeneration: 1 },
    });
    const decision = decideUpgrade(upgrade, { _tag: "Exists", operation: foreign }, DUE);
    expect(stalledBy(decision)).toMatchObject({ status: "True", reason: "NodeOpNameTaken" });
    expect(stored(decision).phase).toBeUndefined();
    expect(stored(decision).nodeOpName).toBeUndefined();
  });

  it("is forgotten once it is gone: then ours is made", () => {
    const upgrade = upgradeOf();
    const foreign = operationOf(upgrade, { metadata: { ownerReferences: [] } });
    const told = stored(decideUpgrade(upgrade, { _tag: "Exists", operation: foreign }, DUE));
    expect(decideUpgrade({ ...upgrade, status: told }, ABSENT, DUE)._tag).toBe("Create");
  });
});

describe("what steers the operation", () => {
  const before = upgradeOf();
  it.each([
    ["concurrency", { concurrency: 4 }],
    ["stopOnFailure", { stopOnFailure: !before.spec.stopOnFailure }],
    ["uncordonOnFailure", { uncordonOnFailure: !before.spec.uncordonOnFailure }],
    ["backoffLimit", { backoffLimit: 7 }],
    ["deadlines", { deadlines: { ...before.spec.deadlines, upgradeSeconds: 60 } }],
    ["imagePullSecrets", { imagePullSecrets: [{ name: "secret" }] }],
  ])("%s is carried to the NodeOp, and nothing else", (field, change) => {
    const edited = upgradeOf({ spec: change });
    const decision = decideUpgrade(edited, exists(before), { now: NOW, mirroredAt: NOW });
    expect(decision._tag).toBe("Steer");
    if (decision._tag !== "Steer") return;
    expect(Object.keys(decision.patch)).toEqual(["spec"]);
    expect(Object.keys((decision.patch as { readonly spec: object }).spec)).toEqual([field]);
  });

  it("reaches a NodeOp that has ended no more", () => {
    const edited = upgradeOf({ spec: { concurrency: 4 } });
    const own = exists(before, { status: ended("Completed") });
    expect(decideUpgrade(edited, own, DUE)._tag).toBe("Store");
  });

  it("comes before the mirror", () => {
    const edited = upgradeOf({ spec: { concurrency: 4 } });
    expect(decideUpgrade(edited, exists(before), DUE)._tag).toBe("Steer");
  });
});

describe("the mirror", () => {
  it("is stored when it is due, and waits when it is not", () => {
    const upgrade = upgradeOf();
    const own = exists(upgrade, { status: { phase: "Running", observedGeneration: 1 } });
    expect(stored(decideUpgrade(upgrade, own, DUE)).phase).toBe("Running");
    expect(decideUpgrade(upgrade, own, { now: NOW, mirroredAt: NOW })).toEqual({
      _tag: "Later",
      at: NOW + 1000,
    });
  });

  const conditions = [condition("Progressing", "True")];
  const counts = { total: 200, done: 0, running: 1 };
  const STARTED = { phase: "Running", ...counts, conditions, observedGeneration: 1 };
  const PENDING = { ...STARTED, nodeStatuses: { a: { phase: "Pending", stage: "Preparing" } } };
  const FEW = { ...PENDING, total: 4 };
  it.each([
    ["the next node's start", FEW, { ...FEW, done: 1 }, 1000],
    ["that of a large fleet", PENDING, { ...PENDING, done: 1 }, 5000],
    ["a failure", FEW, { ...FEW, failed: 1 }, 1000],
    ["a condition", FEW, { ...FEW, conditions: [condition("Progressing", "False")] }, 1000],
    [
      "progress inside of a node",
      FEW,
      { ...FEW, nodeStatuses: { a: { phase: "Running", stage: "Upgrading" } } },
      10_000,
    ],
  ])("of %s is due in time", (_what, before, after, millis) => {
    const upgrade = upgradeOf();
    const own = (status: object) => exists(upgrade, { status });
    const status = stored(decideUpgrade(upgrade, own(before), DUE));
    const moment = { now: NOW + 1, mirroredAt: NOW };
    expect(decideUpgrade({ ...upgrade, status }, own(after), moment)).toEqual({
      _tag: "Later",
      at: NOW + millis,
    });
  });

  it("is not stored again when it says the same", () => {
    const upgrade = upgradeOf();
    const own = exists(upgrade, { status: { phase: "Running", observedGeneration: 1 } });
    const mirrored = { ...upgrade, status: stored(decideUpgrade(upgrade, own, DUE)) };
    expect(decideUpgrade(mirrored, own, { ...DUE, now: NOW + 60_000 })).toEqual({
      _tag: "Nothing",
    });
  });

  it("still follows a NodeOp after the upgrade has ended, so that the last word is the NodeOp's", () => {
    const upgrade = upgradeOf({ status: ended("Completed") });
    const own = exists(upgrade, {
      status: {
        ...ended("Completed"),
        message: "All 3 nodes are done",
        total: 3,
        done: 3,
        running: 0,
      },
    });
    const status = stored(decideUpgrade(upgrade, own, DUE));
    expect(status).toMatchObject({ phase: "Completed", total: 3, done: 3 });
    const again = decideUpgrade({ ...upgrade, status }, own, { ...DUE, now: NOW + 1 });
    expect(again).toEqual({ _tag: "Nothing" });
  });
});

const left = (nodeStatuses: object, phase = "Completed") =>
  upgradeOf({ status: { phase, nodeOpName: "kairos-upgrade", nodeStatuses } });

describe("an upgrade that the Go original left", () => {
  const DONE = { phase: "Completed", rebootStatus: "completed" };
  const byOriginal = { status: { phase: "Completed", nodeStatuses: { a: DONE } } };

  it("is left alone while its NodeOp's status is the original's: it has ended, or is taken over first", () => {
    const upgrade = left({ a: DONE });
    expect(decideUpgrade(upgrade, exists(upgrade, byOriginal), DUE)).toEqual({ _tag: "Nothing" });
  });

  it("is left alone when it has ended and its NodeOp is gone, or is another's", () => {
    expect(decideUpgrade(left({ a: DONE }), ABSENT, DUE)).toEqual({ _tag: "Nothing" });
    const foreign = exists(left({ a: DONE }), { metadata: { ownerReferences: [] } });
    expect(decideUpgrade(left({ a: DONE }), foreign, DUE)).toEqual({ _tag: "Nothing" });
  });

  it("is refused with a reason when its NodeOp went before it had ended", () => {
    const upgrade = left({ a: { phase: "Running", rebootStatus: "pending" } }, "Running");
    expect(stalledBy(decideUpgrade(upgrade, ABSENT, DUE))).toMatchObject({
      reason: "NodeOpDeleted",
    });
  });
});
