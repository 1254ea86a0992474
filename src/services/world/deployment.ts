/** Deployments as their simulated controller reads and writes them (apps/v1), and what it reads of their ReplicaSets. */
import { kubeTime, type KubeObject, type NewKubeObject } from "../../domain/kube/object.ts";
import { type IntOrPercent, portionOf } from "../intOrPercent.ts";
import { isRecord, sameJson } from "./json.ts";
import type { Condition } from "./pod.ts";
import type { Workload, WorkloadStatus } from "./workload.ts";

export const TEMPLATE_HASH = "pod-template-hash";
export const REVISION = "deployment.kubernetes.io/revision";
const DESIRED = "deployment.kubernetes.io/desired-replicas";
const MAXIMUM = "deployment.kubernetes.io/max-replicas";

export interface Deployment extends KubeObject {
  readonly spec: Workload["spec"] & {
    readonly paused?: boolean;
    readonly progressDeadlineSeconds?: number;
    readonly strategy?: {
      readonly type?: "RollingUpdate" | "Recreate";
      readonly rollingUpdate?: {
        readonly maxSurge?: IntOrPercent;
        readonly maxUnavailable?: IntOrPercent;
      };
    };
  };
  readonly status?: DeploymentStatus;
}

/** Counts of zero are left out. */
export interface DeploymentStatus {
  readonly observedGeneration?: number;
  readonly replicas?: number;
  readonly updatedReplicas?: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
  readonly unavailableReplicas?: number;
  readonly conditions?: ReadonlyArray<DeploymentCondition>;
  readonly [field: string]: unknown;
}

export interface DeploymentCondition extends Condition {
  readonly lastUpdateTime: string;
}

export const isDeployment = (object: KubeObject): object is Deployment =>
  isRecord(object["spec"]) && typeof object["spec"]["replicas"] === "number";

export const isRecreated = ({ spec }: Deployment): boolean => spec.strategy?.type === "Recreate";

/** How many Pods more, and how many fewer, than wanted there may be during a rollout (util.ResolveFenceposts). */
export const fenceposts = (deployment: Deployment) => {
  const { replicas, strategy } = deployment.spec;
  if (isRecreated(deployment)) return { surge: 0, unavailable: replicas };
  const { maxSurge = "25%", maxUnavailable = "25%" } = strategy?.rollingUpdate ?? {};
  const surge = portionOf(maxSurge, replicas, Math.ceil);
  const unavailable = Math.min(replicas, portionOf(maxUnavailable, replicas, Math.floor));
  // Both may have been rounded to nothing: then a rollout would never move.
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
};

const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";

/** The JSON of a value with sorted fields: equal values have equal texts. */
const canonical = (value: unknown): string =>
  Array.isArray(value)
    ? `[${value.map(canonical).join(",")}]`
    : isRecord(value)
      ? `{${Object.keys(value)
          .toSorted()
          .map((key) => `${key}:${canonical(value[key])}`)
          .join(",")}}`
      : JSON.stringify(value);

/** A hash of a template in the alphabet of Kubernetes; it is not the number that a Go program would come to. */
export const templateHash = (template: unknown): string => {
  let hash = 0x811c9dc5;
  for (const char of canonical(template))
    hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return [...String(hash)].map((digit) => ALPHABET[Number(digit)]).join("");
};

/** The template of a ReplicaSet as its Deployment has it: without the label of the hash. */
const plainTemplate = ({ spec: { template } }: Workload): Workload["spec"]["template"] => {
  const { [TEMPLATE_HASH]: _, ...labels } = template.metadata?.labels ?? {};
  return { ...template, metadata: { ...template.metadata, labels } };
};

/** Whether the ReplicaSet is of the Deployment's template. */
export const isOfTemplate = ({ spec }: Deployment, set: Workload): boolean =>
  sameJson(spec.template, plainTemplate(set));

export const revisionOf = ({ metadata }: KubeObject): number =>
  Number(metadata.annotations?.[REVISION] ?? 0);

/** What a ReplicaSet notes of its Deployment: by a difference the controller knows that it was scaled. */
export const notesOf = (deployment: Deployment, revision: number) => ({
  [DESIRED]: String(deployment.spec.replicas),
  [MAXIMUM]: String(deployment.spec.replicas + fenceposts(deployment).surge),
  [REVISION]: String(revision),
});

/** Whether the Deployment's replicas were changed since the ReplicaSet was last written. */
export const wasScaled = ({ spec }: Deployment, { metadata }: Workload): boolean => {
  const noted = metadata.annotations?.[DESIRED];
  return noted !== undefined && noted !== String(spec.replicas);
};

/** The ReplicaSet of the Deployment's template, with so many replicas. */
export const replicaSetOf = (
  deployment: Deployment,
  replicas: number,
  revision: number,
): NewKubeObject => {
  const { metadata, spec, apiVersion, kind } = deployment;
  const { name, namespace, uid } = metadata;
  const hash = templateHash(spec.template);
  const labels = { ...spec.template.metadata?.labels, [TEMPLATE_HASH]: hash };
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: `${name}-${hash}`,
      ...(namespace === undefined ? {} : { namespace }),
      labels,
      annotations: { ...metadata.annotations, ...notesOf(deployment, revision) },
      ownerReferences: [
        { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true },
      ],
    },
    spec: {
      replicas,
      selector: {
        ...spec.selector,
        matchLabels: { ...spec.selector.matchLabels, [TEMPLATE_HASH]: hash },
      },
      template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
    },
  };
};

export const total = (
  sets: ReadonlyArray<Workload>,
  count: (set: Workload) => number | undefined,
): number => sets.reduce((sum, set) => sum + (count(set) ?? 0), 0);

const positive = (counts: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));

const status = (name: keyof WorkloadStatus) => (set: Workload) => {
  const count = set.status?.[name];
  return typeof count === "number" ? count : 0;
};

/** How far the Deployment is: the counts of its ReplicaSets, and conditions (deployment/sync.go, progress.go). */
export const deploymentStatus = (
  deployment: Deployment,
  sets: ReadonlyArray<Workload>,
  current: Workload | undefined,
  now: number,
): DeploymentStatus => {
  const available = total(sets, status("availableReplicas"));
  const counts = {
    replicas: total(sets, status("replicas")),
    updatedReplicas: current === undefined ? 0 : status("replicas")(current),
    readyReplicas: total(sets, status("readyReplicas")),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, total(sets, ({ spec }) => spec.replicas) - available),
  };
  const { generation } = deployment.metadata;
  const before = deployment.status ?? {};
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...positive(counts),
    conditions: [
      ...conditionOf(before, availability(deployment, available), now),
      ...conditionOf(before, progress(deployment, current, counts, now), now),
    ],
  };
};

type Said = Pick<Condition, "type" | "status" | "reason" | "message">;

/** The condition as it is now: its times only change with what it says. */
const conditionOf = (
  { conditions = [] }: DeploymentStatus,
  said: Said | undefined,
  now: number,
): ReadonlyArray<DeploymentCondition> => {
  const before = conditions.find(({ type }) => type === said?.type);
  if (said === undefined) return [];
  if (
    before?.status === said.status &&
    before.reason === said.reason &&
    before.message === said.message
  )
    return [before];
  const time = kubeTime(now);
  const isSame = before?.status === said.status;
  return [
    {
      ...said,
      lastUpdateTime: time,
      lastTransitionTime: isSame ? (before.lastTransitionTime ?? time) : time,
    },
  ];
};

const availability = (deployment: Deployment, available: number): Said =>
  available >= deployment.spec.replicas - fenceposts(deployment).unavailable
    ? {
        type: "Available",
        status: "True",
        reason: "MinimumReplicasAvailable",
        message: "Deployment has minimum availability.",
      }
    : {
        type: "Available",
        status: "False",
        reason: "MinimumReplicasUnavailable",
        message: "Deployment does not have minimum availability.",
      };

/** Whether the rollout moves; not looked at while it is paused before its first ReplicaSet. */
const progress = (
  { spec, status: before }: Deployment,
  current: Workload | undefined,
  counts: Readonly<Record<"replicas" | "updatedReplicas" | "availableReplicas", number>>,
  now: number,
): Said | undefined => {
  const type = "Progressing";
  const known = before?.conditions?.find((one) => one.type === type);
  if (spec.paused === true)
    return { type, status: "Unknown", reason: "DeploymentPaused", message: "Deployment is paused" };
  if (current === undefined) return known;
  const { name } = current.metadata;
  if (
    counts.updatedReplicas === spec.replicas &&
    counts.replicas === spec.replicas &&
    counts.availableReplicas === spec.replicas
  )
    return {
      type,
      status: "True",
      reason: "NewReplicaSetAvailable",
      message: `ReplicaSet "${name}" has successfully progressed.`,
    };
  const hasMoved =
    known === undefined ||
    counts.updatedReplicas > (before?.updatedReplicas ?? 0) ||
    counts.availableReplicas > (before?.availableReplicas ?? 0);
  if (!hasMoved) {
    const seconds = (now - Date.parse(known.lastUpdateTime)) / 1000;
    return known.reason === "NewReplicaSetAvailable" ||
      seconds < (spec.progressDeadlineSeconds ?? Infinity)
      ? known
      : {
          type,
          status: "False",
          reason: "ProgressDeadlineExceeded",
          message: `ReplicaSet "${name}" has timed out progressing.`,
        };
  }
  return {
    type,
    status: "True",
    reason: "ReplicaSetUpdated",
    message: `ReplicaSet "${name}" is progressing.`,
  };
};
