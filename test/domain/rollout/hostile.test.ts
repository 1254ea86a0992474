/** A cluster that fights back: Nodes that vanish, are replaced or relabelled, cordons that people make, other operations. */
import { describe, expect, it } from "@effect/vitest";
import type { Node } from "../../../src/domain/kube/node.ts";
import { decide } from "../../../src/domain/rollout/decide.ts";
import { cordonsToo, isHeldAsWanted, marksOf } from "../../../src/domain/rollout/hold.ts";
import type {
  NodeInFlight,
  Observed,
  OtherOperation,
} from "../../../src/domain/rollout/observed.ts";
import type { NodeStatus } from "../../../src/domain/api/status.ts";
import { HELD, inStage, job, MINE, node, preflightPod, rebootPod, START } from "./support.ts";

const NODE = { _tag: "Node", node: "w" } as const;
const JOB = { _tag: "Job", node: "w" } as const;
const JOB_PODS = { _tag: "JobPods", node: "w" } as const;
const REBOOT_POD = { _tag: "RebootPod", node: "w" } as const;

const STAGES: ReadonlyArray<Partial<NodeStatus>> = [
  { stage: "Claimed", phase: "Preflight" },
  { stage: "Preparing" },
  { stage: "Upgrading", phase: "Running", jobUID: "w-job" },
  { stage: "Rebooting", phase: "Completed", jobUID: "w-job" },
  { stage: "Followed", phase: "Running", jobUID: "w-job" },
  { stage: "Releasing", phase: "Completed", reason: "Skipped" },
  {
    stage: "Cancelling",
    phase: "Failed",
    reason: "JobFailed",
    endingSince: "2026-01-01T00:00:00Z",
  },
  { stage: "Settling", phase: "Failed", reason: "JobFailed", endingSince: "2026-01-01T00:00:00Z" },
];

const entryAfter = (seen: Observed) => decide(seen).outlook().status.nodeStatuses?.["w"];

describe("a Node that is deleted, or replaced by another of its name", () => {
  const live = [NODE, JOB, JOB_PODS, REBOOT_POD];
  /** The way out, and how it ends when nothing of the node is left. */
  const ways: Readonly<Record<string, string>> = {
    Claimed: "Cancelling NodeGone",
    Preparing: "Cancelling NodeGone",
    Upgrading: "Cancelling NodeGone",
    // The machine may live on and reboot: a grant, or the Go original's Pod that needs none, cannot be taken back.
    Rebooting: "Settling NodeGone",
    Followed: "Settling NodeGone",
    Releasing: "Completed Skipped",
    Cancelling: "Failed JobFailed",
    Settling: "Failed JobFailed",
  };
  it.each(
    STAGES.flatMap((stage) =>
      (["deleted", "replaced"] as const).map((what) => ({ stage, what, name: stage.stage! })),
    ),
  )("in stage $name, $what: is believed by a live read only, and leads to a way out", (row) => {
    const other = row.what === "deleted" ? undefined : node("w", { uid: "reborn" });
    const blind = inStage(row.stage, { node: other });
    // Nothing has been done to a node that is skipped: nothing can be left on it either.
    const isBelieved = entryAfter(blind) !== blind.operation.status.nodeStatuses?.["w"];
    expect([isBelieved, decide(blind).confirm.length > 0]).toEqual(
      row.name === "Releasing" ? [true, false] : [false, true],
    );
    const after = entryAfter(inStage(row.stage, { node: other, live }));
    expect(`${after?.stage ?? after?.phase} ${after?.reason}`).toBe(ways[row.name]);
  });
  it("gets no request that was meant for the Node that was claimed", () => {
    const stranger = node("w", { uid: "reborn", unschedulable: true, annotations: HELD });
    for (const stage of STAGES) {
      const { actions } = decide(inStage(stage, { node: stranger, live }));
      expect(actions.filter(({ _tag }) => _tag === "Hold" || _tag === "Release")).toEqual([]);
    }
  });
  it("that has an entry is not started again when it comes back: it is another machine or another state", () => {
    const done = { phase: "Completed", nodeUID: "w-uid" } as const;
    const seen = inStage({}, { node: node("w", { uid: "reborn" }) });
    const ended = {
      ...seen,
      operation: {
        ...seen.operation,
        status: { ...seen.operation.status, nodeStatuses: { w: done } },
      },
    };
    expect(entryAfter(ended)).toBe(done);
  });
});

describe("a node that matches no more after its claim", () => {
  const children = [
    {},
    { preflightPod: preflightPod("w", { phase: "Running" }) },
    { rebootPod: rebootPod("w"), job: job("w", { suspend: true }) },
    { rebootPod: rebootPod("w"), job: job("w", { condition: "Complete" }) },
  ];
  it.each(STAGES)("goes on in stage $stage as if nothing had happened", (stage) => {
    for (const each of children) {
      const seen = inStage(stage, { children: each, live: [NODE] });
      const [as, relabelled] = [decide(seen), decide({ ...seen, targets: [] })];
      expect(relabelled.actions).toEqual(as.actions);
      expect(relabelled.confirm).toEqual(as.confirm);
      expect(relabelled.outlook().status.nodeStatuses).toEqual(as.outlook().status.nodeStatuses);
      expect(relabelled.outlook().status.total).toBe(1);
    }
  });
});

const OTHER = "default/other@other";
const annotated = (heldBy: string | undefined, cordonedBy: string | undefined) => ({
  ...(heldBy === undefined ? {} : { "operator.kairos.io/held-by": heldBy }),
  ...(cordonedBy === undefined ? {} : { "operator.kairos.io/cordoned-by": cordonedBy }),
});
const marked = (
  unschedulable: boolean,
  heldBy: string | undefined,
  cordonedBy: string | undefined,
): Node => node("w", { unschedulable, annotations: annotated(heldBy, cordonedBy) });

const at = (seen: Node, cordon: boolean): NodeInFlight => {
  const observed = inStage({ stage: "Preparing" }, { node: seen, spec: { cordon } });
  return {
    observed,
    operation: observed.operation,
    name: "w",
    entry: observed.operation.status.nodeStatuses!["w"]!,
    node: seen,
    children: { jobPods: [] },
    now: observed.now,
  };
};

describe("cordons", () => {
  // Who cordoned it; what holding it does; whether it is held as wanted; what a release takes off.
  it.each([
    ["nobody's", marked(false, undefined, undefined), true, false, undefined],
    ["a person's, before the claim", marked(true, undefined, undefined), false, false, undefined],
    ["ours", marked(true, MINE, MINE), true, true, { heldBy: MINE, cordonedBy: MINE }],
    [
      "ours, taken off by a person meanwhile",
      marked(false, MINE, MINE),
      true,
      false,
      { heldBy: MINE, cordonedBy: MINE },
    ],
    ["a person's, held by us", marked(true, MINE, undefined), false, true, { heldBy: MINE }],
    [
      "a person's, taken off while we hold it",
      marked(false, MINE, undefined),
      true,
      false,
      { heldBy: MINE },
    ],
    ["left by an operation that has ended", marked(true, OTHER, OTHER), true, false, undefined],
    ["left by another, held by us", marked(true, MINE, OTHER), true, true, { heldBy: MINE }],
    ["left by another below no cordon", marked(false, undefined, OTHER), true, false, undefined],
    [
      "ours after our hold has gone",
      marked(true, undefined, MINE),
      true,
      false,
      { cordonedBy: MINE },
    ],
  ] as const)("%s", (_name, seen, cordons, isWanted, marks) => {
    expect(cordonsToo(at(seen, true), seen)).toBe(cordons);
    expect(isHeldAsWanted(at(seen, true), seen)).toBe(isWanted);
    expect(marksOf(MINE, seen, true)).toEqual(marks);
    // An operation that cordons nothing neither makes nor adopts one, and wants none.
    expect(cordonsToo(at(seen, false), seen)).toBe(false);
    expect(isHeldAsWanted(at(seen, false), seen)).toBe(
      seen.metadata.annotations?.["operator.kairos.io/held-by"] === MINE,
    );
  });
  it("a person's is never among the marks that a release takes off, whatever else is on the Node", () => {
    for (const heldBy of [undefined, MINE, OTHER])
      for (const cordonedBy of [undefined, OTHER])
        for (const uncordon of [true, false])
          expect(
            marksOf(MINE, marked(true, heldBy, cordonedBy), uncordon)?.cordonedBy,
          ).toBeUndefined();
  });
  it("a node that keeps its cordon after a failure is let go all the same", () =>
    expect(marksOf(MINE, marked(true, MINE, MINE), false)).toEqual({ heldBy: MINE }));
});

describe("a node that two operations have claimed", () => {
  const preparing = { stage: "Preparing" } as const;
  const told = {
    ...preparing,
    reason: "HeldByAnother",
    message: `Waiting: the node is held by ${OTHER}`,
  };
  const DAYS = START + 3 * 86_400_000;
  const theirs = marked(true, OTHER, OTHER);
  const otherOperations = new Map<string, OtherOperation>([["other", "live"]]);
  const change = { otherOperations };

  it("has no deadline while the other one holds it, and is not looked at again before something changes", () => {
    const decision = decide(inStage(told, { node: theirs, now: DAYS, change }));
    expect(decision.steps.get("w")?.step).toMatchObject({ _tag: "Wait", until: undefined });
    expect(decision.wakeAt).toBeUndefined();
  });
  it("gets no reboot Pod before the other one has let go of it", () =>
    expect(decide(inStage(told, { node: theirs, now: DAYS, change })).actions).toEqual([]));
  it("starts its clock when it is let go", () => {
    const after = entryAfter(inStage(told, { now: DAYS, change }));
    expect(after).toMatchObject({ stage: "Preparing", stageStartedAt: "2026-01-04T00:00:00Z" });
    expect(after?.reason).toBeUndefined();
  });
  it("starts its clock, too, when something else becomes the problem", () => {
    const problem = { reason: "RequestRefused", message: "not permitted", problem: true };
    const after = entryAfter(
      inStage(told, {
        node: theirs,
        now: DAYS,
        change: { problems: new Map([["w", problem]]) },
      }),
    );
    expect(after).toMatchObject({
      reason: "RequestRefused",
      stageStartedAt: "2026-01-04T00:00:00Z",
    });
  });
  it("still ends early when its operation is deleted", () => {
    const metadata = { deletionTimestamp: "2026-01-01T00:00:00Z" };
    expect(entryAfter(inStage(told, { node: theirs, now: DAYS, change, metadata }))).toMatchObject({
      stage: "Cancelling",
      reason: "OperationDeleted",
    });
  });
});
