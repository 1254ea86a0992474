/** The middle of the test language for histories: Nodes with their hosts, operations with their entries and children. */
import type { NodeStatus } from "../../../src/domain/api/status.ts";
import type { HostEvent, RebootCause } from "../../../src/domain/history.ts";
import type { OwnerReference } from "../../../src/domain/kube/object.ts";
import {
  apiVersionOf,
  Jobs,
  NodeOps,
  NodeOpUpgrades,
  Nodes,
  Pods,
} from "../../../src/domain/kube/resource.ts";
import type { Taint } from "../../../src/domain/kube/taint.ts";
import {
  ANNOTATION_CORDONED_BY,
  ANNOTATION_HELD_BY,
  FINALIZER,
  holder,
  LABEL_NODE,
  LABEL_NODEOP,
  type LABEL_PREFLIGHT,
  type LABEL_REBOOT,
} from "../../../src/domain/labels.ts";
import { json, Store, type Json, type Meta, type Ref, type Write } from "./store.ts";

/** The versions before and after an upgrade. */
export const OLD = "v1";
export const NEW = "v2";

type Entry = Partial<NodeStatus>;

/** A host event without where and when. */
type Of<E> = E extends HostEvent ? Omit<E, "at" | "node" | "nodeUID"> : never;

/** A cluster of Nodes and operations in which a test does everything by hand. */
export class Cluster extends Store {
  readonly #boots = new Map<string, number>();
  readonly #entries = new Map<string, Record<string, Entry>>();

  node(
    name: string,
    options: {
      readonly controlPlane?: boolean;
      readonly ready?: boolean;
      readonly labels?: Record<string, string>;
      readonly uid?: string;
      readonly annotations?: Record<string, string>;
      readonly unschedulable?: boolean;
      readonly taints?: ReadonlyArray<Taint>;
    } = {},
  ): Ref {
    const uid = options.uid ?? `node-${name}`;
    const role =
      options.controlPlane === true ? { "node-role.kubernetes.io/control-plane": "" } : {};
    this.#boots.set(name, 1);
    return this.create(
      Nodes,
      name,
      { uid, labels: { ...role, ...options.labels }, annotations: options.annotations ?? {} },
      {
        spec: {
          ...(options.unschedulable === true ? { unschedulable: true } : {}),
          ...(options.taints === undefined ? {} : { taints: options.taints }),
        },
        status: this.#nodeStatus(name, options.ready ?? true),
      },
      { actor: `kubelet/${name}` },
    );
  }

  nodeRef(name: string, uid = `node-${name}`): Ref {
    return { resource: Nodes, name, uid };
  }

  bootID(node: string): string {
    return `${node}-boot-${this.#boots.get(node)}`;
  }

  ready(node: string, ready: boolean): void {
    const write = { actor: `kubelet/${node}`, subresource: "status" };
    this.update(this.nodeRef(node), { status: this.#nodeStatus(node, ready) }, {}, write);
  }

  #nodeStatus(node: string, ready: boolean): Json {
    return {
      conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
      nodeInfo: { bootID: this.bootID(node) },
    };
  }

  host(node: string, event: Of<HostEvent>): void {
    this.monitors.host({ ...event, at: this.at, node, nodeUID: `node-${node}` });
  }

  /** The host goes down, comes back in another boot, and its kubelet reports it. */
  reboots(
    node: string,
    cause: RebootCause,
    into: { readonly version?: string; readonly bootState?: "active" | "passive" } = {},
  ): void {
    this.host(node, { event: "wentDown", cause, bootID: this.bootID(node) });
    this.wait(60_000);
    this.#boots.set(node, (this.#boots.get(node) ?? 1) + 1);
    this.host(node, {
      event: "booted",
      bootID: this.bootID(node),
      bootState: into.bootState ?? "active",
      version: into.version ?? NEW,
    });
    this.ready(node, true);
  }

  operation(name: string, spec: Json = {}, meta: Partial<Meta> = {}): Ref {
    const body = {
      spec: { rebootOnSuccess: true, cordon: true, ...spec },
      status: { observedGeneration: -1 },
    };
    return this.create(NodeOps, name, { finalizers: [FINALIZER], ...meta }, body, {
      actor: "user",
    });
  }

  upgrade(name: string): Ref {
    return this.create(NodeOpUpgrades, name, {}, { spec: {}, status: {} }, { actor: "user" });
  }

  spec(op: Ref, change: Json, actor = "user"): void {
    this.update(op, { spec: { ...json(this.get(op)["spec"]), ...change } }, {}, { actor });
  }

  /** One status write that changes these entries (`null` removes one) and fields. */
  status(
    op: Ref,
    entries: Readonly<Record<string, Entry | null>>,
    fields: Json = {},
    write: Write = {},
  ): void {
    const nodeStatuses = { ...this.#entries.get(op.uid) };
    for (const [node, entry] of Object.entries(entries))
      if (entry === null) delete nodeStatuses[node];
      else nodeStatuses[node] = entry;
    this.#entries.set(op.uid, nodeStatuses);
    const status = { ...json(this.get(op)["status"]), ...fields, nodeStatuses };
    this.update(op, { status }, {}, { subresource: "status", ...write });
  }

  entry(op: Ref, node: string): Entry {
    return this.#entries.get(op.uid)?.[node] ?? {};
  }

  claim(op: Ref, nodes: ReadonlyArray<string>, write: Write = {}): void {
    const entries: Record<string, Entry> = {};
    for (const node of nodes)
      entries[node] = {
        phase: "Pending",
        stage: "Preparing",
        nodeUID: `node-${node}`,
        rebootStatus: "pending",
      };
    this.status(op, entries, {}, write);
  }

  /** The terminal entry in place of the one in flight. */
  conclude(op: Ref, node: string, phase: "Completed" | "Failed", reason?: string): void {
    const { nodeUID = `node-${node}` } = this.entry(op, node);
    this.status(op, { [node]: { phase, nodeUID, ...(reason === undefined ? {} : { reason }) } });
  }

  /** Stores the outcome as a condition and takes the finalizer off: the operation has ended. */
  end(op: Ref, outcome: "Completed" | "Failed" = "Completed", write: Write = {}): void {
    const conditions = [{ type: outcome, status: "True" }];
    const { generation } = this.get(op).metadata;
    this.status(op, {}, { phase: outcome, conditions, observedGeneration: generation }, write);
    this.update(op, {}, { finalizers: [] }, write);
  }

  owned(owner: Ref, extra: Partial<Meta> = {}): Partial<Meta> {
    const reference: OwnerReference = {
      apiVersion: apiVersionOf(owner.resource),
      kind: owner.resource.kind,
      name: owner.name,
      uid: owner.uid,
      controller: true,
    };
    return { ownerReferences: [reference], ...extra };
  }

  pod(
    op: Ref,
    node: string,
    role: typeof LABEL_REBOOT | typeof LABEL_PREFLIGHT,
    write: Write = {},
  ): Ref {
    const labels = { [LABEL_NODEOP]: op.name, [LABEL_NODE]: node, [role]: "true" };
    const spec = { nodeName: node, containers: [{ name: "main" }] };
    return this.create(
      Pods,
      `${op.name}-${node}-${role.split("/")[1]}-${this.rv}`,
      this.owned(op, { labels }),
      { spec },
      write,
    );
  }

  job(
    op: Ref,
    node: string,
    options: { readonly suspend?: boolean; readonly write?: Write } = {},
  ): Ref {
    const labels = { [LABEL_NODEOP]: op.name, [LABEL_NODE]: node };
    const spec = { suspend: options.suspend ?? true, template: { spec: { nodeName: node } } };
    return this.create(
      Jobs,
      `${op.name}-${node}-${this.rv}`,
      this.owned(op, { labels }),
      { spec },
      options.write,
    );
  }

  suspend(job: Ref, suspend: boolean): void {
    this.update(job, { spec: { ...json(this.get(job)["spec"]), suspend } });
  }

  /** The Pod that the Job controller makes for a Job. */
  jobPod(job: Ref, node: string, containers = 1): Ref {
    const spec = {
      nodeName: node,
      initContainers: [{ name: "nodeop" }],
      containers: Array.from({ length: containers }, (_, index) => ({ name: `c${index}` })),
    };
    return this.create(
      Pods,
      `${job.name}-${this.rv}`,
      this.owned(job),
      { spec },
      { actor: "job-controller" },
    );
  }

  condition(job: Ref, ...types: ReadonlyArray<string>): void {
    const conditions = types.map((type) => ({ type, status: "True" }));
    this.update(
      job,
      { status: { conditions } },
      {},
      { actor: "job-controller", subresource: "status" },
    );
  }

  hold(
    op: Ref,
    node: string,
    options: { readonly cordon?: boolean; readonly write?: Write } = {},
  ): void {
    const mine = holder({ namespace: "default", name: op.name, uid: op.uid });
    const cordon = options.cordon ?? true;
    this.annotate(
      this.nodeRef(node),
      { [ANNOTATION_HELD_BY]: mine, ...(cordon ? { [ANNOTATION_CORDONED_BY]: mine } : {}) },
      options.write,
      cordon ? { unschedulable: true } : undefined,
    );
  }

  /** Takes hold and cordon off, in one write. */
  release(node: string, write: Write = {}): void {
    this.annotate(
      this.nodeRef(node),
      { [ANNOTATION_HELD_BY]: null, [ANNOTATION_CORDONED_BY]: null },
      write,
      {},
    );
  }

  cordon(node: string, unschedulable: boolean, actor = "user"): void {
    this.update(
      this.nodeRef(node),
      { spec: unschedulable ? { unschedulable } : {} },
      {},
      { actor },
    );
  }
}
