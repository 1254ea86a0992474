/** Which Pods leave a node: kubectl's filters in their order, its refusals in its words, and what we never evict. */
import { describe, expect, it } from "@effect/vitest";
import {
  type DrainRules,
  planDrain,
  podNames,
  verdictOn,
} from "../../../src/domain/drain/filter.ts";
import { nodePod } from "./support.ts";

/** Those of `kubectl drain` without flags, but for DaemonSets. */
const STRICT: DrainRules = {
  force: false,
  ignoreDaemonSets: true,
  deleteEmptyDirData: false,
  keepsUnmanaged: false,
};

const DELETING = "2026-01-01T00:00:00Z";
const MIRROR = { "kubernetes.io/config.mirror": "hash" };
const OURS = { "kairos.io/nodeop": "canary" };

type Case = readonly [
  what: string,
  pod: Parameters<typeof nodePod>[1],
  rules: Partial<DrainRules>,
  verdict: string,
];

const CASES: ReadonlyArray<Case> = [
  ["a Pod of a ReplicaSet", {}, {}, "Evict"],
  ["a Pod of a Job of somebody else", { owner: "Job" }, {}, "Evict"],
  ["a pending Pod", { phase: "Pending" }, {}, "Evict"],
  ["a Pod that is being deleted", { deletingSince: DELETING }, {}, "Leaving"],
  [
    "one of no controller that is being deleted",
    { owner: null, deletingSince: DELETING },
    {},
    "Leaving",
  ],
  ["a Pod of a DaemonSet", { owner: "DaemonSet" }, {}, "Stay"],
  ["a Pod of a DaemonSet with an emptyDir", { owner: "DaemonSet", emptyDir: true }, {}, "Stay"],
  [
    "a Pod of a DaemonSet, not ignored",
    { owner: "DaemonSet" },
    { ignoreDaemonSets: false },
    "Refuse",
  ],
  ["a deleted Pod of a DaemonSet", { owner: "DaemonSet", deletingSince: DELETING }, {}, "Stay"],
  ["a mirror of a static Pod", { owner: "Node", annotations: MIRROR }, {}, "Stay"],
  ["a mirror with an emptyDir", { owner: "Node", annotations: MIRROR, emptyDir: true }, {}, "Stay"],
  ["a Pod with an emptyDir", { emptyDir: true }, {}, "Refuse"],
  ["the same, allowed", { emptyDir: true }, { deleteEmptyDirData: true }, "Evict"],
  ["a Pod of no controller", { owner: null }, {}, "Refuse"],
  ["the same, forced", { owner: null }, { force: true }, "Evict"],
  ["the same, in an upgrade", { owner: null }, { keepsUnmanaged: true }, "Stay"],
  [
    "the same, in an upgrade, forced",
    { owner: null },
    { keepsUnmanaged: true, force: true },
    "Evict",
  ],
  ["the same, with an emptyDir", { owner: null, emptyDir: true }, { keepsUnmanaged: true }, "Stay"],
  ["forced, with an emptyDir", { owner: null, emptyDir: true }, { force: true }, "Refuse"],
  ["a Pod that has succeeded", { owner: "Job", phase: "Succeeded" }, {}, "Stay"],
  ["a Pod that has failed", { owner: null, phase: "Failed", emptyDir: true }, {}, "Stay"],
  ["a finished Pod being deleted", { phase: "Failed", deletingSince: DELETING }, {}, "Leaving"],
  [
    "a finished Pod of a DaemonSet",
    { owner: "DaemonSet", phase: "Failed" },
    { ignoreDaemonSets: false },
    "Stay",
  ],
  ["a Pod of an operation", { owner: "NodeOp", labels: OURS }, {}, "Stay"],
  ["a Pod of an operation's Job", { owner: "Job", labels: OURS, emptyDir: true }, {}, "Stay"],
  ["a Pod of an operation, forced", { owner: null, labels: OURS }, { force: true }, "Stay"],
  [
    "a deleted Pod of an operation",
    { owner: "NodeOp", labels: OURS, deletingSince: DELETING },
    {},
    "Stay",
  ],
];

describe("a Pod on a node that is drained", () => {
  it.each(CASES)("%s", (_what, pod, rules, verdict) => {
    expect(verdictOn(nodePod("a", pod), { ...STRICT, ...rules })._tag).toBe(verdict);
  });

  it("is never the operator's own, which is told by namespace and name", () => {
    const rules = { ...STRICT, ownPod: { namespace: "shop", name: "a" } };
    expect(verdictOn(nodePod("a"), rules)._tag).toBe("Stay");
    expect(verdictOn(nodePod("a", { namespace: "other" }), rules)._tag).toBe("Evict");
    expect(verdictOn(nodePod("b"), rules)._tag).toBe("Evict");
  });
});

describe("the plan for a node", () => {
  it("has every reason to refuse, in kubectl's words, with what to write and each Pod by name", () => {
    const { evict, leaving, refusals } = planDrain(
      [
        nodePod("web"),
        nodePod("bare-2", { owner: null }),
        nodePod("cache", { emptyDir: true }),
        nodePod("bare-1", { owner: null }),
        nodePod("log", { owner: "DaemonSet" }),
        nodePod("old", { deletingSince: DELETING }),
      ],
      { ...STRICT, ignoreDaemonSets: false },
    );
    expect(evict.map(({ metadata }) => metadata.name)).toEqual(["web"]);
    expect(leaving.map(({ metadata }) => metadata.name)).toEqual(["old"]);
    expect(refusals).toEqual([
      "cannot delete Pods that declare no controller (write drainOptions.force: true to override): shop/bare-1, shop/bare-2",
      "cannot delete Pods with local storage (write drainOptions.deleteEmptyDirData: true to override): shop/cache",
      "cannot delete DaemonSet-managed Pods (write drainOptions.ignoreDaemonSets: true to ignore): shop/log",
    ]);
  });

  it("names a few Pods and counts the others", () => {
    const pods = ["f", "e", "d", "c", "b", "a"].map((name) => nodePod(name));
    expect(podNames(pods)).toBe("shop/a, shop/b, shop/c, shop/d, shop/e and 1 more");
  });
});
