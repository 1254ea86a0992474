/** Histories that the Go original began: what it did is not held against us, what we do about it is. */
import { describe, expect, it } from "@effect/vitest";
import { ANNOTATION_REBOOT_STATE, LABEL_REBOOT } from "../../../src/domain/labels.ts";
import { History } from "./history.ts";

const ORIGINAL = { actor: "original" };

/** The original made everything for node a, wrote its entry, and stopped. */
const begun = () => {
  const h = new History();
  h.node("a");
  const op = h.operation("up", {}, { finalizers: [] });
  const rebootPod = h.pod(op, "a", LABEL_REBOOT, ORIGINAL);
  h.hold(op, "a", { write: ORIGINAL });
  const job = h.job(op, "a", { suspend: false, write: ORIGINAL });
  const entry = { phase: "Running", rebootStatus: "pending", jobName: job.name } as const;
  h.status(op, { a: entry }, { phase: "Running" }, ORIGINAL);
  return { h, op, work: { op, node: "a", rebootPod, job, jobPod: job }, entry };
};

describe("an operation that the original began", () => {
  it("breaks no law by what the original did: Job before entry, a reboot without a grant, record before reboot", () => {
    const { h, work } = begun();
    h.run(work);
    h.condition(work.job, "Complete");
    h.annotate(work.rebootPod, { [ANNOTATION_REBOOT_STATE]: "completed" }, ORIGINAL);
    h.issue(work);
    h.reboots("a", "agent");
    expect(h.broken()).toEqual([]);
  });

  it("may lie in its phase, and be corrected by us", () => {
    const { h, op, entry } = begun();
    h.status(op, { a: entry }, { phase: "Completed" }, ORIGINAL);
    h.status(
      op,
      { a: { ...entry, stage: "Followed" } },
      { phase: "Running", observedGeneration: 1 },
    );
    expect(h.broken()).toEqual([]);
  });

  it("must not be Completed by us while its node works", () => {
    const { h, op, entry } = begun();
    h.status(op, { a: entry }, { phase: "Completed", observedGeneration: 1 });
    expect(h.broken()).toContain("TruthfulStatus");
  });

  it("must not get a second Job from us", () => {
    const { h, op } = begun();
    h.suspend(h.job(op, "a"), false);
    expect(h.broken()).toContain("OneJobPerNode");
  });

  it("must not be Completed by us on a node that never rebooted", () => {
    const { h, op, work, entry } = begun();
    h.run(work);
    h.condition(work.job, "Complete");
    h.status(op, { a: { ...entry, stage: "Followed", jobUID: work.job.uid, nodeUID: "node-a" } });
    h.release("a");
    h.conclude(op, "a", "Completed");
    expect(h.broken()).toContain("CompletedMeansDone");
  });

  it("may be uncordoned by us: the cordon is the operation's own", () => {
    const { h } = begun();
    h.release("a");
    expect(h.broken()).toEqual([]);
  });
});
