/** Quiet and identity: QuietAfterEnd, ChildIdentity. */
import { describe, expect, it } from "@effect/vitest";
import { Jobs, Pods } from "../../../src/domain/kube/resource.ts";
import { LABEL_NODEOP, LABEL_PREFLIGHT, LABEL_REBOOT } from "../../../src/domain/labels.ts";
import { claimed, History } from "./history.ts";
import type { Ref } from "./store.ts";

const ended = () => {
  const { h, op } = claimed();
  const work = h.upgradeNode(op, "a");
  h.end(op);
  return { h: h.wait(10), op, work };
};

/** What is said of a sweep a minute after somebody put a hold on a node that is done. */
const sweptHold = (hold: (h: History, op: Ref) => void) => {
  const h = new History();
  h.node("a");
  const op = h.operation("up");
  h.claim(op, ["a"]);
  h.upgradeNode(op, "a");
  hold(h, op);
  h.wait(60_000).release("a");
  return h.messages("QuietAfterEnd");
};

describe("QuietAfterEnd", () => {
  it("holds when nothing more is written, and for writes that were sent before the end", () => {
    const { h, op } = ended();
    h.status(op, {}, { message: "late" }, { sentAt: h.at - 10 });
    expect(h.finish().broken()).toEqual([]);
  });
  it("allows one status write per new generation, and not a second", () => {
    const { h, op } = ended();
    h.spec(op, { concurrency: 5 });
    h.status(op, {}, { observedGeneration: 2 });
    expect(h.broken()).toEqual([]);
    h.status(op, {}, { observedGeneration: 2, message: "again" });
    expect(h.broken()).toEqual(["QuietAfterEnd"]);
  });
  it("is broken by a status write, a child, and a patch of a Node", () => {
    const { h, op } = ended();
    h.status(op, {}, { message: "x" });
    h.pod(op, "a", LABEL_REBOOT);
    h.hold(op, "a");
    expect(h.messages("QuietAfterEnd")).toHaveLength(3);
  });
  it("allows the sweep of a Node whose operation no longer exists, and another operation's hold", () => {
    const { h, op } = claimed();
    h.hold(op, "a");
    h.conclude(op, "a", "Failed", "JobGone");
    h.end(op, "Failed");
    h.remove(op, { actor: "user" });
    h.wait(10).release("a");
    const failed = h.operation("failed");
    h.claim(failed, ["a"]);
    h.failNode(failed, "a");
    h.end(failed, "Failed");
    const next = h.wait(10).operation("next");
    h.claim(next, ["a"]);
    h.hold(next, "a");
    expect(h.messages("QuietAfterEnd")).toEqual([]);
  });
  it("allows the sweep of a hold that a person put on, or that came after the end, but not of one from before", () => {
    const held = { cordon: false };
    const byPerson = sweptHold((h, op) => {
      h.hold(op, "a", { ...held, write: { actor: "user" } });
      h.end(op);
    });
    const late = sweptHold((h, op) => {
      h.wait(1000).end(op);
      h.hold(op, "a", { ...held, write: { sentAt: h.at - 500 } });
    });
    const forgotten = sweptHold((h, op) => {
      h.hold(op, "a", held);
      h.end(op);
    });
    expect([byPerson, late, forgotten.length]).toEqual([[], [], 1]);
  });
  it("starts with the finalizer's removal, not with the outcome", () => {
    const { h, op } = claimed();
    h.upgradeNode(op, "a");
    h.status(op, {}, { conditions: [{ type: "Completed", status: "True" }] });
    h.wait(10).status(op, {}, { message: "not over yet" });
    expect(h.broken()).toEqual([]);
  });
  it("does not take the mirror of another operation for its own", () => {
    const { h } = ended();
    const other = h.upgrade("other");
    h.wait(60_000);
    for (const message of ["1", "2"])
      h.update(other, { status: { message } }, {}, { subresource: "status" });
    expect(h.broken()).toEqual([]);
  });
  it("allows one write that carries an edited NodeOpUpgrade to its NodeOp, and not a second", () => {
    const h = new History();
    h.node("a");
    const upgrade = h.upgrade("up");
    const op = h.operation("up", {}, h.owned(upgrade));
    h.claim(op, ["a"]);
    h.upgradeNode(op, "a");
    h.end(op);
    h.wait(10).update(upgrade, { spec: { concurrency: 2 } }, {}, { actor: "user" });
    h.spec(op, { concurrency: 2 }, "operator");
    expect(h.broken()).toEqual([]);
    h.spec(op, { concurrency: 3 }, "operator");
    expect(h.broken()).toEqual(["QuietAfterEnd"]);
  });
  it("lets the mirror on a NodeOpUpgrade catch up, but not go on", () => {
    const h = new History();
    h.node("a");
    const upgrade = h.upgrade("up");
    const op = h.operation("up", {}, h.owned(upgrade));
    h.claim(op, ["a"]);
    h.upgradeNode(op, "a");
    const mirror = () =>
      h.update(upgrade, { status: { message: String(h.at) } }, {}, { subresource: "status" });
    mirror();
    h.end(op);
    h.wait(1000);
    mirror();
    expect(h.broken()).toEqual([]);
    h.wait(60_000);
    mirror();
    expect(h.broken()).toEqual(["QuietAfterEnd"]);
  });
});

describe("ChildIdentity", () => {
  it("holds for children of a live operation, for deleting them, and for Pods of others", () => {
    const { h, op } = claimed();
    const preflight = h.pod(op, "a", LABEL_PREFLIGHT);
    h.mark(preflight);
    h.create(Jobs, "labeler", {}, { spec: { template: { spec: { nodeName: "a" } } } });
    h.upgradeNode(op, "a");
    expect(h.broken()).toEqual([]);
  });
  it("holds for a create that was sent while the operation lived", () => {
    const { h, op } = claimed();
    h.remove(op, { actor: "user" });
    h.wait(10).pod(op, "a", LABEL_REBOOT, { sentAt: h.at - 10 });
    expect(h.broken()).toEqual([]);
  });
  it("is broken by children without a controller, of an operation that never was, or that is gone", () => {
    const { h, op } = claimed();
    const labels = { [LABEL_NODEOP]: "up" };
    h.create(Pods, "p", { labels }, { spec: { nodeName: "a", containers: [] } });
    h.pod({ ...op, uid: "former" }, "a", LABEL_REBOOT);
    h.remove(op, { actor: "user" });
    h.wait(10).pod(op, "a", LABEL_REBOOT);
    expect(h.messages("ChildIdentity")).toEqual([
      expect.stringContaining("has no controller"),
      expect.stringContaining("never existed"),
      expect.stringContaining("was gone"),
    ]);
  });
  it("is broken when the operator deletes a Pod that is not its own", () => {
    const { h } = claimed();
    const pod = h.create(Pods, "db", {}, { spec: { nodeName: "a" } }, { actor: "user" });
    h.mark(pod);
    expect(h.broken()).toEqual(["ChildIdentity"]);
  });
  it("holds for a Pod that was orphaned: it is deleted by the operation that made it", () => {
    const { h, op } = claimed();
    const pod = h.pod(op, "a", LABEL_REBOOT);
    h.update(pod, {}, { ownerReferences: [] }, { actor: "garbage-collector" });
    h.mark(pod);
    expect(h.broken()).toEqual([]);
  });
  it("is broken when an entry takes a Job of another operation or node", () => {
    const { h, op } = claimed();
    h.node("b");
    h.claim(op, ["b"]);
    h.pod(op, "b", LABEL_REBOOT);
    const job = h.job(op, "b");
    h.status(op, { a: { ...h.entry(op, "a"), stage: "Upgrading", jobUID: job.uid } });
    expect(h.broken()).toEqual(["ChildIdentity"]);
  });
});
