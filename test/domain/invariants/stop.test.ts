/** Stopping: StopOnFailure. */
import { describe, expect, it } from "@effect/vitest";
import { History, type Work } from "./history.ts";
import type { Json } from "./store.ts";

const canary = () => {
  const h = new History();
  for (const name of ["a", "b", "c"]) h.node(name);
  return { h, op: h.operation("up", { concurrency: 1, stopOnFailure: true }) };
};

const claimedAfterFailure = (downFor: number) => {
  const h = new History();
  for (const name of ["a", "b", "c"]) h.node(name);
  const op = h.operation("up", { concurrency: 2, stopOnFailure: true });
  h.claim(op, ["a"]);
  h.failJob(op, "a");
  if (downFor > 0) h.operator(false);
  h.wait(downFor);
  if (downFor > 0) h.operator(true);
  h.wait(2001 - downFor).claim(op, ["b"]);
  return h.messages("StopOnFailure").length;
};

/** `a` is in flight; what the world shows of it is `meanwhile`; then `b` is claimed. */
const claimedAfter = (meanwhile: (h: History, a: () => Work) => void, spec: Json = {}) => {
  const h = new History();
  for (const name of ["a", "b"]) h.node(name);
  const op = h.operation("up", { concurrency: 2, stopOnFailure: true, ...spec });
  h.claim(op, ["a"]);
  meanwhile(h, () => h.prepare(op, "a"));
  h.claim(op, ["b"]);
  return h.messages("StopOnFailure");
};

const rebooting = (millis: number) =>
  claimedAfter((h, prepare) => {
    const a = prepare();
    h.run(a);
    h.complete(a);
    h.wait(millis);
  });

const rebootInto = (bootState: "active" | "passive", wait: number) =>
  claimedAfter((h, prepare) => {
    const a = prepare();
    h.run(a);
    h.complete(a);
    h.grant(a);
    h.record(a, "rebooting");
    h.issue(a);
    h.reboots("a", "agent", { bootState });
    h.record(a, "completed");
    h.wait(wait);
  });

describe("StopOnFailure", () => {
  it("is broken by a claim 2 s after a deadline has passed even if the status says nothing", () => {
    const deadlines = { deadlines: { upgradeSeconds: 60 } };
    const after = (millis: number, spec: Json = deadlines) =>
      claimedAfter((h, prepare) => {
        h.startScript(prepare());
        h.wait(millis);
      }, spec);
    expect(after(63_000)).toEqual([]);
    expect(after(63_001)).toEqual([expect.stringContaining("node a missed the deadline")]);
    expect(after(1e9, { deadlines: { upgradeSeconds: 0 } })).toEqual([]);
    expect(after(63_001, { ...deadlines, stopOnFailure: false })).toEqual([]);
  });
  it("is broken by a claim 2 s after a reboot's deadline has passed, or a host reported that it fell back", () => {
    expect([rebooting(3_603_000), rebooting(3_603_001)].map((broken) => broken.length)).toEqual([
      0, 1,
    ]);
    expect(rebootInto("passive", 2000)).toEqual([]);
    expect(rebootInto("passive", 2001)).toEqual([expect.stringContaining("v2 (passive)")]);
    expect(rebootInto("active", 60_000)).toEqual([]);
  });
  it("holds when nothing starts after a failure, and lets what runs finish", () => {
    const { h } = canary();
    const op = h.operation("two", { concurrency: 2, stopOnFailure: true });
    h.claim(op, ["a", "b"]);
    h.failNode(op, "a");
    h.upgradeNode(op, "b");
    h.end(op, "Failed");
    expect(h.messages("StopOnFailure")).toEqual([]);
  });
  it.each([
    "JobFailed",
    "FellBack",
    "RebootDeadlineExceeded",
    "UpgradeDeadlineExceeded",
    "NodeGone",
  ])("is broken by a claim after a node failed with %s", (reason) => {
    const { h, op } = canary();
    h.claim(op, ["a"]);
    h.failNode(op, "a", reason);
    h.claim(op, ["b"]);
    expect(h.messages("StopOnFailure")).toHaveLength(1);
  });
  it("is broken by a claim in the very commit that stores the failure", () => {
    const { h, op } = canary();
    h.claim(op, ["a"]);
    h.failJob(op, "a");
    h.status(op, {
      a: { phase: "Failed", reason: "JobFailed", nodeUID: "node-a" },
      b: { phase: "Pending", stage: "Preparing", nodeUID: "node-b" },
    });
    expect(h.broken()).toEqual(["StopOnFailure"]);
  });
  it("is broken by a claim 2 s after a Job has failed even if the status says nothing, unless the operator was down", () => {
    expect(claimedAfterFailure(0)).toBe(1);
    expect(claimedAfterFailure(2001)).toBe(0);
  });
  it("does not stop an operation without stopOnFailure, nor one whose nodes fail because it is deleted", () => {
    const { h } = canary();
    const op = h.operation("two", { concurrency: 1 });
    h.claim(op, ["a"]);
    h.failNode(op, "a");
    h.claim(op, ["b"]);
    const deleted = h.operation("three", { concurrency: 1, stopOnFailure: true });
    h.claim(deleted, ["a"]);
    h.conclude(deleted, "a", "Failed", "OperationDeleted");
    h.claim(deleted, ["c"]);
    expect(h.messages("StopOnFailure")).toEqual([]);
  });
});
