/** Volumes in a simulated cluster: attached for the Pods that use them, and detached by the CSI driver when none does any more. */
import { describe, expect, it } from "@effect/vitest";
import {
  PersistentVolumeClaims,
  PersistentVolumes,
  Pods,
  VolumeAttachments,
} from "../../../src/domain/kube/resource.ts";
import { type Attachment, isAttachment } from "../../../src/services/world/volume.ts";
import { NAMESPACE, town, type Town, type TownOptions } from "./support/cluster.ts";
import { SERVER } from "./support/objects.ts";

const createVolume = (at: Town, accessMode: string): void => {
  at.create(PersistentVolumes, {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: "pv" },
    spec: { accessModes: [accessMode], csi: { driver: "csi.example.com", volumeHandle: "disk" } },
  });
  for (const name of ["data", "ephemeral-data"])
    at.create(PersistentVolumeClaims, {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name, namespace: NAMESPACE },
      spec: { volumeName: "pv" },
    });
};

const city = (options: TownOptions = {}, accessMode = "ReadWriteOnce"): Town => {
  const at = town({ workers: 2, workloads: true, ...options });
  createVolume(at, accessMode);
  return at;
};

const createPod = (
  at: Town,
  name: string,
  nodeName: string,
  volume: object = { persistentVolumeClaim: { claimName: "data" } },
): void => {
  at.create(Pods, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: NAMESPACE },
    spec: {
      nodeName,
      containers: [SERVER],
      volumes: [{ name: "data", ...volume }],
      terminationGracePeriodSeconds: 5,
    },
  });
};

const attachments = (at: Town): ReadonlyArray<Attachment> =>
  [...at.fake.objects(VolumeAttachments)].filter(isAttachment);

/** The nodes that the volume is attached to, or is to be. */
const places = (at: Town) => attachments(at).map(({ spec }) => spec.nodeName);

const untilAttached = (at: Town, node: string): void =>
  at.until(
    `attached to ${node}`,
    () =>
      attachments(at).some(
        ({ spec, status }) => spec.nodeName === node && status?.attached === true,
      ),
    60,
  );

describe("a volume", () => {
  it("is attached to the node of a Pod that uses its claim, with the driver's finalizer", () => {
    const at = city();
    createPod(at, "db", "worker-1");
    untilAttached(at, "worker-1");
    expect(attachments(at)).toMatchObject([
      {
        metadata: { finalizers: ["external-attacher/csi-example-com"] },
        spec: { attacher: "csi.example.com", source: { persistentVolumeName: "pv" } },
      },
    ]);
  });

  it("is attached for an ephemeral volume, whose claim is named after Pod and volume", () => {
    const at = city();
    createPod(at, "ephemeral", "worker-1", { ephemeral: { volumeClaimTemplate: {} } });
    untilAttached(at, "worker-1");
    expect(places(at)).toEqual(["worker-1"]);
  });

  it("is detached when the Pod is gone, not when it was only told to go, and that takes the driver a while", () => {
    const at = city();
    createPod(at, "db", "worker-1");
    untilAttached(at, "worker-1");
    at.until("it runs", () => at.pod("db")?.status?.phase === "Running", 60);
    at.remove(Pods, "db");
    at.pass(0.5);
    expect(attachments(at)[0]?.metadata.deletionTimestamp).toBeUndefined();
    at.until("the Pod is gone", () => at.pod("db") === undefined, 60);
    at.pass(1);
    expect(attachments(at)[0]?.metadata.deletionTimestamp).toBeDefined();
    at.until("detached", () => attachments(at).length === 0, 25);
  });

  it("is detached when the Pod has ended, and stays while another Pod there uses it", () => {
    const at = city();
    createPod(at, "one", "worker-1");
    createPod(at, "two", "worker-1");
    untilAttached(at, "worker-1");
    const end = (name: string) =>
      at.ask({
        verb: "patch",
        resource: Pods,
        namespace: NAMESPACE,
        name,
        subresource: "status",
        patchType: "application/merge-patch+json",
        body: { status: { phase: "Succeeded" } },
      });
    end("one");
    at.pass(30);
    expect(places(at)).toEqual(["worker-1"]);
    end("two");
    at.until("detached", () => attachments(at).length === 0, 30);
  });

  it("waits, where only one node may have it, until the other has let it go", () => {
    const at = city();
    createPod(at, "db", "worker-1");
    untilAttached(at, "worker-1");
    createPod(at, "new", "worker-2");
    at.pass(60);
    expect(places(at)).toEqual(["worker-1"]);
    at.remove(Pods, "db");
    untilAttached(at, "worker-2");
    expect(places(at)).toEqual(["worker-2"]);
  });

  it("is attached to several nodes where its access mode allows it", () => {
    const at = city({}, "ReadWriteMany");
    createPod(at, "one", "worker-1");
    createPod(at, "two", "worker-2");
    untilAttached(at, "worker-1");
    untilAttached(at, "worker-2");
    expect(places(at).toSorted()).toEqual(["worker-1", "worker-2"]);
  });

  it("stays where nothing is ever detached", () => {
    const at = city({ behaviour: { volumes: "stay" } });
    createPod(at, "db", "worker-1");
    untilAttached(at, "worker-1");
    at.remove(Pods, "db", { gracePeriodSeconds: 0 });
    at.pass(3600);
    expect(attachments(at)[0]?.metadata.deletionTimestamp).toBeDefined();
  });

  it("is detached although the controllers were away when its Pod went", () => {
    const at = city();
    createPod(at, "db", "worker-1");
    untilAttached(at, "worker-1");
    const controllers = ["attach-detach-controller", "csi-driver"].map((name) =>
      at.cluster.workloadControllers.get(name)!,
    );
    for (const one of controllers) one.stop();
    at.remove(Pods, "db", { gracePeriodSeconds: 0 });
    at.pass(600);
    expect(places(at)).toEqual(["worker-1"]);
    for (const one of controllers) one.start();
    at.until("detached", () => attachments(at).length === 0, 30);
  });
});
