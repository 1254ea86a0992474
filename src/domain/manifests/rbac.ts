/** Rules, roles and bindings of RBAC, written so that two equal sets of rules are equal texts. */
import type { NewKubeObject } from "../kube/object.ts";
import type { Resource } from "../kube/resource.ts";
import { COMMON_LABELS } from "./installation.ts";

const GROUP = "rbac.authorization.k8s.io";
const VERSION = `${GROUP}/v1`;

/** A verb of the API that nodeop uses. */
export type Verb = "create" | "delete" | "get" | "list" | "patch" | "update" | "watch";

/** One rule of a role: lists sorted, no wildcard, one resource. */
export interface PolicyRule {
  readonly apiGroups: ReadonlyArray<string>;
  readonly resources: ReadonlyArray<string>;
  readonly resourceNames?: ReadonlyArray<string>;
  readonly verbs: ReadonlyArray<Verb>;
}

/** What a rule is about: a resource, or one of its subresources, and no object of it but the named ones. */
export interface About {
  readonly resource: Pick<Resource, "group" | "plural">;
  readonly subresource?: string;
  readonly names?: ReadonlyArray<string>;
}

/** `pods`, `nodeops/status`: a resource as rules name it. */
export const resourceOf = ({ resource, subresource }: About): string =>
  subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`;

/** The rule that permits `verbs` on something. */
export const ruleOf = (about: About, verbs: ReadonlyArray<Verb>): PolicyRule => ({
  apiGroups: [about.resource.group],
  resources: [resourceOf(about)],
  ...(about.names === undefined ? {} : { resourceNames: about.names.toSorted() }),
  verbs: verbs.toSorted(),
});

/** An account by its namespace. */
export interface Account {
  readonly namespace: string;
  readonly name: string;
}

const order = (rule: PolicyRule): string =>
  [rule.apiGroups, rule.resources, rule.resourceNames ?? []].map((list) => list.join()).join(" ");

const sorted = (rules: ReadonlyArray<PolicyRule>): ReadonlyArray<PolicyRule> =>
  rules.toSorted((a, b) => (order(a) < order(b) ? -1 : 1));

/** A ClusterRole; `labels` beside the common ones. */
export const clusterRole = (
  name: string,
  rules: ReadonlyArray<PolicyRule>,
  labels: Readonly<Record<string, string>> = {},
): NewKubeObject => ({
  apiVersion: VERSION,
  kind: "ClusterRole",
  metadata: { name, labels: { ...COMMON_LABELS, ...labels } },
  rules: sorted(rules),
});

/** A ClusterRole, and the binding of the same name that gives it to an account. */
export const grantEverywhere = (
  name: string,
  rules: ReadonlyArray<PolicyRule>,
  account: Account,
): ReadonlyArray<NewKubeObject> => [
  clusterRole(name, rules),
  {
    apiVersion: VERSION,
    kind: "ClusterRoleBinding",
    metadata: { name, labels: COMMON_LABELS },
    roleRef: { apiGroup: GROUP, kind: "ClusterRole", name },
    subjects: [{ kind: "ServiceAccount", ...account }],
  },
];

/** A Role in a namespace, and the binding of the same name that gives it to an account. */
export const grantIn = (
  namespace: string,
  name: string,
  rules: ReadonlyArray<PolicyRule>,
  account: Account,
): ReadonlyArray<NewKubeObject> => {
  const metadata = { name, namespace, labels: COMMON_LABELS };
  return [
    { apiVersion: VERSION, kind: "Role", metadata, rules: sorted(rules) },
    {
      apiVersion: VERSION,
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: GROUP, kind: "Role", name },
      subjects: [{ kind: "ServiceAccount", ...account }],
    },
  ];
};
