/** Builders of what `decide` looks at, and a pure little world that answers its actions at once. */
import { Result } from "effect";
import { decodeNodeOp } from "../../../src/domain/api/decode.ts";
import type { NodeOp } from "../../../src/domain/api/nodeop.ts";
import type { NodeStatus } from "../../../src/domain/api/status.ts";
import type { Job } from "../../../src/domain/kube/job.ts";
import type { Node } from "../../../src/domain/kube/node.ts";
import type { Taint } from "../../../src/domain/kube/taint.ts";
import type { Pod } from "../../../src/domain/kube/pod.ts";
import {
  DEFAULT_SETTINGS,
  evidenceKey,
  type Children,
  type Evidence,
  type Observed,
} from "../../../src/domain/rollout/observed.ts";
import { controlPlanesOf } from "../../../src/domain/rollout/availability.ts";
import { targetsOf } from "../../../src/domain/rollout/targets.ts";
import { FINALIZER } from "../../../src/domain/labels.ts";
import { childNames } from "../../../src/domain/names.ts";

export const START = Date.UTC(2026, 0, 1);

export const operation = (
  options: {
    readonly spec?: object;
    readonly status?: object;
    readonly metadata?: object;
  } = {},
): NodeOp =>
  Result.getOrThrow(
    decodeNodeOp({
      apiVersion: "operator.kairos.io/v1alpha1",
      kind: "NodeOp",
      metadata: {
        name: "canary",
        namespace: "default",
        uid: "op-uid",
        resourceVersion: "7",
        generation: 1,
        creationTimestamp: "2026-01-01T00:00:00Z",
        finalizers: [FINALIZER],
        ...options.metadata,
      },
      spec: { command: ["true"], cordon: true, rebootOnSuccess: true, ...options.spec },
      status: options.status ?? { observedGeneration: -1 },
    }),
  );

export const node = (
  name: string,
  options: {
    readonly controlPlane?: boolean;
    readonly ready?: boolean;
    readonly unschedulable?: boolean;
    readonly annotations?: Record<string, string>;
    readonly bootID?: string;
    readonly uid?: string;
    readonly taints?: ReadonlyArray<Taint>;
  } = {},
): Node => ({
  metadata: {
    name,
    uid: options.uid ?? `${name}-uid`,
    resourceVersion: "3",
    labels: options.controlPlane === true ? { "node-role.kubernetes.io/control-plane": "" } : {},
    annotations: options.annotations ?? {},
  },
  spec: {
    unschedulable: options.unschedulable ?? false,
    ...(options.taints === undefined ? {} : { taints: options.taints }),
  },
  status: {
    conditions: [{ type: "Ready", status: options.ready === false ? "False" : "True" }],
    nodeInfo: { bootID: options.bootID ?? "boot-1" },
  },
});

export const MINE = "default/canary@op-uid";
/** The annotations of a node that the operation holds and has cordoned. */
export const HELD = {
  "operator.kairos.io/held-by": MINE,
  "operator.kairos.io/cordoned-by": MINE,
};

export const entry = (name: string, change: Partial<NodeStatus>): NodeStatus => ({
  phase: "Pending",
  rebootStatus: "pending",
  nodeUID: `${name}-uid`,
  startedAt: "2026-01-01T00:00:00Z",
  stageStartedAt: "2026-01-01T00:00:00Z",
  lastUpdated: "2026-01-01T00:00:00Z",
  ...change,
});

const owned = (name: string, kind: string, uid: string) => ({
  name,
  namespace: "default",
  uid,
  resourceVersion: "5",
  ownerReferences: [
    {
      apiVersion: "operator.kairos.io/v1alpha1",
      kind: "NodeOp",
      name: "canary",
      uid: "op-uid",
      controller: true,
    },
  ],
  labels: { kind },
});

const names = (nodeName: string) =>
  childNames({ name: "canary", uid: "op-uid" }, { name: nodeName, uid: `${nodeName}-uid` });

export const rebootPod = (
  nodeName: string,
  options: {
    readonly phase?: string;
    readonly annotations?: Record<string, string>;
    readonly deleting?: boolean;
  } = {},
): Pod => ({
  metadata: {
    ...owned(names(nodeName).rebootPod, "reboot", `${nodeName}-reboot-pod`),
    annotations: options.annotations ?? {},
    ...(options.deleting === true ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
  },
  spec: { nodeName },
  status: { phase: options.phase ?? "Running" },
});

export const preflightPod = (nodeName: string, status: Pod["status"]): Pod => ({
  metadata: owned(names(nodeName).preflightPod, "preflight", `${nodeName}-preflight-pod`),
  spec: { nodeName },
  ...(status === undefined ? {} : { status }),
});

export const job = (
  nodeName: string,
  options: {
    readonly suspend?: boolean;
    readonly condition?: string;
    readonly uid?: string;
    readonly annotations?: Record<string, string>;
  } = {},
): Job => ({
  metadata: {
    ...owned(names(nodeName).job, "job", options.uid ?? `${nodeName}-job`),
    annotations: options.annotations ?? {},
  },
  spec: { suspend: options.suspend ?? false },
  status: {
    conditions:
      options.condition === undefined ? [] : [{ type: options.condition, status: "True" }],
  },
});

export const observed = (options: {
  readonly operation: NodeOp;
  readonly nodes: ReadonlyArray<Node>;
  readonly children?: Readonly<Record<string, Partial<Children>>>;
  readonly live?: ReadonlyArray<Evidence>;
  readonly now?: number;
  readonly change?: Partial<Observed>;
}): Observed => ({
  now: options.now ?? START + 10_000,
  operation: options.operation,
  nodes: new Map(options.nodes.map((item) => [item.metadata.name, item])),
  targets: targetsOf(options.operation.spec, options.nodes),
  controlPlanes: controlPlanesOf(options.nodes),
  children: new Map(
    Object.entries(options.children ?? {}).map(([name, children]) => [
      name,
      { jobPods: [], ...children },
    ]),
  ),
  claimedByOthers: new Map(),
  otherOperations: new Map(),
  live: new Set((options.live ?? []).map(evidenceKey)),
  rehearsal: { generation: options.operation.metadata.generation ?? 0 },
  problems: new Map(),
  drains: new Map(),
  settings: DEFAULT_SETTINGS,
  ...options.change,
});

/** One node `w` in a stage, observed with these children. */
export const inStage = (
  stage: Partial<NodeStatus>,
  options: {
    readonly node?: Node | undefined;
    readonly children?: Partial<Children>;
    readonly live?: ReadonlyArray<Evidence>;
    readonly spec?: object;
    readonly metadata?: object;
    readonly now?: number;
    readonly change?: Partial<Observed>;
  } = {},
): Observed =>
  observed({
    operation: operation({
      ...(options.spec === undefined ? {} : { spec: options.spec }),
      ...(options.metadata === undefined ? {} : { metadata: options.metadata }),
      status: { observedGeneration: 1, nodeStatuses: { w: entry("w", stage) } },
    }),
    nodes: "node" in options ? (options.node === undefined ? [] : [options.node]) : [node("w")],
    children: { w: options.children ?? {} },
    ...(options.live === undefined ? {} : { live: options.live }),
    ...(options.now === undefined ? {} : { now: options.now }),
    ...(options.change === undefined ? {} : { change: options.change }),
  });
