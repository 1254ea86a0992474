/** The Pods and the Job that an operation creates on a node (kairos.md a7; design.md §4). */
import type { NodeOp } from "../api/nodeop.ts";
import type { NewKubeObject, OwnerReference } from "../kube/object.ts";
import type { Node } from "../kube/node.ts";
import { API_GROUP, API_VERSION } from "../kube/resource.ts";
import { childLabels, type ChildKind } from "../labels.ts";
import { childNames } from "../names.ts";
import { sentinelScript } from "../scripts/sentinel.ts";
import type { Settings } from "./observed.ts";

interface Parent {
  readonly operation: NodeOp;
  readonly node: Node;
  readonly settings: Settings;
}

export const PREFLIGHT_CONTAINER = "preflight";
/** The container that runs the operation's command; an init container when a reboot follows. */
export const COMMAND_CONTAINER = "nodeop";
export const SENTINEL_CONTAINER = "sentinel-creator";
export const REBOOT_CONTAINER = "reboot";

/** The ServiceAccount of the reboot agents in an operation's namespace. */
export const agentAccountName = (operation: NodeOp): string =>
  childNames(operation.metadata, { name: "agent", uid: "" }).rebootPod;

const ownerOf = (operation: NodeOp): OwnerReference => ({
  apiVersion: `${API_GROUP}/${API_VERSION}`,
  kind: "NodeOp",
  name: operation.metadata.name,
  uid: operation.metadata.uid,
  controller: true,
  blockOwnerDeletion: true,
});

const metadataOf = ({ operation, node }: Parent, name: string, kind: ChildKind) => ({
  name,
  ...(operation.metadata.namespace === undefined
    ? {}
    : { namespace: operation.metadata.namespace }),
  labels: childLabels(operation.metadata, node.metadata, kind),
  ownerReferences: [ownerOf(operation)],
});

const imageOf = ({ operation, settings }: Parent): string =>
  operation.spec.image ?? settings.defaultImage;

/** What every Pod of ours has: its node by name (a cordon does not stop it), no eviction by taints, the user's secrets. */
const podSpecOf = ({ operation, node }: Parent) => ({
  nodeName: node.metadata.name,
  tolerations: [{ operator: "Exists" }],
  ...(operation.spec.imagePullSecrets === undefined
    ? {}
    : { imagePullSecrets: operation.spec.imagePullSecrets }),
});

/** Where containers see the host's directory of sentinels. */
const SENTINEL_MOUNT = "/sentinel";

const hostRoot = { name: "host-root", hostPath: { path: "/", type: "Directory" } };
const sentinelVolume = (settings: Settings) => ({
  name: "sentinel-volume",
  hostPath: { path: settings.sentinelDir, type: "DirectoryOrCreate" },
});

/** All children that an operation makes on a node, in the order in which a refusal is told; `jobPod` is made by the Job controller. */
export const childrenOf = (parent: Parent) => ({
  preflightPod: preflightPod(parent),
  job: job(parent),
  jobPod: jobPod(parent),
  rebootPod: parent.operation.spec.rebootOnSuccess ? rebootPod(parent) : undefined,
});

/** The Pod that looks before anything is touched; what it writes to its termination message is why the node is skipped. */
export const preflightPod = (parent: Parent): NewKubeObject | undefined => {
  const { operation, node } = parent;
  const preflight = operation.spec.preflight;
  if (preflight === undefined) return undefined;
  const { hostMountPath } = operation.spec;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: metadataOf(
      parent,
      childNames(operation.metadata, node.metadata).preflightPod,
      "preflight",
    ),
    spec: {
      ...podSpecOf(parent),
      restartPolicy: "OnFailure",
      activeDeadlineSeconds: preflight.activeDeadlineSeconds,
      containers: [
        {
          name: PREFLIGHT_CONTAINER,
          image: preflight.image ?? imageOf(parent),
          command: preflight.command,
          env: [{ name: "HOST_DIR", value: hostMountPath }],
          terminationMessagePolicy: "File",
          volumeMounts: [{ name: hostRoot.name, mountPath: hostMountPath, readOnly: true }],
        },
      ],
      volumes: [hostRoot],
    },
  };
};

/**
 * What the Job's Pods look like. When a reboot follows, the command is the init container and the only container writes
 * the sentinel, so that the Job completes before the host goes down (reference page, "How Upgrade Is Performed" 5).
 */
const jobTemplate = (parent: Parent) => {
  const { operation, node, settings } = parent;
  const { spec } = operation;
  const command = {
    name: COMMAND_CONTAINER,
    image: imageOf(parent),
    command: spec.command,
    env: [{ name: "HOST_DIR", value: spec.hostMountPath }],
    securityContext: { privileged: true },
    terminationMessagePolicy: "File",
    volumeMounts: [{ name: hostRoot.name, mountPath: spec.hostMountPath }],
  };
  const sentinel = {
    name: SENTINEL_CONTAINER,
    image: settings.sentinelImage ?? imageOf(parent),
    command: ["/bin/sh", "-c", sentinelScript()],
    env: [
      { name: "SENTINEL_DIR", value: SENTINEL_MOUNT },
      {
        name: "JOB_UID",
        valueFrom: {
          fieldRef: { fieldPath: "metadata.labels['batch.kubernetes.io/controller-uid']" },
        },
      },
    ],
    volumeMounts: [{ name: "sentinel-volume", mountPath: SENTINEL_MOUNT }],
  };
  const containers = spec.rebootOnSuccess
    ? { initContainers: [command], containers: [sentinel] }
    : { containers: [command] };
  return {
    metadata: { labels: childLabels(operation.metadata, node.metadata, "job") },
    spec: {
      ...podSpecOf(parent),
      restartPolicy: "Never",
      ...containers,
      volumes: [hostRoot, ...(spec.rebootOnSuccess ? [sentinelVolume(settings)] : [])],
    },
  };
};

/**
 * A Pod as the Job controller will make it, but for its name: only ever created as a dry run. A Job says nothing about
 * whether its Pods are allowed; the API server takes it and refuses them.
 */
export const jobPod = (parent: Parent): NewKubeObject => {
  const { job: name } = childNames(parent.operation.metadata, parent.node.metadata);
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: metadataOf(parent, `${name}-pod`, "job"),
    spec: jobTemplate(parent).spec,
  };
};

/** The Job with the operation's command, created suspended: it does nothing until its uid is stored and it is resumed. */
export const job = (parent: Parent): NewKubeObject => {
  const { operation, node } = parent;
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: metadataOf(parent, childNames(operation.metadata, node.metadata).job, "job"),
    spec: {
      suspend: true,
      parallelism: 1,
      completions: 1,
      backoffLimit: operation.spec.backoffLimit ?? 6,
      podReplacementPolicy: "Failed",
      // A disruption (eviction, preemption, a deleted Pod) says nothing about the command: it does not count as a failure.
      podFailurePolicy: {
        rules: [
          {
            action: "Ignore",
            onPodConditions: [{ type: "DisruptionTarget", status: "True" }],
          },
        ],
      },
      template: jobTemplate(parent),
    },
  };
};

/** The Pod that waits for the grant and the sentinel and then reboots the host; inert until then. */
export const rebootPod = (parent: Parent): NewKubeObject => {
  const { operation, node, settings } = parent;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: metadataOf(parent, childNames(operation.metadata, node.metadata).rebootPod, "reboot"),
    spec: {
      ...podSpecOf(parent),
      hostPID: true,
      restartPolicy: "OnFailure",
      serviceAccountName: agentAccountName(operation),
      containers: [
        {
          name: REBOOT_CONTAINER,
          image: settings.operatorImage,
          args: ["reboot-agent"],
          env: [
            { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
            { name: "POD_NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
            { name: "POD_UID", valueFrom: { fieldRef: { fieldPath: "metadata.uid" } } },
            { name: "SENTINEL_DIR", value: SENTINEL_MOUNT },
          ],
          securityContext: { privileged: true, runAsUser: 0 },
          volumeMounts: [{ name: "sentinel-volume", mountPath: SENTINEL_MOUNT }],
        },
      ],
      volumes: [sentinelVolume(settings)],
    },
  };
};
