/** The Node object that a kubelet registers and the status it keeps for it, as plain data. */
import { kubeTime, type KubeObject, type NewKubeObject } from "../../domain/kube/object.ts";
import { labelValue } from "../../domain/labels.ts";
import type { SimulatedHost } from "./host.ts";
import { isRecord } from "./json.ts";
import { type Condition, trueCondition } from "./pod.ts";

/** What is read of a Node's status. */
export interface NodeStatus {
  readonly conditions?: ReadonlyArray<Condition>;
  readonly nodeInfo?: { readonly bootID?: string };
}

const isNodeStatus = (value: unknown): value is NodeStatus => isRecord(value);

/** A Node's status; empty while it has none. */
export const statusOf = (node: NewKubeObject | undefined): NodeStatus => {
  const status = node?.["status"];
  return isNodeStatus(status) ? status : {};
};

/** What is registered about a machine whose Node does not exist. */
export interface NodeTemplate {
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly spec?: object | undefined;
}

/** Whether the kubelet calls its node healthy, and in which words. */
export interface Readiness {
  readonly ready: boolean;
  readonly message: string;
}

export const READY: Readiness = { ready: true, message: "kubelet is posting ready status" };
export const STARTING: Readiness = { ready: false, message: "container runtime is starting" };
export const SHUTTING_DOWN: Readiness = { ready: false, message: "node is shutting down" };

/** The Node as the kubelet of `host` registers it. */
export const newNode = (
  host: SimulatedHost,
  template: NodeTemplate,
  status: object,
): NewKubeObject => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: {
    name: host.name,
    labels: {
      // A Node may have a longer name than a label value may be.
      "kubernetes.io/hostname": labelValue(host.name),
      "kubernetes.io/os": "linux",
      ...template.labels,
    },
    ...(template.annotations === undefined ? {} : { annotations: template.annotations }),
  },
  ...(template.spec === undefined ? {} : { spec: template.spec }),
  status,
});

export const isReady = (node: KubeObject): boolean =>
  trueCondition(statusOf(node).conditions, "Ready") !== undefined;

/** The status of a node in its current boot; conditions that others set stay. */
export const nodeStatus = (
  host: SimulatedHost,
  readiness: Readiness,
  before: ReadonlyArray<Condition> = [],
) => {
  const time = kubeTime(host.machine.now());
  const condition = (type: string, status: string, reason: string, message: string) => {
    const known = before.find((entry) => entry.type === type && entry.status === status);
    const lastTransitionTime = known?.lastTransitionTime ?? time;
    return { type, status, reason, message, lastHeartbeatTime: time, lastTransitionTime };
  };
  const { ready, message } = readiness;
  const own = [
    condition(
      "MemoryPressure",
      "False",
      "KubeletHasSufficientMemory",
      "kubelet has sufficient memory available",
    ),
    condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    condition(
      "PIDPressure",
      "False",
      "KubeletHasSufficientPID",
      "kubelet has sufficient PID available",
    ),
    condition(
      "Ready",
      ready ? "True" : "False",
      ready ? "KubeletReady" : "KubeletNotReady",
      message,
    ),
  ];
  const foreign = before.filter(({ type }) => own.every((entry) => entry.type !== type));
  return { conditions: [...foreign, ...own], nodeInfo: nodeInfo(host) };
};

/** `v1.NodeSystemInfo`; what depends on the system is read from its version. */
const nodeInfo = (host: SimulatedHost) => {
  const { bootID, system } = host.boot;
  return {
    machineID: host.machineID,
    systemUUID: host.machineID,
    bootID,
    kernelVersion: "6.8.0-kairos",
    osImage: `Kairos ${system.version ?? "of an unknown version"}`,
    containerRuntimeVersion: "containerd://2.0.0",
    kubeletVersion: kubeletVersion(system.version),
    operatingSystem: "linux",
    architecture: "amd64",
  };
};

/** `v1.30.11+k3s1` of `v3.4.2-k3sv1.30.11-k3s1`. A system without Kubernetes in its version gets one from outside. */
const kubeletVersion = (version: string | undefined): string => {
  const match = /-(?:k3s|k0s)(?<kubernetes>v\d+\.\d+\.\d+)[-+](?<build>.+)$/u.exec(version ?? "");
  const { kubernetes, build } = match?.groups ?? {};
  return kubernetes === undefined ? "v1.30.0" : `${kubernetes}+${build}`;
};
