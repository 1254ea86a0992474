/** The DaemonSet that labels the Kairos nodes of a cluster, fresh ones included, and what it may do. */
import type { NewKubeObject } from "../kube/object.ts";
import { MANAGED_LABEL } from "../labels.ts";
import { COMMON_LABELS, type Installation, LABELER_LABELS, LABELER_NAME } from "./installation.ts";
import { LABELER_PERMISSIONS, rulesOf } from "./permissions.ts";
import { fromField, imageOf, pullSecretsOf, RESTRICTED_CONTAINER, RESTRICTED_POD } from "./pods.ts";
import { grantEverywhere } from "./rbac.ts";

const HOST_ROOT = "/host";

/**
 * The directories of the host that are read, and nothing else of it: release files, where they link to, and the boot
 * loader's variables. What the kernel was booted with is in the container's own /proc.
 */
const HOST_DIRECTORIES: ReadonlyArray<{ readonly name: string; readonly path: string }> = [
  { name: "etc", path: "/etc" },
  { name: "usr-lib", path: "/usr/lib" },
  { name: "firmware", path: "/sys/firmware" },
];

/** Any node but those that opted out: what is not labelled yet is to be labelled. */
const affinity = {
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [
        { matchExpressions: [{ key: MANAGED_LABEL, operator: "NotIn", values: ["false"] }] },
      ],
    },
  },
};

const containerOf = (installation: Installation) => ({
  name: "node-labeler",
  ...imageOf(installation),
  args: ["node-labeler"],
  env: [fromField("NODE_NAME", "spec.nodeName"), { name: "HOST_ROOT", value: HOST_ROOT }],
  // Resident, with Node's program file: 82 MiB.
  resources: { requests: { cpu: "1m", memory: "84Mi" } },
  securityContext: RESTRICTED_CONTAINER,
  volumeMounts: HOST_DIRECTORIES.map(({ name, path }) => ({
    name,
    mountPath: `${HOST_ROOT}${path}`,
    readOnly: true,
  })),
});

/** The node labeler's ClusterRole and its binding. */
export const labelerAccess = ({ namespace }: Installation): ReadonlyArray<NewKubeObject> =>
  grantEverywhere(LABELER_NAME, rulesOf(LABELER_PERMISSIONS), { name: LABELER_NAME, namespace });

/** The DaemonSet. It goes where it can, cordons and taints notwithstanding: a node in trouble has labels too. */
export const labelerDaemonSet = (installation: Installation): NewKubeObject => ({
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: {
    name: LABELER_NAME,
    namespace: installation.namespace,
    labels: { ...COMMON_LABELS, ...LABELER_LABELS },
  },
  spec: {
    selector: { matchLabels: LABELER_LABELS },
    // Nothing waits for a labeler: an update need not go node by node.
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "100%" } },
    template: {
      metadata: { labels: { ...COMMON_LABELS, ...LABELER_LABELS } },
      spec: {
        serviceAccountName: LABELER_NAME,
        ...pullSecretsOf(installation),
        securityContext: RESTRICTED_POD,
        terminationGracePeriodSeconds: 10,
        tolerations: [{ operator: "Exists" }],
        affinity,
        containers: [containerOf(installation)],
        volumes: HOST_DIRECTORIES.map(({ name, path }) => ({
          name,
          hostPath: { path, type: "Directory" },
        })),
      },
    },
  },
});
