/** The Deployment that runs the operator, and the Service under which its metrics are scraped. */
import type { NewKubeObject } from "../kube/object.ts";
import {
  COMMON_LABELS,
  type Installation,
  OPERATOR_LABELS,
  OPERATOR_NAME,
} from "./installation.ts";
import { fromField, imageOf, pullSecretsOf, RESTRICTED_CONTAINER, RESTRICTED_POD } from "./pods.ts";

const HEALTH_PORT = { name: "health", containerPort: 8081 };
const METRICS_PORT = { name: "metrics", containerPort: 8080 };

/**
 * The original's tolerations, and that of a cordon. While a rollout works on the only node that could run the operator,
 * that node is cordoned: without the last one the operator's successor would wait for a node that only the operator frees.
 */
const TOLERATIONS = [
  { key: "CriticalAddonsOnly", operator: "Exists" },
  { key: "node-role.kubernetes.io/control-plane", operator: "Exists", effect: "NoSchedule" },
  { key: "node-role.kubernetes.io/controlplane", operator: "Exists", effect: "NoSchedule" },
  { key: "node-role.kubernetes.io/master", operator: "Exists", effect: "NoSchedule" },
  { key: "node-role.kubernetes.io/etcd", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/unschedulable", operator: "Exists", effect: "NoSchedule" },
];

/** Standing by on the node that goes down with the leader is no help. */
const apart = (replicas: number) =>
  replicas === 1
    ? {}
    : {
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: "kubernetes.io/hostname",
            whenUnsatisfiable: "ScheduleAnyway",
            labelSelector: { matchLabels: OPERATOR_LABELS },
          },
        ],
      };

const argsOf = ({ maxUnavailable, watchNamespace }: Installation): ReadonlyArray<string> => [
  "operator",
  ...(watchNamespace === undefined ? [] : [`--namespace=${watchNamespace}`]),
  ...(maxUnavailable === undefined ? [] : [`--max-unavailable=${maxUnavailable}`]),
];

const environmentOf = ({ image, sentinelImage, defaultImage }: Installation) => [
  fromField("CONTROLLER_POD_NAME", "metadata.name"),
  fromField("CONTROLLER_POD_NAMESPACE", "metadata.namespace"),
  fromField("NODE_NAME", "spec.nodeName"),
  { name: "OPERATOR_IMAGE", value: image },
  ...(sentinelImage === undefined ? [] : [{ name: "SENTINEL_IMAGE", value: sentinelImage }]),
  ...(defaultImage === undefined ? [] : [{ name: "NODEOP_DEFAULT_IMAGE", value: defaultImage }]),
];

const probe = (path: string) => ({ httpGet: { path, port: HEALTH_PORT.name } });

const containerOf = (installation: Installation) => ({
  name: "operator",
  ...imageOf(installation),
  args: argsOf(installation),
  env: environmentOf(installation),
  ports: [HEALTH_PORT, METRICS_PORT],
  livenessProbe: { ...probe("/healthz"), periodSeconds: 20, failureThreshold: 3 },
  readinessProbe: { ...probe("/readyz"), periodSeconds: 5 },
  // What an empty cluster takes of memory is 88 MiB. No limits: one that is met ends the operator in the middle of a
  // rollout, for nothing.
  resources: { requests: { cpu: "10m", memory: "96Mi" } },
  securityContext: RESTRICTED_CONTAINER,
});

/**
 * The Deployment. Pods are replaced by recreation: a successor has nothing to do before its predecessor has given up the
 * Lease, and it need not be Ready until then, which a rolling update would wait for. All that counts is stored in the
 * API server, so the gap costs time and nothing else.
 */
export const operatorDeployment = (installation: Installation): NewKubeObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: {
    name: OPERATOR_NAME,
    namespace: installation.namespace,
    labels: { ...COMMON_LABELS, ...OPERATOR_LABELS },
  },
  spec: {
    replicas: installation.replicas,
    strategy: { type: "Recreate" },
    selector: { matchLabels: OPERATOR_LABELS },
    template: {
      metadata: { labels: { ...COMMON_LABELS, ...OPERATOR_LABELS } },
      spec: {
        serviceAccountName: OPERATOR_NAME,
        ...pullSecretsOf(installation),
        securityContext: RESTRICTED_POD,
        terminationGracePeriodSeconds: 10,
        tolerations: TOLERATIONS,
        ...apart(installation.replicas),
        containers: [containerOf(installation)],
      },
    },
  },
});

/** The Service of the metrics, plain HTTP: who may reach it is a matter of network policy. */
export const metricsService = ({ namespace }: Installation): NewKubeObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: {
    name: `${OPERATOR_NAME}-metrics-service`,
    namespace,
    labels: { ...COMMON_LABELS, ...OPERATOR_LABELS },
  },
  spec: {
    selector: OPERATOR_LABELS,
    ports: [
      { name: METRICS_PORT.name, port: METRICS_PORT.containerPort, targetPort: METRICS_PORT.name },
    ],
  },
});
