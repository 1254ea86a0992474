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

/** A node on its way out for so many milliseconds. */
const endingFor = (stage: "Cancelling" | "Settling", millis: number, deadlines: object) => {
  const { h, op } = claimed({ deadlines });
  h.status(op, { a: { ...h.entry(op, "a"), phase: "Failed", stage, reason: "JobFailed" } });
  h.wait(millis).ready("a", true);
  return h.messages("DeadlinesOnTime");
};

describe("DeadlinesOnTime, on the way out", () => {
  it.each([
    ["Cancelling", { upgradeSeconds: 600 }, 600_000],
    ["Cancelling", { upgradeSeconds: 60 }, 300_000],
    ["Settling", { rebootSeconds: 60 }, 60_000],
  ] as const)("%s with %o may take %d ms", (stage, deadlines, millis) => {
    const latest = millis + GRACE - 60_000;
    expect(endingFor(stage, latest, deadlines)).toEqual([]);
    expect(endingFor(stage, latest + 1, deadlines)).toEqual([
      expect.stringContaining(`is still in stage ${stage}, whose deadline passed at`),
    ]);
  });
  it.each([
    ["Cancelling", { upgradeSeconds: 0 }],
    ["Settling", { rebootSeconds: 0 }],
  ] as const)("%s with %o has no limit", (stage, deadlines) =>
    expect(endingFor(stage, 100 * 3_600_000, deadlines)).toEqual([]),
  );
});

describe("DeadlinesOnTime, of a drain", () => {
  it.each([
    [{ drainSeconds: 600 }, {}, 600],
    [{ drainSeconds: 600 }, { timeoutSeconds: 60 }, 60],
    [{ drainSeconds: 0 }, { timeoutSeconds: 60 }, 60],
    [{ drainSeconds: 60 }, { timeoutSeconds: 600 }, 60],
  ])(
    "%o and %o: it may take %d s, and what comes after it as long as before",
    (limits, options, s) => {
      const preparing = (millis: number) => {
        const { h, op } = claimed({
          deadlines: { upgradeSeconds: 60, ...limits },
          drainOptions: { enabled: true, ...options },
        });
        const drainingSince = new Date(h.at).toISOString();
        h.status(op, { a: { ...h.entry(op, "a"), drainingSince } });
        h.wait(millis).ready("a", true);
        return h.messages("DeadlinesOnTime");
      };
      const latest = s * 1000 + GRACE;
      expect(preparing(latest)).toEqual([]);
      expect(preparing(latest + 1)).toHaveLength(1);
    },
  );
});

/** Node b is waited for to be Ready for so many milliseconds. */
const waiting = (millis: number, spec: object = {}, status: object = {}) => {
  const { h, op } = claimed({ deadlines: { readySeconds: 60 }, ...spec });
  const notReadySince = { b: new Date(h.at).toISOString() };
  h.update(op, { status: { nodeStatuses: {}, notReadySince, ...status } });
  h.wait(millis).ready("a", true);
  return h.messages("DeadlinesOnTime");
};

describe("DeadlinesOnTime, of a target that is not Ready", () => {
  it("holds when it is given up within a minute after its time", () => {
    expect(waiting(GRACE)).toEqual([]);
    expect(waiting(GRACE + 1)).toEqual([
      expect.stringContaining("node b of NodeOp default/up is still waited for to be Ready"),
    ]);
  });
  it("without a limit, or in an operation that has ended, it is waited for or forgotten", () => {
    expect(waiting(100 * GRACE, { deadlines: { readySeconds: 0 } })).toEqual([]);
    const conditions = [{ type: "Failed", status: "True" }];
    expect(waiting(100 * GRACE, {}, { conditions })).toEqual([]);
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
