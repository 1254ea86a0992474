/** Targets in a cluster that fights back: UnreadyGivenUp, GoneNodesFreeSlots, HeldNodesDoNotFail. */
import { describe, expect, it } from "@effect/vitest";
import { claimed, History } from "./history.ts";
import type { Json, Ref } from "./store.ts";

/** `a` runs its own way, `b` is not Ready from the start; `millis` after the operation began something happens. */
const waitedFor = (
  millis: number,
  spec: Json = {},
  meanwhile: (h: History, op: Ref) => void = () => undefined,
) => {
  const h = new History();
  h.node("b", { ready: false });
  const op = h.operation("up", { concurrency: 1, ...spec });
  meanwhile(h, op);
  h.wait(millis).node("witness", { labels: { other: "x" }, ready: false });
  return h.messages("UnreadyGivenUp");
};

/** An hour, the end of the second that was stored, and a second to react. */
const LONGEST = 3_602_000;

const longer = (meanwhile: (h: History, op: Ref) => void, spec: Json = {}) =>
  waitedFor(LONGEST + 1, spec, meanwhile);

const busy = (h: History, op: Ref): void => {
  h.node("a");
  h.claim(op, ["a"]);
};

describe("UnreadyGivenUp", () => {
  it("holds until the deadline, and for ever where readySeconds is 0", () => {
    expect(waitedFor(LONGEST)).toEqual([]);
    expect(waitedFor(1e9, { deadlines: { readySeconds: 0 } })).toEqual([]);
  });
  it("is broken by a target that waits longer than readySeconds", () => {
    expect(waitedFor(LONGEST + 1)).toEqual([expect.stringContaining("has waited for b")]);
    expect(waitedFor(62_001, { deadlines: { readySeconds: 60 } })).toHaveLength(1);
  });
  it("holds while no slot is free, the node is another's, the operator is down, or nothing may start", () => {
    expect(longer(busy)).toEqual([]);
    expect(longer(busy, { concurrency: 2 })).toHaveLength(1);
    expect(
      longer((h) => h.hold(h.operation("other", { deadlines: { readySeconds: 0 } }), "b")),
    ).toEqual([]);
    expect(longer((h) => h.operator(false))).toEqual([]);
    expect(longer((h, op) => h.mark(op))).toEqual([]);
  });
  it("holds when the clock starts anew, because the node was Ready in between", () => {
    expect(
      waitedFor(LONGEST - 1000, { stopOnFailure: true }, (h) => {
        h.wait(2000).ready("b", true);
        h.ready("b", false);
      }),
    ).toEqual([]);
  });
});

/** The Node of a claim vanishes; `millis` later something else happens. */
const gone = (millis: number, meanwhile: (h: History, op: Ref) => void = () => undefined) => {
  const { h, op } = claimed();
  h.prepare(op, "a");
  h.remove(h.nodeRef("a"), { actor: "user" });
  meanwhile(h, op);
  h.wait(millis).node("witness");
  return h.messages("GoneNodesFreeSlots");
};

const settles = (h: History, op: Ref): void =>
  h.status(op, { a: { ...h.entry(op, "a"), phase: "Failed", stage: "Settling" } });

describe("GoneNodesFreeSlots", () => {
  it("is broken by a slot that is held for a Node that is gone, or replaced", () => {
    expect(gone(31_000)).toEqual([]);
    expect(gone(31_001)).toEqual([expect.stringContaining("keeps a slot for node a")]);
    expect(gone(31_001, (h) => void h.node("a", { uid: "reborn" }))).toHaveLength(1);
  });
  it("holds when the slot is freed in time, the operator is down, or a reboot may still come", () => {
    expect(gone(1e9, (h, op) => h.conclude(op, "a", "Failed", "NodeGone"))).toEqual([]);
    expect(gone(1e9, (h) => h.operator(false))).toEqual([]);
    expect(gone(1e9, settles)).toEqual([]);
  });
  it("is broken by a node that counts as upgraded although its Node is gone", () => {
    const { h, op } = claimed();
    h.prepare(op, "a");
    h.remove(h.nodeRef("a"), { actor: "user" });
    h.wait(5000).node("witness");
    h.conclude(op, "a", "Completed");
    expect(h.messages("GoneNodesFreeSlots")).toEqual([
      expect.stringContaining("completed node a, which is gone"),
    ]);
  });
});

/** Two operations have claimed `a`; the first holds it, the second fails it for `reason`. */
const failed = (reason: string, before: (h: History, two: Ref) => void = () => undefined) => {
  const { h, op } = claimed();
  const two = h.operation("two");
  h.claim(two, ["a"]);
  before(h, two);
  h.hold(op, "a");
  h.status(two, { a: { ...h.entry(two, "a"), phase: "Failed", stage: "Cancelling", reason } });
  return h.messages("HeldNodesDoNotFail");
};

describe("HeldNodesDoNotFail", () => {
  it("is broken by the deadline of an operation that waits for another one's node", () => {
    expect(failed("UpgradeDeadlineExceeded")).toEqual([
      expect.stringContaining("failed node a by its deadline, which it never held"),
    ]);
  });
  it("holds for any other failure, and for a node that the operation has held itself", () => {
    expect(failed("OperationDeleted")).toEqual([]);
    expect(failed("UpgradeDeadlineExceeded", (h, two) => h.hold(two, "a"))).toEqual([]);
  });
});
