/** Every permission that is granted is used, and every one that is used is granted: by what operators ask a cluster for. */
import { describe, expect, it } from "@effect/vitest";
import {
  Jobs,
  NodeOps,
  NodeOpUpgrades,
  Pods,
  VolumeAttachments,
} from "../../../src/domain/kube/resource.ts";
import { OPERATOR_PERMISSIONS } from "../../../src/domain/manifests/permissions.ts";
import { resourceOf } from "../../../src/domain/manifests/rbac.ts";
import { refusesPodsOfJobs, Scene, titleOf } from "./harness.ts";
import { sceneOfOriginal } from "./originalScene.ts";

const IMAGE = "quay.io/kairos/opensuse:leap-15.6-standard-amd64-generic-v3.4.2-k3sv1.30.11-k3s1";

/** What the operator's programs here do not ask for: Events and the Lease are those of the command around them. */
const OF_THE_COMMAND = ["events.k8s.io", "coordination.k8s.io"];
/** What nobody asks for: an admission plugin looks it up when a child is made. */
const OF_ADMISSION = "finalizers";

const granted = OPERATOR_PERMISSIONS.filter(
  ({ about }) =>
    !OF_THE_COMMAND.includes(about.resource.group) && about.subresource !== OF_ADMISSION,
).flatMap(({ about, verbs }) => verbs.map((verb) => `${verb} ${resourceOf(about)}`));

const upgrade = (scene: Scene, verb: "create" | "patch", spec: object): void =>
  void scene.ask({
    verb,
    resource: NodeOpUpgrades,
    namespace: "default",
    ...(verb === "patch" ? { name: "up", patchType: "application/merge-patch+json" } : {}),
    body: {
      apiVersion: "operator.kairos.io/v1alpha1",
      kind: "NodeOpUpgrade",
      metadata: { name: "up", namespace: "default" },
      spec,
    },
  });

const isAt = (scene: Scene, stage: string): boolean =>
  scene.status().nodeStatuses?.["worker-1"]?.stage === stage;

/** An upgrade that is steered while it runs, and completes. */
const steered = (): Scene => {
  const scene = new Scene({ nodes: ["cp-1", "worker-1"] });
  scene.startOperator();
  upgrade(scene, "create", { image: IMAGE, concurrency: 1 });
  scene.until("the first node is held", () => scene.marks("cp-1") === "held cordoned");
  upgrade(scene, "patch", { concurrency: 2 });
  scene.untilEnded("up");
  return scene;
};

/** An operation that is deleted in the middle of its work. */
const deleted = (): Scene => {
  const scene = new Scene();
  scene.startOperator();
  scene.createOperation();
  scene.until("its Job runs", () => isAt(scene, "Upgrading"));
  scene.delete(NodeOps, "op");
  scene.until("it is gone", () => scene.operation() === undefined);
  return scene;
};

/** An operation of which somebody deletes the Job, and one of which somebody deletes the reboot Pod: both are looked for. */
const robbed = (stage: "Upgrading" | "Rebooting"): Scene => {
  const scene = new Scene({ behaviour: { reboot: "silently-fails" } });
  scene.startOperator();
  scene.createOperation();
  scene.until(stage, () => isAt(scene, stage));
  const { jobName = "" } = scene.status().nodeStatuses!["worker-1"]!;
  if (stage === "Upgrading") scene.delete(Jobs, jobName);
  else scene.delete(Pods, rebootPodOf(scene));
  scene.untilEnded();
  return scene;
};

/** An operation whose Job may have no Pods. */
const podless = (): Scene => {
  const scene = new Scene({ admission: [refusesPodsOfJobs] });
  scene.startOperator();
  scene.createOperation();
  scene.until("told", () => scene.status().nodeStatuses?.["worker-1"]?.reason !== undefined, 90);
  return scene;
};

/** An operation whose drain a budget blocks for a while. */
const draining = (): Scene => {
  const scene = new Scene({
    nodes: ["worker-1", "worker-2"],
    admission: [(_actor, { subresource }) => (subresource === "eviction" ? BLOCKED : undefined)],
  });
  scene.ask({
    verb: "create",
    resource: Pods,
    namespace: "default",
    body: {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "bare", namespace: "default" },
      spec: { nodeName: "worker-1", containers: [{ name: "main", image: "shop" }] },
    },
  });
  scene.startOperator();
  scene.createOperation({ drainOptions: { enabled: true, force: true } });
  scene.until("told", () => scene.status().nodeStatuses?.["worker-1"]?.reason !== undefined, 120);
  return scene;
};

/** An operation whose node keeps a Pod with a volume, while that of another is being detached. */
const detaching = (): Scene => {
  const scene = new Scene({ nodes: ["worker-1", "worker-2"] });
  scene.ask({
    verb: "create",
    resource: Pods,
    namespace: "default",
    body: {
      metadata: {
        name: "log",
        namespace: "default",
        ownerReferences: [
          { apiVersion: "apps/v1", kind: "DaemonSet", name: "log", uid: "o", controller: true },
        ],
      },
      spec: {
        nodeName: "worker-1",
        containers: [{ name: "main", image: "log" }],
        volumes: [{ name: "logs", persistentVolumeClaim: { claimName: "logs" } }],
      },
    },
  });
  scene.ask({
    verb: "create",
    resource: VolumeAttachments,
    body: {
      metadata: { name: "csi-1" },
      spec: { attacher: "csi", nodeName: "worker-1", source: { persistentVolumeName: "pv-1" } },
    },
  });
  scene.startOperator();
  scene.createOperation({
    nodeSelector: { matchLabels: { "kubernetes.io/hostname": "worker-1" } },
    drainOptions: { enabled: true },
  });
  scene.pass(90);
  scene.delete(VolumeAttachments, "csi-1");
  scene.untilEnded();
  return scene;
};

const BLOCKED = {
  kind: "Status",
  apiVersion: "v1",
  status: "Failure",
  code: 429,
  reason: "TooManyRequests",
  message: "Cannot evict pod as it would violate the pod's disruption budget.",
  details: { causes: [{ reason: "DisruptionBudget" }] },
} as const;

/** An operation that the Go original left with its finalizer, and that is deleted. */
const inherited = (): Scene => {
  const { scene } = sceneOfOriginal();
  scene.delete(NodeOps, "op");
  scene.startOperator();
  scene.until("it is gone", () => scene.operation() === undefined);
  return scene;
};

const rebootPodOf = (scene: Scene): string =>
  [...scene.fake.objects(Pods)].find(
    ({ metadata }) => metadata.labels?.["kairos.io/reboot"] === "true",
  )!.metadata.name;

const askedFor = (scene: Scene): ReadonlyArray<string> => {
  expect(scene.violations()).toEqual([]);
  return scene.requests.map(({ request }) => titleOf(request));
};

describe("the operator's permissions", () => {
  it("are those that it uses, and it uses all of them", () => {
    const scenes = [
      steered(),
      deleted(),
      robbed("Upgrading"),
      robbed("Rebooting"),
      podless(),
      draining(),
      detaching(),
      inherited(),
    ];
    const used = new Set(scenes.flatMap(askedFor));
    expect([...used].toSorted()).toEqual([...new Set(granted)].toSorted());
  });
});
