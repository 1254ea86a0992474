/** Pods that are refused after the claim: by their kubelet, or by the API server when the Job controller makes them. */
import { describe, expect, it } from "@effect/vitest";
import { CoreEvents, Pods } from "../../../src/domain/kube/resource.ts";
import { ResourceQuotas } from "../../../src/services/quota.ts";
import { isDryRun, refusesPodsOfJobs, Scene, titleOf } from "./harness.ts";

const entry = (scene: Scene) => scene.status().nodeStatuses?.["worker-1"];
const gapsOf = (times: ReadonlyArray<number>) =>
  times.slice(1).map((at, index) => Math.round((at - times[index]!) / 1000));
const madePods = (scene: Scene) =>
  scene.requests
    .filter(({ request }) => titleOf(request) === "create pods" && !isDryRun(request))
    .map(({ at }) => at);

/** An operation on a node whose kubelet refuses its first Pods. */
const refused = (first: number, spec: object = {}) => {
  const scene = new Scene({ behaviour: { refusesPods: { reason: "OutOfpods", first } } });
  scene.createOperation(spec);
  scene.startOperator();
  return scene;
};

describe("a Pod that its kubelet refused", () => {
  it.each([
    ["the preflight Pod", { preflight: { command: ["true"] } }, "Claimed"],
    ["the reboot Pod", {}, "Preparing"],
  ])(
    "%s is no verdict: told, and made again at growing intervals until it runs",
    (_what, spec, stage) => {
      const scene = refused(6, spec);
      scene.until("told", () => entry(scene)?.reason === "PodRefused");
      expect(entry(scene)).toMatchObject({ stage, message: expect.stringContaining("OutOfpods") });
      expect(scene.marks("worker-1")).toBe("");
      scene.untilEnded();
      const gaps = gapsOf(madePods(scene)).slice(0, 6);
      for (const [index, least] of [1, 2, 4, 8, 16, 32].entries())
        expect(gaps[index]).toBeGreaterThanOrEqual(least);
      expect(gaps[5]).toBeLessThan(60);
      expect(entry(scene)).toMatchObject({ phase: "Completed" });
      expect(entry(scene)?.reason).toBeUndefined();
      expect(scene.violations()).toEqual([]);
    },
  );

  it.each([
    [
      "the preflight Pod",
      { preflight: { command: ["true"] }, deadlines: { preflightSeconds: 300 } },
      "PreflightDeadlineExceeded",
    ],
    ["the reboot Pod", { deadlines: { upgradeSeconds: 300 } }, "UpgradeDeadlineExceeded"],
  ])("%s, again and again: its deadline ends it, and says why", (_what, spec, reason) => {
    const scene = refused(1000, spec);
    scene.untilEnded();
    expect(entry(scene)).toMatchObject({
      phase: "Failed",
      reason,
      message: expect.stringContaining("OutOfpods"),
    });
    expect(madePods(scene).length).toBeLessThan(15);
    expect(scene.marks("worker-1")).toBe("");
    expect(scene.violations()).toEqual([]);
  });

  it("of a Job is told; the Job makes another one, as often as its backoffLimit allows", () => {
    const scene = refused(2, { rebootOnSuccess: false, backoffLimit: 2 });
    scene.until("told", () => entry(scene)?.reason === "PodRefused");
    expect(entry(scene)?.message).toContain("OutOfpods");
    scene.untilEnded();
    expect(entry(scene)).toMatchObject({ phase: "Completed" });
    const failing = refused(1000, { rebootOnSuccess: false, backoffLimit: 2 });
    failing.untilEnded();
    expect(entry(failing)).toMatchObject({
      phase: "Failed",
      reason: "JobFailed",
      message: expect.stringContaining("OutOfpods"),
    });
    expect(failing.violations()).toEqual([]);
  });
});

describe("a Job whose Pods the API server refuses", () => {
  it("is told after 30 s in the words of its FailedCreate Event, read ever more rarely, and heals", () => {
    let isStrict = true;
    const scene = new Scene({
      admission: [(...asked) => (isStrict ? refusesPodsOfJobs(...asked) : undefined)],
    });
    scene.createOperation();
    scene.startOperator();
    scene.until("it runs", () => entry(scene)?.stage === "Upgrading");
    scene.pass(29);
    expect(entry(scene)?.reason).toBeUndefined();
    scene.pass(3);
    expect(entry(scene)).toMatchObject({
      stage: "Upgrading",
      reason: "JobPodsRefused",
      message: expect.stringContaining("exceeded quota: pods, requested: pods=1"),
    });
    scene.pass(600);
    const reads = scene.requests.filter(({ request }) => titleOf(request) === "list events");
    expect(reads.length).toBeLessThanOrEqual(12);
    expect([...scene.fake.objects(CoreEvents)]).toMatchObject([
      { reason: "FailedCreate", type: "Warning", involvedObject: { kind: "Job" } },
    ]);
    isStrict = false;
    scene.untilEnded();
    expect(entry(scene)).toMatchObject({ phase: "Completed" });
    expect(entry(scene)?.reason).toBeUndefined();
    expect(scene.violations()).toEqual([]);
  });

  it("by a quota with room for one Pod waits with its reboot Pod until the quota has room for two", () => {
    const scene = new Scene({ quotas: true });
    scene.ask({
      verb: "create",
      resource: ResourceQuotas,
      namespace: "default",
      body: {
        apiVersion: "v1",
        kind: "ResourceQuota",
        metadata: { name: "small", namespace: "default" },
        spec: { hard: { pods: "1" } },
      },
    });
    scene.pass(1);
    scene.createOperation();
    scene.startOperator();
    scene.until("told", () => entry(scene)?.reason === "JobPodsRefused");
    expect(entry(scene)?.message).toMatch(
      /exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1; raise the quota/u,
    );
    scene.pass(600);
    expect(entry(scene)?.stage).toBe("Upgrading");
    scene.patch(ResourceQuotas, "small", { spec: { hard: { pods: "2" } } });
    scene.untilEnded();
    expect(entry(scene)).toMatchObject({ phase: "Completed" });
    expect(scene.violations()).toEqual([]);
  });

  it("is told without an Event, too", () => {
    const scene = new Scene();
    scene.createOperation();
    scene.startOperator();
    scene.until("it is made", () => entry(scene)?.stage === "Upgrading");
    scene.cluster.jobController.stop();
    scene.until("told", () => entry(scene)?.reason !== undefined, 60);
    const isThere = [...scene.fake.objects(Pods)].some(
      ({ metadata }) => metadata.ownerReferences?.[0]?.kind === "Job",
    );
    expect([isThere, entry(scene)?.reason]).toEqual([false, "JobWithoutPod"]);
    scene.cluster.jobController.start();
    scene.untilEnded();
    expect(scene.status().phase).toBe("Completed");
  });
});

describe("an image that cannot be pulled", () => {
  it.each([
    [
      "that of the preflight",
      { preflight: { command: ["true"], activeDeadlineSeconds: 600 } },
      "Claimed",
    ],
    ["that of the reboot Pod", {}, "Preparing"],
  ])("%s is told before the node is held or cordoned", (_what, spec, stage) => {
    const scene = new Scene({ behaviour: { pullFails: true } });
    scene.createOperation(spec);
    scene.startOperator();
    scene.until("told", () => entry(scene)?.reason === "ImagePullBackOff", 120);
    expect(entry(scene)?.stage).toBe(stage);
    scene.pass(120);
    expect(scene.marks("worker-1")).toBe("");
    scene.cluster.hosts.get("worker-1")!.behaviour = {
      ...scene.cluster.hosts.get("worker-1")!.behaviour,
      pullFails: false,
    };
    scene.until("it goes on", () => entry(scene)?.phase === "Completed");
    expect(scene.violations()).toEqual([]);
  });

  it("is still told when the time of the preflight is up", () => {
    const scene = new Scene({ behaviour: { pullFails: true } });
    scene.createOperation({ preflight: { command: ["true"] } });
    scene.startOperator();
    scene.untilEnded();
    expect(entry(scene)).toMatchObject({
      reason: "PreflightFailed",
      message: expect.stringMatching(/DeadlineExceeded; last: .*image/u),
    });
  });

  it("that of the Job is told as soon as its kubelet says so", () => {
    const scene = new Scene({ behaviour: { pullFails: true } });
    scene.createOperation({ rebootOnSuccess: false });
    scene.startOperator();
    scene.until("told", () => entry(scene)?.reason === "ImagePullBackOff", 30);
    expect(entry(scene)?.stage).toBe("Upgrading");
  });
});
