/** Bodies of objects as cells send them. */
import type { Resource } from "../../../src/domain/kube/resource.ts";
import type { Body } from "./cell.ts";

const resource = (group: string, version: string, plural: string, kind: string): Resource => ({
  group,
  version,
  plural,
  kind,
  namespaced: true,
});

export const ConfigMaps = resource("", "v1", "configmaps", "ConfigMap");
export { Events, Leases } from "../../../src/domain/kube/resource.ts";
export { Foos } from "../../services/fake/support.ts";

export const configMap = (name: string, more: Body = {}, meta: Body = {}): Body => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, ...meta },
  data: { k: "v" },
  ...more,
});

export const foo = (name: string, spec: Body = {}, meta: Body = {}): Body => ({
  apiVersion: "example.com/v1",
  kind: "Foo",
  metadata: { name, ...meta },
  spec: { image: "abc", ...spec },
});

export const node = (name: string, spec: Body = {}, meta: Body = {}): Body => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name, ...meta },
  ...(Object.keys(spec).length === 0 ? {} : { spec }),
});

export const pod = (name: string, spec: Body = {}, meta: Body = {}): Body => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, ...meta },
  spec: { containers: [{ name: "c", image: "registry/image:1" }], ...spec },
});

/** The node that Pods are bound to. Nothing runs on it. */
export const BOUND_TO = "some-node";

/** A Pod that some node runs: only such ones are deleted with grace. */
export const boundPod = (name: string, spec: Body = {}, meta: Body = {}): Body =>
  pod(name, { nodeName: BOUND_TO, ...spec }, meta);

const template = (spec: Body, metadata?: Body): Body => ({
  ...(metadata === undefined ? {} : { metadata }),
  spec: {
    restartPolicy: "Never",
    containers: [{ name: "c", image: "registry/image:1" }],
    ...spec,
  },
});

export const job = (name: string, spec: Body = {}, podSpec: Body = {}, meta: Body = {}): Body => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name, ...meta },
  spec: { template: template(podSpec), ...spec },
});

/** A budget for the Pods of the app `a`. */
export const budget = (name: string, spec: Body): Body => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name },
  spec: { selector: { matchLabels: { app: "a" } }, ...spec },
});

const appSet = (kind: string, name: string, spec: Body): Body => ({
  apiVersion: "apps/v1",
  kind,
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: "a" } },
    template: {
      metadata: { labels: { app: "a" } },
      spec: { nodeName: BOUND_TO, containers: [{ name: "c", image: "registry/image:1" }] },
    },
    ...spec,
  },
});

/** A ReplicaSet of the app `a`; its Pods are bound, because nobody schedules them. */
export const replicaSet = (name: string, replicas: number, spec: Body = {}): Body =>
  appSet("ReplicaSet", name, { replicas, ...spec });

/** A StatefulSet of the app `a`, likewise. */
export const statefulSet = (name: string, replicas: number, spec: Body = {}): Body =>
  appSet("StatefulSet", name, { replicas, serviceName: "s", ...spec });

export const labelledJob = (name: string, labels: Body): Body => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name },
  spec: { suspend: true, template: template({}, { labels }) },
});

export const nodeOp = (name: string, spec: Body = {}, meta: Body = {}): Body => ({
  apiVersion: "operator.kairos.io/v1alpha1",
  kind: "NodeOp",
  metadata: { name, ...meta },
  spec: { command: ["true"], ...spec },
});

export const nodeOpUpgrade = (name: string, spec: Body = {}, meta: Body = {}): Body => ({
  apiVersion: "operator.kairos.io/v1alpha1",
  kind: "NodeOpUpgrade",
  metadata: { name, ...meta },
  spec: { image: "quay.io/kairos/opensuse:v3.4.2", ...spec },
});

export const lease = (name: string, spec: Body = {}, meta: Body = {}): Body => ({
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  metadata: { name, ...meta },
  spec: {
    holderIdentity: "a",
    leaseDurationSeconds: 15,
    acquireTime: "2026-01-01T00:00:00.000000Z",
    renewTime: "2026-01-01T00:00:00.123456Z",
    leaseTransitions: 0,
    ...spec,
  },
});

/** A volume of a driver that does not exist, for the claim of that name. */
export const persistentVolume = (
  name: string,
  claim: { readonly namespace: string; readonly name: string },
): Body => ({
  apiVersion: "v1",
  kind: "PersistentVolume",
  metadata: { name },
  spec: {
    capacity: { storage: "1Gi" },
    accessModes: ["ReadWriteOnce"],
    storageClassName: "",
    claimRef: claim,
    csi: { driver: "csi.example.com", volumeHandle: name },
  },
});

export const persistentVolumeClaim = (name: string, volumeName: string): Body => ({
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name },
  spec: {
    accessModes: ["ReadWriteOnce"],
    storageClassName: "",
    resources: { requests: { storage: "1Gi" } },
    volumeName,
  },
});

export const volumeAttachment = (
  name: string,
  volume: string,
  spec: Body = {},
  meta: Body = {},
): Body => ({
  apiVersion: "storage.k8s.io/v1",
  kind: "VolumeAttachment",
  metadata: { name, ...meta },
  spec: {
    attacher: "csi.example.com",
    nodeName: "somewhere",
    source: { persistentVolumeName: volume },
    ...spec,
  },
});
