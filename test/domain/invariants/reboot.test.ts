/** Reboots: NoRebootBeforeComplete, OneReboot, RestartedRebootPodInert, RebootGranted, NoRebootAfterEnd, NoGrantAfterDeletion. */
import { describe, expect, it } from "@effect/vitest";
import { History } from "./history.ts";

/** One node whose script has succeeded, with its sentinel; the Job is not Complete yet. */
const ran = (spec = {}) => {
  const h = new History();
  h.node("a");
  const op = h.operation("up", spec);
  h.claim(op, ["a"]);
  const work = h.prepare(op, "a");
  h.run(work);
  return { h, op, work };
};

/** The same up to the grant and the agent's record: the next step is the reboot. */
const granted = (spec = {}) => {
  const all = ran(spec);
  all.h.complete(all.work);
  all.h.grant(all.work);
  all.h.record(all.work, "rebooting");
  return all;
};

describe("NoRebootBeforeComplete", () => {
  it("holds when the Job is Complete first", () => {
    const { h, work } = granted();
    h.issue(work);
    expect(h.broken()).toEqual([]);
  });
  it("is broken by a reboot when the Job only met its success criteria", () => {
    const { h, work } = ran();
    h.condition(work.job, "SuccessCriteriaMet");
    h.grant(work);
    h.record(work, "rebooting");
    h.issue(work);
    expect(h.broken()).toEqual(["NoRebootBeforeComplete"]);
  });
  it("is broken when the grant names another Job that is not Complete", () => {
    const { h, op, work } = ran();
    h.complete(work);
    h.grant({ ...work, job: h.job(op, "a") });
    h.record(work, "rebooting");
    h.issue(work);
    expect(h.messages("NoRebootBeforeComplete")).toHaveLength(1);
  });
  it("is broken by a Pod without a grant while the Job of its node is not Complete", () => {
    const { h, work } = ran();
    h.record(work, "rebooting");
    h.issue(work);
    expect(h.broken()).toEqual(["NoRebootBeforeComplete", "RebootGranted"]);
  });
});

describe("OneReboot", () => {
  it("holds when the same boot is asked to end again because the first time nothing happened", () => {
    const { h, work } = granted();
    h.issue(work);
    h.wait(300_000).record(work, "rebooting");
    h.issue(work);
    h.reboots("a", "agent");
    expect(h.broken()).toEqual([]);
  });
  it("is broken by a reboot in a later boot", () => {
    const { h, work } = granted();
    h.issue(work);
    h.reboots("a", "agent");
    h.record(work, "rebooting");
    h.issue(work);
    expect(h.messages("OneReboot")).toEqual([expect.stringContaining("a-boot-1, a-boot-2")]);
  });
});

describe("RestartedRebootPodInert", () => {
  it("holds when a restarted Pod only reports", () => {
    const { h, work } = ran();
    h.complete(work);
    h.rebootNode(work);
    h.record(work, "completed");
    expect(h.broken()).toEqual([]);
  });
  it.each(["completed", "failed"] as const)(
    "is broken by a reboot after it reported %s",
    (state) => {
      const { h, work } = granted();
      h.record(work, state);
      h.issue(work);
      expect(h.broken()).toEqual(["RestartedRebootPodInert"]);
    },
  );
  it("is broken by a reboot in another boot than the recorded one, and by one without a record", () => {
    const { h, work } = granted();
    h.reboots("a", "other");
    h.issue(work);
    expect(h.messages("RestartedRebootPodInert")).toEqual([
      expect.stringContaining("recorded a reboot of boot a-boot-1"),
    ]);
    const unrecorded = ran();
    unrecorded.h.complete(unrecorded.work);
    unrecorded.h.grant(unrecorded.work);
    unrecorded.h.issue(unrecorded.work);
    expect(unrecorded.h.broken()).toEqual(["RestartedRebootPodInert"]);
  });
});

describe("RebootGranted", () => {
  it("holds when a re-created Pod is granted again and reboots in the boot of the script", () => {
    const { h, op, work } = granted();
    h.remove(work.rebootPod, { actor: "user" });
    work.rebootPod = h.pod(op, "a", "kairos.io/reboot");
    h.grant(work);
    h.record(work, "rebooting");
    h.issue(work);
    expect(h.broken()).toEqual([]);
  });
  it("is broken by a reboot without a grant", () => {
    const { h, work } = ran();
    h.complete(work);
    h.record(work, "rebooting");
    h.issue(work);
    expect(h.broken()).toEqual(["RebootGranted"]);
  });
  it("is broken by a grant that names a Job without a sentinel", () => {
    const { h, op, work } = ran();
    h.complete(work);
    h.grant({ ...work, job: h.job(op, "a") });
    h.record(work, "rebooting");
    h.issue(work);
    expect(h.messages("RebootGranted")).toEqual([expect.stringContaining("wrote no sentinel")]);
  });
  it("is broken by a reboot after the host had rebooted by itself since the script ended", () => {
    const { h, work } = ran();
    h.complete(work);
    h.reboots("a", "other");
    h.grant(work);
    h.record(work, "rebooting");
    h.issue(work);
    expect(h.broken()).toEqual(["RebootGranted"]);
  });
  it("is broken by a host that goes down for an agent that issued nothing", () => {
    const { h } = granted();
    h.reboots("a", "agent");
    expect(h.broken()).toEqual(["RebootGranted"]);
  });
});

const rebootedAfter = (millis: number) => {
  const { h, op, work } = granted({ deadlines: { rebootSeconds: 60 } });
  h.wait(millis).conclude(op, "a", "Failed", "RebootDeadlineExceeded");
  h.issue(work);
  return h.broken();
};

const removedBy = (actor: string) => {
  const { h, op, work } = granted();
  h.remove(work.rebootPod, { actor });
  h.conclude(op, "a", "Failed", "RebootFailed");
  h.issue(work);
  return h.broken();
};

describe("NoRebootAfterEnd", () => {
  it("is broken by a reboot after the node was given up", () => {
    const { h, op, work } = granted();
    h.conclude(op, "a", "Failed", "JobGone");
    h.issue(work);
    expect(h.broken()).toEqual(["NoRebootAfterEnd"]);
  });
  it("is broken by a reboot after the operation is gone", () => {
    const { h, op, work } = granted();
    h.mark(op, { actor: "user" });
    h.remove(op);
    h.issue(work);
    expect(h.broken()).toEqual(["NoRebootAfterEnd"]);
  });
  it("holds after a reboot deadline that passed in fact, whatever the reason says", () => {
    expect(rebootedAfter(61_000)).toEqual([]);
    expect(rebootedAfter(30_000)).toEqual(["NoRebootAfterEnd"]);
  });
  it("holds for a Pod that a person forced out of the store, but not for one that the operator removed", () => {
    expect(removedBy("user")).toEqual([]);
    expect(removedBy("operator")).toEqual(["NoRebootAfterEnd"]);
  });
});

describe("NoGrantAfterDeletion", () => {
  it("holds for a grant that was sent before the deletion and arrives later", () => {
    const { h, op, work } = ran();
    h.complete(work);
    h.mark(op, { actor: "user" });
    h.wait(10).grant(work, { sentAt: h.at - 10 });
    expect(h.broken()).toEqual([]);
  });
  it("is broken by a grant that was sent after it", () => {
    const { h, op, work } = ran();
    h.complete(work);
    h.mark(op, { actor: "user" });
    h.wait(10).grant(work);
    expect(h.broken()).toEqual(["NoGrantAfterDeletion"]);
  });
  it("counts from the deletion, not from later writes of the deleted object", () => {
    const { h, op, work } = ran();
    h.complete(work);
    h.mark(op, { actor: "user" });
    h.wait(10).status(op, {}, { message: "deleting" });
    h.grant(work);
    expect(h.broken()).toEqual(["NoGrantAfterDeletion"]);
  });
  it("is broken by a claim after it, whenever it was sent", () => {
    const { h, op } = ran();
    h.node("b");
    h.mark(op, { actor: "user" });
    h.claim(op, ["b"], { sentAt: h.at - 10 });
    expect(h.broken()).toEqual(["NoGrantAfterDeletion"]);
  });
});
