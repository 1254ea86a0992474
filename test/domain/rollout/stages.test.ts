/** The protocol of design.md §4 as a table: for each stage, what is seen and what follows. */
import { describe, expect, it } from "@effect/vitest";
import type { Pod } from "../../../src/domain/kube/pod.ts";
import { decide } from "../../../src/domain/rollout/decide.ts";
import { noteOf, type Decision } from "../../../src/domain/rollout/decision.ts";
import type { Observed, OtherOperation } from "../../../src/domain/rollout/observed.ts";
import {
  entry,
  HELD,
  inStage,
  job,
  MINE,
  node,
  observed,
  operation,
  preflightPod,
  rebootPod,
  START,
} from "./support.ts";

const NODE = { _tag: "Node", node: "w" } as const;
const JOB = { _tag: "Job", node: "w" } as const;
const REBOOT_POD = { _tag: "RebootPod", node: "w" } as const;
const JOB_EVENTS = { _tag: "JobEvents", node: "w" } as const;
const JOB_PODS = { _tag: "JobPods", node: "w" } as const;
const held = node("w", { unschedulable: true, annotations: HELD });
const back = node("w", { unschedulable: true, annotations: HELD, bootID: "boot-2" });
const upgrading = { stage: "Upgrading", phase: "Running", jobUID: "w-job", jobName: "j" } as const;
const rebooting = { stage: "Rebooting", phase: "Completed", jobUID: "w-job" } as const;
const report = (bootState: string, version?: string) => ({
  "kairos.io/reboot-granted": "w-job",
  "kairos.io/reboot-state": "completed",
  "kairos.io/reboot-report": JSON.stringify({
    from: "boot-1",
    to: "boot-2",
    bootState,
    ...(version === undefined ? {} : { version }),
  }),
});

/** What a decision amounts to, in one word per thing. */
const summary = (decision: Decision, seen: Observed) => {
  const before = seen.operation.status?.nodeStatuses?.["w"];
  const after = decision.outlook().status.nodeStatuses?.["w"];
  const stored = after === before ? "" : (after?.stage ?? `${after?.phase}`);
  return [
    ...decision.confirm.map((evidence) => `confirm ${evidence._tag}`),
    ...(stored === ""
      ? []
      : [`store ${stored}${after?.reason === undefined ? "" : ` ${after.reason}`}`]),
    ...decision.actions.map((action) => action._tag),
    ...decision.outlook().actions.map((action) => action._tag),
  ].join(", ");
};
const expectStep = (seen: Observed, expected: string) => {
  const decision = decide(seen);
  expect(summary(decision, seen)).toBe(expected);
  if (expected === "") expect(noteOf(decision, "w").message).not.toBe("");
};

const endedPreflight = (phase: string, exitCode: number, message?: string) =>
  preflightPod("w", {
    phase,
    containerStatuses: [
      {
        name: "preflight",
        state: { terminated: { exitCode, ...(message === undefined ? {} : { message }) } },
      },
    ],
  });

const ended = { name: "reboot", state: { terminated: { exitCode: 143 } } };
const endedRebootPod = {
  ...rebootPod("w"),
  status: { phase: "Failed", containerStatuses: [ended] },
};

const jobPod = (status: object) => ({
  metadata: { name: "p", uid: "p", resourceVersion: "1" },
  status,
});
const runningJobPod = jobPod({ phase: "Running" });

describe("Claimed", () => {
  const claimed = { stage: "Claimed", phase: "Preflight" } as const;
  const spec = { preflight: { command: ["true"] } };
  it("its preflight Pod is created", () =>
    expectStep(inStage(claimed, { spec }), "CreatePreflightPod"));
  it("waits for the verdict", () =>
    expectStep(
      inStage(claimed, {
        spec,
        children: { preflightPod: preflightPod("w", { phase: "Running" }) },
      }),
      "",
    ));
  it("an empty termination message starts the work", () =>
    expectStep(
      inStage(claimed, { spec, children: { preflightPod: endedPreflight("Succeeded", 0) } }),
      "store Preparing",
    ));
  it("a termination message skips the node", () => {
    const seen = inStage(claimed, {
      spec,
      children: { preflightPod: endedPreflight("Succeeded", 0, "node is already at v2\n") },
    });
    expectStep(seen, "store Releasing Skipped");
    expect(decide(seen).outlook().status.nodeStatuses?.["w"]).toMatchObject({
      phase: "Completed",
      message: "Skipped by preflight: node is already at v2",
      rebootStatus: "not-requested",
    });
  });
  it("a failed preflight fails the node with its exit code", () => {
    const seen = inStage(claimed, {
      spec,
      children: { preflightPod: endedPreflight("Failed", 3) },
    });
    expectStep(seen, "store Cancelling PreflightFailed");
    expect(decide(seen).outlook().status.nodeStatuses?.["w"]?.message).toBe(
      "Preflight failed: exit 3",
    );
  });
  it("a Pod that its kubelet refused is no verdict: told, then made again", () => {
    const refused = preflightPod("w", { phase: "Failed", reason: "OutOfcpu" });
    expectStep(
      inStage(claimed, { spec, children: { preflightPod: refused } }),
      "store Claimed PodRefused",
    );
    expectStep(
      inStage({ ...claimed, reason: "PodRefused" }, { spec, children: { preflightPod: refused } }),
      "DeletePod",
    );
  });
  it("a Pod that ran into its deadline is a verdict", () =>
    expectStep(
      inStage(claimed, {
        spec,
        children: {
          preflightPod: preflightPod("w", { phase: "Failed", reason: "DeadlineExceeded" }),
        },
      }),
      "store Cancelling PreflightFailed",
    ));
  it("its deadline counts from what is stored, and never fires early", () => {
    const children = { preflightPod: preflightPod("w", { phase: "Pending" }) };
    expectStep(inStage(claimed, { spec, children, now: START + 600_999 }), "");
    expectStep(
      inStage(claimed, { spec, children, now: START + 601_000 }),
      "store Cancelling PreflightDeadlineExceeded",
    );
  });
});

describe("Preparing", () => {
  const preparing = { stage: "Preparing" } as const;
  it("the reboot Pod comes first", () => expectStep(inStage(preparing), "CreateRebootPod"));
  it("nothing is disturbed before the reboot Pod runs", () =>
    expectStep(
      inStage(preparing, { children: { rebootPod: rebootPod("w", { phase: "Pending" }) } }),
      "",
    ));
  it("an image that cannot be pulled is told", () =>
    expectStep(
      inStage(preparing, {
        children: {
          rebootPod: {
            ...rebootPod("w"),
            status: {
              phase: "Pending",
              containerStatuses: [
                {
                  name: "reboot",
                  state: { waiting: { reason: "ErrImagePull", message: "no such image" } },
                },
              ],
            },
          },
        },
      }),
      "store Preparing ImagePullBackOff",
    ));
  it("a reboot Pod that ended is told, deleted, and made again", () => {
    const children = { rebootPod: endedRebootPod };
    expectStep(inStage(preparing, { children }), "store Preparing RebootPodEnded");
    expectStep(inStage({ ...preparing, reason: "RebootPodEnded" }, { children }), "DeletePod");
  });
  it("one that its kubelet refused is told in the kubelet's words, deleted, and made again", () => {
    const status = { phase: "Failed", reason: "OutOfpods", message: "Pod was rejected: full" };
    const children = { rebootPod: { ...rebootPod("w"), status } };
    const refused = inStage(preparing, { children });
    expectStep(refused, "store Preparing PodRefused");
    expect(decide(refused).outlook().status.nodeStatuses?.["w"]?.message).toContain(
      "Pod was rejected: full",
    );
    expectStep(inStage({ ...preparing, reason: "PodRefused" }, { children }), "DeletePod");
  });
  it("then the node is held and cordoned in one PATCH", () => {
    const decision = decide(inStage(preparing, { children: { rebootPod: rebootPod("w") } }));
    expect(decision.actions).toMatchObject([{ _tag: "Hold", cordon: true }]);
  });
  it("a node that a person cordoned is held, and its cordon stays theirs", () => {
    const decision = decide(
      inStage(preparing, {
        node: node("w", { unschedulable: true }),
        children: { rebootPod: rebootPod("w") },
      }),
    );
    expect(decision.actions).toMatchObject([{ _tag: "Hold", cordon: false }]);
  });
  it("a node that someone uncordoned is cordoned again", () => {
    const decision = decide(
      inStage(preparing, {
        node: node("w", { annotations: HELD }),
        children: { rebootPod: rebootPod("w") },
      }),
    );
    expect(decision.actions).toMatchObject([{ _tag: "Hold", cordon: true }]);
  });
  it("a node held by a live operation waits, and says so", () => {
    const otherOperations = new Map<string, OtherOperation>([["other", "live"]]);
    const seen = {
      node: node("w", { annotations: { "operator.kairos.io/held-by": "default/other@other" } }),
      children: { rebootPod: rebootPod("w") },
      change: { otherOperations },
    };
    expectStep(inStage(preparing, seen), "store Preparing HeldByAnother");
    const told = { ...preparing, reason: "HeldByAnother" };
    const message = "Waiting: the node is held by default/other@other";
    expectStep(inStage({ ...told, message }, seen), "");
    const before = "Waiting: the node is held by default/before@before";
    expectStep(inStage({ ...told, message: before }, seen), "store Preparing HeldByAnother");
  });
  it("a holder that the cache does not know is looked up live; gone, its cordon is adopted", () => {
    const abandoned = node("w", {
      unschedulable: true,
      annotations: {
        "operator.kairos.io/held-by": "default/other@other",
        "operator.kairos.io/cordoned-by": "default/other@other",
      },
    });
    const seen = { node: abandoned, children: { rebootPod: rebootPod("w") } };
    expectStep(inStage(preparing, seen), "confirm Holder");
    const decision = decide(
      inStage(preparing, { ...seen, live: [{ _tag: "Holder", holder: "default/other@other" }] }),
    );
    expect(decision.actions).toMatchObject([{ _tag: "Hold", cordon: true }]);
  });
  it("the hold is believed only after a live read; then comes the suspended Job", () => {
    const seen = { node: held, children: { rebootPod: rebootPod("w") } };
    expectStep(inStage(preparing, seen), "confirm Node");
    const decision = decide(inStage(preparing, { ...seen, live: [NODE] }));
    expect(decision.actions).toMatchObject([
      { _tag: "CreateJob", object: { spec: { suspend: true, podReplacementPolicy: "Failed" } } },
    ]);
  });
  it("the Job's uid is stored before it is resumed", () => {
    const seen = inStage(preparing, {
      node: held,
      children: { rebootPod: rebootPod("w"), job: job("w", { suspend: true }) },
      live: [NODE],
    });
    expectStep(seen, "store Upgrading");
    expect(decide(seen).outlook().status.nodeStatuses?.["w"]).toMatchObject({
      phase: "Running",
      jobUID: "w-job",
    });
  });
  it("without a reboot there is no reboot Pod", () =>
    expectStep(inStage(preparing, { spec: { rebootOnSuccess: false } }), "Hold"));
  it("an operation that does not cordon still holds", () => {
    const decision = decide(
      inStage(preparing, { spec: { cordon: false, rebootOnSuccess: false } }),
    );
    expect(decision.actions).toMatchObject([{ _tag: "Hold", cordon: false }]);
  });
});

describe("Upgrading", () => {
  it("the stored Job is resumed once the Job controller has noted it, or has had its moment", () => {
    const noted = { job: job("w", { suspend: true, condition: "Suspended" }) };
    expectStep(inStage(upgrading, { children: noted }), "ResumeJob");
    const children = { job: job("w", { suspend: true }) };
    expectStep(inStage(upgrading, { children, now: START + 1999 }), "");
    expectStep(inStage(upgrading, { children, now: START + 2000 }), "ResumeJob");
  });
  it("a Job that is not there is looked up live, then the node has failed", () => {
    expectStep(inStage(upgrading), "confirm Job");
    expectStep(inStage(upgrading, { live: [JOB] }), "store Cancelling JobGone");
  });
  it("a Job of another uid is not ours", () =>
    expectStep(
      inStage(upgrading, { children: { job: job("w", { uid: "another" }) }, live: [JOB] }),
      "store Cancelling JobGone",
    ));
  it("SuccessCriteriaMet is not Complete", () =>
    expectStep(
      inStage(upgrading, { children: { job: job("w", { condition: "SuccessCriteriaMet" }) } }),
      "",
    ));
  it("a Job that has had no Pod for 30 s is asked why, and what its controller says is told", () => {
    const children = { job: job("w") };
    const early = inStage(upgrading, { children, now: START + 30_999 });
    expectStep(early, "");
    expect(decide(early).wakeAt).toBe(START + 31_000);
    const due = { children, now: START + 31_000 };
    expectStep(inStage(upgrading, due), "confirm JobEvents");
    const live = [JOB_EVENTS];
    const podRefusal = "Error creating: exceeded quota";
    const refused = inStage(upgrading, { ...due, children: { ...children, podRefusal }, live });
    expectStep(refused, "store Upgrading JobPodsRefused");
    expect(decide(refused).outlook().status.nodeStatuses?.["w"]?.message).toContain(podRefusal);
    expectStep(inStage(upgrading, { ...due, live }), "store Upgrading JobWithoutPod");
  });
  it("once it is told, the Events are read again a minute later", () => {
    const seen = inStage(
      { ...upgrading, reason: "JobPodsRefused" },
      {
        children: { job: job("w"), podRefusal: "no" },
        live: [JOB_EVENTS],
        now: START + 31_000,
      },
    );
    expectStep(seen, "");
    expect(decide(seen).wakeAt).toBe(START + 91_000);
  });
  it("a Job that was resumed late counts from there, and one with a Pod is not asked", () => {
    const status = { startTime: "2026-01-01T00:10:00Z" };
    const late = { ...job("w"), status };
    expectStep(inStage(upgrading, { children: { job: late }, now: START + 620_000 }), "");
    const jobPods = [runningJobPod];
    expectStep(
      inStage(upgrading, { children: { job: job("w"), jobPods }, now: START + 90_000 }),
      "",
    );
  });
  it("a Pod of it that the kubelet refused is told; what becomes of the Job is its controller's", () => {
    const refused = jobPod({ phase: "Failed", message: "Pod was rejected: no memory" });
    const seen = inStage(upgrading, { children: { job: job("w"), jobPods: [refused] } });
    expectStep(seen, "store Upgrading PodRefused");
    const failed = inStage(upgrading, {
      children: { job: job("w", { condition: "Failed" }), jobPods: [refused] },
    });
    expectStep(failed, "store Cancelling JobFailed");
    expect(decide(failed).outlook().status.nodeStatuses?.["w"]?.message).toContain("no memory");
    const jobPods = [refused, runningJobPod];
    expectStep(inStage(upgrading, { children: { job: job("w"), jobPods } }), "");
  });
  it("Complete stores the reboot stage before any grant, with the installed version", () => {
    const seen = inStage(upgrading, {
      children: {
        job: job("w", { condition: "Complete" }),
        jobPods: [
          {
            metadata: { name: "p", uid: "p", resourceVersion: "1" },
            status: {
              phase: "Succeeded",
              initContainerStatuses: [
                { name: "nodeop", state: { terminated: { exitCode: 0, message: "v2\n" } } },
              ],
            },
          },
        ],
      },
    });
    expectStep(seen, "store Rebooting");
    expect(decide(seen).outlook().status.nodeStatuses?.["w"]).toMatchObject({
      phase: "Completed",
      rebootStatus: "pending",
      version: "v2",
    });
  });
  it("Complete without the Pods that tell the version looks them up live", () => {
    const children = { job: job("w", { condition: "Complete" }) };
    expectStep(inStage(upgrading, { children }), "confirm JobPods");
    expectStep(inStage(upgrading, { children, live: [JOB_PODS] }), "store Rebooting");
  });
  it.each(["FailureTarget", "Failed"])("%s fails the node", (condition) =>
    expectStep(
      inStage(upgrading, { children: { job: job("w", { condition }) } }),
      "store Cancelling JobFailed",
    ),
  );
  it("without a reboot Complete releases the node, and only then is stored", () => {
    const seen = {
      spec: { rebootOnSuccess: false },
      children: { job: job("w", { condition: "Complete" }) },
    };
    expectStep(inStage(upgrading, { ...seen, node: held }), "confirm Node");
    expectStep(inStage(upgrading, { ...seen, node: held, live: [NODE] }), "Release");
    expectStep(inStage(upgrading, { ...seen, live: [NODE] }), "store Completed");
  });
});

describe("Rebooting", () => {
  it("grants the reboot to the Pod, naming the Job", () =>
    expect(
      decide(inStage(rebooting, { node: held, children: { rebootPod: rebootPod("w") } })).actions,
    ).toMatchObject([{ _tag: "Grant", job: "w-job", pod: { uid: "w-reboot-pod" } }]));
  it("a lost reboot Pod is made again", () =>
    expectStep(inStage(rebooting, { node: held }), "CreateRebootPod"));
  it("a report alone is no proof: the Node must be Ready in another boot, read live", () => {
    const children = { rebootPod: rebootPod("w", { annotations: report("active") }) };
    expectStep(inStage(rebooting, { node: held, children }), "");
    expectStep(inStage(rebooting, { node: back, children }), "confirm Node");
    expectStep(inStage(rebooting, { node: back, children, live: [NODE] }), "Release");
    const released = node("w", { bootID: "boot-2" });
    expectStep(inStage(rebooting, { node: released, children, live: [NODE] }), "store Completed");
  });
  it("a Node that is not Ready in its new boot is not back", () =>
    expectStep(
      inStage(rebooting, {
        node: node("w", { bootID: "boot-2", ready: false }),
        children: { rebootPod: rebootPod("w", { annotations: report("active") }) },
        live: [NODE],
      }),
      "",
    ));
  it.each([
    ["passive", "v2"],
    ["recovery", "v2"],
    ["active", "v1"],
    ["active", undefined],
  ])("booting %s %s instead of the installed v2 fails the node as FellBack", (state, version) =>
    expectStep(
      inStage(
        { ...rebooting, version: "v2" },
        {
          node: back,
          children: { rebootPod: rebootPod("w", { annotations: report(state, version) }) },
          live: [NODE],
        },
      ),
      "store Cancelling FellBack",
    ),
  );
  it("after the grant an early end has to settle", () => {
    expectStep(
      inStage(rebooting, { children: { rebootPod: rebootPod("w") }, now: START + 3_601_000 }),
      "store Settling RebootDeadlineExceeded",
    );
    expectStep(
      inStage(rebooting, {
        children: {
          rebootPod: rebootPod("w", { annotations: { "kairos.io/reboot-state": "failed" } }),
        },
      }),
      "store Settling RebootFailed",
    );
  });
});

describe("Cancelling and Settling", () => {
  const cancelling = {
    stage: "Cancelling",
    phase: "Failed",
    reason: "JobFailed",
    endingSince: "2026-01-01T00:00:00Z",
  } as const;
  const settling = { ...cancelling, stage: "Settling", bootID: "boot-1" } as const;
  it("stops the Job and deletes the Pods", () =>
    expectStep(
      inStage(cancelling, { node: held, children: { job: job("w"), rebootPod: rebootPod("w") } }),
      "SuspendJob, DeletePod",
    ));
  it("waits for the Job's Pod, and believes its end only live", () => {
    const pod = {
      metadata: { name: "p", uid: "p", resourceVersion: "1" },
      status: { phase: "Running" },
    };
    const annotations = { "operator.kairos.io/stopped": "true" };
    const stopped = { job: job("w", { suspend: true, annotations }) };
    expectStep(inStage(cancelling, { node: held, children: { ...stopped, jobPods: [pod] } }), "");
    expectStep(inStage(cancelling, { node: held, children: stopped }), "confirm JobPods");
    expectStep(
      inStage(cancelling, { node: held, children: stopped, live: [JOB_PODS] }),
      "confirm Node",
    );
  });
  it("a Job that is suspended already is marked too, so that a resume still on its way is refused", () =>
    expectStep(
      inStage(cancelling, { node: held, children: { job: job("w", { suspend: true }) } }),
      "SuspendJob",
    ));
  it("where the Node is gone, a granted reboot Pod still has to end first", () => {
    const terminating = { rebootPod: rebootPod("w", { deleting: true }) };
    expectStep(inStage(settling, { node: undefined, children: terminating }), "");
    expectStep(inStage(settling, { node: undefined }), "confirm RebootPod");
    expectStep(inStage(settling, { node: undefined, live: [REBOOT_POD] }), "confirm Node");
    expectStep(
      inStage(settling, { node: undefined, live: [REBOOT_POD, NODE] }),
      "store Failed JobFailed",
    );
  });
  it("a failed node stays cordoned and is let go", () =>
    expect(
      decide(inStage(cancelling, { node: held, live: [JOB_PODS, NODE] })).actions,
    ).toMatchObject([{ _tag: "Release", marks: { heldBy: MINE } }]));
  it("with uncordonOnFailure it is uncordoned", () =>
    expect(
      decide(
        inStage(cancelling, {
          node: held,
          live: [JOB_PODS, NODE],
          spec: { uncordonOnFailure: true },
        }),
      ).actions,
    ).toMatchObject([{ _tag: "Release", marks: { heldBy: MINE, cordonedBy: MINE } }]));
  it("only a node that is free is stored as Failed", () =>
    expectStep(inStage(cancelling, { live: [JOB_PODS, NODE] }), "store Failed JobFailed"));
  it("settling waits five minutes in one boot", () => {
    const live = [REBOOT_POD];
    expectStep(inStage(settling, { node: held, now: START + 290_000, live }), "");
    expectStep(inStage(settling, { node: held, now: START + 301_000, live }), "confirm Node");
    expectStep(
      inStage(settling, { node: held, now: START + 301_000, live: [REBOOT_POD, NODE] }),
      "Release",
    );
  });
  it("settling starts anew in another boot, and forgets the boot while NotReady", () => {
    const live = [REBOOT_POD];
    expectStep(
      inStage(settling, { node: back, now: START + 290_000, live }),
      "store Settling JobFailed",
    );
    const away = inStage(settling, {
      node: node("w", { ready: false }),
      now: START + 290_000,
      live,
    });
    expect(decide(away).outlook().status.nodeStatuses?.["w"]?.bootID).toBeUndefined();
  });
  it("a stored Job that the cache does not have is looked up before the node is let go", () =>
    expectStep(
      inStage({ ...cancelling, jobUID: "w-job" }, { node: held, live: [JOB_PODS, NODE] }),
      "confirm Job",
    ));
  it("a Node that the cache does not have is looked up before the failure is stored", () =>
    expectStep(inStage(cancelling, { node: undefined }), "confirm Node"));
  it("a report of the reboot ends the settling", () =>
    expectStep(
      inStage(settling, {
        children: { rebootPod: rebootPod("w", { annotations: report("active") }) },
      }),
      "store Cancelling JobFailed",
    ));
});

describe("what ends a node early in every stage", () => {
  const stages = [
    { stage: "Claimed" },
    { stage: "Preparing" },
    { stage: "Upgrading", jobUID: "w-job" },
    { stage: "Rebooting", jobUID: "w-job" },
  ] as const;
  it.each(stages)("$stage: a deleted operation", (stage) => {
    const seen = inStage(stage, { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } });
    const way = stage.stage === "Rebooting" ? "Settling" : "Cancelling";
    expectStep(seen, `store ${way} OperationDeleted`);
  });
  it.each(stages)("$stage: its Node is gone or another, by a live read", (stage) => {
    for (const other of [undefined, node("w", { uid: "reborn" })]) {
      expectStep(inStage(stage, { node: other }), "confirm Node");
      const way = stage.stage === "Rebooting" ? "Settling" : "Cancelling";
      expectStep(inStage(stage, { node: other, live: [NODE] }), `store ${way} NodeGone`);
    }
  });
});

describe("evidence first, deadline second", () => {
  const late = START + 4 * 3_600_000;
  const granted = rebootPod("w", { annotations: { "kairos.io/reboot-granted": "w-job" } });
  const reported = rebootPod("w", { annotations: report("active") });
  const verdict = endedPreflight("Succeeded", 0);
  const running = { job: job("w"), jobPods: [runningJobPod] };

  it.each([
    ["a preflight that succeeded", { stage: "Claimed" }, { preflightPod: verdict }],
    ["a Job that is complete", upgrading, { job: job("w", { condition: "Complete" }) }],
  ] as const)("%s counts, however late it is seen", (_what, stage, children) => {
    const live = [JOB_PODS];
    const next = stage.stage === "Claimed" ? "store Preparing" : "store Rebooting";
    expectStep(inStage(stage, { children, live, now: late }), next);
  });

  it("a node that is back is released and Completed, however late it is seen", () => {
    const children = { rebootPod: reported };
    const seen = { node: back, children, now: late };
    expectStep(inStage(rebooting, seen), "confirm Node");
    expectStep(inStage(rebooting, { ...seen, live: [NODE] }), "Release");
    const free = { ...seen, node: node("w", { bootID: "boot-2" }), live: [NODE] };
    expect(decide(inStage(rebooting, free)).outlook().status.nodeStatuses?.["w"]?.phase).toBe(
      "Completed",
    );
  });

  it.each([
    ["nothing is created", { stage: "Preparing" }, {}, "Cancelling UpgradeDeadlineExceeded"],
    [
      "nothing is granted",
      rebooting,
      { rebootPod: rebootPod("w") },
      "Settling RebootDeadlineExceeded",
    ],
    ["nothing is waited for", rebooting, { rebootPod: granted }, "Settling RebootDeadlineExceeded"],
    [
      "nothing is resumed",
      upgrading,
      { job: job("w", { suspend: true }) },
      "Cancelling UpgradeDeadlineExceeded",
    ],
    ["a Job runs no longer", upgrading, running, "Cancelling UpgradeDeadlineExceeded"],
  ] as const)("without evidence %s", (_what, stage, children, stored) =>
    expectStep(inStage(stage, { children, now: late }), `store ${stored}`),
  );

  it("what cannot be read is no evidence", () => {
    const problems = new Map([["w", { reason: "RequestRefused", message: "no", problem: true }]]);
    const seen = { children: { rebootPod: reported }, node: back, now: late };
    expectStep(
      inStage(rebooting, { ...seen, change: { problems } }),
      "store Settling RebootDeadlineExceeded",
    );
  });

  it("a deadline that passed while nobody followed the cluster starts the stage's clock anew", () => {
    const seen = (followedSince: number) =>
      inStage(rebooting, {
        children: { rebootPod: granted },
        now: late,
        change: { followedSince },
      });
    expectStep(seen(late), "store Rebooting");
    expect(decide(seen(late)).outlook().status.nodeStatuses?.["w"]?.stageStartedAt).toBe(
      "2026-01-01T04:00:00Z",
    );
    const deadline = START + 3_601_000;
    expectStep(seen(deadline - 59_999), "store Rebooting");
    expectStep(seen(deadline - 60_000), "store Settling RebootDeadlineExceeded");
  });
});

describe("a deleted operation", () => {
  const metadata = { deletionTimestamp: "2026-01-01T00:00:00Z" };
  it("takes the cordon off a node that had failed, then lets go of its finalizer", () => {
    const status = {
      observedGeneration: 1,
      nodeStatuses: { w: entry("w", { phase: "Failed", reason: "JobFailed" }) },
    };
    const left = node("w", {
      unschedulable: true,
      annotations: { "operator.kairos.io/cordoned-by": MINE },
    });
    const first = decide(observed({ operation: operation({ metadata, status }), nodes: [left] }));
    expect(first.outlook().actions).toMatchObject([
      { _tag: "Release", marks: { cordonedBy: MINE } },
    ]);
    const then = decide(
      observed({ operation: operation({ metadata, status }), nodes: [node("w")] }),
    );
    expect(then.outlook().actions).toMatchObject([{ _tag: "RemoveFinalizer" }]);
  });
});

describe("an operation of which nothing can start", () => {
  it("says which node it waits for, and why", () => {
    const nodes = [node("a", { ready: false }), node("b", { ready: false })];
    const { status } = decide(observed({ operation: operation(), nodes })).outlook();
    expect(status.message).toBe(
      "Waiting for a (and 1 more): it is not Ready; it starts when it is, or fails at 2026-01-01T01:00:11Z",
    );
    expect(status.conditions?.find(({ type }) => type === "Reconciling")).toMatchObject({
      status: "True",
      reason: "NodesCannotStart",
    });
  });
});

describe("a problem that is over", () => {
  const told = {
    stage: "Preparing",
    reason: "ImagePullBackOff",
    message: "no such image",
    lastUpdated: "2026-01-01T00:00:00Z",
  } as const;
  const starting = { rebootPod: rebootPod("w", { phase: "Pending" }) };

  it("is taken back a minute after it was told, and the stage says again what it is about", () => {
    const early = inStage(told, { children: starting, now: START + 59_999 });
    expectStep(early, "");
    expect(decide(early).wakeAt).toBe(START + 60_000);
    const due = inStage(told, { children: starting, now: START + 60_000 });
    expectStep(due, "store Preparing");
    const after = decide(due).outlook().status.nodeStatuses?.["w"];
    expect(after?.message).toBe("Preparing the node for its Job");
    expect(after?.lastUpdated).toBe("2026-01-01T00:01:00Z");
    const { reason: _reason, ...kept } = entry("w", told);
    expect(after).toEqual({ ...kept, message: after?.message, lastUpdated: after?.lastUpdated });
  });

  it.each([
    ["Claimed", "Preflight in progress", { preflightPod: preflightPod("w", { phase: "Running" }) }],
    ["Upgrading", "Job is running", { job: job("w"), jobPods: [runningJobPod] }],
    [
      "Rebooting",
      "Job completed successfully",
      {
        rebootPod: rebootPod("w", { annotations: { "kairos.io/reboot-granted": "w-job" } }),
      },
    ],
  ] as const)("in %s: %s", (stage, message, children) => {
    const seen = inStage({ ...told, stage, jobUID: "w-job" }, { children, now: START + 90_000 });
    expect(decide(seen).outlook().status.nodeStatuses?.["w"]).toMatchObject({ stage, message });
    expect(decide(seen).outlook().status.nodeStatuses?.["w"]?.reason).toBeUndefined();
  });

  it("gives way to another one at once", () =>
    expectStep(
      inStage(told, { children: { rebootPod: endedRebootPod } }),
      "store Preparing RebootPodEnded",
    ));

  it("does not keep the node from what is to be done", () =>
    expectStep(
      inStage(told, { children: { rebootPod: rebootPod("w") }, now: START + 90_000 }),
      "Hold",
    ));

  it("of a request is over when the node waits for something else", () => {
    const problems = new Map([
      ["w", { reason: "RequestRefused", message: "no", problem: true } as const],
    ]);
    const seen = { children: starting, change: { problems }, now: START + 90_000 };
    expectStep(inStage({ stage: "Preparing" }, seen), "");
    expectStep(inStage(told, seen), "store Preparing");
  });

  it("is not taken back on the way out: it is why the node failed", () =>
    expectStep(
      inStage(
        { ...told, stage: "Cancelling", reason: "JobFailed" },
        {
          children: {
            jobPods: [
              {
                metadata: { name: "p", uid: "p", resourceVersion: "1" },
                status: { phase: "Running" },
              },
            ],
          },
          now: START + 90_000,
        },
      ),
      "",
    ));

  it("and comes back again and again is stored at most twice in a minute", () => {
    const failing: Pod["status"] = {
      phase: "Pending",
      containerStatuses: [{ name: "reboot", state: { waiting: { reason: "CrashLoopBackOff" } } }],
    };
    let current = entry("w", { stage: "Preparing" });
    let writes = 0;
    for (let second = 0; second < 3600; second += 5) {
      const status = second % 10 === 0 ? failing : { phase: "Pending" };
      const seen = inStage(current, {
        children: { rebootPod: { ...rebootPod("w"), status } },
        now: START + second * 1000,
      });
      const next = decide(seen).outlook().status.nodeStatuses!["w"]!;
      if (next !== seen.operation.status.nodeStatuses!["w"]) writes++;
      current = next;
    }
    expect(writes).toBeLessThanOrEqual(120);
    expect(writes).toBeGreaterThan(2);
  });
});
