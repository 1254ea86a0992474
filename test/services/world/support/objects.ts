/** Jobs and Pods as users of the simulated cluster make them. */
import type { NewKubeObject } from "../../../../src/domain/kube/object.ts";
import type { Container, Pod, PodSpec } from "../../../../src/services/world/pod.ts";
import { NEW_IMAGE } from "./machine.ts";
import { NAMESPACE } from "./cluster.ts";

export const COMMAND: Container = { name: "nodeop", image: NEW_IMAGE, command: ["/bin/true"] };
export const SENTINEL: Container = { name: "sentinel-creator", image: "busybox:1.37" };
/** Runs until it is stopped. */
export const SERVER: Container = { name: "server", image: "registry/server:1" };

const podSpec = (spec: Partial<PodSpec> = {}): PodSpec => ({
  nodeName: "worker-1",
  restartPolicy: "Never",
  containers: [COMMAND],
  ...spec,
});

export const newPod = (
  name: string,
  spec: Partial<PodSpec> = {},
  metadata: NewKubeObject["metadata"] = {},
): NewKubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: NAMESPACE, ...metadata },
  spec: podSpec(spec),
});

export const newJob = (
  name: string,
  spec: object = {},
  pod: Partial<PodSpec> = {},
): NewKubeObject => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name, namespace: NAMESPACE },
  spec: { template: { spec: podSpec(pod) }, ...spec },
});

/** The state of a container as one word: `running`, `waiting <reason>` or `exit <code>`. */
export const containerState = (pod: Pod | undefined, name: string): string | undefined => {
  const state = [
    ...(pod?.status?.initContainerStatuses ?? []),
    ...(pod?.status?.containerStatuses ?? []),
  ].find((status) => status.name === name)?.state;
  if (state === undefined) return undefined;
  if (state.waiting !== undefined) return `waiting ${state.waiting.reason}`;
  return state.terminated === undefined ? "running" : `exit ${state.terminated.exitCode}`;
};
