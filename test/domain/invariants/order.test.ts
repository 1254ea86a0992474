/** Order: ControlPlanesFirst, ControlPlanesAvailable, Ceiling, WorkConserving, EveryTargetAttempted. */
import { describe, expect, it } from "@effect/vitest";
import type { Json } from "./store.ts";
import { History } from "./history.ts";

const CP = { controlPlane: true };

describe("ControlPlanesFirst", () => {
  it("holds when control planes and workers are claimed by one commit", () => {
    const h = new History();
    h.node("cp-1", CP);
    h.node("w-1");
    h.claim(h.operation("up"), ["w-1", "cp-1"]);
    expect(h.broken()).toEqual([]);
  });
  it("holds when the unclaimed control plane is not Ready, or held by another live operation", () => {
    const h = new History();
    h.node("cp-1", { ...CP, ready: false });
    h.node("cp-2", CP);
    h.node("w-1");
    const other = h.operation("other");
    h.claim(other, ["cp-2"]);
    h.hold(other, "cp-2");
    h.claim(h.operation("up"), ["w-1"]);
    expect(h.messages("ControlPlanesFirst")).toEqual([]);
  });
  it("is broken when a worker is claimed before an eligible control plane", () => {
    const h = new History();
    h.node("cp-1", CP);
    h.node("w-1");
    h.claim(h.operation("up", { concurrency: 1 }), ["w-1"]);
    expect(h.broken()).toEqual(["ControlPlanesFirst"]);
    expect(h.messages("ControlPlanesFirst")[0]).toContain("worker w-1 while control plane cp-1");
  });
  it("does not expect a claim to know what happened after it was sent", () => {
    const h = new History();
    h.node("cp-1", { ...CP, ready: false });
    h.node("w-1");
    const op = h.operation("up");
    h.wait(10).ready("cp-1", true);
    h.wait(10).claim(op, ["w-1"], { sentAt: h.at - 15 });
    expect(h.broken()).toEqual([]);
  });
  it("is broken when the control plane had become Ready before the claim was sent", () => {
    const h = new History();
    h.node("cp-1", { ...CP, ready: false });
    h.node("w-1");
    const op = h.operation("up");
    h.wait(10).ready("cp-1", true);
    h.wait(10).claim(op, ["w-1"]);
    expect(h.broken()).toEqual(["ControlPlanesFirst"]);
  });
});

const threeControlPlanes = (): History => {
  const h = new History();
  for (const name of ["cp-1", "cp-2", "cp-3"]) h.node(name, CP);
  return h;
};

describe("ControlPlanesAvailable", () => {
  const ONE_AWAY = { controlPlane: { maxUnavailable: 1 } };

  it("holds when one starts while all others are available, and for any number of workers", () => {
    const h = threeControlPlanes();
    h.node("w-1");
    h.node("w-2", { ready: false });
    const op = h.operation("up", ONE_AWAY);
    h.wait(10).claim(op, ["cp-1", "w-1"]);
    expect(h.broken()).toEqual([]);
  });
  it("does not ask workers to wait for control planes that may not start, nor these to start", () => {
    const h = threeControlPlanes();
    h.node("w-1");
    h.ready("cp-2", false);
    const op = h.operation("up", ONE_AWAY);
    h.wait(10).claim(op, ["w-1"]);
    h.wait(60_000);
    expect(h.finish().broken()).toEqual([]);
  });
  it("is broken by two control planes in one claim, or by the second of two", () => {
    const both = threeControlPlanes();
    both.claim(both.operation("up", ONE_AWAY), ["cp-1", "cp-2"]);
    expect(both.broken()).toEqual(["ControlPlanesAvailable"]);
    const second = threeControlPlanes();
    const op = second.operation("up", ONE_AWAY);
    second.claim(op, ["cp-1"]);
    second.wait(10).claim(op, ["cp-2"]);
    expect(second.broken()).toEqual(["ControlPlanesAvailable"]);
  });
  it("is broken when another control plane is not Ready, cordoned, or another operation's", () => {
    const cases: Readonly<Record<string, (h: History) => void>> = {
      notReady: (h) => h.ready("cp-2", false),
      cordoned: (h) => h.cordon("cp-2", true),
      claimed: (h) => h.claim(h.operation("other"), ["cp-2"]),
      held: (h) => h.hold(h.operation("other"), "cp-2", { cordon: false }),
    };
    for (const [name, prepare] of Object.entries(cases)) {
      const h = threeControlPlanes();
      prepare(h);
      h.wait(10).claim(h.operation("up", ONE_AWAY), ["cp-1"]);
      expect([name, h.messages("ControlPlanesAvailable").length]).toEqual([name, 1]);
    }
  });
});

const ofTwo = (): History => {
  const h = new History({ ceiling: 2 });
  for (const name of ["a", "b", "c", "d"]) h.node(name);
  return h;
};

describe("Ceiling", () => {
  it("holds while two operations have as many nodes in flight together, and neither is asked for more", () => {
    const h = ofTwo();
    const [one, other] = [h.operation("one"), h.operation("other")];
    h.claim(one, ["a"]);
    h.claim(other, ["b"]);
    h.wait(60_000);
    h.conclude(one, "a", "Completed");
    h.wait(500).claim(other, ["c"]);
    expect([...h.messages("Ceiling"), ...h.messages("WorkConserving")]).toEqual([]);
  });
  it("is broken by one more in another operation, although neither could know of the other's", () => {
    const h = ofTwo();
    const [one, other] = [h.operation("one"), h.operation("other")];
    h.wait(10).claim(one, ["a", "b"]);
    h.claim(other, ["c"], { sentAt: h.at - 5 });
    expect(h.broken()).toEqual(["Ceiling"]);
  });
  it("counts nodes that are not Ready, and those that somebody cordoned", () => {
    for (const prepare of [
      (h: History) => h.ready("d", false),
      (h: History) => h.cordon("d", true),
    ]) {
      const h = ofTwo();
      prepare(h);
      h.wait(10).claim(h.operation("one"), ["a", "b"]);
      expect(h.broken()).toEqual(["Ceiling"]);
    }
  });
  it("asks for work as soon as there is room", () => {
    const h = ofTwo();
    h.claim(h.operation("one"), ["a"]);
    h.wait(2000);
    expect(h.finish().broken()).toContain("WorkConserving");
  });
});

describe("WorkConserving", () => {
  it("holds when each free slot is taken within a second", () => {
    const h = new History();
    for (const name of ["a", "b", "c"]) h.node(name);
    const op = h.operation("up", { concurrency: 2 });
    h.wait(1000).claim(op, ["a", "b"]);
    h.upgradeNode(op, "a");
    h.wait(900).claim(op, ["c"]);
    h.wait(60_000);
    expect(h.finish().broken()).toEqual([]);
  });
  it("is broken when a free slot waits longer although another slot is served", () => {
    const h = new History();
    for (const name of ["a", "b", "c"]) h.node(name);
    const op = h.operation("up", { concurrency: 2 });
    h.wait(500).claim(op, ["a"]);
    h.wait(501);
    expect(h.finish().broken()).toEqual(["WorkConserving"]);
    expect(h.messages("WorkConserving")[0]).toContain("b, c could start");
  });
  it("is broken once for a spell in which nodes wait, however long it is, and again by the next spell", () => {
    const h = new History({ startedAt: 1_000_000 });
    for (const name of ["a", "b"]) h.node(name);
    const op = h.operation("up", { concurrency: 1 });
    for (let tick = 0; tick < 60; tick++) h.wait(1000).ready("a", true);
    h.claim(op, ["a"]);
    h.conclude(op, "a", "Failed", "NodeGone");
    h.wait(1001).claim(op, ["b"]);
    expect(h.messages("WorkConserving")).toEqual([
      "NodeOp default/up left a slot free from 0s on: 0 in flight of 1, and a, b could start",
      "NodeOp default/up left a slot free from 60s on: 0 in flight of 1, and b could start",
    ]);
  });
  it("gives each freed slot a second of its own", () => {
    const h = new History();
    for (const name of ["a", "b", "c", "d"]) h.node(name);
    const op = h.operation("up", { concurrency: 2 });
    h.claim(op, ["a", "b"]);
    h.conclude(op, "a", "Failed", "NodeGone");
    h.wait(900).conclude(op, "b", "Failed", "NodeGone");
    h.wait(50).claim(op, ["c"]);
    h.wait(900).claim(op, ["d"]);
    expect(h.finish().broken()).toEqual([]);
  });
  it("does not count the time in which the operator is down, but counts from when it is up", () => {
    const h = new History();
    h.node("a");
    h.operator(false);
    h.operation("up");
    h.wait(60_000).operator(true);
    expect(h.wait(1000).finish().broken()).toEqual([]);
    expect(h.wait(1).finish().broken()).toEqual(["WorkConserving"]);
  });
  it("expects nothing of a node that is not Ready, foreign, or of an operation that has stopped", () => {
    const h = new History();
    h.node("a", { ready: false });
    h.node("b");
    h.node("c", { labels: { pool: "x" } });
    const first = h.operation("first", { nodeSelector: { matchLabels: { pool: "y" } } });
    const holding = h.operation("holding", { nodeSelector: { matchLabels: { pool: "x" } } });
    h.claim(holding, ["c"]);
    h.hold(holding, "c");
    const stopping = h.operation("stopping", { stopOnFailure: true, concurrency: 1 });
    h.claim(stopping, ["b"]);
    h.failNode(stopping, "b");
    h.release("c");
    expect(h.wait(60_000).finish().messages("WorkConserving")).toEqual([]);
    expect(h.get(first).metadata.name).toBe("first");
  });
  it("expects nothing of an operation that says why the cluster refuses it, until it has claimed", () => {
    const h = new History();
    for (const name of ["a", "b"]) h.node(name);
    const op = h.operation("up", { concurrency: 2 });
    h.status(op, {}, { conditions: [{ type: "Stalled", status: "True" }] });
    expect(h.wait(60_000).messages("WorkConserving")).toEqual([]);
    h.claim(op, ["a"]);
    expect(h.wait(1001).finish().broken()).toEqual(["WorkConserving"]);
  });
  it("expects nothing more once a Job has failed, or once the status says that a node has", () => {
    const stopped = new History();
    for (const name of ["a", "b"]) stopped.node(name);
    const op = stopped.operation("up", { stopOnFailure: true });
    stopped.claim(op, ["a"]);
    stopped.failJob(op, "a");
    const tripped = new History();
    for (const name of ["a", "b"]) tripped.node(name);
    const other = tripped.operation("up", { stopOnFailure: true });
    tripped.claim(other, ["a"]);
    tripped.conclude(other, "a", "Failed", "FellBack");
    // Up to the failure b should have been started at once; after it, it need not be.
    expect(stopped.wait(60_000).finish().messages("WorkConserving")).toHaveLength(1);
    expect(tripped.wait(60_000).finish().messages("WorkConserving")).toEqual([]);
  });
  it("expects nothing of an operation that was deleted, nor of a node before its hold by another is off", () => {
    const h = new History();
    h.node("a");
    const one = h.operation("one");
    h.claim(one, ["a"]);
    h.hold(one, "a");
    h.conclude(one, "a", "Failed", "JobGone");
    h.mark(h.operation("deleted"), { actor: "user" });
    h.operation("two");
    expect(h.wait(5000).finish().broken()).toEqual([]);
    h.release("a");
    expect(h.wait(1001).finish().messages("WorkConserving")).toEqual([
      expect.stringContaining("NodeOp default/two"),
    ]);
  });
  it("expects a node to be started once its other operation has ended", () => {
    const h = new History();
    h.node("a");
    const one = h.operation("one");
    h.claim(one, ["a"]);
    h.operation("two");
    h.upgradeNode(one, "a");
    h.end(one);
    expect(h.broken()).toEqual([]);
    expect(h.wait(1001).finish().broken()).toEqual(["WorkConserving"]);
  });
});

const givenUpAfter = (
  millis: number,
  spec: Json = {},
  phase: "Failed" | "Completed" = "Failed",
) => {
  const h = new History();
  h.node("b", { ready: false });
  const op = h.operation("up", spec);
  h.wait(millis).conclude(op, "b", phase, phase === "Failed" ? "NotReady" : "Skipped");
  return h.messages("EveryTargetAttempted").length;
};

describe("EveryTargetAttempted", () => {
  it("holds when every node that could be started was, and also after a stop or a deletion", () => {
    const h = new History();
    for (const name of ["a", "b"]) h.node(name);
    h.node("c", { ready: false });
    const op = h.operation("up", { concurrency: 1 });
    h.claim(op, ["a"]);
    h.failNode(op, "a");
    h.claim(op, ["b"]);
    h.upgradeNode(op, "b");
    h.end(op, "Failed");
    const stopped = h.operation("stopped", { stopOnFailure: true, concurrency: 1 });
    h.claim(stopped, ["b"]);
    h.failNode(stopped, "b");
    h.end(stopped, "Failed");
    expect(h.messages("EveryTargetAttempted")).toEqual([]);
  });
  it("is broken by the entry of a Ready node that begins as a failure", () => {
    const h = new History();
    h.node("a");
    const op = h.operation("up");
    h.conclude(op, "a", "Failed", "StoppedOnFailure");
    expect(h.messages("EveryTargetAttempted")).toEqual([
      "NodeOp default/up gave up node a (StoppedOnFailure) without starting it, although it is Ready",
    ]);
  });
  it("is broken by a node that is given up, or skipped, before it was not Ready for readySeconds", () => {
    expect([givenUpAfter(3_600_000), givenUpAfter(3_599_999)]).toEqual([0, 1]);
    expect([givenUpAfter(3_600_000, {}, "Completed"), givenUpAfter(0, {}, "Completed")]).toEqual([
      0, 1,
    ]);
    expect(givenUpAfter(60_000, { deadlines: { readySeconds: 60 } })).toBe(0);
    expect(givenUpAfter(1e9, { deadlines: { readySeconds: 0 } })).toBe(1);
  });
  it("is broken when a failure keeps another node from being started", () => {
    const h = new History();
    for (const name of ["a", "b"]) h.node(name);
    const op = h.operation("up", { concurrency: 1 });
    h.claim(op, ["a"]);
    h.failNode(op, "a");
    h.end(op, "Failed");
    expect(h.broken()).toEqual(["EveryTargetAttempted"]);
    expect(h.messages("EveryTargetAttempted")[0]).toContain("without starting b");
  });
});
