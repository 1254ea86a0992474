/** A drained node's volumes are detached before its Job: what was used by Pods that left it, and by nobody who stays. */
import { describe, expect, it } from "@effect/vitest";
import {
  Nodes,
  PersistentVolumeClaims,
  Pods,
  VolumeAttachments,
} from "../../../src/domain/kube/resource.ts";
import { rightBefore, Scene, type SceneOptions, titleOf } from "./harness.ts";

const usingClaim = (claimName: string) => ({
  name: "data",
  persistentVolumeClaim: { claimName },
});

/** A Pod of somebody's workload on worker-1. */
const createPod = (scene: Scene, name: string, owner: string, volumes: ReadonlyArray<object>) =>
  scene.ask({
    verb: "create",
    resource: Pods,
    namespace: "default",
    body: {
      metadata: {
        name,
        namespace: "default",
        ownerReferences: [
          { apiVersion: "apps/v1", kind: owner, name: "o", uid: "o-uid", controller: true },
        ],
      },
      spec: {
        nodeName: "worker-1",
        containers: [{ name: "main", image: "shop" }],
        volumes,
        terminationGracePeriodSeconds: 5,
      },
    },
  });

const createClaim = (scene: Scene, name: string, volumeName: string) =>
  scene.ask({
    verb: "create",
    resource: PersistentVolumeClaims,
    namespace: "default",
    body: { metadata: { name, namespace: "default" }, spec: { volumeName } },
  });

const attach = (scene: Scene, name: string, volume: string, nodeName = "worker-1") =>
  scene.ask({
    verb: "create",
    resource: VolumeAttachments,
    body: {
      metadata: { name, finalizers: ["external-attacher/csi"] },
      spec: { attacher: "csi", nodeName, source: { persistentVolumeName: volume } },
    },
  });

/** The CSI driver has detached it. */
const detach = (scene: Scene, name: string): void => {
  scene.patch(VolumeAttachments, name, { metadata: { finalizers: null } });
  scene.delete(VolumeAttachments, name);
};

const start = (scene: Scene, spec: object = {}): void => {
  scene.createOperation({
    nodeSelector: { matchLabels: { "kubernetes.io/hostname": "worker-1" } },
    drainOptions: { enabled: true },
    ...spec,
  });
};

const entry = (scene: Scene) => scene.status().nodeStatuses?.["worker-1"];

const isPresent = (scene: Scene, name: string): boolean =>
  scene.fake.object(Pods, { namespace: "default", name }) !== undefined;

/** A database whose volume is attached to the node, and whatever else runs there. */
const withDatabase = (options: SceneOptions = {}): Scene => {
  const scene = new Scene({ nodes: ["worker-1", "worker-2"], ...options });
  createClaim(scene, "db", "pv-db");
  attach(scene, "csi-db", "pv-db");
  createPod(scene, "db-0", "StatefulSet", [usingClaim("db")]);
  return scene;
};

/** Until the Pod has left; its volume is attached still. */
const untilEvicted = (scene: Scene): void =>
  scene.until("the Pod is gone", () => !isPresent(scene, "db-0"));

const asked = (scene: Scene, title: string): number =>
  scene.requests.filter(({ request }) => titleOf(request) === title).length;

describe("a node whose Pods have left", () => {
  it("gets its Job only when their volumes are detached", () => {
    const scene = withDatabase();
    start(scene);
    scene.startOperator();
    untilEvicted(scene);
    scene.pass(40);
    expect(entry(scene)).toMatchObject({ stage: "Preparing" });
    expect(entry(scene)?.reason).toBeUndefined();
    detach(scene, "csi-db");
    scene.until("its Job", () => entry(scene)?.stage === "Upgrading", 11);
    scene.untilEnded();
    expect(scene.status().phase).toBe("Completed");
    expect(scene.violations()).toEqual([]);
  });

  it("lists all attachments once, then reads what is left, and no claim where no Pod that stays has one", () => {
    const scene = withDatabase();
    attach(scene, "csi-other", "pv-other", "worker-2");
    createPod(scene, "log", "DaemonSet", []);
    start(scene);
    scene.startOperator();
    untilEvicted(scene);
    scene.pass(60);
    expect(asked(scene, "list volumeattachments")).toBe(1);
    expect(asked(scene, "get volumeattachments")).toBeGreaterThan(4);
    expect(asked(scene, "get volumeattachments")).toBeLessThan(9);
    expect(asked(scene, "get persistentvolumeclaims")).toBe(0);
    detach(scene, "csi-db");
    scene.untilEnded();
    expect(asked(scene, "list volumeattachments")).toBe(1);
  });

  it("keeps those of Pods that stay, ephemeral volumes included", () => {
    const scene = withDatabase();
    createClaim(scene, "logs", "pv-logs");
    createClaim(scene, "log-scratch", "pv-scratch");
    attach(scene, "csi-logs", "pv-logs");
    attach(scene, "csi-scratch", "pv-scratch");
    createPod(scene, "log", "DaemonSet", [
      usingClaim("logs"),
      { name: "scratch", ephemeral: { volumeClaimTemplate: {} } },
      // One that does not exist yet has no volume.
      { name: "later", persistentVolumeClaim: { claimName: "later" } },
    ]);
    start(scene);
    scene.startOperator();
    untilEvicted(scene);
    detach(scene, "csi-db");
    scene.untilEnded();
    expect(scene.status().phase).toBe("Completed");
    expect(asked(scene, "get persistentvolumeclaims")).toBe(3);
    expect(scene.violations()).toEqual([]);
  });

  it("waits for one that is attached, whoever took its Pod away", () => {
    const scene = new Scene({ nodes: ["worker-1", "worker-2"] });
    attach(scene, "csi-db", "pv-db");
    start(scene);
    scene.startOperator();
    scene.until("the drain", () => entry(scene)?.drainingSince !== undefined);
    expect(entry(scene)?.message).toBe(
      "Draining the node: VolumeAttachment csi-db of PersistentVolume pv-db",
    );
    detach(scene, "csi-db");
    scene.untilEnded();
    expect(scene.status().phase).toBe("Completed");
  });

  it("is told by name within a minute and a half, fails at its deadline, and is schedulable again", () => {
    const scene = withDatabase();
    start(scene, { deadlines: { drainSeconds: 300 } });
    scene.startOperator();
    untilEvicted(scene);
    scene.pass(85);
    expect(entry(scene)).toMatchObject({
      reason: "VolumesAttached",
      message:
        "Draining waits for volumes that should have been detached: VolumeAttachment csi-db of PersistentVolume pv-db",
    });
    scene.untilEnded();
    expect(entry(scene)).toMatchObject({
      phase: "Failed",
      reason: "DrainTimeout",
      message:
        "Drain failed: not done in time, still there: VolumeAttachment csi-db of PersistentVolume pv-db",
    });
    expect(scene.marks("worker-1")).toBe("");
    expect(scene.violations()).toEqual([]);
  });

  it("waits on when the operator is started anew, and its time is not counted anew", () => {
    const scene = withDatabase();
    start(scene, { deadlines: { drainSeconds: 600 } });
    const first = scene.startOperator();
    untilEvicted(scene);
    scene.pass(300);
    first.kill();
    scene.startOperator();
    scene.pass(100);
    expect(entry(scene)?.stage).toBe("Preparing");
    scene.pass(250);
    expect(entry(scene)).toMatchObject({ reason: "DrainTimeout" });
    expect(scene.violations()).toEqual([]);
  });

  it("is cordoned again by the operator, while it waits", () => {
    const scene = withDatabase();
    start(scene);
    scene.startOperator();
    untilEvicted(scene);
    scene.pass(20);
    scene.patch(Nodes, "worker-1", { spec: { unschedulable: false } });
    scene.pass(2);
    expect(scene.marks("worker-1")).toBe("held cordoned");
  });

  it("is looked through anew when Pods came to it, whose volumes count as well", () => {
    const scene = withDatabase();
    start(scene);
    scene.startOperator();
    untilEvicted(scene);
    scene.pass(15);
    createClaim(scene, "late", "pv-late");
    createPod(scene, "late", "StatefulSet", [usingClaim("late")]);
    attach(scene, "csi-late", "pv-late");
    scene.until("it is evicted", () => !isPresent(scene, "late"));
    detach(scene, "csi-db");
    scene.pass(30);
    expect(entry(scene)?.stage).toBe("Preparing");
    detach(scene, "csi-late");
    scene.untilEnded();
    expect(scene.status().phase).toBe("Completed");
    expect(asked(scene, "list volumeattachments")).toBe(2);
  });

  it("does not wait where no other node could take the volumes, nor where nothing is drained", () => {
    const alone = withDatabase({ nodes: ["worker-1"] });
    start(alone);
    const undrained = withDatabase();
    start(undrained, { drainOptions: { enabled: false } });
    for (const scene of [alone, undrained]) {
      scene.startOperator();
      scene.untilEnded();
      expect(scene.status().phase).toBe("Completed");
      expect(asked(scene, "list volumeattachments")).toBe(0);
      expect(scene.violations()).toEqual([]);
    }
  });

  it("is not waited for any longer when an attachment is gone before it is read", () => {
    const scene = withDatabase();
    start(scene);
    scene.startOperator({
      intercept: rightBefore(
        (title) => title === "get volumeattachments",
        () => detach(scene, "csi-db"),
      ),
    });
    scene.untilEnded();
    expect(scene.status().phase).toBe("Completed");
    expect(asked(scene, "get volumeattachments")).toBe(1);
  });
});
