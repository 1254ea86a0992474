/** The API resources that nodeop and its simulated world speak about. */

/** One resource of the Kubernetes API: where it lives and what its objects are called. */
export interface Resource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

const resource = (
  group: string,
  version: string,
  plural: string,
  kind: string,
  namespaced = true,
): Resource => ({ group, version, plural, kind, namespaced });

/** Group and version of both kinds of this project (design.md §3). */
export const API_GROUP = "operator.kairos.io";
export const API_VERSION = "v1alpha1";

export const NodeOps = resource(API_GROUP, API_VERSION, "nodeops", "NodeOp");
export const NodeOpUpgrades = resource(API_GROUP, API_VERSION, "nodeopupgrades", "NodeOpUpgrade");
export const Nodes = resource("", "v1", "nodes", "Node", false);
export const Namespaces = resource("", "v1", "namespaces", "Namespace", false);
export const Pods = resource("", "v1", "pods", "Pod");
export const ServiceAccounts = resource("", "v1", "serviceaccounts", "ServiceAccount");
/** Events in their older form, which the controllers of Kubernetes itself write; `events.k8s.io` shows the same objects. */
export const CoreEvents = resource("", "v1", "events", "Event");
export const Jobs = resource("batch", "v1", "jobs", "Job");
export const Roles = resource("rbac.authorization.k8s.io", "v1", "roles", "Role");
export const RoleBindings = resource(
  "rbac.authorization.k8s.io",
  "v1",
  "rolebindings",
  "RoleBinding",
);

export const Deployments = resource("apps", "v1", "deployments", "Deployment");
export const ReplicaSets = resource("apps", "v1", "replicasets", "ReplicaSet");
export const StatefulSets = resource("apps", "v1", "statefulsets", "StatefulSet");
export const PodDisruptionBudgets = resource(
  "policy",
  "v1",
  "poddisruptionbudgets",
  "PodDisruptionBudget",
);

export const PersistentVolumes = resource("", "v1", "persistentvolumes", "PersistentVolume", false);
export const PersistentVolumeClaims = resource(
  "",
  "v1",
  "persistentvolumeclaims",
  "PersistentVolumeClaim",
);
export const VolumeAttachments = resource(
  "storage.k8s.io",
  "v1",
  "volumeattachments",
  "VolumeAttachment",
  false,
);

export const Leases = resource("coordination.k8s.io", "v1", "leases", "Lease");
export const Events = resource("events.k8s.io", "v1", "events", "Event");
export const ClusterRoleBindings = resource(
  "rbac.authorization.k8s.io",
  "v1",
  "clusterrolebindings",
  "ClusterRoleBinding",
  false,
);

/** `apiVersion` of the resource's objects: `v1`, `batch/v1`, … */
export const apiVersionOf = (of: Resource): string =>
  of.group === "" ? of.version : `${of.group}/${of.version}`;

/** `pods`, `jobs.batch`: the name under which RBAC and CustomResourceDefinitions know the resource. */
export const resourceName = (of: Resource): string =>
  of.group === "" ? of.plural : `${of.plural}.${of.group}`;
