/** What is done to Nodes: OnlySelectedNodes, OnlyOurCordons, NoCordonLeft. */
import { describe, expect, it } from "@effect/vitest";
import {
  ANNOTATION_CORDONED_BY,
  ANNOTATION_HELD_BY,
  LABEL_PREFLIGHT,
  LABEL_REBOOT,
} from "../../../src/domain/labels.ts";
import { Jobs } from "../../../src/domain/kube/resource.ts";
import { History } from "./history.ts";

const SELECTED = { labels: { pool: "x" } };
const SELECTOR = { nodeSelector: { matchLabels: { pool: "x" } } };

const VANISHED = "default/vanished@long-ago";
/** As a Node is found when its operation vanished while nobody looked. */
const CAME_MARKED = {
  annotations: { [ANNOTATION_HELD_BY]: VANISHED, [ANNOTATION_CORDONED_BY]: VANISHED },
  unschedulable: true,
};

const upgraded = (spec = {}) => {
  const h = new History();
  h.node("a", SELECTED);
  const op = h.operation("up", { ...SELECTOR, ...spec });
  h.claim(op, ["a"]);
  return { h, op };
};

const claimedWith = (sentBefore: number) => {
  const { h, op } = upgraded();
  h.node("b", SELECTED);
  h.wait(10).update(h.nodeRef("b"), {}, { labels: {} }, { actor: "user" });
  h.wait(10).claim(op, ["b"], { sentAt: h.at - sentBefore });
  return h.messages("OnlySelectedNodes").length;
};

describe("OnlySelectedNodes", () => {
  it("holds for selected nodes, for all nodes without a selector, and when labels change after the claim", () => {
    const { h, op } = upgraded();
    h.update(h.nodeRef("a"), {}, { labels: {} }, { actor: "user" });
    h.upgradeNode(op, "a");
    h.node("b");
    const all = h.operation("all");
    h.claim(all, ["a", "b"]);
    h.pod(all, "b", LABEL_PREFLIGHT);
    expect(h.messages("OnlySelectedNodes")).toEqual([]);
  });
  it("is broken by the claim of a node that does not match, or does not exist", () => {
    const { h, op } = upgraded();
    h.node("b");
    h.claim(op, ["b", "ghost"]);
    expect(h.broken()).toEqual(["OnlySelectedNodes"]);
    expect(h.messages("OnlySelectedNodes")[0]).toContain("claimed b, ghost");
  });
  it("excuses a claim that was sent while the node still matched", () => {
    expect([claimedWith(15), claimedWith(5)]).toEqual([0, 1]);
  });
  it.each([
    ["a Job", (h: History, op: Parameters<History["job"]>[0]) => h.job(op, "b")],
    ["a Pod", (h: History, op: Parameters<History["job"]>[0]) => h.pod(op, "b", LABEL_REBOOT)],
    [
      "a hold",
      (h: History, op: Parameters<History["job"]>[0]) => h.hold(op, "b", { cordon: false }),
    ],
    ["a cordon", (h: History, op: Parameters<History["job"]>[0]) => h.hold(op, "b")],
  ])("is broken by %s on a node that was not claimed", (_, act) => {
    const { h, op } = upgraded({ rebootOnSuccess: false });
    h.node("b", SELECTED);
    act(h, op);
    expect(h.broken()).toEqual(["OnlySelectedNodes"]);
  });
  it("is broken by a Job that names no node, and not by holds and cordons that people forge", () => {
    const { h, op } = upgraded({ rebootOnSuccess: false });
    h.node("b");
    h.hold(op, "b", { write: { actor: "user" } });
    expect(h.broken()).toEqual([]);
    h.create(Jobs, "stray", h.owned(op), { spec: { suspend: true, template: { spec: {} } } });
    expect(h.messages("OnlySelectedNodes")).toEqual([expect.stringContaining("names no node")]);
  });
});

describe("OnlyOurCordons", () => {
  it("holds when the operator takes off its own cordon, and when a person takes off any", () => {
    const { h, op } = upgraded();
    h.hold(op, "a");
    h.release("a");
    h.cordon("a", true);
    h.cordon("a", false);
    expect(h.broken()).toEqual([]);
  });
  it("holds when an operation takes over the cordon that a finished one left", () => {
    const { h, op } = upgraded();
    h.failNode(op, "a");
    h.claim(op, []);
    const next = h.operation("next");
    h.claim(next, ["a"]);
    h.hold(next, "a");
    h.release("a");
    expect(h.messages("OnlyOurCordons")).toEqual([]);
  });
  it("holds when the marks with which a Node came are swept, or taken over, after their operation vanished", () => {
    const swept = new History();
    swept.node("a", CAME_MARKED);
    swept.release("a");
    expect(swept.finish().broken()).toEqual([]);
    const taken = new History();
    taken.node("a", CAME_MARKED);
    const op = taken.operation("up");
    taken.claim(op, ["a"]);
    taken.upgradeNode(op, "a");
    expect(taken.broken()).toEqual([]);
  });
  it("is broken when the Node came with a cordon and no signature, or with that of an operation that lives", () => {
    const persons = new History();
    persons.node("a", { ...CAME_MARKED, annotations: { [ANNOTATION_HELD_BY]: VANISHED } });
    persons.release("a");
    expect(persons.broken()).toEqual(["OnlyOurCordons"]);
    const alive = new History();
    const op = alive.operation("up");
    const signature = `default/up@${op.uid}`;
    alive.node("a", { ...CAME_MARKED, annotations: { [ANNOTATION_CORDONED_BY]: signature } });
    alive.release("a");
    expect(alive.messages("OnlyOurCordons")).toEqual([
      expect.stringContaining("was not made by the operator"),
    ]);
  });
  it("is broken when the operator removes a person's cordon", () => {
    const { h } = upgraded();
    h.cordon("a", true);
    h.cordon("a", false, "operator");
    expect(h.broken()).toEqual(["OnlyOurCordons"]);
  });
  it("is broken when the operator signs a person's cordon and later removes it", () => {
    const { h, op } = upgraded();
    h.cordon("a", true);
    h.hold(op, "a");
    h.release("a");
    expect(h.messages("OnlyOurCordons")).toHaveLength(2);
  });
  it("is broken when our annotation was gone before the uncordon", () => {
    const { h, op } = upgraded();
    h.hold(op, "a");
    h.annotate(h.nodeRef("a"), { [ANNOTATION_CORDONED_BY]: null }, { actor: "user" });
    h.cordon("a", false, "operator");
    expect(h.broken()).toEqual(["OnlyOurCordons"]);
  });
  it("is broken when the Node is another one of the same name", () => {
    const { h, op } = upgraded();
    h.hold(op, "a");
    const annotations = h.get(h.nodeRef("a")).metadata.annotations ?? {};
    h.remove(h.nodeRef("a"), { actor: "user" });
    const again = h.node("a", { ...SELECTED, uid: "node-a2" });
    h.update(again, { spec: { unschedulable: true } }, { annotations }, { actor: "user" });
    h.update(again, { spec: {} }, { annotations: {} });
    expect(h.messages("OnlyOurCordons")).toHaveLength(1);
  });
  it("is broken by a cordon that nobody signed", () => {
    const { h } = upgraded();
    h.cordon("a", true, "operator");
    expect(h.broken()).toEqual(["OnlyOurCordons"]);
  });
});

const left = (spec: object, gone: boolean) => {
  const { h, op } = upgraded(spec);
  h.failNode(op, "a");
  h.end(op, "Failed");
  if (gone) h.remove(op, { actor: "user" });
  return h.finish().broken();
};

describe("NoCordonLeft", () => {
  it("is broken when the marks with which a Node came, of an operation that vanished, are never swept", () => {
    const h = new History();
    h.node("a", CAME_MARKED);
    expect(h.finish().messages("NoCordonLeft")).toHaveLength(2);
  });
  it("holds when everything was taken off", () => {
    const { h, op } = upgraded();
    h.upgradeNode(op, "a");
    h.end(op);
    expect(h.finish().broken()).toEqual([]);
  });
  it("holds for the cordon of a failed node, unless it was to be uncordoned or its operation is gone", () => {
    expect(left({}, false)).toEqual([]);
    expect(left({ uncordonOnFailure: true }, false)).toEqual(["NoCordonLeft"]);
    expect(left({}, true)).toEqual(["NoCordonLeft"]);
  });
  it("is broken by a hold that its operation leaves behind", () => {
    const { h, op } = upgraded({ cordon: false });
    h.hold(op, "a", { cordon: false });
    h.conclude(op, "a", "Failed", "JobGone");
    h.end(op, "Failed");
    expect(h.finish().broken()).toEqual(["NoCordonLeft"]);
  });
  it("is broken by a hold of an operation that never existed", () => {
    const { h } = upgraded();
    h.annotate(h.nodeRef("a"), { [ANNOTATION_HELD_BY]: "default/x@nobody" }, { actor: "user" });
    expect(h.finish().messages("NoCordonLeft")).toEqual([
      expect.stringContaining("unknown operation nobody"),
    ]);
  });
  it("is broken when more nodes are cordoned than may be in flight, failed ones not counted", () => {
    const h = new History();
    for (const name of ["a", "b", "c"]) h.node(name);
    const op = h.operation("up", { concurrency: 1 });
    h.claim(op, ["a"]);
    h.failNode(op, "a");
    h.claim(op, ["b"]);
    h.hold(op, "b");
    expect(h.messages("NoCordonLeft")).toEqual([]);
    h.conclude(op, "b", "Completed", "Skipped");
    h.claim(op, ["c"]);
    h.hold(op, "c");
    expect(h.messages("NoCordonLeft")).toEqual([expect.stringContaining("(b, c)")]);
  });
});
