/** Bounds: Concurrency. */
import { describe, expect, it } from "@effect/vitest";
import { History } from "./history.ts";
import type { Ref } from "./store.ts";

const startedMeanwhile = (
  meanwhile: (h: History) => void,
  options: { readonly down?: boolean; readonly spec?: object } = {},
) => {
  const h = new History();
  h.node("a");
  h.node("b");
  const op = h.operation("up", { concurrency: 1, ...options.spec });
  h.claim(op, ["a"]);
  const a = h.prepare(op, "a");
  h.run(a);
  h.complete(a);
  h.grant(a);
  h.record(a, "rebooting");
  h.issue(a);
  if (options.down === true)
    h.host("a", { event: "wentDown", cause: "agent", bootID: h.bootID("a") });
  meanwhile(h);
  h.conclude(op, "a", "Failed", "RebootFailed");
  h.claim(op, ["b"]);
  h.startScript(h.prepare(op, "b"));
  return h.broken();
};

const removedBy = (actor: string) => {
  const h = new History();
  h.node("a");
  h.node("b");
  const op = h.operation("up", { concurrency: 1 });
  h.claim(op, ["a"]);
  const a = h.prepare(op, "a");
  h.startScript(a);
  h.remove(a.jobPod, { actor });
  h.conclude(op, "a", "Failed", "JobGone");
  h.claim(op, ["b"]);
  h.startScript(h.prepare(op, "b"));
  return h.messages("Concurrency").length;
};

/** `first` gives up node a after a reboot that silently failed; then `second` runs its script there. */
const afterSilentReboot = (next: (h: History, first: Ref) => void) => {
  const h = new History();
  for (const name of ["a", "b", "c"]) h.node(name);
  const first = h.operation("first", { concurrency: 1, cordon: false });
  const second = h.operation("second");
  h.claim(first, ["a"]);
  const a = h.prepare(first, "a", { cordon: false });
  h.run(a);
  h.complete(a);
  h.grant(a);
  h.record(a, "rebooting");
  h.issue(a);
  h.wait(900_000).record(a, "failed");
  h.release("a");
  h.conclude(first, "a", "Failed", "RebootFailed");
  h.claim(second, ["a"]);
  h.startScript(h.prepare(second, "a"));
  next(h, first);
  return h.messages("Concurrency");
};

describe("Concurrency", () => {
  it("does not count for one operation what a host, after its silent reboot, runs for another", () => {
    const counted = afterSilentReboot((h, first) => {
      h.claim(first, ["b"]);
      h.startScript(h.prepare(first, "b"));
    });
    expect(counted).toEqual([]);
  });
  it("is broken by two of one operation, whatever else the hosts do", () => {
    const counted = afterSilentReboot((h, first) => {
      h.claim(first, ["b"]);
      h.startScript(h.prepare(first, "b"));
      h.conclude(first, "b", "Failed", "JobGone");
      h.claim(first, ["c"]);
      h.startScript(h.prepare(first, "c"));
    });
    expect(counted).toEqual([expect.stringContaining("run on b, c")]);
  });
  it("holds for as many nodes as allowed, for all of them when concurrency is 0, and when a slot is reused", () => {
    const h = new History();
    for (const name of ["a", "b", "c"]) h.node(name);
    const one = h.operation("one", { concurrency: 1 });
    h.claim(one, ["a"]);
    h.upgradeNode(one, "a");
    h.claim(one, ["b"]);
    const all = h.operation("all");
    h.claim(all, ["a", "c"]);
    expect(h.messages("Concurrency")).toEqual([]);
  });
  it("is broken when one commit claims more than allowed", () => {
    const h = new History();
    for (const name of ["a", "b", "c"]) h.node(name);
    h.claim(h.operation("up", { concurrency: 2 }), ["a", "b", "c"]);
    expect(h.broken()).toEqual(["Concurrency"]);
  });
  it("lets a lowered limit run out, but is broken by a claim before it is reached", () => {
    const h = new History();
    for (const name of ["a", "b", "c"]) h.node(name);
    const op = h.operation("up", { concurrency: 2 });
    h.claim(op, ["a", "b"]);
    h.spec(op, { concurrency: 1 });
    const [a, b] = [h.prepare(op, "a"), h.prepare(op, "b")];
    h.run(a);
    h.run(b);
    h.complete(a);
    h.rebootNode(a);
    h.release("a");
    h.conclude(op, "a", "Completed");
    expect(h.broken()).toEqual([]);
    h.claim(op, ["c"]);
    expect(h.broken()).toEqual(["Concurrency"]);
  });
  it("is broken when a freed slot's script still runs while another starts", () => {
    const h = new History();
    h.node("a");
    h.node("b");
    const op = h.operation("up", { concurrency: 1 });
    h.claim(op, ["a"]);
    const a = h.prepare(op, "a");
    h.startScript(a);
    h.conclude(op, "a", "Failed", "JobGone");
    h.claim(op, ["b"]);
    h.startScript(h.prepare(op, "b"));
    expect(h.messages("Concurrency")).toEqual([
      expect.stringContaining("scripts or reboots of it run on a, b"),
    ]);
  });
  it("is broken when a freed slot's host is still rebooting while another script starts", () => {
    const h = new History();
    h.node("a");
    h.node("b");
    const op = h.operation("up", { concurrency: 1 });
    h.claim(op, ["a"]);
    const a = h.prepare(op, "a");
    h.run(a);
    h.complete(a);
    h.grant(a);
    h.record(a, "rebooting");
    h.issue(a);
    h.host("a", { event: "wentDown", cause: "agent", bootID: h.bootID("a") });
    h.conclude(op, "a", "Failed", "RebootFailed");
    h.claim(op, ["b"]);
    h.startScript(h.prepare(op, "b"));
    expect(h.broken()).toEqual(["Concurrency"]);
  });
  it("does not count a script that a passed deadline gave up", () => {
    const h = new History();
    h.node("a");
    h.node("b");
    const op = h.operation("up", { concurrency: 1, deadlines: { upgradeSeconds: 60 } });
    h.claim(op, ["a"]);
    const work = h.prepare(op, "a");
    h.startScript(work);
    h.wait(61_000).suspend(work.job, true);
    h.conclude(op, "a", "Failed", "UpgradeDeadlineExceeded");
    h.claim(op, ["b"]);
    h.startScript(h.prepare(op, "b"));
    expect(h.broken()).toEqual([]);
  });
  it("counts a reboot until its host is back, but not one that nothing came of for 5 min, one past its deadline, or a Node that is gone", () => {
    const deadlines = { deadlines: { rebootSeconds: 60 } };
    expect(startedMeanwhile((h) => h.wait(299_999))).toEqual(["Concurrency"]);
    expect(startedMeanwhile((h) => h.wait(300_000))).toEqual([]);
    expect(startedMeanwhile((h) => h.wait(300_000), { down: true })).toEqual(["Concurrency"]);
    expect(startedMeanwhile((h) => h.wait(61_000), { down: true, spec: deadlines })).toEqual([]);
    expect(startedMeanwhile((h) => h.wait(30_000), { down: true, spec: deadlines })).toEqual([
      "Concurrency",
    ]);
    expect(startedMeanwhile((h) => h.remove(h.nodeRef("a"), { actor: "user" }))).toEqual([]);
    expect(
      startedMeanwhile((h) => {
        h.remove(h.nodeRef("a"), { actor: "user" });
        h.node("a", { uid: "node-a2", ready: false });
      }),
    ).toEqual([]);
  });
  it("does not count a script whose Pod a person forced out of the store, but counts one that the operator removed", () => {
    expect([removedBy("user"), removedBy("operator")]).toEqual([0, 1]);
  });
  it("does not believe a deadline that had not passed", () => {
    const h = new History();
    h.node("a");
    h.node("b");
    const op = h.operation("up", { concurrency: 1, deadlines: { upgradeSeconds: 60 } });
    h.claim(op, ["a"]);
    h.startScript(h.prepare(op, "a"));
    h.wait(30_000).conclude(op, "a", "Failed", "UpgradeDeadlineExceeded");
    h.claim(op, ["b"]);
    h.startScript(h.prepare(op, "b"));
    expect(h.messages("Concurrency")).toHaveLength(1);
  });
});
