/** What the reboot agents of one operation may do: get, watch and patch Pods of their own namespace, nothing else. */
import type { NodeOp } from "../api/nodeop.ts";
import type { NewKubeObject } from "../kube/object.ts";
import { RoleBindings, Roles, ServiceAccounts, type Resource } from "../kube/resource.ts";
import { agentAccountName } from "./children.ts";

/** The ServiceAccount, Role and RoleBinding that an operation's reboot Pods run under; they go when the NodeOp goes. */
export const agentAccess = (
  operation: NodeOp,
): ReadonlyArray<{ readonly resource: Resource; readonly object: NewKubeObject }> => {
  const name = agentAccountName(operation);
  const namespace = operation.metadata.namespace ?? "default";
  const metadata = {
    name,
    namespace,
    ownerReferences: [
      {
        apiVersion: operation.apiVersion,
        kind: operation.kind,
        name: operation.metadata.name,
        uid: operation.metadata.uid,
      },
    ],
  };
  const rbac = "rbac.authorization.k8s.io";
  return [
    { resource: ServiceAccounts, object: { apiVersion: "v1", kind: "ServiceAccount", metadata } },
    {
      resource: Roles,
      object: {
        apiVersion: `${rbac}/v1`,
        kind: "Role",
        metadata,
        rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "watch", "patch"] }],
      },
    },
    {
      resource: RoleBindings,
      object: {
        apiVersion: `${rbac}/v1`,
        kind: "RoleBinding",
        metadata,
        roleRef: { apiGroup: rbac, kind: "Role", name },
        subjects: [{ kind: "ServiceAccount", name, namespace }],
      },
    },
  ];
};
