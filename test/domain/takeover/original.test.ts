/** How the objects of the Go original are told from ours, when they have ended, and what a takeover makes of them. */
import { describe, expect, it } from "@effect/vitest";
import type { Job } from "../../../src/domain/kube/job.ts";
import type { Node } from "../../../src/domain/kube/node.ts";
import type { Pod } from "../../../src/domain/kube/pod.ts";
import { decide } from "../../../src/domain/rollout/decide.ts";
import { drainOptionsOf } from "../../../src/domain/rollout/drain.ts";
import { invalidStatus } from "../../../src/domain/rollout/invalidSpec.ts";
import { isInFlight } from "../../../src/domain/rollout/entry.ts";
import type { Evidence, Leftovers } from "../../../src/domain/rollout/observed.ts";
import { bindingName, isBindingOf } from "../../../src/domain/takeover/binding.ts";
import { hasOriginalEnded } from "../../../src/domain/takeover/end.ts";
import {
  areRebootsReported,
  isOfOriginalsMaking,
  isOriginals,
} from "../../../src/domain/takeover/original.ts";
import { inStage, job, node, observed, operation } from "../rollout/support.ts";

const DONE = { phase: "Completed", rebootStatus: "completed", jobName: "a-job" } as const;
const FAILED = { phase: "Failed", rebootStatus: "cancelled", jobName: "a-job" } as const;
const RUNNING = { phase: "Running", rebootStatus: "pending", jobName: "a-job" } as const;
const LIVE: ReadonlyArray<Evidence> = [{ _tag: "Leftovers" }];

/** A Node that joined so many seconds after the operation was made. */
const joined = (name: string, seconds: number): Node => {
  const made = node(name);
  const creationTimestamp = new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)).toISOString();
  return { ...made, metadata: { ...made.metadata, creationTimestamp } };
};

const left = (
  nodeStatuses: object,
  options: { readonly spec?: object; readonly phase?: string; readonly metadata?: object } = {},
) =>
  operation({
    ...(options.spec === undefined ? {} : { spec: options.spec }),
    metadata: { finalizers: [], ...options.metadata },
    status: { phase: options.phase ?? "Completed", nodeStatuses },
  });

const onNode = <A extends Job | Pod>(child: A, name: string): A => ({
  ...child,
  metadata: { ...child.metadata, labels: { "kairos.io/node": name } },
});

const rebootPod = (phase: string, annotations: Record<string, string> = {}): Pod => ({
  metadata: { name: "reboot", uid: "reboot-uid", resourceVersion: "1", annotations },
  status: { phase },
});
const REPORTED = { "kairos.io/reboot-state": "completed" };

describe("a status is the original's", () => {
  it.each([
    ["a phase and no generation", { phase: "Running" }, true],
    [
      "a phase and the CRD's default generation",
      { phase: "Running", observedGeneration: -1 },
      true,
    ],
    ["nothing but that default: nobody has seen it", { observedGeneration: -1 }, false],
    ["a generation", { phase: "Running", observedGeneration: 1 }, false],
    ["conditions", { phase: "Running", conditions: [] }, false],
    ["no status", undefined, false],
  ])("with %s: %o → %s", (_, status, is) => expect(isOriginals(status)).toBe(is));
});

describe("an entry without a stage holds its slot", () => {
  it.each([
    [{ phase: "Preflight" }, true],
    [{ phase: "Pending" }, true],
    [{ phase: "Running" }, true],
    [{ phase: "Completed", rebootStatus: "pending" }, true],
    [{ phase: "Completed", rebootStatus: "completed" }, false],
    [{ phase: "Completed", rebootStatus: "not-requested" }, false],
    [{ phase: "Failed", rebootStatus: "pending" }, false],
  ] as const)("%o → %s", (entry, holds) => expect(isInFlight(entry)).toBe(holds));
});

/** Two targets, of which b joined so many seconds after the operation was made. */
const lateBy = (seconds: number) => ({
  targets: ["a", "b"],
  nodes: new Map([joined("a", -60), joined("b", seconds)].map((one) => [one.metadata.name, one])),
});

describe("an operation of the original has ended", () => {
  const nodes = new Map(
    [joined("a", -60), joined("b", -60)].map((one) => [one.metadata.name, one]),
  );
  const targets = ["a", "b"];
  const ended = (entries: object, spec: object = {}) =>
    hasOriginalEnded(left(entries, { spec }), { targets, nodes });

  it.each([
    ["when all targets are done", { a: DONE, b: DONE }, {}, true],
    ["when all targets are done or failed", { a: DONE, b: FAILED }, {}, true],
    ["when stopOnFailure stopped it", { a: FAILED }, { stopOnFailure: true }, true],
    [
      "not while a node works, even then",
      { a: FAILED, b: RUNNING },
      { stopOnFailure: true },
      false,
    ],
    ["not while a target is to come, whatever its phase says", { a: DONE }, {}, false],
    ["not before it has started anything", {}, {}, false],
  ])("%s", (_, entries, spec, is) => expect(ended(entries, spec)).toBe(is));

  it("by the nodes that are as old as it is: later ones do not count", () => {
    expect(hasOriginalEnded(left({ a: DONE }), lateBy(0))).toBe(false);
    expect(hasOriginalEnded(left({ a: DONE }), lateBy(1))).toBe(true);
  });

  it("never when its status is ours", () => {
    const ours = operation({
      status: { observedGeneration: 1, nodeStatuses: { a: DONE, b: DONE } },
    });
    expect(hasOriginalEnded(ours, { targets, nodes })).toBe(false);
  });
});

/** What a person is told about an object of the original that is invalid. */
const told = (nodeStatuses: object) =>
  invalidStatus(
    { metadata: { generation: 1 }, status: { phase: "Completed", nodeStatuses } },
    "wrong",
    0,
  );

describe("a takeover", () => {
  const nodes = [joined("a", -60), joined("b", -60)];
  const NOTHING: Leftovers = { jobs: [], rebootPods: [] };
  const decided = (
    op: ReturnType<typeof left>,
    options: { readonly live?: ReadonlyArray<Evidence>; readonly leftovers?: Leftovers } = {},
  ) =>
    decide(
      observed({
        operation: op,
        nodes,
        live: options.live ?? LIVE,
        change: { leftovers: options.leftovers ?? NOTHING },
      }),
    );
  const withFinalizer = { metadata: { finalizers: ["operator.kairos.io/in-flight"] } };

  it("writes nothing where it has ended, whatever the generation", () => {
    const op = left({ a: DONE, b: DONE }, { metadata: { generation: 7 } });
    const decision = decided(op, { live: [] });
    expect(decision.confirm).toEqual([]);
    expect(decision.outlook()).toMatchObject({ actions: [] });
    expect(decision.outlook().status).toBe(op.status);
  });

  it("reads live what the original made before it stores anything", () => {
    const op = left({ a: RUNNING }, withFinalizer);
    const decision = decided(op, { live: [] });
    expect(decision.confirm).toEqual(LIVE);
    expect(decision.outlook().status).toBe(op.status);
  });

  it("comes after the finalizer", () => {
    const op = left({ a: RUNNING });
    expect(decided(op).outlook()).toMatchObject({ actions: [{ _tag: "AddFinalizer" }] });
    expect(decided(op).outlook().status).toBe(op.status);
  });

  it("gives every unfinished node a stage in one write, and leaves the others as they are", () => {
    const { status } = decided(left({ a: DONE, b: RUNNING }, withFinalizer), {
      leftovers: { jobs: [onNode(named(job("b"), "a-job"), "b")], rebootPods: [] },
    }).outlook();
    expect(status.nodeStatuses?.["a"]).toEqual(DONE);
    expect(status.nodeStatuses?.["b"]).toMatchObject({
      phase: "Running",
      stage: "Followed",
      jobName: "a-job",
      jobUID: "b-job",
      nodeUID: "b-uid",
      bootID: "boot-1",
    });
    expect(status).toMatchObject({ phase: "Running", observedGeneration: 1 });
  });

  it("follows a Job that no entry knows, and starts over where there is no Job", () => {
    const op = left({ a: { phase: "Pending", rebootStatus: "pending" } }, withFinalizer);
    const { status } = decided(op, {
      leftovers: { jobs: [onNode(named(job("b"), "other"), "b")], rebootPods: [] },
    }).outlook();
    expect(status.nodeStatuses).toMatchObject({
      a: { stage: "Preparing" },
      b: { stage: "Followed", jobName: "other" },
    });
  });

  it("also comes first where only the entries are the original's, as after a word about an invalid spec", () => {
    const op = operation({
      metadata: withFinalizer.metadata,
      status: { phase: "Running", observedGeneration: 1, nodeStatuses: { a: RUNNING } },
    });
    expect(decided(op, { live: [] }).confirm).toEqual(LIVE);
    expect(decided(op).outlook().status.nodeStatuses?.["a"]?.stage).toBe("Followed");
  });

  it("is not disturbed by a word about an invalid spec, which an ended operation does not get", () => {
    expect(told({ a: DONE })).toBeUndefined();
    expect(told({ a: RUNNING })).toMatchObject({ message: "wrong" });
  });

  it("remembers no boot where a reboot has been recorded: it may be the one after it", () => {
    const pod = onNode(rebootPod("Running", REPORTED), "a");
    const { status } = decided(left({ a: RUNNING }, withFinalizer), {
      leftovers: { jobs: [], rebootPods: [pod] },
    }).outlook();
    expect(status.nodeStatuses?.["a"]).not.toHaveProperty("bootID");
  });
});

const named = (made: Job, name: string): Job => ({ ...made, metadata: { ...made.metadata, name } });

describe("the reboots of the original are reported", () => {
  const complete = job("a", { condition: "Complete" });
  it.each([
    [
      "by a Pod that recorded it and Succeeded",
      [rebootPod("Succeeded", REPORTED)],
      [complete],
      true,
    ],
    ["not by the record alone", [rebootPod("Running", REPORTED)], [complete], false],
    ["not by the Pod's end alone", [rebootPod("Succeeded")], [complete], false],
    [
      "not by one Pod for two Jobs",
      [rebootPod("Succeeded", REPORTED)],
      [complete, complete],
      false,
    ],
    ["by one Pod for a Job that was pruned", [rebootPod("Succeeded", REPORTED)], [], true],
  ])("%s", (_, pods, jobs, is) => expect(areRebootsReported(jobs, pods)).toBe(is));
});

describe("a followed node that is given up", () => {
  const settling = { phase: "Failed", stage: "Settling", jobName: "a-job" } as const;
  const original = { jobs: [], preflightPods: [] };
  const step = (pods: ReadonlyArray<Pod>) =>
    decide(
      inStage(settling, {
        children: { original: { ...original, rebootPods: pods } },
        live: [{ _tag: "RebootPod", node: "w" }],
      }),
    ).steps.get("w")?.step;

  it("loses its reboot Pods first, and keeps its slot until they are gone", () => {
    const pod = rebootPod("Running");
    const leaving = {
      ...pod,
      metadata: { ...pod.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" },
    };
    expect(step([pod])).toMatchObject({
      _tag: "Act",
      actions: [{ _tag: "DeletePod", pod: { uid: "reboot-uid" } }],
    });
    expect(step([leaving])).toMatchObject({
      _tag: "Wait",
      note: { message: "waits for the reboot Pod to end" },
    });
  });

  it("has every Job of the original suspended, a second one too", () => {
    const second = named(job("w", { uid: "second" }), "second");
    const { actions } = decide(
      inStage(
        { phase: "Failed", stage: "Cancelling", jobName: "first", jobUID: "w-job" },
        {
          children: {
            job: named(job("w"), "first"),
            original: { ...original, rebootPods: [], jobs: [second] },
          },
        },
      ),
    );
    expect(actions).toMatchObject([
      { _tag: "SuspendJob", job: { name: "first" } },
      { _tag: "SuspendJob", job: { uid: "second" } },
    ]);
  });
});

const made = (
  drainOptions: object,
  labels: object = { "app.kubernetes.io/managed-by": "nodeopupgrade-controller" },
) => operation({ spec: { drainOptions }, metadata: { labels } });

describe("a NodeOp that the original made from a NodeOpUpgrade", () => {
  it("drains emptyDir Pods, as its NodeOpUpgrade did", () => {
    expect(isOfOriginalsMaking(made({ enabled: true }))).toBe(true);
    expect(drainOptionsOf(made({ enabled: true }))).toMatchObject({
      enabled: true,
      deleteEmptyDirData: true,
    });
  });

  it("is not one that a user made, nor one of ours", () => {
    expect(drainOptionsOf(made({ enabled: true }, {}))?.deleteEmptyDirData).toBe(false);
    const { metadata, spec } = made({ enabled: true });
    expect(isOfOriginalsMaking({ metadata, spec: { ...spec, backoffLimit: 2 } })).toBe(false);
    expect(drainOptionsOf(operation())).toBeUndefined();
  });
});

describe("the ClusterRoleBinding of the original", () => {
  const metadata = { name: bindingName(operation()), uid: "u", resourceVersion: "1" };
  it.each([
    [[{ namespace: "default" }], true],
    [[{ namespace: "other" }], false],
    [[{ namespace: "default" }, { namespace: "other" }], false],
    [[], false],
  ])("with subjects %j is the operation's: %s", (subjects, is) => {
    expect(metadata.name).toBe("nodeop-reboot-canary");
    expect(isBindingOf(operation(), { metadata, subjects })).toBe(is);
  });
});
