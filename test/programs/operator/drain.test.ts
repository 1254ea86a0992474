/** Nodes are drained before their Jobs: through the Eviction API, look by look, and never silently. */
import { describe, expect, it } from "@effect/vitest";
import type { StatusBody } from "../../../src/services/ApiServer.ts";
import {
  PodDisruptionBudgets,
  NodeOpUpgrades,
  Nodes,
  Pods,
} from "../../../src/domain/kube/resource.ts";
import { rightBefore, Scene, type SceneOptions, titleOf } from "./harness.ts";

interface Workload {
  readonly node?: string;
  readonly owner?: string | null;
  readonly labels?: Record<string, string>;
  readonly volumes?: ReadonlyArray<object>;
  readonly finalizers?: ReadonlyArray<string>;
  readonly graceSeconds?: number;
  readonly tolerations?: ReadonlyArray<object>;
}

/** A Pod of somebody's workload, which runs until it is told to stop. */
const createPod = (scene: Scene, name: string, workload: Workload = {}) => {
  const { owner = "ReplicaSet", volumes = [] } = workload;
  return scene.ask({
    verb: "create",
    resource: Pods,
    namespace: "default",
    body: {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name,
        namespace: "default",
        labels: workload.labels ?? {},
        finalizers: workload.finalizers ?? [],
        ownerReferences:
          owner === null
            ? []
            : [{ apiVersion: "apps/v1", kind: owner, name: "o", uid: "o-uid", controller: true }],
      },
      spec: {
        nodeName: workload.node ?? "worker-1",
        containers: [{ name: "main", image: "shop" }],
        volumes,
        tolerations: workload.tolerations ?? [],
        terminationGracePeriodSeconds: workload.graceSeconds ?? 30,
      },
    },
  });
};

/** Two nodes, so that there is somewhere to drain to. */
const draining = (options: SceneOptions = {}): Scene =>
  new Scene({ nodes: ["worker-1", "worker-2"], ...options });

const start = (scene: Scene, drainOptions: object = {}, spec: object = {}): void => {
  scene.createOperation({
    nodeSelector: { matchLabels: { "kubernetes.io/hostname": "worker-1" } },
    drainOptions: { enabled: true, ...drainOptions },
    ...spec,
  });
};

const isThere = (scene: Scene, name: string): boolean =>
  scene.fake.object(Pods, { namespace: "default", name }) !== undefined;

const entry = (scene: Scene) => scene.status().nodeStatuses?.["worker-1"];

const evictions = (scene: Scene, pod?: string) =>
  scene.requests.filter(
    ({ request }) =>
      titleOf(request) === "create pods/eviction" &&
      (pod === undefined || ("name" in request && request.name === pod)),
  );

/** The lists of all Pods on a node. */
const looks = (scene: Scene) =>
  scene.requests.filter(
    ({ request }) =>
      request.verb === "list" &&
      titleOf(request) === "list pods" &&
      request.query?.fieldSelector === "spec.nodeName=worker-1",
  );

/** Refuses evictions of Pods with the label `app=db` while `isBlocking`. */
const refusing = (status: StatusBody, isBlocking: () => boolean = () => true): SceneOptions => ({
  admission: [
    (_actor, request, { metadata }) =>
      request.subresource === "eviction" && metadata.labels?.["app"] === "db" && isBlocking()
        ? status
        : undefined,
  ],
});

const failure = (code: number, reason: string, message: string, cause?: string): StatusBody => ({
  kind: "Status",
  apiVersion: "v1",
  status: "Failure",
  code,
  reason,
  message,
  ...(cause === undefined ? {} : { details: { causes: [{ reason: cause, message }] } }),
});

const BUDGET = failure(
  429,
  "TooManyRequests",
  "Cannot evict pod as it would violate the pod's disruption budget.",
  "DisruptionBudget",
);

const createBudget = (scene: Scene): void =>
  void scene.ask({
    verb: "create",
    resource: PodDisruptionBudgets,
    namespace: "default",
    body: {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: "db", namespace: "default" },
      spec: { minAvailable: 1, selector: { matchLabels: { app: "db" } } },
    },
  });

describe("a drain", () => {
  it("evicts what can go elsewhere, waits for its end, and only then lets the Job run", () => {
    const scene = draining();
    createPod(scene, "web");
    createPod(scene, "log", { owner: "DaemonSet" });
    createPod(scene, "elsewhere", { node: "worker-2" });
    start(scene);
    scene.startOperator();
    scene.until("the drain", () => entry(scene)?.drainingSince !== undefined);
    expect(entry(scene)?.message).toBe("Draining the node: default/web");
    expect(scene.marks("worker-1")).toBe("held cordoned");
    scene.until("the Job", () => entry(scene)?.stage === "Upgrading");
    expect(isThere(scene, "web")).toBe(false);
    expect(entry(scene)?.drainingSince).toBeUndefined();
    scene.untilEnded();
    expect(scene.status().phase).toBe("Completed");
    expect(["log", "elsewhere"].map((name) => isThere(scene, name))).toEqual([true, true]);
    expect(evictions(scene)).toHaveLength(1);
    expect(scene.violations()).toEqual([]);
  });

  it("gives each Pod the time that the options say", () => {
    const scene = draining();
    createPod(scene, "web", { graceSeconds: 600 });
    start(scene, { gracePeriodSeconds: 5 });
    scene.startOperator();
    scene.until("the eviction", () => evictions(scene).length > 0);
    expect(evictions(scene)[0]?.request).toMatchObject({
      body: {
        deleteOptions: { gracePeriodSeconds: 5, preconditions: { uid: expect.any(String) } },
      },
    });
  });

  it("does nothing about Pods when none is wanted", () => {
    const scene = draining();
    createPod(scene, "web");
    start(scene, { enabled: false });
    scene.startOperator();
    scene.untilEnded();
    expect(isThere(scene, "web")).toBe(true);
    expect(looks(scene)).toHaveLength(0);
  });

  it("refuses at once what the options do not allow, and leaves the node schedulable", () => {
    const scene = draining();
    createPod(scene, "bare", { owner: null });
    createPod(scene, "cache", { volumes: [{ name: "tmp", emptyDir: {} }] });
    createPod(scene, "web");
    start(scene);
    scene.startOperator();
    scene.untilEnded();
    expect(entry(scene)).toMatchObject({ phase: "Failed", reason: "DrainRefused" });
    expect(entry(scene)?.message).toBe(
      "Drain refused: cannot delete Pods that declare no controller (write drainOptions.force: true to override): default/bare; cannot delete Pods with local storage (write drainOptions.deleteEmptyDirData: true to override): default/cache",
    );
    expect(evictions(scene)).toEqual([]);
    expect(scene.marks("worker-1")).toBe("");
    expect(scene.violations()).toEqual([]);
  });

  it("puts a cordon back that somebody takes off while it lasts", () => {
    const scene = draining();
    createPod(scene, "web", { graceSeconds: 120, finalizers: ["shop.example/wait"] });
    start(scene);
    scene.startOperator();
    scene.until("the drain", () => evictions(scene).length > 0);
    scene.patch(Nodes, "worker-1", { spec: { unschedulable: false } });
    expect(scene.marks("worker-1")).toBe("held");
    scene.pass(2);
    expect(scene.marks("worker-1")).toBe("held cordoned");
    expect(evictions(scene)).toHaveLength(1);
  });

  it("goes on where it was when the operator is started anew", () => {
    const scene = draining(refusing(BUDGET));
    createPod(scene, "db-0", { labels: { app: "db" } });
    start(scene, { timeoutSeconds: 600 });
    const first = scene.startOperator();
    scene.until("the drain", () => entry(scene)?.drainingSince !== undefined);
    const since = entry(scene)?.drainingSince;
    scene.pass(300);
    first.kill();
    scene.startOperator();
    scene.pass(200);
    expect(entry(scene)?.drainingSince).toBe(since);
    scene.pass(110);
    expect(entry(scene)).toMatchObject({ phase: "Failed", reason: "DrainTimeout" });
  });
});

const phaseOf = (scene: Scene, name: string): unknown => {
  const status = scene.fake.object(Pods, { namespace: "default", name })?.["status"];
  return typeof status === "object" && status !== null && "phase" in status && status.phase;
};

const patchBudget = (scene: Scene, body: object, subresource?: "status"): void =>
  void scene.ask({
    verb: "patch",
    resource: PodDisruptionBudgets,
    subresource,
    namespace: "default",
    name: "db",
    body,
  });

/** What the disruption controller would count, of one Pod. */
const countBudget = (scene: Scene, desiredHealthy: number, observedGeneration: number): void => {
  const disruptionsAllowed = 1 - desiredHealthy;
  const counts = { currentHealthy: disruptionsAllowed, desiredHealthy, expectedPods: 1 };
  patchBudget(scene, { status: { observedGeneration, disruptionsAllowed, ...counts } }, "status");
};

/** A drain that a budget blocks until `release`. */
const blocked = (spec: object = {}, options: object = {}) => {
  const scene = draining();
  createPod(scene, "db-0", { labels: { app: "db" } });
  createPod(scene, "web");
  createBudget(scene);
  countBudget(scene, 1, 1);
  // One that has not started yet is evicted past every budget.
  scene.until("the Pod runs", () => phaseOf(scene, "db-0") === "Running");
  start(scene, options, spec);
  scene.startOperator();
  const release = () => {
    patchBudget(scene, { spec: { minAvailable: 0 } });
    countBudget(scene, 0, 2);
  };
  return { scene, release };
};

describe("a drain that a budget blocks", () => {
  it("evicts the others, tries again every 5 s as kubectl, and is told by name within a minute and a half", () => {
    const { scene } = blocked();
    scene.until("the drain", () => evictions(scene, "db-0").length > 0);
    scene.pass(55);
    expect(entry(scene)?.reason).toBeUndefined();
    const count = evictions(scene, "db-0").length;
    expect(count).toBeGreaterThanOrEqual(11);
    expect(count).toBeLessThanOrEqual(12);
    scene.pass(20);
    expect(isThere(scene, "web")).toBe(false);
    expect(entry(scene)).toMatchObject({
      reason: "DrainBlocked",
      message:
        "Draining is blocked: default/db-0: PodDisruptionBudget default/db allows 0 disruptions (0 healthy, 1 needed)",
    });
  });

  it("goes on as soon as the budget allows it", () => {
    const { scene, release } = blocked();
    scene.until("it is told", () => entry(scene)?.reason === "DrainBlocked", 200);
    release();
    scene.untilEnded();
    expect(scene.status().phase).toBe("Completed");
    expect(entry(scene)?.reason).toBeUndefined();
    expect(scene.violations()).toEqual([]);
  });

  it("fails when its time is up, with what blocked it, and leaves the node schedulable", () => {
    const { scene } = blocked({ deadlines: { drainSeconds: 120 }, uncordonOnFailure: false });
    scene.untilEnded();
    expect(entry(scene)).toMatchObject({ phase: "Failed", reason: "DrainTimeout" });
    expect(entry(scene)?.message).toBe(
      "Drain failed: not done in time, still there: default/db-0. Draining is blocked: default/db-0: PodDisruptionBudget default/db allows 0 disruptions (0 healthy, 1 needed)",
    );
    expect(scene.marks("worker-1")).toBe("");
    expect(isThere(scene, "db-0")).toBe(true);
    expect(scene.violations()).toEqual([]);
  });

  it("may end earlier than the deadline by its own timeout", () => {
    const { scene } = blocked({}, { timeoutSeconds: 60 });
    scene.until("the drain", () => entry(scene)?.drainingSince !== undefined);
    scene.pass(62);
    expect(entry(scene)).toMatchObject({ phase: "Failed", reason: "DrainTimeout" });
  });
});

describe("an eviction that is answered with", () => {
  const SEVERAL =
    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
  it.each([
    ["429 of a busy server", failure(429, "TooManyRequests", "slow down")],
    ["500 of two budgets", failure(500, "InternalError", SEVERAL)],
    ["403 of a terminating namespace", failure(403, "Forbidden", "no", "NamespaceTerminating")],
    ["409", failure(409, "Conflict", "changed")],
    ["503", failure(503, "ServiceUnavailable", "later")],
  ])("%s is tried again, and told once it lasts", (_what, status) => {
    let isBlocking = true;
    const scene = draining(refusing(status, () => isBlocking));
    createPod(scene, "db-0", { labels: { app: "db" } });
    start(scene);
    scene.startOperator();
    scene.until("the drain", () => evictions(scene).length > 0);
    scene.pass(100);
    expect(evictions(scene).length).toBeGreaterThan(3);
    expect(entry(scene)).toMatchObject({
      stage: "Preparing",
      reason: expect.stringMatching(/^(?:DrainBlocked|RequestFailed)$/u),
      message: expect.stringContaining(status.message),
    });
    isBlocking = false;
    scene.untilEnded();
    expect(scene.status().phase).toBe("Completed");
    expect(scene.violations()).toEqual([]);
  });

  it("404 is done: the Pod has gone by itself", () => {
    const scene = draining();
    createPod(scene, "web", { graceSeconds: 0 });
    start(scene);
    scene.startOperator({
      intercept: rightBefore(
        (title) => title === "create pods/eviction",
        () => scene.delete(Pods, "web"),
      ),
    });
    scene.untilEnded();
    expect(scene.status().phase).toBe("Completed");
  });

  it("409, because a Pod of that name was created again elsewhere, is none of our business", () => {
    const scene = draining();
    createPod(scene, "db-0", { owner: "StatefulSet", graceSeconds: 0 });
    start(scene);
    scene.startOperator({
      intercept: rightBefore(
        (title) => title === "create pods/eviction",
        () => {
          scene.delete(Pods, "db-0");
          createPod(scene, "db-0", { owner: "StatefulSet", node: "worker-2" });
        },
      ),
    });
    scene.untilEnded();
    expect(scene.status().phase).toBe("Completed");
    expect(isThere(scene, "db-0")).toBe(true);
    expect(evictions(scene)).toHaveLength(1);
  });
});

describe("a Pod that does not end", () => {
  it("is waited for and named, and fails the drain at its deadline", () => {
    const scene = draining();
    createPod(scene, "stuck", { finalizers: ["shop.example/wait"], graceSeconds: 5 });
    start(scene, {}, { deadlines: { drainSeconds: 300 } });
    scene.startOperator();
    scene.until("the drain", () => evictions(scene).length > 0);
    scene.pass(60);
    expect(entry(scene)).toMatchObject({
      reason: "PodsTerminating",
      message: "Draining waits for Pods that should have ended: default/stuck",
    });
    expect(evictions(scene)).toHaveLength(1);
    scene.untilEnded();
    expect(entry(scene)).toMatchObject({
      reason: "DrainTimeout",
      message: expect.stringContaining("default/stuck"),
    });
    expect(scene.marks("worker-1")).toBe("");
  });
});

const IMAGE = "quay.io/kairos/opensuse:leap-15.6-standard-amd64-generic-v3.4.2-k3sv1.30.11-k3s1";

const NOT_DRAINED =
  "Job is running; not drained, because no other node is Ready, schedulable and free of taints that keep its Pods off";
const CONTROL_PLANE = { key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" };

const upgrade = (scene: Scene, spec: object = {}): void =>
  void scene.ask({
    verb: "create",
    resource: NodeOpUpgrades,
    namespace: "default",
    body: {
      apiVersion: "operator.kairos.io/v1alpha1",
      kind: "NodeOpUpgrade",
      metadata: { name: "op", namespace: "default" },
      spec: {
        image: IMAGE,
        concurrency: 1,
        nodeSelector: { matchLabels: { "kubernetes.io/hostname": "worker-1" } },
        ...spec,
      },
    },
  });

describe("a NodeOpUpgrade", () => {
  it("drains without being asked: emptyDir Pods too, but no Pod that nobody would create again", () => {
    const scene = draining();
    createPod(scene, "cache", { volumes: [{ name: "tmp", emptyDir: {} }] });
    createPod(scene, "bare", { owner: null });
    upgrade(scene);
    scene.startOperator();
    scene.untilEnded();
    expect(scene.status().phase).toBe("Completed");
    expect(["cache", "bare"].map((name) => isThere(scene, name))).toEqual([false, true]);
    expect(scene.violations()).toEqual([]);
  });

  it("is not drained where there is nowhere to drain to, and says so", () => {
    const scene = draining({ nodes: ["worker-1"] });
    createPod(scene, "web");
    upgrade(scene);
    scene.startOperator();
    scene.until("its Job", () => entry(scene)?.stage === "Upgrading");
    expect(entry(scene)?.message).toBe(NOT_DRAINED);
    expect(evictions(scene)).toEqual([]);
    expect(looks(scene)).toEqual([]);
  });

  it("is not drained where the other nodes have taints that none of its Pods tolerates", () => {
    const scene = draining({ nodes: ["worker-1", "cp-1"] });
    scene.patch(Nodes, "cp-1", { spec: { taints: [CONTROL_PLANE] } });
    createPod(scene, "web");
    // What stays where it is needs no place elsewhere.
    createPod(scene, "agent", { owner: "DaemonSet", tolerations: [{ operator: "Exists" }] });
    upgrade(scene);
    scene.startOperator();
    scene.until("its Job", () => entry(scene)?.stage === "Upgrading");
    expect(entry(scene)?.message).toBe(NOT_DRAINED);
    expect([evictions(scene), isThere(scene, "web")]).toEqual([[], true]);
    expect(scene.violations()).toEqual([]);
  });

  it("is drained where one of them tolerates what the other nodes have", () => {
    const scene = draining({ nodes: ["worker-1", "cp-1"] });
    scene.patch(Nodes, "cp-1", { spec: { taints: [CONTROL_PLANE] } });
    createPod(scene, "web");
    createPod(scene, "dns", { tolerations: [{ key: CONTROL_PLANE.key, operator: "Exists" }] });
    upgrade(scene);
    scene.startOperator();
    scene.until("its Job", () => entry(scene)?.stage === "Upgrading");
    expect(evictions(scene)).toHaveLength(2);
    expect(scene.violations()).toEqual([]);
  });

  it.each([
    ["is tainted", { spec: { taints: [CONTROL_PLANE] } }],
    ["is cordoned", { spec: { unschedulable: true } }],
  ])("whose drain has begun is drained to the end, although the only other node %s", (_, patch) => {
    const scene = draining(refusing(BUDGET));
    createPod(scene, "db-0", { labels: { app: "db" } });
    createPod(scene, "web");
    upgrade(scene);
    scene.startOperator();
    scene.until("the drain", () => evictions(scene).length > 0);
    scene.patch(Nodes, "worker-2", patch);
    scene.pass(60);
    expect(entry(scene)?.stage).toBe("Preparing");
    scene.until("it is told", () => entry(scene)?.reason === "DrainBlocked", 120);
    expect(entry(scene)?.message).toContain("default/db-0");
    expect(isThere(scene, "web")).toBe(false);
  });

  it("is drained all the same by drainOptions of its own", () => {
    const scene = draining({ nodes: ["worker-1"] });
    createPod(scene, "web");
    upgrade(scene, { drainOptions: { gracePeriodSeconds: 10 } });
    scene.startOperator();
    scene.until("its Job", () => entry(scene)?.stage === "Upgrading");
    expect(evictions(scene)).toHaveLength(1);
  });

  it("takes a change of its drainOptions while it waits for a Pod", () => {
    const scene = draining(refusing(BUDGET));
    createPod(scene, "db-0", { labels: { app: "db" } });
    upgrade(scene);
    scene.startOperator();
    scene.until("the drain", () => entry(scene)?.drainingSince !== undefined);
    scene.patch(NodeOpUpgrades, "op", { spec: { drainOptions: { enabled: false } } });
    scene.until("its Job", () => entry(scene)?.stage === "Upgrading", 30);
    expect(isThere(scene, "db-0")).toBe(true);
  });
});

describe("the operator itself", () => {
  it("asks for no Pods between its looks, whatever else happens to the node", () => {
    const scene = draining();
    createPod(scene, "stuck", { finalizers: ["shop.example/wait"] });
    start(scene);
    scene.startOperator();
    scene.until("the drain", () => evictions(scene).length > 0);
    scene.pass(60);
    const before = looks(scene).length;
    for (let count = 0; count < 50; count++) {
      scene.patch(Nodes, "worker-1", { metadata: { annotations: { beat: `${count}` } } });
      scene.pass(1);
    }
    expect(looks(scene).length - before).toBeGreaterThanOrEqual(4);
    expect(looks(scene).length - before).toBeLessThanOrEqual(6);
  });
});
