/** Who may hold a Node, and what the patches of hold and release leave alone. */
import { describe, expect, it } from "@effect/vitest";
import { type Marks, otherOperationOf, releasePatch } from "../../../src/domain/rollout/hold.ts";
import { own } from "../../../src/services/fake/json.ts";
import { jsonPatch } from "../../../src/services/fake/patch/jsonPatch.ts";
import { operation } from "./support.ts";

const COMPLETED = {
  conditions: [
    {
      type: "Completed",
      status: "True",
      reason: "Completed",
      message: "",
      lastTransitionTime: "2026-01-01T00:00:00Z",
    },
  ],
};

describe("another operation", () => {
  it.each([
    ["live while it has not ended", {}, {}, "live"],
    ["finished once it has", COMPLETED, {}, "finished"],
    [
      "live while it takes its cordons off, deleted after its end",
      COMPLETED,
      { deletionTimestamp: "2026-01-01T00:00:00Z" },
      "live",
    ],
  ])("is %s", (_name, status, metadata, expected) =>
    expect(otherOperationOf(operation({ status, metadata }))).toBe(expected),
  );
});

describe("a release", () => {
  const held = "operator.kairos.io/held-by";
  const cordoned = "operator.kairos.io/cordoned-by";
  const marked = {
    metadata: { name: "w", uid: "w-uid", annotations: { [held]: "a", [cordoned]: "b", own: "c" } },
    spec: { unschedulable: true, taints: [] },
  };
  const apply = (marks: Marks, node: object = marked) =>
    jsonPatch(own(node), releasePatch("w-uid", marks));

  it("of a hold leaves the cordon", () =>
    expect(apply({ heldBy: "a" })).toEqual({
      metadata: { ...marked.metadata, annotations: { [cordoned]: "b", own: "c" } },
      spec: marked.spec,
    }));
  it("of a cordon leaves the hold", () =>
    expect(apply({ cordonedBy: "b" })).toEqual({
      metadata: { ...marked.metadata, annotations: { [held]: "a", own: "c" } },
      spec: { unschedulable: false, taints: [] },
    }));
  it("of both works where a person has uncordoned already", () =>
    expect(apply({ heldBy: "a", cordonedBy: "b" }, { ...marked, spec: {} })).toEqual({
      metadata: { ...marked.metadata, annotations: { own: "c" } },
      spec: { unschedulable: false },
    }));
  it.each([
    ["somebody else's hold", { heldBy: "b" }, marked],
    ["a hold that is gone", { heldBy: "a" }, { ...marked, metadata: { uid: "w-uid" } }],
    ["both when one is not ours", { heldBy: "a", cordonedBy: "a" }, marked],
    ["another Node's", { heldBy: "a" }, { ...marked, metadata: { ...marked.metadata, uid: "x" } }],
  ] as const)("never takes %s", (_name, marks, node) => expect(apply(marks, node)).toBeUndefined());
});
