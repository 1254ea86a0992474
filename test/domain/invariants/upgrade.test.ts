/** One upgrade: RebootPodBeforeJob, OneJobPerNode, OnePodPerUpgrade, NoRebootAfterFailedScript, LogsStay. */
import { describe, expect, it } from "@effect/vitest";
import { LABEL_REBOOT } from "../../../src/domain/labels.ts";
import type { MonitorOptions } from "../../../src/domain/invariants/law.ts";
import { claimed } from "./history.ts";

describe("RebootPodBeforeJob", () => {
  it("holds when the reboot Pod is there first, and for operations that do not reboot", () => {
    const { h, op } = claimed();
    h.prepare(op, "a");
    const quiet = claimed({ rebootOnSuccess: false });
    quiet.h.job(quiet.op, "a");
    expect([h.broken(), quiet.h.broken()]).toEqual([[], []]);
  });
  it("is broken when the Job comes first", () => {
    const { h, op } = claimed();
    h.job(op, "a");
    h.pod(op, "a", LABEL_REBOOT);
    expect(h.broken()).toEqual(["RebootPodBeforeJob"]);
  });
  it("is broken when only another node has a reboot Pod", () => {
    const { h, op } = claimed();
    h.node("b");
    h.claim(op, ["b"]);
    h.pod(op, "b", LABEL_REBOOT);
    h.job(op, "a");
    expect(h.broken()).toEqual(["RebootPodBeforeJob"]);
  });
});

describe("OneJobPerNode", () => {
  it("holds when the one Job is suspended and resumed again, and when a second one never runs", () => {
    const { h, op } = claimed();
    const { job } = h.prepare(op, "a");
    h.suspend(job, true);
    h.suspend(job, false);
    h.job(op, "a");
    expect(h.broken()).toEqual([]);
  });
  it("is broken when a second Job is resumed, also after the first was deleted", () => {
    const { h, op } = claimed();
    const { job } = h.prepare(op, "a");
    h.remove(job, { actor: "user" });
    h.suspend(h.job(op, "a"), false);
    expect(h.broken()).toEqual(["OneJobPerNode"]);
  });
  it("is broken when a second Job is created running", () => {
    const { h, op } = claimed();
    h.prepare(op, "a");
    h.job(op, "a", { suspend: false });
    expect(h.broken()).toEqual(["OneJobPerNode"]);
  });
});

const withSecondPod = (when: "before" | "after", options: MonitorOptions = {}) => {
  const { h, op } = claimed({}, options);
  const work = h.prepare(op, "a");
  h.run(work);
  if (when === "before") h.jobPod(work.job, "a");
  h.complete(work);
  if (when === "after") h.jobPod(work.job, "a");
  return h.broken();
};

describe("OnePodPerUpgrade", () => {
  it("holds for one Pod whose script started once", () => {
    const { h, op } = claimed();
    h.upgradeNode(op, "a");
    expect(h.broken()).toEqual([]);
  });
  it("is broken when the script started twice", () => {
    const { h, op } = claimed();
    const work = h.prepare(op, "a");
    h.startScript(work);
    h.host("a", { event: "scriptStarted", pod: work.jobPod.uid, job: work.job.uid });
    h.endScript(work);
    h.condition(work.job, "Complete");
    expect(h.messages("OnePodPerUpgrade")).toEqual([expect.stringContaining("started 2 times")]);
  });
  it("is broken by a second Pod, before or after completion, except on a disturbed node", () => {
    expect(withSecondPod("before")).toEqual(["OnePodPerUpgrade"]);
    expect(withSecondPod("after")).toEqual(["OnePodPerUpgrade"]);
    expect(withSecondPod("after", { disturbed: (node) => node === "a" })).toEqual([]);
    expect(withSecondPod("after", { disturbed: (node) => node === "b" })).toEqual([
      "OnePodPerUpgrade",
    ]);
  });
  it("is broken by a Pod with a second container", () => {
    const { h, op } = claimed();
    const work = h.prepare(op, "a");
    work.jobPod = h.jobPod(work.job, "a", 2);
    h.host("a", { event: "scriptStarted", pod: work.jobPod.uid, job: work.job.uid });
    h.endScript(work);
    h.condition(work.job, "Complete");
    expect(h.messages("OnePodPerUpgrade")).toEqual([expect.stringContaining("2 containers")]);
  });
});

describe("NoRebootAfterFailedScript", () => {
  it("holds when a retried script succeeds before its sentinel is written", () => {
    const { h, op } = claimed({}, { disturbed: () => true });
    const work = h.prepare(op, "a");
    h.startScript(work);
    h.endScript(work, 1);
    h.run(work);
    h.complete(work);
    h.rebootNode(work);
    expect(h.broken()).toEqual([]);
  });
  it.each([1, undefined])("is broken by a sentinel when the script ended with %s", (exitCode) => {
    const { h, op } = claimed();
    const work = h.prepare(op, "a");
    h.startScript(work);
    if (exitCode !== undefined) h.endScript(work, exitCode);
    h.sentinel(work);
    expect(h.broken()).toEqual(["NoRebootAfterFailedScript"]);
  });
  it("is broken by a reboot after a script that failed", () => {
    const { h, op } = claimed();
    const work = h.failJob(op, "a");
    h.grant(work);
    h.record(work, "rebooting");
    h.issue(work);
    expect(h.messages("NoRebootAfterFailedScript")).toEqual([
      expect.stringContaining("ended with exit 1"),
    ]);
  });
});

describe("LogsStay", () => {
  it("holds when a person deletes a Job and the collector its Pods", () => {
    const { h, op } = claimed();
    const work = h.prepare(op, "a");
    h.startScript(work);
    h.remove(work.job, { actor: "user" });
    h.remove(work.jobPod, { actor: "garbage-collector" });
    expect(h.broken()).toEqual([]);
  });
  it("holds when suspending a Job ends its running Pod, and when a deleted operation takes its children along", () => {
    const { h, op } = claimed();
    const work = h.prepare(op, "a");
    h.startScript(work);
    h.suspend(work.job, true);
    h.mark(work.jobPod, { actor: "job-controller" });
    h.remove(work.jobPod, { actor: "kubelet/a" });
    h.mark(op, { actor: "user" });
    h.remove(op, { actor: "operator" });
    h.remove(work.job, { actor: "garbage-collector" });
    expect(h.messages("LogsStay")).toEqual([]);
  });
  it.each(["operator", "operator-2", "ttl-after-finished-controller", "garbage-collector"])(
    "is broken when %s deletes a Job while the operation exists",
    (actor) => {
      const { h, op } = claimed();
      h.remove(h.prepare(op, "a").job, { actor });
      expect(h.messages("LogsStay")).toHaveLength(1);
    },
  );
  it.each(["Succeeded", "Failed"])(
    "is broken when the Job controller deletes a %s Pod",
    (phase) => {
      const { h, op } = claimed();
      const work = h.prepare(op, "a");
      h.startScript(work);
      h.update(work.jobPod, { status: { phase } }, {}, { actor: "kubelet/a" });
      h.remove(work.jobPod, { actor: "job-controller" });
      expect(h.broken()).toEqual(["LogsStay"]);
    },
  );
  it("is broken when the collector deletes a Pod whose Job exists", () => {
    const { h, op } = claimed();
    const work = h.prepare(op, "a");
    h.startScript(work);
    h.mark(work.jobPod, { actor: "garbage-collector" });
    expect(h.broken()).toEqual(["LogsStay"]);
  });
  it("is broken when the operator deletes or evicts a finished Pod of a Job", () => {
    const { h, op } = claimed();
    const work = h.prepare(op, "a");
    h.run(work);
    h.mark(work.jobPod, { verb: "evict" });
    h.remove(work.jobPod, { actor: "kubelet/a" });
    expect(h.broken()).toEqual(["LogsStay"]);
  });
});
