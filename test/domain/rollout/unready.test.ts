/** Targets that are not Ready when it is their turn: who passes them, when their time is up, and what becomes of them. */
import { describe, expect, it } from "@effect/vitest";
import type { Node } from "../../../src/domain/kube/node.ts";
import { decide } from "../../../src/domain/rollout/decide.ts";
import { noteOf } from "../../../src/domain/rollout/decision.ts";
import { entry, node, observed, operation, START } from "./support.ts";

const SINCE = "2026-01-01T00:00:00Z";
/** The end of the second that was stored, and an hour. */
const DEADLINE = START + 3_601_000;
const LIVE = [{ _tag: "Node", node: "a" }] as const;

const unready = (name: string): Node => node(name, { ready: false });

const withPlane = (ready: boolean): ReadonlyArray<Node> => [
  node("cp", { controlPlane: true, ready }),
  node("b"),
  node("c"),
];

const seenAt = (
  now: number,
  options: {
    readonly nodes?: ReadonlyArray<Node>;
    readonly spec?: object;
    readonly since?: Record<string, string>;
    readonly entries?: object;
    readonly live?: typeof LIVE | readonly [];
    readonly change?: object;
  } = {},
) =>
  observed({
    operation: operation({
      spec: { concurrency: 1, ...options.spec },
      status: {
        observedGeneration: 1,
        ...(options.since === undefined ? {} : { notReadySince: options.since }),
        ...(options.entries === undefined ? {} : { nodeStatuses: options.entries }),
      },
    }),
    nodes: options.nodes ?? [unready("a"), node("b")],
    now,
    live: options.live ?? [],
    change: options.change ?? {},
  });

const statusOf = (seen: ReturnType<typeof seenAt>) => decide(seen).outlook().status;

describe("a target that is not Ready", () => {
  it("takes no slot: others pass it, and its clock is stored with their claim", () => {
    const status = statusOf(seenAt(START, {}));
    expect(Object.keys(status.nodeStatuses ?? {})).toEqual(["b"]);
    expect(status.notReadySince).toEqual({ a: SINCE });
  });

  it("is passed by workers even if it is a control plane, and comes before them once it is Ready", () => {
    const passed = statusOf(seenAt(START, { nodes: withPlane(false) }));
    expect(Object.keys(passed.nodeStatuses ?? {})).toEqual(["b"]);
    const back = statusOf(seenAt(START, { nodes: withPlane(true), since: { cp: SINCE } }));
    expect(Object.keys(back.nodeStatuses ?? {})).toEqual(["cp"]);
    expect(back.notReadySince).toBeUndefined();
  });

  it("is named in the message, with the time at which it is given up, and the operation wakes then", () => {
    const outlook = decide(seenAt(START, { nodes: [unready("a")], since: { a: SINCE } })).outlook();
    expect(outlook.status.message).toBe(
      "Waiting for a: it is not Ready; it starts when it is, or fails at 2026-01-01T01:00:01Z",
    );
    expect(outlook.wakeAt).toBe(DEADLINE);
  });

  it("is named in the message while others run, too", () => {
    const entries = { b: entry("b", { stage: "Upgrading", phase: "Running" }) };
    expect(statusOf(seenAt(START, { since: { a: SINCE }, entries })).message).toBe(
      "0 of 2 nodes are done, 1 in flight. Waiting for a: it is not Ready; it starts when it is, or fails at 2026-01-01T01:00:01Z",
    );
  });

  it("has a reason that says until when, whether or not a slot is free", () => {
    const entries = { b: entry("b", { stage: "Upgrading", phase: "Running" }) };
    const decision = decide(seenAt(START, { since: { a: SINCE }, entries }));
    expect(noteOf(decision, "a")).toMatchObject({ reason: "NotReady" });
  });

  it("waits for ever where readySeconds is 0, and says nothing of a time", () => {
    const spec = { deadlines: { readySeconds: 0 } };
    const seen = seenAt(START + 1e9, { nodes: [unready("a")], spec, since: { a: SINCE } });
    expect(decide(seen).confirm).toEqual([]);
    expect(decide(seen).outlook()).toMatchObject({
      status: { message: "Waiting for a: it is not Ready; it starts when it is" },
      wakeAt: undefined,
    });
  });
});

describe("the clock of a target that is not Ready", () => {
  it("does not start before its turn: while every slot is taken it may still come back", () => {
    const entries = { b: entry("b", { stage: "Upgrading", phase: "Running" }) };
    expect(statusOf(seenAt(START, { entries })).notReadySince).toBeUndefined();
  });
  it("is kept as it was stored, so that a restart of the operator does not reset it", () => {
    expect(statusOf(seenAt(START + 60_000, { since: { a: SINCE } })).notReadySince).toEqual({
      a: SINCE,
    });
  });
  it.each([
    ["is Ready", [node("a")], {}],
    ["is gone", [], {}],
    ["matches no more", [unready("a")], { targets: [] }],
    [
      "is worked on by another operation",
      [unready("a")],
      { claimedByOthers: new Map([["a", "x/y"]]) },
    ],
  ])("stops when the node %s", (_name, [...nodes], change) => {
    const entries = { b: entry("b", { stage: "Upgrading", phase: "Running" }) };
    const seen = seenAt(START, {
      nodes: [...nodes, node("b")],
      since: { a: SINCE },
      entries,
      change,
    });
    expect(statusOf(seen).notReadySince).toBeUndefined();
  });
});

describe("a target that was not Ready in time", () => {
  const since = { a: SINCE };
  it("is looked at live before it is given up, and not a moment before its deadline", () => {
    expect(decide(seenAt(DEADLINE - 1, { since })).confirm).toEqual([]);
    const due = decide(seenAt(DEADLINE, { since }));
    expect(due.confirm).toEqual(LIVE);
    expect(due.outlook().status.nodeStatuses?.["a"]).toBeUndefined();
  });
  it("has failed, and never held a slot", () => {
    const status = statusOf(seenAt(DEADLINE, { since, live: LIVE }));
    expect(status.nodeStatuses?.["a"]).toEqual({
      phase: "Failed",
      reason: "NotReady",
      message: "Not started: the node was not Ready for 3600 s",
      rebootStatus: "cancelled",
      nodeUID: "a-uid",
      lastUpdated: "2026-01-01T01:00:01Z",
      finishedAt: "2026-01-01T01:00:01Z",
    });
    expect(status.nodeStatuses?.["b"]?.stage).toBe("Preparing");
    expect(status).toMatchObject({ phase: "Failed", failed: 1, running: 1 });
    expect(status.notReadySince).toBeUndefined();
  });
  it("stops an operation with stopOnFailure in the very write that says so", () => {
    const status = statusOf(seenAt(DEADLINE, { since, live: LIVE, spec: { stopOnFailure: true } }));
    expect(Object.keys(status.nodeStatuses ?? {})).toEqual(["a"]);
    expect(status.message).toBe(
      "a failed: Not started: the node was not Ready for 3600 s. Stopped; 1 not started",
    );
  });
  it("is skipped with unreadyNodes: Skip, and the operation completes without it", () => {
    const status = statusOf(
      seenAt(DEADLINE, {
        nodes: [unready("a")],
        since,
        live: LIVE,
        spec: { unreadyNodes: "Skip", stopOnFailure: true },
      }),
    );
    expect(status.nodeStatuses?.["a"]).toMatchObject({
      phase: "Completed",
      reason: "Skipped",
      rebootStatus: "not-requested",
    });
    expect(status).toMatchObject({
      phase: "Completed",
      skipped: 1,
      message: "All 1 nodes are done, 1 of them skipped",
    });
  });
  it("is not given up when the live read shows it Ready: it starts", () => {
    const status = statusOf(seenAt(DEADLINE, { nodes: [node("a"), node("b")], since, live: LIVE }));
    expect(status.nodeStatuses?.["a"]?.stage).toBe("Preparing");
  });
  it("is left as it is once another failure has stopped the operation", () => {
    const entries = { b: entry("b", { phase: "Failed", reason: "JobFailed" }) };
    const spec = { stopOnFailure: true };
    const seen = seenAt(DEADLINE, { since, live: LIVE, entries, spec });
    expect(statusOf(seen).nodeStatuses?.["a"]).toBeUndefined();
  });
});

describe("an operation that includes new nodes", () => {
  const spec = { includeNewNodes: true };
  const done = { a: { phase: "Completed", nodeUID: "a-uid" } };
  it("stays open when all are done, and says what it waits for", () => {
    const status = statusOf(seenAt(START, { nodes: [node("a")], entries: done, spec }));
    expect(status).toMatchObject({
      phase: "Running",
      message: "All 1 nodes are done; waiting for new nodes that match",
    });
    expect(status.conditions).toContainEqual(
      expect.objectContaining({
        type: "Reconciling",
        status: "True",
        reason: "WaitingForNewNodes",
      }),
    );
    expect(status.conditions?.filter((one) => one.status === "True")).toHaveLength(1);
  });
  it("takes a node that joins", () => {
    const status = statusOf(seenAt(START, { nodes: [node("a"), node("b")], entries: done, spec }));
    expect(status.nodeStatuses?.["b"]?.stage).toBe("Preparing");
  });
  it("keeps no finalizer while it waits: it can be deleted at once", () => {
    const { actions } = decide(
      seenAt(START, { nodes: [node("a")], entries: done, spec }),
    ).outlook();
    expect(actions).toEqual([{ _tag: "RemoveFinalizer" }]);
  });
  it("ends when it is told to take no more, or when a failure stops it", () => {
    expect(statusOf(seenAt(START, { nodes: [node("a")], entries: done })).phase).toBe("Completed");
    const entries = { a: { phase: "Failed", reason: "JobFailed", nodeUID: "a-uid" } };
    const failed = (stopOnFailure: boolean) =>
      statusOf(
        seenAt(START, { nodes: [node("a")], entries, spec: { ...spec, stopOnFailure } }),
      ).conditions?.find(({ type }) => type === "Failed")?.status;
    expect([failed(true), failed(false)]).toEqual(["True", "False"]);
  });
});

describe("nodes that match after the end", () => {
  it("are not taken, and cost no write: whoever asks is told how many there are", () => {
    const seen = seenAt(START, {
      nodes: [node("a")],
      entries: { a: { phase: "Completed", nodeUID: "a-uid" } },
    });
    const over = decide(seen).outlook().status;
    const operationOver = { ...seen.operation, status: over };
    const later = observed({ operation: operationOver, nodes: [node("a"), node("b"), node("c")] });
    const decision = decide(later);
    expect(decision.outlook().status).toBe(over);
    expect(noteOf(decision, "b")).toEqual({
      reason: "Ended",
      message:
        "the operation has ended; 2 more that match now are not taken: create one with a new name for them",
    });
  });
});
