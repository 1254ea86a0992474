/** What people may do with both kinds: Kubernetes' roles view, edit and admin take these rules in. */
import type { NewKubeObject } from "../kube/object.ts";
import { NodeOps, NodeOpUpgrades } from "../kube/resource.ts";
import { OPERATOR_NAME } from "./installation.ts";
import { clusterRole, type PolicyRule, ruleOf, type Verb } from "./rbac.ts";

const KINDS = [NodeOps, NodeOpUpgrades];

const READ: ReadonlyArray<Verb> = ["get", "list", "watch"];
const WRITE: ReadonlyArray<Verb> = ["create", "delete", "patch", "update"];

const rules = (verbs: ReadonlyArray<Verb>): ReadonlyArray<PolicyRule> =>
  KINDS.map((resource) => ruleOf({ resource }, verbs));

const readStatus = KINDS.map((resource) => ruleOf({ resource, subresource: "status" }, ["get"]));

const aggregatedTo = (...roles: ReadonlyArray<string>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    roles.map((role) => [`rbac.authorization.k8s.io/aggregate-to-${role}`, "true"]),
  );

/** The ClusterRole to look at operations, and the one to make, change and delete them. */
export const userRoles = (): ReadonlyArray<NewKubeObject> => [
  clusterRole(
    `${OPERATOR_NAME}-view`,
    [...rules(READ), ...readStatus],
    aggregatedTo("view", "edit", "admin"),
  ),
  clusterRole(
    `${OPERATOR_NAME}-edit`,
    [...rules([...READ, ...WRITE]), ...readStatus],
    aggregatedTo("edit", "admin"),
  ),
];
