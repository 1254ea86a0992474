/** The laws of the Job controller, semantics (c)6 of reliability.md, as stories in a cluster with real kubelets. */
import { describe, expect, it } from "@effect/vitest";
import type { Commit } from "../../../src/domain/history.ts";
import { CoreEvents, Jobs, Pods } from "../../../src/domain/kube/resource.ts";
import { forbidden } from "../../../src/services/fake/status.ts";
import { type Job, JOB_TRACKING, type JobStatus } from "../../../src/services/world/job.ts";
import { type Pod, trueCondition } from "../../../src/services/world/pod.ts";
import { NAMESPACE, town } from "./support/cluster.ts";
import { newJob, SERVER } from "./support/objects.ts";

const statusOf = (job: Job | undefined): JobStatus => job?.status ?? {};
/** The counts of a Job's status; zeros are not written. */
const counts = (job: Job | undefined) => ({ active: 0, succeeded: 0, failed: 0, ...statusOf(job) });
const is = (job: Job | undefined, type: string) =>
  trueCondition(statusOf(job).conditions, type) !== undefined;
const rvOf = (commits: ReadonlyArray<Commit>, type: string) =>
  commits.find(({ resource, after }) => resource === Jobs && is(after as Job | undefined, type))
    ?.rv;
const created = (commits: ReadonlyArray<Commit>): ReadonlyArray<Pod> =>
  commits.flatMap(({ resource, verb, after }) =>
    resource === Pods && verb === "create" ? [after as Pod] : [],
  );

describe("Job controller: Pods that the API server refuses", () => {
  it("an Event on the Job says why in the server's words, and the Pod is tried again until it is allowed", () => {
    let isStrict = true;
    const at = town({
      admission: [
        (actor, { verb }, { kind, metadata }) =>
          isStrict && actor === "job-controller" && verb === "create" && kind === "Pod"
            ? forbidden(Pods, metadata.name, "exceeded quota: pods")
            : undefined,
      ],
    });
    at.create(Jobs, newJob("upgrade"));
    at.pass(60);
    expect(at.pods()).toEqual([]);
    const uid = at.job("upgrade")?.metadata.uid;
    const [event, ...others] = [...at.fake.objects(CoreEvents)];
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      type: "Warning",
      reason: "FailedCreate",
      message: expect.stringMatching(/^Error creating: pods "upgrade-.*exceeded quota: pods$/u),
      involvedObject: { kind: "Job", name: "upgrade", uid },
    });
    expect(event?.["count"]).toBeGreaterThan(3);
    isStrict = false;
    at.until("it is complete", () => is(at.job("upgrade"), "Complete"));
  });
});

describe("Job controller: success", () => {
  it("a Job's Pod carries its owner, its labels and the tracking finalizer until it is counted", () => {
    const at = town();
    at.create(Jobs, newJob("upgrade"));
    at.pass(5);
    const [pod] = at.pods();
    const job = at.job("upgrade");
    expect(pod?.metadata).toMatchObject({
      generateName: "upgrade-",
      labels: {
        "batch.kubernetes.io/job-name": "upgrade",
        "batch.kubernetes.io/controller-uid": job?.metadata.uid,
      },
      finalizers: [JOB_TRACKING],
      ownerReferences: [
        {
          apiVersion: "batch/v1",
          kind: "Job",
          name: "upgrade",
          uid: job?.metadata.uid,
          controller: true,
        },
      ],
    });
    expect(counts(job)).toMatchObject({ active: 1, failed: 0, succeeded: 0 });
    at.until("it is complete", () => is(at.job("upgrade"), "Complete"));
    expect(at.pods()[0]?.metadata.finalizers ?? []).toEqual([]);
    expect(counts(at.job("upgrade"))).toMatchObject({
      active: 0,
      succeeded: 1,
      uncountedTerminatedPods: {},
    });
  });

  it("Complete comes in a later commit than SuccessCriteriaMet, with the completion time", () => {
    const at = town();
    at.create(Jobs, newJob("upgrade"));
    at.until("it is complete", () => is(at.job("upgrade"), "Complete"));
    const met = at.commits.find(({ rv }) => rv === rvOf(at.commits, "SuccessCriteriaMet"));
    const complete = at.commits.find(({ rv }) => rv === rvOf(at.commits, "Complete"));
    expect((complete?.at ?? 0) - (met?.at ?? 0)).toBeGreaterThanOrEqual(500);
    expect(is(met?.after as Job, "Complete")).toBe(false);
    expect(statusOf(met?.after as Job).completionTime).toBeUndefined();
    expect(statusOf(at.job("upgrade")).completionTime).toBeDefined();
    at.pass(3600);
    expect(created(at.commits)).toHaveLength(1);
  });
});

describe("Job controller: suspension", () => {
  it("a suspended Job has no Pods and says so; resumed it runs, from a start time of its own", () => {
    const at = town();
    at.create(Jobs, newJob("upgrade", { suspend: true }));
    at.pass(600);
    expect(at.pods()).toEqual([]);
    expect(is(at.job("upgrade"), "Suspended")).toBe(true);
    expect(statusOf(at.job("upgrade")).startTime).toBeUndefined();
    at.patch(Jobs, "upgrade", { spec: { suspend: false } });
    at.until("it is complete", () => is(at.job("upgrade"), "Complete"), 120);
    expect(is(at.job("upgrade"), "Suspended")).toBe(false);
    expect(statusOf(at.job("upgrade")).startTime).toBe("2026-01-01T00:10:00Z");
  });

  it("suspending a Job deletes its active Pods, which count as nothing, and status.active falls to 0", () => {
    const at = town({ behaviour: { script: "hangs" } });
    at.create(Jobs, newJob("upgrade", { backoffLimit: 0 }));
    at.until("it runs", () => at.pods()[0]?.status?.phase === "Running");
    at.patch(Jobs, "upgrade", { spec: { suspend: true } });
    at.until("nobody is active", () => counts(at.job("upgrade")).active === 0, 5);
    at.until("the Pod is gone", () => at.pods().length === 0, 10);
    at.pass(60);
    expect(counts(at.job("upgrade"))).toMatchObject({ active: 0, failed: 0, terminating: 0 });
    expect(is(at.job("upgrade"), "Failed")).toBe(false);
    expect(created(at.commits)).toHaveLength(1);
  });
});

describe("Job controller: failure", () => {
  it("more failures than backoffLimit: FailureTarget, and Failed in a later commit", () => {
    const at = town({ behaviour: { script: "fails" } });
    at.create(Jobs, newJob("upgrade", { backoffLimit: 1 }));
    at.until("it has failed", () => is(at.job("upgrade"), "Failed"));
    expect(created(at.commits)).toHaveLength(2);
    expect(rvOf(at.commits, "FailureTarget")).toBeLessThan(rvOf(at.commits, "Failed") ?? 0);
    expect(trueCondition(statusOf(at.job("upgrade")).conditions, "Failed")?.reason).toBe(
      "BackoffLimitExceeded",
    );
    expect(counts(at.job("upgrade"))).toMatchObject({ failed: 2, active: 0 });
    at.pass(3600);
    expect(created(at.commits)).toHaveLength(2);
  });

  it("a failed Pod is replaced after 10 s, doubling to 6 min", () => {
    const at = town({
      behaviour: { script: "fails", scriptSeconds: [1, 1] },
      statusSeconds: [0, 0],
    });
    at.create(Jobs, newJob("upgrade", { backoffLimit: 8 }));
    at.until("it has failed", () => is(at.job("upgrade"), "Failed"), 7200);
    const ends = at.hostLog.filter(({ event }) => event === "scriptEnded").map((event) => event.at);
    const starts = at.hostLog
      .filter(({ event }) => event === "scriptStarted")
      .map((event) => event.at);
    const waits = starts.slice(1).map((start, i) => Math.round((start - (ends[i] ?? 0)) / 1000));
    for (const [i, wanted] of [10, 20, 40, 80, 160, 320, 360, 360].entries())
      expect(Math.abs((waits[i] ?? 0) - wanted)).toBeLessThanOrEqual(1);
    expect(waits).toHaveLength(8);
  });

  it("a Job is Failed only when its Pods have terminated", () => {
    const at = town({ behaviour: { script: "hangs" } });
    at.create(Jobs, newJob("upgrade", { activeDeadlineSeconds: 60 }));
    at.until("the deadline passes", () => is(at.job("upgrade"), "FailureTarget"), 70);
    expect(at.pods()[0]?.status?.phase).toBe("Running");
    at.until("it has failed", () => is(at.job("upgrade"), "Failed"), 20);
    const failed = at.commits.find(({ rv }) => rv === rvOf(at.commits, "Failed"));
    const ended = at.commits.find(
      ({ resource, after }) =>
        resource === Pods && (after as Pod | undefined)?.status?.phase === "Failed",
    );
    expect(ended?.rv).toBeLessThan(failed?.rv ?? 0);
    expect(trueCondition(statusOf(at.job("upgrade")).conditions, "Failed")?.reason).toBe(
      "DeadlineExceeded",
    );
  });

  it("with OnFailure, restarts of containers count towards backoffLimit", () => {
    const at = town({ behaviour: { script: "fails", scriptSeconds: [1, 1] } });
    at.create(Jobs, newJob("upgrade", { backoffLimit: 3 }, { restartPolicy: "OnFailure" }));
    at.until("it has failed", () => is(at.job("upgrade"), "Failed"), 600);
    expect(created(at.commits)).toHaveLength(1);
    expect(trueCondition(statusOf(at.job("upgrade")).conditions, "Failed")?.reason).toBe(
      "BackoffLimitExceeded",
    );
  });

  it("a Pod whose host reboots with restartPolicy Never fails, and the Job makes another", () => {
    const at = town();
    at.create(Jobs, newJob("upgrade"));
    at.until("it runs", () => at.pods()[0]?.status?.phase === "Running");
    at.cluster.powerLoss("worker-1");
    at.until("it is complete", () => is(at.job("upgrade"), "Complete"));
    expect(created(at.commits)).toHaveLength(2);
    expect(counts(at.job("upgrade"))).toMatchObject({ failed: 1, succeeded: 1 });
  });

  it("a failure that the policy ignores does not count; a FailJob rule fails the Job at once", () => {
    const ignore = {
      action: "Ignore",
      onPodConditions: [{ type: "DisruptionTarget", status: "True" }],
    };
    const fail = { action: "FailJob", onExitCodes: { operator: "In", values: [1] } };
    const disrupted = town({ behaviour: { script: "hangs", gracefulNodeShutdown: true } });
    disrupted.create(
      Jobs,
      newJob("upgrade", { backoffLimit: 0, podFailurePolicy: { rules: [ignore, fail] } }),
    );
    disrupted.until("it runs", () => disrupted.pods()[0]?.status?.phase === "Running");
    disrupted.cluster.host("worker-1").reboot({ cause: "other" });
    disrupted.until("it is replaced", () => created(disrupted.commits).length === 2, 200);
    expect(counts(disrupted.job("upgrade"))).toMatchObject({ failed: 0, active: 1 });
    expect(is(disrupted.job("upgrade"), "FailureTarget")).toBe(false);

    const broken = town({ behaviour: { script: "fails" } });
    broken.create(
      Jobs,
      newJob("upgrade", { backoffLimit: 6, podFailurePolicy: { rules: [ignore, fail] } }),
    );
    broken.until("it has failed", () => is(broken.job("upgrade"), "Failed"));
    expect(created(broken.commits)).toHaveLength(1);
    expect(trueCondition(statusOf(broken.job("upgrade")).conditions, "Failed")?.reason).toBe(
      "PodFailurePolicy",
    );
  });
});

/** A Job's running Pod is deleted while its node is down, so that it stays terminating for a while. */
const deletedPod = (policy: string) => {
  const at = town({ behaviour: { script: "hangs" } });
  at.create(Jobs, newJob("upgrade", { podReplacementPolicy: policy }));
  at.until("it runs", () => at.pods()[0]?.status?.phase === "Running");
  at.cluster.powerLoss("worker-1");
  at.remove(Pods, at.pods()[0]?.metadata.name ?? "");
  return at;
};

describe("Job controller: replacement", () => {
  it("by default a Pod is replaced while it still terminates", () => {
    const at = deletedPod("TerminatingOrFailed");
    at.pass(30);
    expect(created(at.commits)).toHaveLength(2);
    expect(counts(at.job("upgrade"))).toMatchObject({ failed: 1, active: 1 });
  });

  it("with podReplacementPolicy Failed a Pod is replaced only once it has ended", () => {
    const at = deletedPod("Failed");
    at.pass(80);
    expect(created(at.commits)).toHaveLength(1);
    expect(counts(at.job("upgrade"))).toMatchObject({ failed: 0, active: 0, terminating: 1 });
    at.until("it is replaced", () => created(at.commits).length === 2, 60);
    const [first, second] = created(at.commits);
    const ended = at.commits.find(
      ({ name, after }) =>
        name === first?.metadata.name && (after as Pod | undefined)?.status?.phase === "Failed",
    );
    expect(ended?.rv).toBeLessThan(Number(second?.metadata.resourceVersion));
    at.pass(5);
    expect(at.pods()).toHaveLength(1);
    expect(counts(at.job("upgrade"))).toMatchObject({ failed: 1 });
  });

  it("a controller that was off goes on where the cluster stands, and counts nothing twice", () => {
    const at = town();
    at.create(Jobs, newJob("upgrade"));
    at.until("it runs", () => at.pods()[0]?.status?.phase === "Running");
    at.cluster.jobController.stop();
    at.until("the Pod ends", () => at.pods()[0]?.status?.phase === "Succeeded");
    at.pass(600);
    expect(counts(at.job("upgrade"))).toMatchObject({ active: 1, succeeded: 0 });
    at.cluster.jobController.start();
    at.until("it is complete", () => is(at.job("upgrade"), "Complete"), 10);
    expect(counts(at.job("upgrade"))).toMatchObject({ succeeded: 1, failed: 0 });
  });

  it("killed before or after each of its calls, it still makes one Pod and counts it once", () => {
    const killed = new Set<string>();
    for (const moment of ["KillBefore", "KillAfter"] as const)
      for (let call = 1; call <= 9; call++) {
        const at = town({
          interceptor: (process, actor) =>
            actor === "job-controller" && process.incarnation === 0
              ? ({ number }) => {
                  if (number !== call) return { kind: "Deliver" };
                  killed.add(`${moment} ${call}`);
                  return { kind: moment };
                }
              : undefined,
        });
        at.create(Jobs, newJob("upgrade"));
        at.until(`${moment} ${call}: it is complete`, () => is(at.job("upgrade"), "Complete"), 300);
        expect(created(at.commits)).toHaveLength(1);
        expect(counts(at.job("upgrade"))).toMatchObject({ succeeded: 1, failed: 0, active: 0 });
      }
    // Two lists, the Pod, active, ready, success with the uid, the finalizer, the count, Complete: all were hit.
    expect(killed.size).toBe(18);
  });

  it("the Pods of a deleted Job are released and go, running or not", () => {
    const at = town();
    at.create(Jobs, newJob("upgrade", {}, { restartPolicy: "OnFailure", containers: [SERVER] }));
    at.until("it runs", () => at.pods()[0]?.status?.phase === "Running");
    at.ask({
      verb: "delete",
      resource: Jobs,
      namespace: NAMESPACE,
      name: "upgrade",
      body: { propagationPolicy: "Background" },
    });
    at.until("all is gone", () => at.pods().length === 0 && at.job("upgrade") === undefined, 60);
    expect(created(at.commits)).toHaveLength(1);
  });
});
