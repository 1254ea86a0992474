/**
 * Ordinary workloads as files bring them: what of a ReplicaSet, StatefulSet, Deployment, Pod, PodDisruptionBudget,
 * ResourceQuota or volume a simulation takes over, and what is wrong with it that the simulated API server would not find (it does not know all types).
 */
import { Result, Schema } from "effect";
import { open } from "../../domain/api/fields.ts";
import { type Problem, problemsOf } from "../../domain/api/problems.ts";
import type { NewKubeObject } from "../../domain/kube/object.ts";
import {
  apiVersionOf,
  PodDisruptionBudgets,
  ReplicaSets,
  VolumeAttachments,
} from "../../domain/kube/resource.ts";
import { ResourceQuotas } from "../../services/quota.ts";

const StringMap = Schema.Record(Schema.String, Schema.String);
const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));

const Selector = open({
  matchLabels: Schema.optionalKey(StringMap),
  matchExpressions: Schema.optionalKey(
    Schema.Array(
      open({
        key: Schema.String,
        operator: Schema.String,
        values: Schema.optionalKey(Schema.Array(Schema.String)),
      }),
    ),
  ),
});

const Container = open({ name: Schema.String, image: Schema.String });

const PodSpec = open({
  containers: Schema.Array(Container),
  initContainers: Schema.optionalKey(Schema.Array(Container)),
  nodeName: Schema.optionalKey(Schema.String),
  nodeSelector: Schema.optionalKey(StringMap),
  serviceAccountName: Schema.optionalKey(Schema.String),
  terminationGracePeriodSeconds: Schema.optionalKey(Count),
  tolerations: Schema.optionalKey(
    Schema.Array(
      open({
        key: Schema.optionalKey(Schema.String),
        operator: Schema.optionalKey(Schema.String),
        value: Schema.optionalKey(Schema.String),
        effect: Schema.optionalKey(Schema.String),
        tolerationSeconds: Schema.optionalKey(Schema.Int),
      }),
    ),
  ),
});

const metadata = open({
  labels: Schema.optionalKey(StringMap),
  annotations: Schema.optionalKey(StringMap),
});

const SetManifest = open({
  metadata,
  spec: open({
    replicas: Schema.optionalKey(Count),
    selector: Selector,
    template: open({
      metadata: Schema.optionalKey(open({ labels: Schema.optionalKey(StringMap) })),
      spec: PodSpec,
    }),
  }),
});

const IntOrPercent = Schema.Union([Schema.Int, Schema.String]);

const BudgetManifest = open({
  metadata,
  spec: open({
    selector: Schema.optionalKey(Selector),
    minAvailable: Schema.optionalKey(IntOrPercent),
    maxUnavailable: Schema.optionalKey(IntOrPercent),
  }),
});

const QuotaManifest = open({
  metadata,
  spec: open({
    hard: Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite])),
  }),
});

const PodManifest = open({ metadata, spec: PodSpec });

const decoding = <A>(schema: Schema.ConstraintDecoder<A>) =>
  Schema.decodeUnknownResult(Schema.toCodecGoJson(schema), { errors: "all", reportInput: true });

const decodeSet = decoding(SetManifest);
const decodeBudget = decoding(BudgetManifest);
const decodeQuota = decoding(QuotaManifest);
const decodePod = decoding(PodManifest);
const decodeNamespace = decoding(open({ metadata }));
const decodeVolume = decoding(
  open({
    metadata,
    spec: open({
      accessModes: Schema.optionalKey(Schema.Array(Schema.String)),
      csi: Schema.optionalKey(open({ driver: Schema.String, volumeHandle: Schema.String })),
    }),
  }),
);
/** Nothing is provisioned in a simulation. */
const decodeClaim = decoding(open({ metadata, spec: open({ volumeName: Schema.String }) }));
const decodeAttachment = decoding(
  open({
    metadata,
    spec: open({
      attacher: Schema.String,
      nodeName: Schema.String,
      source: open({ persistentVolumeName: Schema.optionalKey(Schema.String) }),
    }),
  }),
);

const decodeAny = (object: NewKubeObject) => {
  switch (object.kind) {
    case "Pod":
      return decodePod(object);
    case "PodDisruptionBudget":
      return decodeBudget(object);
    case "ResourceQuota":
      return decodeQuota(object);
    case "Namespace":
      return decodeNamespace(object);
    case "PersistentVolume":
      return decodeVolume(object);
    case "PersistentVolumeClaim":
      return decodeClaim(object);
    case "VolumeAttachment":
      return decodeAttachment(object);
    default:
      return decodeSet(object);
  }
};

/** The kinds, with their apiVersion. */
export const WORKLOAD_KINDS: Readonly<Record<string, string>> = {
  Deployment: "apps/v1",
  ReplicaSet: apiVersionOf(ReplicaSets),
  StatefulSet: "apps/v1",
  Pod: "v1",
  PodDisruptionBudget: apiVersionOf(PodDisruptionBudgets),
  ResourceQuota: apiVersionOf(ResourceQuotas),
  Namespace: "v1",
  PersistentVolume: "v1",
  PersistentVolumeClaim: "v1",
  VolumeAttachment: apiVersionOf(VolumeAttachments),
};

/** Controllers that run in a simulation: their Pods and ReplicaSets are theirs to make. */
const MAKERS = ["Deployment", "ReplicaSet", "StatefulSet"];

/** What is wrong with the fields of a workload, its name and label syntax aside. */
export const workloadProblems = (object: NewKubeObject): ReadonlyArray<Problem> => {
  const decoded = decodeAny(object);
  if (Result.isFailure(decoded)) return problemsOf(decoded.failure.issue);
  if (object.kind === "ResourceQuota") return scopeProblems(object);
  const maker = object.metadata.ownerReferences?.find((owner) => MAKERS.includes(owner.kind));
  if (maker === undefined) return [];
  const sentence = `is the ${maker.kind} ${maker.name}, which makes its ${object.kind}s itself; give it instead`;
  return [{ path: ["metadata", "ownerReferences"], sentence }];
};

/** A quota for some Pods only would be one for none here. */
const scopeProblems = ({ spec }: NewKubeObject): ReadonlyArray<Problem> =>
  ["scopes", "scopeSelector"]
    .filter((name) => decodedSpec(spec)[name] !== undefined)
    .map((name) => ({
      path: ["spec", name],
      sentence: "cannot be simulated; leave the quota out, or the field to have it limit all Pods",
    }));

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

const decodedSpec = (spec: unknown): Readonly<Record<string, unknown>> =>
  isRecord(spec) ? spec : {};

/** The ServiceAccount that the Pods of a workload run under; undefined: the namespace's own, or it has no Pods. */
export const accountOf = ({ kind, spec }: NewKubeObject): string | undefined => {
  const podSpec = kind === "Pod" ? spec : decodedSpec(decodedSpec(spec)["template"])["spec"];
  const name = decodedSpec(podSpec)["serviceAccountName"];
  return typeof name === "string" ? name : undefined;
};
