/**
 * The Go original (kairos-operator v0.1.3), as far as its writes tell: every object in every state is the one that it
 * would leave (kairos.md a3–a8). It can be killed before or after each of its writes.
 */
import type { NodeStatus } from "../../src/domain/api/status.ts";
import type { KubeObject, NewKubeObject } from "../../src/domain/kube/object.ts";
import { kubeTime } from "../../src/domain/kube/object.ts";
import {
  ClusterRoleBindings,
  Jobs,
  NodeOps,
  Nodes,
  Pods,
  type Resource,
  ServiceAccounts,
} from "../../src/domain/kube/resource.ts";
import { ORIGINAL_FINALIZER } from "../../src/domain/labels.ts";
import type { FakeCluster } from "../../src/services/fake/FakeCluster.ts";
import type { KubeRequest } from "../../src/services/KubeTransport.ts";
import { rebootScript } from "./goRebootScript.ts";

const NAMESPACE = "default";
const IMAGE = "busybox:latest";

/** Thrown where the process dies. */
class Died extends Error {}

interface Spec {
  readonly command: ReadonlyArray<string>;
  readonly cordon: boolean;
  readonly rebootOnSuccess: boolean;
  readonly stopOnFailure: boolean;
  readonly uncordonOnFailure: boolean;
  readonly concurrency: number;
  readonly preflight?: { readonly command: ReadonlyArray<string> };
}
type Entries = Readonly<Record<string, NodeStatus>>;
type Conditions = ReadonlyArray<{ readonly type: string; readonly status: string }>;
interface Stored extends KubeObject {
  readonly spec: Spec;
  readonly status?: {
    readonly phase?: string;
    readonly nodeStatuses?: Entries;
    readonly conditions?: Conditions;
    readonly containerStatuses?: ReadonlyArray<{
      readonly state?: { readonly terminated?: { readonly message?: string } };
    }>;
  };
}

const isComplete = (entry: NodeStatus): boolean =>
  entry.phase === "Completed" && entry.rebootStatus !== "pending";
const holdsSlot = (entry: NodeStatus): boolean => entry.phase !== "Failed" && !isComplete(entry);

export interface GoOriginalOptions {
  readonly fake: FakeCluster;
  readonly now: () => number;
  /** It dies at this write, counted from 1: before the write reaches the server, or after. */
  readonly dies?: { readonly at: number; readonly before: boolean } | undefined;
  /** It dies after the first write that makes this so. */
  readonly diesOnce?: (() => boolean) | undefined;
}

export class GoOriginal {
  readonly #options: GoOriginalOptions;
  writes = 0;
  isAlive = true;
  #names = 0;

  constructor(options: GoOriginalOptions) {
    this.#options = options;
  }

  /** One reconcile: the status first, then the work that is to be started. */
  reconcile(name = "op"): void {
    if (!this.isAlive) return;
    try {
      const operation = this.#get(NodeOps, name);
      if (operation === undefined) return;
      if (operation.metadata.deletionTimestamp !== undefined) return this.#finalize(operation);
      this.#updateStatus(operation);
      this.#start(name);
    } catch (error) {
      if (!(error instanceof Died)) throw error;
    }
  }

  #get(resource: Resource, name: string): Stored | undefined {
    const ref = resource.namespaced ? { namespace: NAMESPACE, name } : { name };
    return this.#options.fake.object(resource, ref) as Stored | undefined;
  }

  #list(resource: Resource): ReadonlyArray<Stored> {
    const answer = this.#options.fake.handle("original", { verb: "list", resource });
    return answer.ok ? (answer.object as { items: ReadonlyArray<Stored> }).items : [];
  }

  #write(request: KubeRequest): void {
    const { fake, dies, diesOnce } = this.#options;
    const isLast = ++this.writes === dies?.at;
    if (isLast && dies.before) this.#die();
    const answer = fake.handle("original", {
      ...request,
      ...(request.resource.namespaced ? { namespace: NAMESPACE } : {}),
    });
    if (!answer.ok && answer.status.reason !== "AlreadyExists")
      throw new Error(`${answer.status.reason}: ${answer.status.message}`);
    if (isLast || diesOnce?.() === true) this.#die();
  }

  #die(): never {
    this.isAlive = false;
    throw new Died();
  }

  #create(resource: Resource, body: NewKubeObject): void {
    this.#write({ verb: "create", resource, body });
  }

  #delete(resource: Resource, name: string): void {
    this.#write({ verb: "delete", resource, name, body: { gracePeriodSeconds: 0 } });
  }

  #finalize(operation: Stored): void {
    if (this.#get(ClusterRoleBindings, `nodeop-reboot-${operation.metadata.name}`) !== undefined)
      this.#delete(ClusterRoleBindings, `nodeop-reboot-${operation.metadata.name}`);
    this.#setFinalizers(operation, []);
  }

  #setFinalizers(operation: Stored, finalizers: ReadonlyArray<string>): void {
    const current = this.#get(NodeOps, operation.metadata.name)!;
    this.#write({
      verb: "update",
      resource: NodeOps,
      name: operation.metadata.name,
      body: { ...current, metadata: { ...current.metadata, finalizers } },
    });
  }

  /** Drops every field that it does not know, as Go's structs do, and writes only what differs. */
  #store(name: string, entries: Entries): void {
    const current = this.#get(NodeOps, name)!;
    const all = Object.values(entries);
    const isDone = all.length > 0 && all.every(isComplete);
    const phase = all.some((entry) => entry.phase === "Failed")
      ? "Failed"
      : isDone
        ? "Completed"
        : "Running";
    const before = current.status;
    const isSame =
      before?.phase === phase &&
      JSON.stringify(before.nodeStatuses ?? {}) === JSON.stringify(entries);
    if (isSame) return;
    const lastUpdated = kubeTime(this.#options.now());
    const status = { phase, lastUpdated, ...(all.length === 0 ? {} : { nodeStatuses: entries }) };
    this.#write({
      verb: "update",
      resource: NodeOps,
      subresource: "status",
      name,
      body: { ...current, status },
    });
  }

  #updateStatus(operation: Stored): void {
    const entries: Record<string, NodeStatus> = {};
    for (const [node, entry] of Object.entries(operation.status?.nodeStatuses ?? {})) {
      const next = entry.jobName === undefined ? entry : this.#follow(operation, node, entry);
      const uncordons =
        isComplete(next) || (next.phase === "Failed" && operation.spec.uncordonOnFailure);
      if (uncordons) this.#uncordon(operation, node);
      entries[node] = next;
    }
    this.#store(operation.metadata.name, entries);
  }

  /** Derives an entry from its Job, again at every pass. */
  #follow(operation: Stored, node: string, entry: NodeStatus): NodeStatus {
    const job = this.#get(Jobs, entry.jobName!);
    const has = (...types: ReadonlyArray<string>): boolean =>
      job?.status?.conditions?.some(
        ({ type, status }) => types.includes(type) && status === "True",
      ) === true;
    const failed = job === undefined ? "Job not found" : "Job failed";
    if (job === undefined || has("Failed", "FailureTarget")) {
      if (entry.rebootStatus === "pending")
        for (const pod of this.#rebootPods(operation, node)) this.#delete(Pods, pod.metadata.name);
      const rebootStatus = entry.rebootStatus === "pending" ? "cancelled" : entry.rebootStatus!;
      return { ...entry, phase: "Failed", message: failed, rebootStatus };
    }
    if (!has("Complete", "SuccessCriteriaMet"))
      return { ...entry, phase: "Running", message: "Job is running" };
    const [pod] = this.#rebootPods(operation, node);
    const isRebooted =
      pod?.status?.phase === "Succeeded" &&
      pod.metadata.annotations?.["kairos.io/reboot-state"] === "completed";
    const rebootStatus =
      entry.rebootStatus === "pending" && isRebooted ? "completed" : entry.rebootStatus!;
    return { ...entry, phase: "Completed", message: "Job completed successfully", rebootStatus };
  }

  #rebootPods(operation: Stored, node: string): ReadonlyArray<Stored> {
    return this.#children(operation, node).filter(
      ({ metadata }) => metadata.labels?.["kairos.io/reboot"] === "true",
    );
  }

  #children(operation: Stored, node: string): ReadonlyArray<Stored> {
    return this.#list(Pods).filter(
      ({ metadata }) =>
        metadata.labels?.["kairos.io/nodeop"] === operation.metadata.name &&
        metadata.labels["kairos.io/node"] === node,
    );
  }

  #start(name: string): void {
    const entries = (): Entries => this.#get(NodeOps, name)!.status?.nodeStatuses ?? {};
    const operation = this.#get(NodeOps, name)!;
    const { spec } = operation;
    const isStopped = (): boolean =>
      spec.stopOnFailure && Object.values(entries()).some(({ phase }) => phase === "Failed");
    if (isStopped()) return;
    for (const [node, entry] of Object.entries(entries()))
      if (entry.phase === "Preflight") this.#advance(operation, node);
    if (isStopped()) return;
    const nodes = this.#list(Nodes).map(({ metadata }) => metadata.name);
    const limit = spec.concurrency === 0 ? nodes.length : spec.concurrency;
    for (const node of nodes.toSorted()) {
      if (Object.values(entries()).filter(holdsSlot).length >= limit) return;
      if (entries()[node] !== undefined) continue;
      if (spec.preflight === undefined) this.#run(operation, node);
      else this.#preflight(operation, node);
    }
  }

  #setEntry(operation: Stored, node: string, entry: NodeStatus): void {
    const { name } = operation.metadata;
    const stored = this.#get(NodeOps, name)!.status?.nodeStatuses ?? {};
    this.#store(name, {
      ...stored,
      [node]: { ...entry, lastUpdated: kubeTime(this.#options.now()) },
    });
  }

  #preflight(operation: Stored, node: string): void {
    const { command } = operation.spec.preflight!;
    const container = { name: "preflight", image: IMAGE, command, ...mounted(true) };
    this.#create(Pods, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: this.#meta(operation, node, "preflight", { "kairos.io/preflight": "true" }),
      spec: {
        nodeName: node,
        restartPolicy: "OnFailure",
        activeDeadlineSeconds: 120,
        containers: [container],
        volumes: [hostRoot],
      },
    });
    const message = "Preflight in progress";
    this.#setEntry(operation, node, { phase: "Preflight", message, rebootStatus: "not-requested" });
  }

  #advance(operation: Stored, node: string): void {
    const pod = this.#children(operation, node).find(
      ({ metadata }) => metadata.labels?.["kairos.io/preflight"] === "true",
    );
    const phase = pod?.status?.phase;
    if (pod === undefined || (phase !== "Succeeded" && phase !== "Failed")) return;
    const said = pod.status?.containerStatuses?.[0]?.state?.terminated?.message ?? "";
    const over = { rebootStatus: "not-requested" } as const;
    if (phase === "Failed")
      this.#setEntry(operation, node, {
        phase: "Failed",
        message: "Preflight failed: exit 1",
        ...over,
      });
    else if (said === "") this.#run(operation, node);
    else
      this.#setEntry(operation, node, {
        phase: "Completed",
        message: `Skipped by preflight: ${said}`,
        ...over,
      });
    this.#delete(Pods, pod.metadata.name);
  }

  /** Reboot Pod, cordon, Job, and only then the status. */
  #run(operation: Stored, node: string): void {
    const { cordon, rebootOnSuccess } = operation.spec;
    const { name } = operation.metadata;
    const job = `${name}-${node}-x${String(++this.#names).padStart(4, "0")}`;
    if (rebootOnSuccess) this.#rebootPod(operation, node, job);
    if (cordon) this.#cordon(operation, node);
    this.#create(Jobs, this.#job(operation, node, job));
    const rebootStatus = rebootOnSuccess ? "pending" : "not-requested";
    this.#setEntry(operation, node, {
      phase: "Pending",
      jobName: job,
      message: "Job created",
      rebootStatus,
    });
  }

  #rebootPod(operation: Stored, node: string, job: string): void {
    const { name, uid } = operation.metadata;
    const account = `${name}-reboot`;
    const rbac = "rbac.authorization.k8s.io";
    this.#create(ServiceAccounts, {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: account, ownerReferences: [ownerOf(name, uid)] },
    });
    this.#create(ClusterRoleBindings, {
      apiVersion: `${rbac}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name: `nodeop-reboot-${name}` },
      roleRef: { apiGroup: rbac, kind: "ClusterRole", name: "nodeop-reboot" },
      subjects: [{ kind: "ServiceAccount", name: account, namespace: NAMESPACE }],
    });
    const { finalizers = [] } = this.#get(NodeOps, name)!.metadata;
    if (!finalizers.includes(ORIGINAL_FINALIZER))
      this.#setFinalizers(operation, [...finalizers, ORIGINAL_FINALIZER]);
    this.#create(Pods, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: this.#meta(operation, node, "reboot", { "kairos.io/reboot": "true" }),
      spec: {
        nodeName: node,
        hostPID: true,
        restartPolicy: "OnFailure",
        serviceAccountName: account,
        containers: [
          {
            name: "reboot",
            image: "quay.io/kairos/kairos-operator:latest",
            command: rebootScript(job),
            securityContext: { privileged: true, runAsUser: 0 },
            volumeMounts: [{ name: "sentinel-volume", mountPath: "/sentinel" }],
          },
        ],
        volumes: [sentinelVolume],
      },
    });
  }

  #cordon(operation: Stored, node: string): void {
    const current = this.#get(Nodes, node)! as KubeObject & {
      readonly spec?: { readonly unschedulable?: boolean };
    };
    if (current.spec?.unschedulable === true) return;
    const annotations = { ...current.metadata.annotations, [CORDONED_BY]: signature(operation) };
    this.#updateNode(current, { annotations, unschedulable: true });
  }

  #uncordon(operation: Stored, node: string): void {
    const current = this.#get(Nodes, node);
    if (current?.metadata.annotations?.[CORDONED_BY] !== signature(operation)) return;
    const { [CORDONED_BY]: _mine, ...annotations } = current.metadata.annotations;
    this.#updateNode(current, { annotations, unschedulable: false });
  }

  #updateNode(
    current: KubeObject,
    change: {
      readonly annotations: Readonly<Record<string, string>>;
      readonly unschedulable: boolean;
    },
  ): void {
    const { annotations, unschedulable } = change;
    this.#write({
      verb: "update",
      resource: Nodes,
      name: current.metadata.name,
      body: {
        ...current,
        metadata: { ...current.metadata, annotations },
        spec: { ...(current["spec"] as object | undefined), unschedulable },
      },
    });
  }

  #meta(operation: Stored, node: string, kind: string, labels: Readonly<Record<string, string>>) {
    const { name, uid } = operation.metadata;
    return {
      generateName: `${name}-${kind}-`,
      labels: { ...labelsOf(name, node), ...labels },
      ownerReferences: [ownerOf(name, uid)],
    };
  }

  #job(operation: Stored, node: string, name: string): NewKubeObject {
    const { spec, metadata } = operation;
    const command = {
      name: "nodeop",
      image: IMAGE,
      command: spec.command,
      securityContext: { privileged: true },
      ...mounted(false),
    };
    const sentinel = {
      name: "sentinel-creator",
      image: IMAGE,
      command: ["/bin/sh", "-c", "touch /sentinel/$JOB_NAME-$(date +%s)"],
      volumeMounts: [{ name: "sentinel-volume", mountPath: "/sentinel" }],
    };
    const labels = labelsOf(metadata.name, node);
    return {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name, labels, ownerReferences: [ownerOf(metadata.name, metadata.uid)] },
      spec: {
        backoffLimit: 6,
        template: {
          metadata: { labels },
          spec: {
            nodeName: node,
            restartPolicy: "Never",
            ...(spec.rebootOnSuccess
              ? { initContainers: [command], containers: [sentinel] }
              : { containers: [command] }),
            volumes: [hostRoot, ...(spec.rebootOnSuccess ? [sentinelVolume] : [])],
          },
        },
      },
    };
  }
}

const CORDONED_BY = "operator.kairos.io/cordoned-by";

const signature = ({ metadata }: KubeObject): string =>
  `${metadata.namespace}/${metadata.name}@${metadata.uid}`;

const labelsOf = (operation: string, node: string) => ({
  "kairos.io/nodeop": operation,
  "kairos.io/node": node,
});

const ownerOf = (name: string, uid: string) => ({
  apiVersion: "operator.kairos.io/v1alpha1",
  kind: "NodeOp",
  name,
  uid,
  controller: true,
  blockOwnerDeletion: true,
});

const hostRoot = { name: "host-root", hostPath: { path: "/" } };
const sentinelVolume = {
  name: "sentinel-volume",
  hostPath: { path: "/usr/local/.kairos", type: "DirectoryOrCreate" },
};
const mounted = (readOnly: boolean) => ({
  env: [{ name: "HOST_DIR", value: "/host" }],
  volumeMounts: [{ name: "host-root", mountPath: "/host", readOnly }],
});
