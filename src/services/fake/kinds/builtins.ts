/** The built-in kinds that this API server serves besides Pods, Jobs and Nodes. */
import type { KubeObject } from "../../../domain/kube/object.ts";
import type { Resource } from "../../../domain/kube/resource.ts";
import { Leases, Namespaces, ServiceAccounts } from "../../../domain/kube/resource.ts";
import { type FieldError, invalid, notNegative } from "../fieldError.ts";
import { at, own, withFields } from "../json.ts";
import { labelNameProblems } from "../names.ts";
import { podSecurityLabelErrors } from "../admission/podSecurity.ts";
import { builtin } from "./builtin.ts";
import { disruptionBudget } from "./disruptionBudget.ts";
import { event, oldEvent } from "./event.ts";
import { job } from "./job.ts";
import { type Draft, type Kind, withMeta } from "./Kind.ts";
import { node } from "./node.ts";
import { pod } from "./pod.ts";
import { resourceQuota } from "./resourceQuota.ts";
import { rbacKinds } from "./rbac.ts";
import { persistentVolume, persistentVolumeClaim, volumeAttachment } from "./volume.ts";
import { deployment, replicaSet, statefulSet } from "./workload.ts";

const core = (plural: string, kind: string): Resource => ({
  group: "",
  version: "v1",
  plural,
  kind,
  namespaced: true,
});

const apps = (plural: string, kind: string): Kind =>
  builtin(
    { group: "apps", version: "v1", plural, kind, namespaced: true },
    { hasStatus: true, hasGeneration: true },
  );

const namespace: Kind = {
  ...builtin(Namespaces, { hasStatus: true }),
  nameProblems: labelNameProblems,
  selectable: { "status.phase": "" },
  validateCreate: ({ metadata }) => podSecurityLabelErrors(metadata.labels),
  validateUpdate: ({ metadata }) => podSecurityLabelErrors(metadata.labels),
  prepareCreate: (object) => {
    const labels = own({
      ...object.metadata.labels,
      "kubernetes.io/metadata.name": object.metadata.name ?? "",
    });
    return withFields(object, {
      metadata: withMeta(object.metadata, { labels }),
      status: own({ phase: "Active" }),
    });
  },
};

const leaseErrors = (lease: Draft | KubeObject): ReadonlyArray<FieldError> => {
  const seconds = at(lease, "spec", "leaseDurationSeconds");
  return [
    ...(typeof seconds === "number" && seconds <= 0
      ? [invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0")]
      : []),
    ...notNegative("spec.leaseTransitions", at(lease, "spec", "leaseTransitions")),
  ];
};

/** Updates of a Lease must say what they replace: it decides who leads. */
const lease: Kind = {
  ...builtin(Leases, { completeSpec: (spec) => spec }),
  unconditionalUpdate: false,
  validateCreate: leaseErrors,
  validateUpdate: leaseErrors,
};

export const builtinKinds: ReadonlyArray<Kind> = [
  pod,
  job,
  node,
  namespace,
  oldEvent,
  event,
  lease,
  builtin(ServiceAccounts),
  builtin(core("configmaps", "ConfigMap")),
  builtin(core("secrets", "Secret")),
  builtin(core("services", "Service"), { hasStatus: true }),
  resourceQuota,
  ...rbacKinds,
  deployment,
  apps("daemonsets", "DaemonSet"),
  replicaSet,
  statefulSet,
  disruptionBudget,
  persistentVolume,
  persistentVolumeClaim,
  volumeAttachment,
];
