/**
 * Volumes leave a drained node before its Job: the real attach-detach controller makes and deletes the VolumeAttachments, the
 * simulated CSI driver attaches and, when the scenario lets it, detaches.
 */
import { expect, type Vitest } from "@effect/vitest";
import { Effect } from "effect";
import type { KubeObject } from "../../../src/domain/kube/object.ts";
import { Jobs, Nodes, Pods, VolumeAttachments } from "../../../src/domain/kube/resource.ts";
import { LABEL_NODE } from "../../../src/domain/labels.ts";
import { csiDriver } from "../../../src/services/world/csiDriver.ts";
import { type Attachment, isAttachment } from "../../../src/services/world/volume.ts";
import { adminAs } from "../support/api.ts";
import {
  E2e,
  expectLawful,
  hasEnded,
  judge,
  machines,
  operationWhere,
  startOperator,
  versionNow,
} from "../support/E2e.ts";
import { nodesOf } from "../support/MachinePool.ts";
import { canaryWith, ROOM } from "../support/manifests.ts";

const NODE = "cp-1";
const DRIVER = "csi.example.com";
const MANAGED = "volumes.kubernetes.io/controller-managed-attach-detach=true";

const SIZE = { storage: "1Gi" };
const common = { accessModes: ["ReadWriteOnce"], storageClassName: "" };

/** A volume of that name, and its claim. */
const volumeAndClaim = (name: string): ReadonlyArray<object> => [
  {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: `pv-${name}` },
    spec: {
      ...common,
      capacity: SIZE,
      claimRef: { namespace: "default", name },
      csi: { driver: DRIVER, volumeHandle: `disk-${name}` },
    },
  },
  {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name, namespace: "default" },
    spec: { ...common, resources: { requests: SIZE }, volumeName: `pv-${name}` },
  },
];

const podSpec = (claimName: string) => ({
  containers: [{ name: "main", image: "shop:1" }],
  volumes: [{ name: "data", persistentVolumeClaim: { claimName } }],
});

/** Rather there than elsewhere, but elsewhere when it must. */
const RATHER_THERE = {
  nodeAffinity: {
    preferredDuringSchedulingIgnoredDuringExecution: [
      {
        weight: 100,
        preference: {
          matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [NODE] }],
        },
      },
    ],
  },
};

/** A database that can go elsewhere, and a Pod that nobody would create again: an upgrade leaves it where it is. */
const objects = JSON.stringify({
  apiVersion: "v1",
  kind: "List",
  items: [
    ...volumeAndClaim("db"),
    ...volumeAndClaim("keeper"),
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "db", namespace: "default" },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: "db" } },
        template: {
          metadata: { labels: { app: "db" } },
          spec: { ...podSpec("db"), affinity: RATHER_THERE },
        },
      },
    },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "keeper", namespace: "default" },
      spec: { ...podSpec("keeper"), nodeName: NODE },
    },
  ],
});

const DETACHED = JSON.stringify({ metadata: { finalizers: null } });

const cleanUp = Effect.gen(function* () {
  const { kubectl } = yield* E2e;
  const ifThere = "--ignore-not-found";
  yield* kubectl(["delete", ifThere, "deployment/db", "pod/keeper", "--cascade=foreground"]);
  const left = yield* kubectl(["get", "volumeattachments", "-o", "name"]);
  for (const name of left.split("\n").filter((line) => line !== "")) {
    yield* kubectl(["delete", ifThere, "--wait=false", name]);
    yield* Effect.ignore(kubectl(["patch", name, "--type=merge", "-p", DETACHED]));
  }
  yield* kubectl(["delete", ifThere, "--wait=false", "pvc/db", "pvc/keeper"]);
  yield* kubectl(["delete", ifThere, "--wait=false", "pv/pv-db", "pv/pv-keeper"]);
}).pipe(Effect.ignore);

export const volumes = (it: Vitest.MethodsNonLive<E2e>): void => {
  it.effect(
    "no Job before the volume of an evicted Pod is detached, which is told by name; that of a Pod that stays is left attached",
    () =>
      Effect.gen(function* () {
        const { controlPlane, kubectl, observer } = yield* E2e;
        const since = yield* versionNow;
        const pool = yield* machines(nodesOf(1, 2));
        const names = [...pool.hosts.keys()];
        const status = JSON.stringify({ status: { capacity: ROOM, allocatable: ROOM } });
        yield* kubectl(["patch", "node", ...names, "--subresource=status", "-p", status]);
        yield* kubectl(["annotate", "node", ...names, MANAGED]);
        const driver = csiDriver({ keeps: (node) => node === NODE, attachSeconds: [0, 0] });
        yield* Effect.forkScoped(Effect.provide(driver, adminAs(controlPlane, "csi-driver")));
        yield* Effect.addFinalizer(() => cleanUp);
        yield* kubectl(["apply", "-f", "-"], { input: objects });

        const attachment = (node: string, volume: string): Attachment | undefined =>
          observer
            .objects(VolumeAttachments)
            .filter(isAttachment)
            .find(
              ({ spec }) =>
                spec.nodeName === node && spec.source.persistentVolumeName === `pv-${volume}`,
            );
        const isAttached = (node: string, volume: string) =>
          attachment(node, volume)?.status?.attached === true ? true : undefined;
        yield* observer.until(() => isAttached(NODE, "db"));
        yield* observer.until(() => isAttached(NODE, "keeper"));
        const listed = () =>
          volumesAttached(observer.objects(Nodes).find(({ metadata }) => metadata.name === NODE));
        yield* observer.until(() => (listed().length === 2 ? true : undefined));

        yield* startOperator();
        const nodeSelector = { matchLabels: { "kubernetes.io/hostname": NODE } };
        yield* kubectl(["apply", "-f", "-"], { input: canaryWith({ nodeSelector }) });
        const blocked = yield* operationWhere(
          "kairos-upgrade",
          ({ nodeStatuses }) => nodeStatuses?.[NODE]?.reason === "VolumesAttached",
        );
        const left = attachment(NODE, "db")!;
        expect(left.metadata.deletionTimestamp).toBeDefined();
        expect(blocked.message).toContain(left.metadata.name);
        expect(blocked.message).not.toContain("pv-keeper");
        // Why the Node is not asked: it says that the volume is gone.
        expect(listed()).toEqual([`kubernetes.io/csi/${DRIVER}^disk-keeper`]);
        const jobs = observer.objects(Jobs);
        expect(jobs.filter(({ metadata }) => metadata.labels?.[LABEL_NODE] === NODE)).toEqual([]);

        const name = `volumeattachment/${left.metadata.name}`;
        yield* kubectl(["patch", name, "--type=merge", "-p", DETACHED]);
        const { phase } = yield* operationWhere("kairos-upgrade", hasEnded);
        expect(phase).toBe("Completed");
        expect(isAttached(NODE, "keeper")).toBe(true);
        const [db] = observer
          .objects(Pods)
          .filter(({ metadata }) => metadata.labels?.["app"] === "db");
        const elsewhere = nodeOf(db);
        expect(elsewhere).not.toBe(NODE);
        yield* observer.until(() => isAttached(elsewhere, "db"));
        expectLawful(yield* judge(since, [pool]), [pool]);
      }).pipe(Effect.scoped),
    240_000,
  );
};

const nodeOf = (pod: KubeObject | undefined): string => {
  const spec = pod?.["spec"] as { readonly nodeName?: string } | undefined;
  return spec?.nodeName ?? "";
};

const volumesAttached = (node: KubeObject | undefined): ReadonlyArray<string> => {
  const status = node?.["status"] as
    | { readonly volumesAttached?: ReadonlyArray<{ readonly name: string }> }
    | undefined;
  return (status?.volumesAttached ?? []).map(({ name }) => name);
};
