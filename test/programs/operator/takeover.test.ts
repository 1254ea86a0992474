/** What the Go original left, state by state: followed, refused with a reason, or left alone. */
import { describe, expect, it } from "@effect/vitest";
import {
  ClusterRoleBindings,
  Jobs,
  NodeOps,
  Nodes,
  Pods,
} from "../../../src/domain/kube/resource.ts";
import { FINALIZER, ORIGINAL_FINALIZER } from "../../../src/domain/labels.ts";
import type { Scene } from "./harness.ts";
import { flaws, jobsOn, rebootPodOf, sceneOfOriginal, writes } from "./originalScene.ts";

const CORDONED_BY = "operator.kairos.io/cordoned-by";

const entry = (scene: Scene, node: string) => scene.status().nodeStatuses?.[node];
const isPhase = (node: string, phase: string) => (scene: Scene) =>
  entry(scene, node)?.phase === phase;
const binding = (scene: Scene) =>
  scene.fake.object(ClusterRoleBindings, { name: "nodeop-reboot-op" });
const jobOf = (scene: Scene, node: string): string => entry(scene, node)?.jobName ?? "";

describe("an operation that the original has ended", () => {
  it("is left alone: nothing is written, to it or to anything else", () => {
    const { scene } = sceneOfOriginal();
    expect(scene.status().phase).toBe("Completed");
    const before = scene.operation();
    scene.startOperator();
    scene.pass(1200);
    expect(writes(scene)).toEqual([]);
    expect(scene.operation()).toBe(before);
  });

  it("does not act on a node that joins later", () => {
    const { scene } = sceneOfOriginal();
    scene.startOperator();
    scene.pass(5);
    scene.ask({
      verb: "create",
      resource: Nodes,
      body: {
        apiVersion: "v1",
        kind: "Node",
        metadata: { name: "late-1" },
        status: { conditions: [{ type: "Ready", status: "True" }] },
      },
    });
    scene.pass(600);
    expect(writes(scene)).toEqual([]);
  });

  it("is left alone when stopOnFailure ended it with nodes to go, its cordon included", () => {
    const { scene } = sceneOfOriginal({
      spec: { stopOnFailure: true, backoffLimit: 0 },
      scene: { behaviour: { script: "fails" } },
    });
    expect(scene.status().nodeStatuses).toMatchObject({ "cp-1": { phase: "Failed" } });
    scene.startOperator();
    scene.pass(1200);
    expect(writes(scene)).toEqual([]);
    expect(scene.marks("cp-1")).toBe("cordoned");
    expect(entry(scene, "worker-1")).toBeUndefined();
  });

  it("keeps no cordon on a node that it has finished", () => {
    const { scene } = sceneOfOriginal();
    const { uid } = scene.operation()!.metadata;
    scene.fake.handle("original", {
      verb: "patch",
      resource: Nodes,
      name: "cp-1",
      patchType: "application/merge-patch+json",
      body: {
        metadata: { annotations: { [CORDONED_BY]: `default/op@${uid}` } },
        spec: { unschedulable: true },
      },
    });
    expect(scene.marks("cp-1")).toBe("cordoned");
    scene.startOperator();
    scene.pass(10);
    expect(scene.marks("cp-1")).toBe("");
    expect(writes(scene)).toEqual(["patch nodes"]);
  });

  it("can be deleted: its finalizer goes with its ClusterRoleBinding, its cordons with it", () => {
    const { scene } = sceneOfOriginal({
      spec: { stopOnFailure: true },
      scene: { behaviour: { script: "fails" } },
    });
    expect(binding(scene)).toBeDefined();
    scene.delete(NodeOps, "op");
    scene.pass(60);
    expect(scene.operation()).toBeDefined();
    scene.startOperator();
    scene.until("it is gone", () => scene.operation() === undefined, 60);
    expect(binding(scene)).toBeUndefined();
    expect(scene.marks("cp-1")).toBe("");
  });

  it("leaves the ClusterRoleBinding of an operation of its name in another namespace", () => {
    const { scene } = sceneOfOriginal();
    const subjects = [{ kind: "ServiceAccount", name: "op-reboot", namespace: "other" }];
    scene.ask({
      verb: "patch",
      resource: ClusterRoleBindings,
      name: "nodeop-reboot-op",
      patchType: "application/merge-patch+json",
      body: { subjects },
    });
    scene.delete(NodeOps, "op");
    scene.startOperator();
    scene.until("it is gone", () => scene.operation() === undefined, 60);
    expect(binding(scene)).toBeDefined();
  });
});

const between = () =>
  sceneOfOriginal({ diesOnce: (scene) => scene.status().phase === "Completed" });

describe("an operation between two nodes, whose phase says Completed", () => {
  it("goes on with the next node, and is Completed only after it", () => {
    const { scene } = between();
    expect(Object.keys(scene.status().nodeStatuses ?? {})).toEqual(["cp-1"]);
    const finished = entry(scene, "cp-1");
    scene.startOperator();
    scene.until("it says the truth", () => scene.status().phase === "Running", 10);
    scene.untilEnded();
    expect(flaws(scene)).toEqual([]);
    expect(entry(scene, "cp-1")).toEqual(finished);
    // Ours ran the second node: nothing is left that would hang a deletion.
    expect(scene.operation()?.metadata.finalizers).toBeUndefined();
    expect(binding(scene)).toBeUndefined();
  });
});

describe("a node whose Job the original made", () => {
  it("is followed in its slot, without another Job, and uncordoned", () => {
    const { scene } = sceneOfOriginal({ until: isPhase("cp-1", "Running") });
    const job = jobOf(scene, "cp-1");
    scene.startOperator();
    scene.until("takeover", () => entry(scene, "cp-1")?.stage === "Followed", 10);
    expect(scene.operation()?.metadata.finalizers).toEqual([ORIGINAL_FINALIZER, FINALIZER]);
    expect(binding(scene)).toBeDefined();
    expect(entry(scene, "worker-1")).toBeUndefined();
    scene.untilEnded();
    expect(flaws(scene)).toEqual([]);
    expect(entry(scene, "cp-1")).toMatchObject({
      phase: "Completed",
      rebootStatus: "completed",
      jobName: job,
      message: "Job and reboot completed successfully",
    });
  });

  it("is followed where the status does not know of it: the original died in between", () => {
    const { scene } = sceneOfOriginal({ dies: { at: 7, before: false } });
    expect(scene.status().nodeStatuses).toBeUndefined();
    expect(jobsOn(scene)).toEqual(["cp-1"]);
    scene.startOperator();
    scene.untilEnded();
    expect(flaws(scene)).toEqual([]);
  });

  it.each([true, false])(
    "fails with its Job, and stops the rest as stopOnFailure says (%s)",
    (stop) => {
      const { scene } = sceneOfOriginal({
        spec: { stopOnFailure: stop, uncordonOnFailure: false },
        until: isPhase("cp-1", "Running"),
      });
      scene.cluster.host("cp-1").behaviour = {
        ...scene.cluster.host("cp-1").behaviour,
        script: "fails",
        scriptSeconds: [1, 1],
      };
      scene.cluster.powerLoss("cp-1");
      scene.startOperator();
      scene.until("the end", () => scene.operation()?.metadata.finalizers === undefined);
      expect(entry(scene, "cp-1")).toMatchObject({
        phase: "Failed",
        reason: "JobFailed",
        rebootStatus: "cancelled",
      });
      expect(entry(scene, "worker-1")?.phase).toBe(stop ? undefined : "Completed");
      expect(scene.marks("cp-1")).toBe("cordoned");
      scene.pass(60);
      expect(rebootPodOf(scene, "cp-1")).toBeUndefined();
      expect(scene.violations()).toEqual([]);
    },
  );

  it("is refused with JobGone where the Job is gone, and settles first: its reboot Pod needs no grant", () => {
    const { scene } = sceneOfOriginal({ until: isPhase("cp-1", "Running") });
    scene.delete(Jobs, jobOf(scene, "cp-1"));
    scene.startOperator();
    scene.until("the failure", () => entry(scene, "cp-1")?.stage === "Settling", 60);
    scene.untilEnded();
    expect(entry(scene, "cp-1")).toMatchObject({ phase: "Failed", reason: "JobGone" });
    expect(entry(scene, "worker-1")?.phase).toBe("Completed");
  });

  it("has the deadlines of ours, from the takeover on", () => {
    const { scene } = sceneOfOriginal({
      spec: { deadlines: { upgradeSeconds: 300 } },
      scene: { behaviour: { script: "hangs" } },
      until: isPhase("cp-1", "Running"),
    });
    scene.startOperator();
    scene.until("the deadline", () => entry(scene, "cp-1")?.phase === "Failed", 320);
    expect(entry(scene, "cp-1")?.reason).toBe("UpgradeDeadlineExceeded");
  });

  it("ends with the operation when that is deleted: no cordon, no Pod and no finalizer is left", () => {
    const { scene } = sceneOfOriginal({ until: isPhase("cp-1", "Running") });
    scene.delete(NodeOps, "op");
    scene.startOperator();
    scene.until("it is gone", () => scene.operation() === undefined, 1200);
    expect(scene.marks("cp-1")).toBe("");
    expect(binding(scene)).toBeUndefined();
    scene.pass(120);
    expect(rebootPodOf(scene, "cp-1")).toBeUndefined();
  });
});

const isPending = (scene: Scene): boolean =>
  entry(scene, "cp-1")?.phase === "Completed" && entry(scene, "cp-1")?.rebootStatus === "pending";
const isRecorded = (scene: Scene): boolean =>
  rebootPodOf(scene, "cp-1")?.metadata.annotations?.["kairos.io/reboot-state"] === "completed";

describe("a reboot that the original asked for", () => {
  it("is waited for, and counts by the report and the Ready node", () => {
    const { scene } = sceneOfOriginal({ until: isPending });
    scene.startOperator();
    scene.untilEnded();
    expect(flaws(scene)).toEqual([]);
  });

  it("that its command did not bring is not believed where the boot before is known", () => {
    const { scene } = sceneOfOriginal({
      spec: { deadlines: { rebootSeconds: 900 }, stopOnFailure: true },
      scene: { behaviour: { reboot: "silently-fails" } },
      until: isPhase("cp-1", "Running"),
    });
    scene.startOperator();
    scene.until("it is told", () => entry(scene, "cp-1")?.reason === "RebootUnproved", 600);
    scene.until("the end", () => scene.operation()?.metadata.finalizers === undefined, 1800);
    expect(entry(scene, "cp-1")).toMatchObject({
      phase: "Failed",
      reason: "RebootDeadlineExceeded",
    });
    expect(entry(scene, "worker-1")).toBeUndefined();
  });

  it("that its command did not bring is believed, as the original believes it, where it was recorded before", () => {
    const { scene } = sceneOfOriginal({
      scene: { behaviour: { reboot: "silently-fails" } },
      until: (now) => isPending(now) && isRecorded(now),
      pause: 60,
    });
    const since = scene.world.now;
    scene.startOperator();
    scene.until("it counts", () => entry(scene, "cp-1")?.rebootStatus === "completed", 120);
    expect(scene.world.now - since).toBeGreaterThan(60_000);
    expect(scene.marks("cp-1")).toBe("");
  });

  it("counts by another boot where its Pod was evicted while the host was down (kairos#4362)", () => {
    const { scene } = sceneOfOriginal({ until: isPhase("cp-1", "Running") });
    scene.startOperator();
    scene.until("it goes down", () => scene.cluster.host("cp-1").power === "off", 600);
    scene.ask({
      verb: "delete",
      resource: Pods,
      namespace: "default",
      name: rebootPodOf(scene, "cp-1")!.metadata.name,
      body: { gracePeriodSeconds: 0 },
    });
    scene.untilEnded();
    expect(entry(scene, "cp-1")).toMatchObject({ phase: "Completed", rebootStatus: "completed" });
  });

  it("is refused with RebootFailed where its Pod is gone before it reported anything", () => {
    const { scene } = sceneOfOriginal({ until: isPhase("cp-1", "Running") });
    scene.ask({
      verb: "delete",
      resource: Pods,
      namespace: "default",
      name: rebootPodOf(scene, "cp-1")!.metadata.name,
      body: { gracePeriodSeconds: 0 },
    });
    scene.startOperator();
    scene.untilEnded();
    expect(entry(scene, "cp-1")).toMatchObject({ phase: "Failed", reason: "RebootFailed" });
    expect(entry(scene, "worker-1")?.phase).toBe("Completed");
  });
});

describe("a preflight of the original", () => {
  const spec = { preflight: { command: ["/bin/true"] } };

  it("whose Pod runs gives its verdict to ours", () => {
    const { scene } = sceneOfOriginal({ spec, until: isPhase("cp-1", "Preflight") });
    scene.startOperator();
    scene.untilEnded();
    expect(flaws(scene)).toEqual([]);
    const preflights = scene.commits.filter(
      ({ resource, before, after }) =>
        resource.kind === Pods.kind &&
        before === undefined &&
        after?.metadata.labels?.["kairos.io/preflight"] === "true",
    );
    expect(preflights).toHaveLength(2);
  });

  it("whose Pod is gone is made again: it changes nothing on the node", () => {
    const { scene } = sceneOfOriginal({ spec, until: isPhase("cp-1", "Preflight") });
    for (const { after } of scene.commits)
      if (after?.metadata.labels?.["kairos.io/preflight"] === "true") {
        scene.delete(Pods, after.metadata.name);
        break;
      }
    scene.startOperator();
    scene.untilEnded();
    expect(flaws(scene)).toEqual([]);
  });
});

describe("a cordon that is not the original's", () => {
  it("stays on the node", () => {
    const { scene } = sceneOfOriginal({
      until: (now) => {
        if (now.marks("worker-1") === "")
          now.patch(Nodes, "worker-1", { spec: { unschedulable: true } });
        return isPhase("cp-1", "Running")(now);
      },
    });
    scene.startOperator();
    scene.untilEnded();
    expect(scene.status().phase).toBe("Completed");
    expect(scene.marks("worker-1")).toBe("cordoned");
    expect(scene.node("worker-1").metadata.annotations?.[CORDONED_BY]).toBeUndefined();
    expect(scene.marks("cp-1")).toBe("");
  });
});
