/** What operator and node labeler may do, and what each of it is for. Nothing is granted that is not used. */
import {
  ClusterRoleBindings,
  CoreEvents,
  PersistentVolumeClaims,
  PodDisruptionBudgets,
  Jobs,
  NodeOps,
  NodeOpUpgrades,
  Nodes,
  Pods,
  RoleBindings,
  Roles,
  ServiceAccounts,
  VolumeAttachments,
} from "../kube/resource.ts";
import { BOOK_NAME } from "../ceiling/book.ts";
import { LEASE_NAME } from "./installation.ts";
import { type About, type PolicyRule, ruleOf, type Verb } from "./rbac.ts";

/**
 * Where the operator needs a permission: on objects of the cluster; where operations are; where the Events of Nodes are
 * accepted; in its own namespace; there too, but only below a ceiling.
 */
export type Scope = "cluster" | "operations" | "nodeEvents" | "own" | "ceiling";

/** Verbs on something, and what they are for, as a reader of docs/install.md wants to know it. */
export interface Permission {
  readonly scope: Scope;
  readonly about: About;
  readonly verbs: ReadonlyArray<Verb>;
  readonly why: string;
}

const Events = { group: "events.k8s.io", plural: "events" };
const Leases = { group: "coordination.k8s.io", plural: "leases" };

/** Where the operator writes Events about Nodes. The API server would accept them in kube-system too, and nowhere else. */
export const NODE_EVENT_NAMESPACES: ReadonlyArray<string> = ["default"];

/**
 * The operator's permissions. `pods` get, watch and patch are also what a reboot agent's Role holds: nobody can grant
 * what he does not hold himself.
 */
export const OPERATOR_PERMISSIONS: ReadonlyArray<Permission> = [
  {
    scope: "cluster",
    about: { resource: Nodes },
    verbs: ["get", "list", "watch", "patch"],
    why: "sees which nodes there are and are Ready; holds, cordons and releases them",
  },
  {
    scope: "cluster",
    about: { resource: Pods },
    verbs: ["list"],
    why: "sees which Pods are on a node that it drains",
  },
  {
    scope: "cluster",
    about: { resource: Pods, subresource: "eviction" },
    verbs: ["create"],
    why: "drains a node before its Job, as disruption budgets allow",
  },
  {
    scope: "cluster",
    about: { resource: PodDisruptionBudgets },
    verbs: ["list"],
    why: "names the budgets that keep a node from being drained",
  },
  {
    scope: "cluster",
    about: { resource: VolumeAttachments },
    verbs: ["get", "list"],
    why: "waits until the volumes of the Pods that it evicted are detached from their node",
  },
  {
    scope: "cluster",
    about: { resource: PersistentVolumeClaims },
    verbs: ["get"],
    why: "sees which volumes belong to Pods that stay on a drained node, and so stay attached; asks only where there are both",
  },
  {
    scope: "cluster",
    about: { resource: ClusterRoleBindings },
    verbs: ["get", "delete"],
    why: "removes that of an operation which the Go operator left, and without which it can never be deleted",
  },
  {
    scope: "operations",
    about: { resource: NodeOpUpgrades },
    verbs: ["get", "list", "watch"],
    why: "sees what is to be upgraded",
  },
  {
    scope: "operations",
    about: { resource: NodeOpUpgrades, subresource: "status" },
    verbs: ["patch"],
    why: "tells how far it is",
  },
  {
    scope: "operations",
    about: { resource: NodeOpUpgrades, subresource: "finalizers" },
    verbs: ["update"],
    why: "makes NodeOps that block the deletion of their NodeOpUpgrade, where OwnerReferencesPermissionEnforcement is on",
  },
  {
    scope: "operations",
    about: { resource: NodeOps },
    verbs: ["get", "list", "watch", "create", "patch"],
    why: "sees operations; makes and steers that of a NodeOpUpgrade; sets and removes its finalizer",
  },
  {
    scope: "operations",
    about: { resource: NodeOps, subresource: "status" },
    verbs: ["patch"],
    why: "claims nodes, and tells how far they are",
  },
  {
    scope: "operations",
    about: { resource: NodeOps, subresource: "finalizers" },
    verbs: ["update"],
    why: "makes Pods and Jobs that block the deletion of their NodeOp, where OwnerReferencesPermissionEnforcement is on",
  },
  {
    scope: "operations",
    about: { resource: Jobs },
    verbs: ["get", "list", "watch", "create", "patch"],
    why: "makes, resumes and suspends the Job of a node",
  },
  {
    scope: "operations",
    about: { resource: Pods },
    verbs: ["get", "list", "watch", "create", "patch", "delete"],
    why: "makes preflight and reboot Pods, grants the reboot, deletes what is left over; gives reboot agents get, watch and patch",
  },
  {
    scope: "operations",
    about: { resource: ServiceAccounts },
    verbs: ["create"],
    why: "makes the account of an operation's reboot agents",
  },
  {
    scope: "operations",
    about: { resource: Roles },
    verbs: ["create"],
    why: "makes the Role of an operation's reboot agents, in the operation's namespace",
  },
  {
    scope: "operations",
    about: { resource: RoleBindings },
    verbs: ["create"],
    why: "binds that Role to that account",
  },
  {
    scope: "operations",
    about: { resource: Events },
    verbs: ["get", "create", "patch"],
    why: "tells of each step on the operation; reads an Event that is there already to count it again",
  },
  {
    scope: "operations",
    about: { resource: CoreEvents },
    verbs: ["list"],
    why: "reads why a Job that has no Pod has none",
  },
  {
    scope: "nodeEvents",
    about: { resource: Events },
    verbs: ["get", "create", "patch"],
    why: "tells of each step on the Node; the API server takes Events about Nodes there, and in kube-system, only",
  },
  {
    scope: "own",
    about: { resource: Leases },
    verbs: ["create"],
    why: "makes the Lease of the leader; a rule on creation cannot name an object",
  },
  {
    scope: "own",
    about: { resource: Leases, names: [LEASE_NAME] },
    verbs: ["get", "patch"],
    why: "takes, renews and gives up that Lease",
  },
  {
    scope: "ceiling",
    about: { resource: Leases, names: [BOOK_NAME] },
    verbs: ["get", "patch"],
    why: "keeps the book of the nodes in flight, where the installation has --max-unavailable",
  },
];

/** The node labeler's permissions. RBAC cannot say "its own Node": each labeler could patch any. */
export const LABELER_PERMISSIONS: ReadonlyArray<Permission> = [
  {
    scope: "cluster",
    about: { resource: Nodes },
    verbs: ["get", "patch"],
    why: "reads its Node and keeps its kairos.io labels and annotations true",
  },
];

/** The rules that grant permissions. */
export const rulesOf = (permissions: ReadonlyArray<Permission>): ReadonlyArray<PolicyRule> =>
  permissions.map(({ about, verbs }) => ruleOf(about, verbs));
