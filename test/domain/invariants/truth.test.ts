/** Truth: CompletedMeansDone, TruthfulStatus. */
import { describe, expect, it } from "@effect/vitest";
import { ANNOTATION_HELD_BY } from "../../../src/domain/labels.ts";
import { NEW, OLD } from "./cluster.ts";
import { claimed, type History, type Work } from "./history.ts";
import type { Ref } from "./store.ts";

/** A node that was granted its reboot, which `reboot` then does in some way. */
const completed = (reboot: (h: History, work: Work) => void) => {
  const { h, op } = claimed();
  const work = h.prepare(op, "a");
  h.run(work);
  h.complete(work);
  h.grant(work);
  h.record(work, "rebooting");
  h.issue(work);
  reboot(h, work);
  h.release("a");
  h.conclude(op, "a", "Completed");
  return h;
};

const finished = (exitCode: number, version: string) => {
  const { h, op } = claimed();
  const work = h.prepare(op, "a");
  h.run(work);
  if (exitCode !== 0) h.endScript(work, exitCode);
  h.complete(work);
  h.reboots("a", "other", { version });
  h.release("a");
  h.conclude(op, "a", "Completed");
  return h.broken();
};

const completes = (prepare: (h: History, op: Ref) => void) => {
  const { h, op } = claimed({ nodeSelector: { matchLabels: { pool: "x" } } });
  prepare(h, op);
  h.status(op, {}, { conditions: [{ type: "Completed", status: "True" }] });
  return h.messages("CompletedMeansDone").length;
};

describe("CompletedMeansDone", () => {
  it("holds for a rebooted node, a skipped one, and one whose operation does not reboot", () => {
    const { h, op } = claimed({ concurrency: 1 });
    h.upgradeNode(op, "a");
    h.node("b");
    h.claim(op, ["b"]);
    h.conclude(op, "b", "Completed", "Skipped");
    h.end(op);
    const quiet = claimed({ rebootOnSuccess: false });
    const job = quiet.h.job(quiet.op, "a", { suspend: false });
    quiet.h.status(quiet.op, { a: { ...quiet.h.entry(quiet.op, "a"), jobUID: job.uid } });
    quiet.h.condition(job, "Complete");
    quiet.h.conclude(quiet.op, "a", "Completed");
    quiet.h.end(quiet.op);
    expect(h.broken()).toEqual([]);
    expect(quiet.h.messages("CompletedMeansDone")).toEqual([]);
  });
  it("holds when a power loss after the script brought the new version up before the Job was Complete", () => {
    const { h, op } = claimed();
    const work = h.prepare(op, "a");
    h.run(work);
    h.reboots("a", "other");
    h.complete(work);
    h.grant(work);
    h.record(work, "completed");
    h.ready("a", true);
    h.release("a");
    h.conclude(op, "a", "Completed");
    expect(h.broken()).toEqual([]);
  });
  it.each([
    ["the host never went down", () => undefined],
    [
      "it fell back",
      (h: History) => h.reboots("a", "agent", { bootState: "passive", version: NEW }),
    ],
    [
      "it runs another version than was installed",
      (h: History) => h.reboots("a", "agent", { version: OLD }),
    ],
    [
      "its Node never became Ready again",
      (h: History) => {
        h.host("a", { event: "wentDown", cause: "agent", bootID: h.bootID("a") });
        h.host("a", { event: "booted", bootID: "x", bootState: "active", version: "v2" });
      },
    ],
  ])("is broken by a Completed node when %s", (_, reboot) => {
    expect(completed(reboot).broken()).toEqual(["CompletedMeansDone"]);
  });
  it("is broken by a node that rebooted after a script that failed, and not by a host that does not tell what it runs", () => {
    expect(finished(1, NEW)).toEqual(["CompletedMeansDone"]);
    expect(finished(0, "")).toEqual([]);
  });
  it("is broken by a node whose Job is not Complete", () => {
    const { h, op } = claimed();
    h.prepare(op, "a");
    h.release("a");
    h.conclude(op, "a", "Completed");
    expect(h.broken()).toEqual(["EndedJobsRest", "CompletedMeansDone"]);
  });
  it("is broken by a node that is still cordoned by us, but not by a person's cordon", () => {
    const { h, op } = claimed();
    const work = h.prepare(op, "a");
    h.run(work);
    h.complete(work);
    h.rebootNode(work);
    h.conclude(op, "a", "Completed");
    expect(h.broken()).toEqual(["CompletedMeansDone"]);
    const other = claimed();
    other.h.cordon("a", true);
    const theirs = other.h.prepare(other.op, "a", { cordon: false });
    other.h.run(theirs);
    other.h.complete(theirs);
    other.h.rebootNode(theirs);
    other.h.annotate(other.h.nodeRef("a"), { [ANNOTATION_HELD_BY]: null });
    other.h.conclude(other.op, "a", "Completed");
    other.h.end(other.op);
    expect(other.h.finish().broken()).toEqual([]);
  });
  it("is broken by a Completed operation with a target that was not started", () => {
    const { h, op } = claimed();
    h.node("b");
    h.upgradeNode(op, "a");
    h.status(op, {}, { conditions: [{ type: "Completed", status: "True" }] });
    expect(h.messages("CompletedMeansDone")).toEqual([expect.stringContaining("target b is not")]);
  });
  it("is broken by a Completed operation with a failed target, but not by nodes that do not match or have just joined", () => {
    expect(completes((h, op) => h.failNode(op, "a"))).toBe(1);
    expect(
      completes((h, op) => {
        h.upgradeNode(op, "a");
        h.node("other");
        h.wait(10).node("new", { labels: { pool: "x" } });
      }),
    ).toBe(0);
  });
});

const changed = (phase: "Completed" | "Failed", change: object | null) => {
  const { h, op } = claimed();
  h.conclude(op, "a", phase, "Skipped");
  h.status(op, { a: change === null ? null : { ...h.entry(op, "a"), ...change } });
  return h.messages("TruthfulStatus");
};

const completedAfter = (prepare: (h: History, op: Parameters<History["claim"]>[0]) => void) => {
  const { h, op } = claimed();
  prepare(h, op);
  h.status(op, {}, { phase: "Completed" });
  return h.messages("TruthfulStatus").length;
};

describe("TruthfulStatus", () => {
  it("holds for a whole operation", () => {
    const { h, op } = claimed();
    h.upgradeNode(op, "a");
    h.end(op);
    expect(h.finish().broken()).toEqual([]);
  });
  it("is broken when a terminal entry goes back, changes its phase, changes after Completed, or vanishes", () => {
    expect(changed("Failed", { stage: "Preparing" })[0]).toContain("back to stage Preparing");
    expect(changed("Failed", { phase: "Completed" })[0]).toContain(
      "from terminal Failed to Completed",
    );
    expect(changed("Completed", { message: "x" })[0]).toContain("changed after it was Completed");
    expect(changed("Failed", null)[0]).toContain("vanished");
    expect(changed("Completed", {})).toEqual([]);
  });
  it("is broken by stage Rebooting before the Job is Complete, and by JobFailed of a Job that did not fail", () => {
    const { h, op } = claimed();
    h.prepare(op, "a");
    h.status(op, { a: { ...h.entry(op, "a"), stage: "Rebooting" } });
    h.conclude(op, "a", "Failed", "JobFailed");
    expect(h.messages("TruthfulStatus")).toEqual([
      expect.stringContaining("is not Complete"),
      expect.stringContaining("has not failed"),
    ]);
  });
  it("is broken by phase Completed while a target is in flight, failed, or not started", () => {
    expect(completedAfter(() => undefined)).toBe(1);
    expect(completedAfter((h, op) => h.failNode(op, "a"))).toBe(1);
    expect(
      completedAfter((h, op) => {
        h.upgradeNode(op, "a");
        h.node("b");
      }),
    ).toBe(0); // joined in this very millisecond: nobody could know
    expect(
      completedAfter((h, op) => {
        h.upgradeNode(op, "a");
        h.node("b");
        h.wait(1);
      }),
    ).toBe(1);
  });
  it("is broken when the operation's phase leaves Completed or Failed", () => {
    const { h, op } = claimed();
    h.upgradeNode(op, "a");
    h.status(op, {}, { phase: "Completed" });
    h.status(op, {}, { phase: "Running" });
    expect(h.broken()).toEqual(["TruthfulStatus"]);
  });
});
