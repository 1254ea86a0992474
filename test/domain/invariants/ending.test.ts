/** Ending: DeadlinesOnTime, EndedJobsRest. */
import { describe, expect, it } from "@effect/vitest";
import { claimed } from "./history.ts";

/** A node in a stage that may last 60 s, one step after so many milliseconds. */
const inStageFor = (millis: number, deadlines: object = { upgradeSeconds: 60 }) => {
  const { h } = claimed({ deadlines });
  h.wait(millis).ready("a", true);
  return h.messages("DeadlinesOnTime");
};

const GRACE = 61_000 + 60_000 + 1000;

describe("DeadlinesOnTime", () => {
  it("holds for a node that leaves its stage within a minute after the deadline", () => {
    expect(inStageFor(GRACE)).toEqual([]);
    expect(inStageFor(10 * 3_600_000, { upgradeSeconds: 0 })).toEqual([]);
  });
  it("holds for a node that another operation holds, for as long as it does", () => {
    const { h, op } = claimed({ deadlines: { upgradeSeconds: 60 } });
    h.status(op, { a: { ...h.entry(op, "a"), reason: "HeldByAnother" } });
    h.wait(10 * GRACE).ready("a", true);
    expect(h.messages("DeadlinesOnTime")).toEqual([]);
  });
  it("is broken by a node that stays, once", () => {
    expect(inStageFor(GRACE + 1)).toEqual([
      "node a of NodeOp default/up is still in stage Preparing, whose deadline passed at 1061s",
    ]);
    const { h } = claimed({ deadlines: { upgradeSeconds: 60 } });
    h.wait(GRACE + 1).ready("a", true);
    h.wait(GRACE).ready("a", true);
    expect(h.messages("DeadlinesOnTime")).toHaveLength(1);
  });
  it("gives an operator that comes back a minute, and counts from the clock that it starts anew", () => {
    const { h, op } = claimed({ deadlines: { upgradeSeconds: 60 } });
    h.operator(false);
    h.wait(3_600_000).operator(true);
    h.wait(61_000).ready("a", true);
    expect(h.messages("DeadlinesOnTime")).toEqual([]);
    const stageStartedAt = new Date(h.at).toISOString();
    h.status(op, { a: { ...h.entry(op, "a"), stageStartedAt } });
    h.wait(GRACE - 1000).ready("a", true);
    expect(h.messages("DeadlinesOnTime")).toEqual([]);
    h.wait(2000).ready("a", true);
    expect(h.messages("DeadlinesOnTime")).toHaveLength(1);
  });
  it("is broken although the stored clock is started anew by an operator that was up", () => {
    const { h, op } = claimed({ deadlines: { upgradeSeconds: 60 } });
    h.prepare(op, "a");
    h.wait(50_000);
    const stageStartedAt = new Date(h.at).toISOString();
    h.status(op, { a: { ...h.entry(op, "a"), stageStartedAt } });
    h.wait(GRACE - 50_000 + 1).ready("a", true);
    expect(h.messages("DeadlinesOnTime")).toHaveLength(1);
  });
});

describe("EndedJobsRest", () => {
  it("holds for Jobs that are finished, suspended or gone", () => {
    const { h, op } = claimed();
    h.upgradeNode(op, "a");
    const failed = claimed();
    failed.h.failNode(failed.op, "a");
    const suspended = claimed();
    const work = suspended.h.prepare(suspended.op, "a");
    suspended.h.suspend(work.job, true);
    suspended.h.conclude(suspended.op, "a", "Failed", "OperationDeleted");
    const gone = claimed();
    gone.h.remove(gone.h.prepare(gone.op, "a").job);
    gone.h.conclude(gone.op, "a", "Failed", "JobGone");
    for (const each of [h, failed.h, suspended.h, gone.h])
      expect(each.messages("EndedJobsRest")).toEqual([]);
  });
  it("is broken by a node that ends while its Job runs", () => {
    const { h, op } = claimed();
    h.prepare(op, "a");
    h.conclude(op, "a", "Failed", "UpgradeDeadlineExceeded");
    expect(h.messages("EndedJobsRest")).toEqual([
      expect.stringMatching(/^Job default\/up-a-\d+ may run on node a, which has ended/u),
    ]);
  });
  it("is broken by a Job that is resumed after its node has ended", () => {
    const { h, op } = claimed();
    const work = h.prepare(op, "a");
    h.suspend(work.job, true);
    h.conclude(op, "a", "Failed", "OperationDeleted");
    h.suspend(work.job, false);
    expect(h.messages("EndedJobsRest")).toHaveLength(1);
  });
});
