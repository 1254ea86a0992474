/** The built-in kinds that this API server serves besides Pods, Jobs and Nodes. */
import type { KubeObject } from "../../../domain/kube/object.ts";
import type { Resource } from "../../../domain/kube/resource.ts";
import {
  Events,
  Leases,
  Namespaces,
  RoleBindings,
  Roles,
  ServiceAccounts,
} from "../../../domain/kube/resource.ts";
import { type FieldError, invalid, notNegative } from "../fieldError.ts";
import { at, own, sameJson, withFields } from "../json.ts";
import { labelNameProblems, segmentProblems } from "../names.ts";
import { builtin } from "./builtin.ts";
import { job } from "./job.ts";
import { type Draft, type Kind, withMeta } from "./Kind.ts";
import { node } from "./node.ts";
import { pod } from "./pod.ts";

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

const RBAC = "rbac.authorization.k8s.io";
const clusterRbac = (plural: string, kind: string): Resource => ({
  group: RBAC,
  version: "v1",
  plural,
  kind,
  namespaced: false,
});

/** RBAC objects are named by path segments; what a binding refers to is fixed. */
const rbac = (resource: Resource): Kind => ({
  ...builtin(resource),
  nameProblems: segmentProblems,
  validateUpdate: (object, old) =>
    sameJson(object["roleRef"], old["roleRef"])
      ? []
      : [invalid("roleRef", object["roleRef"], "cannot change roleRef")],
});

const namespace: Kind = {
  ...builtin(Namespaces, { hasStatus: true }),
  nameProblems: labelNameProblems,
  selectable: { "status.phase": "" },
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

/** The object an Event is about lives where the Event does; one of a cluster-scoped object goes to `default`. */
const eventErrors = (event: Draft): ReadonlyArray<FieldError> => {
  const about = at(event, "involvedObject", "namespace") ?? "";
  const { namespace: home = "" } = event.metadata;
  const fits = about === "" ? home === "default" : about === home;
  return fits ? [] : [invalid("involvedObject.namespace", about, "does not match event.namespace")];
};

const event: Kind = {
  ...builtin(core("events", "Event")),
  selectable: {
    "involvedObject.kind": "",
    "involvedObject.namespace": "",
    "involvedObject.name": "",
    "involvedObject.uid": "",
    "involvedObject.apiVersion": "",
    reason: "",
    reportingComponent: "",
    type: "",
  },
  validateCreate: eventErrors,
};

/** The same of the newer API, which calls that object `regarding` (apis/core/validation events.go). */
const regardingErrors = (draft: Draft): ReadonlyArray<FieldError> => {
  const about = at(draft, "regarding", "namespace") ?? "";
  const { namespace: home = "" } = draft.metadata;
  const fits = about === "" ? home === "default" || home === "kube-system" : about === home;
  const series = at(draft, "series");
  const count = at(draft, "series", "count");
  return [
    ...(fits ? [] : [invalid("regarding.namespace", about, "does not match event.namespace")]),
    ...["eventTime", "reportingController", "reportingInstance", "action", "reason"]
      .filter((name) => (draft[name] ?? "") === "")
      .map((name) => invalid(name, draft[name], "is required")),
    ...(series !== undefined && !(typeof count === "number" && count >= 2)
      ? [invalid("series.count", count, "should be at least 2")]
      : []),
  ];
};

/** In a real server both APIs show one store; whoever lists the one here does not see the other. */
const seriesEvent: Kind = {
  ...builtin(Events),
  validateCreate: regardingErrors,
  validateUpdate: regardingErrors,
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
  ...builtin(Leases),
  unconditionalUpdate: false,
  validateCreate: leaseErrors,
  validateUpdate: leaseErrors,
};

const disruptionBudget: Kind = {
  ...builtin(
    {
      group: "policy",
      version: "v1",
      plural: "poddisruptionbudgets",
      kind: "PodDisruptionBudget",
      namespaced: true,
    },
    { hasStatus: true, hasGeneration: true },
  ),
  unconditionalUpdate: false,
};

export const builtinKinds: ReadonlyArray<Kind> = [
  pod,
  job,
  node,
  namespace,
  event,
  seriesEvent,
  lease,
  builtin(ServiceAccounts),
  builtin(core("configmaps", "ConfigMap")),
  builtin(core("secrets", "Secret")),
  builtin(core("services", "Service"), { hasStatus: true }),
  rbac(Roles),
  rbac(RoleBindings),
  rbac(clusterRbac("clusterroles", "ClusterRole")),
  rbac(clusterRbac("clusterrolebindings", "ClusterRoleBinding")),
  apps("deployments", "Deployment"),
  apps("replicasets", "ReplicaSet"),
  apps("daemonsets", "DaemonSet"),
  apps("statefulsets", "StatefulSet"),
  disruptionBudget,
];
