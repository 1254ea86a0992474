/** What a NodeOpUpgrade's status says of its NodeOp. */
import { describe, expect, it } from "@effect/vitest";
import type { NodeStatus } from "../../../src/domain/api/status.ts";
import {
  initializing,
  mirror,
  MIRRORED_NODES_MAX,
  stalled,
} from "../../../src/domain/upgrade/mirror.ts";
import { condition, fullEntry, NOW, operationOf, upgradeOf } from "./support.ts";

const upgrade = upgradeOf();
const mirrorOf = (status: object, before = upgrade) =>
  mirror(before, operationOf(upgrade, { status: { observedGeneration: 1, ...status } }), NOW);

describe("phase and message, in the original's words", () => {
  it.each([
    ["Running", "", "Upgrade operation is running"],
    [
      "Running",
      "1 of 2 nodes are done, 1 in flight",
      "Upgrade operation is running: 1 of 2 nodes are done, 1 in flight",
    ],
    ["Failed", "w failed: Job failed", "Upgrade operation failed: w failed: Job failed"],
    ["Completed", "All 2 nodes are done", "Upgrade operation completed successfully"],
  ])("%s %s", (phase, message, expected) => {
    const status = mirrorOf({ phase, ...(message === "" ? {} : { message }) });
    expect(status.phase).toBe(phase);
    expect(status.message).toBe(expected);
    expect(status.nodeOpName).toBe("kairos-upgrade");
  });

  it("a NodeOp that was not looked at yet is pending", () => {
    const status = mirror(upgrade, operationOf(upgrade), NOW);
    expect(status).toMatchObject({
      phase: "Initializing",
      message: "Upgrade operation is pending",
    });
    expect(status.nodeStatuses).toBeUndefined();
  });

  it("right after the creation", () =>
    expect(initializing(upgrade, NOW)).toMatchObject({
      phase: "Initializing",
      nodeOpName: "kairos-upgrade",
      message: "NodeOp created",
      observedGeneration: 3,
      lastUpdated: "2026-01-01T12:00:00Z",
    }));
});

/** So many entries, every hundredth of them failed. */
const many = (count: number): Record<string, NodeStatus> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `w${index}`,
      fullEntry({ phase: index % 100 === 0 ? "Failed" : "Completed" }),
    ]),
  );

describe("entries", () => {
  it("show what users know, and none of how far inside a phase a node is", () => {
    const { nodeStatuses } = mirrorOf({ phase: "Running", nodeStatuses: { w: fullEntry() } });
    expect(nodeStatuses).toEqual({
      w: {
        phase: "Running",
        jobName: "kairos-upgrade-w",
        message: "Job is running",
        rebootStatus: "pending",
        lastUpdated: "2026-01-01T00:00:03Z",
        startedAt: "2026-01-01T00:00:02Z",
      },
    });
  });

  it("stay the very same while only what is not shown changes", () => {
    const first = mirrorOf({ phase: "Running", nodeStatuses: { w: fullEntry() } });
    const inner = fullEntry({
      stage: "Rebooting",
      stageStartedAt: "2026-01-01T00:09:00Z",
      lastUpdated: "2026-01-01T00:09:00Z",
    });
    const second = mirrorOf(
      { phase: "Running", nodeStatuses: { w: inner } },
      { ...upgrade, status: first },
    );
    expect(second).toBe(first);
  });

  it("change when what is shown does, and then only that one", () => {
    const entries = { v: fullEntry(), w: fullEntry() };
    const first = mirrorOf({ phase: "Running", nodeStatuses: entries });
    const second = mirrorOf(
      { phase: "Running", nodeStatuses: { ...entries, w: fullEntry({ phase: "Completed" }) } },
      { ...upgrade, status: first },
    );
    expect(second.nodeStatuses?.["v"]).toBe(first.nodeStatuses?.["v"]);
    expect(second.nodeStatuses?.["w"]?.phase).toBe("Completed");
  });

  it("go when the NodeOp has them no more", () => {
    const first = mirrorOf({ phase: "Running", nodeStatuses: { v: fullEntry(), w: fullEntry() } });
    const second = mirrorOf(
      { phase: "Running", nodeStatuses: { v: fullEntry() } },
      { ...upgrade, status: first },
    );
    expect(Object.keys(second.nodeStatuses ?? {})).toEqual(["v"]);
  });

  it(`up to ${MIRRORED_NODES_MAX} nodes each is mirrored`, () => {
    const { nodeStatuses } = mirrorOf({ nodeStatuses: many(MIRRORED_NODES_MAX) });
    expect(Object.keys(nodeStatuses ?? {}).length).toBe(MIRRORED_NODES_MAX);
  });

  it("above that only failures are, beside the counts of all", () => {
    const count = MIRRORED_NODES_MAX + 1;
    const status = mirrorOf({
      nodeStatuses: many(count),
      total: count,
      done: count - 11,
      running: 0,
      failed: 11,
      skipped: 4,
      progress: "990/1001",
    });
    const entries = Object.values(status.nodeStatuses ?? {});
    expect(entries.length).toBe(11);
    expect(entries.every(({ phase }) => phase === "Failed")).toBe(true);
    expect(status).toMatchObject({
      total: count,
      done: count - 11,
      running: 0,
      failed: 11,
      skipped: 4,
      progress: "990/1001",
    });
  });
});

describe("counts and conditions", () => {
  it("are the NodeOp's, with the generation of the upgrade and none in the conditions", () => {
    const status = mirrorOf({
      phase: "Running",
      conditions: [condition("Ready", "False")],
      total: 2,
      done: 1,
      running: 1,
      skipped: 0,
      failed: 0,
      progress: "1/2",
    });
    const { observedGeneration, ...shown } = condition("Ready", "False");
    expect(observedGeneration).toBe(1);
    expect(status.conditions).toEqual([shown]);
    expect(status.observedGeneration).toBe(3);
    expect(status).toMatchObject({ total: 2, done: 1, running: 1, progress: "1/2" });
  });

  it("are left out while the NodeOp has none", () => {
    expect(mirrorOf({ phase: "Running" }).total).toBeUndefined();
  });

  it("say the upgrade's new generation as soon as it is seen", () => {
    const first = mirrorOf({ phase: "Running" });
    const edited = upgradeOf({ metadata: { generation: 4 } });
    expect(mirrorOf({ phase: "Running" }, { ...edited, status: first }).observedGeneration).toBe(4);
  });
});

describe("a stalled upgrade", () => {
  it("says why, and when nothing has changed since, is the very same", () => {
    const why = { reason: "NodeOpNameTaken", message: "it is taken" };
    const status = stalled(upgrade, NOW, why);
    expect(status.message).toBe("it is taken");
    expect(status.conditions?.filter(({ status: is }) => is === "True")).toMatchObject([
      { type: "Stalled", reason: "NodeOpNameTaken", message: "it is taken" },
    ]);
    expect(stalled({ ...upgrade, status }, NOW + 60_000, why)).toBe(status);
  });
});
