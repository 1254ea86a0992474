/** The operator's roles and their bindings: for the whole cluster, or for one namespace of operations. */
import type { NewKubeObject } from "../kube/object.ts";
import { type Installation, OPERATOR_NAME } from "./installation.ts";
import { NODE_EVENT_NAMESPACES, OPERATOR_PERMISSIONS, rulesOf, type Scope } from "./permissions.ts";
import { grantEverywhere, grantIn, type PolicyRule } from "./rbac.ts";

/** The Role that an installation below a ceiling has besides: its Lease is made by what leader election may create. */
const CEILING = `${OPERATOR_NAME}-ceiling`;
const LEADER_ELECTION = `${OPERATOR_NAME}-leader-election`;

/**
 * Name of what the operator has outside of its own namespace. There may be several operators that watch one namespace
 * each: then it carries their own, so that one installation does not take another's permissions away.
 */
const nameOutside = ({ namespace, watchNamespace }: Installation): string =>
  watchNamespace === undefined ? OPERATOR_NAME : `${OPERATOR_NAME}-${namespace}`;

const rulesFor = (...scopes: ReadonlyArray<Scope>): ReadonlyArray<PolicyRule> =>
  rulesOf(OPERATOR_PERMISSIONS.filter(({ scope }) => scopes.includes(scope)));

/**
 * Roles and bindings of the operator. When it works for all namespaces, one ClusterRole holds what it does in them; when
 * it works for one, that is a Role there, and only Nodes, which are in no namespace, need a ClusterRole.
 */
export const operatorAccess = (installation: Installation): ReadonlyArray<NewKubeObject> => {
  const { namespace, watchNamespace } = installation;
  const name = nameOutside(installation);
  const account = { name: OPERATOR_NAME, namespace };
  const operations =
    watchNamespace === undefined
      ? grantEverywhere(name, rulesFor("cluster", "operations"), account)
      : [
          ...grantEverywhere(name, rulesFor("cluster"), account),
          ...grantIn(watchNamespace, name, rulesFor("operations"), account),
        ];
  // Separate from the rest even where that covers it: an Event about a Node is not an operation's.
  const nodeEvents = NODE_EVENT_NAMESPACES.flatMap((where) =>
    grantIn(where, `${name}-node-events`, rulesFor("nodeEvents"), account),
  );
  return [
    ...operations,
    ...nodeEvents,
    ...grantIn(namespace, LEADER_ELECTION, rulesFor("own"), account),
    ...(installation.maxUnavailable === undefined
      ? []
      : grantIn(namespace, CEILING, rulesFor("ceiling"), account)),
  ];
};
