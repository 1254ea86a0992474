/** What an installation is: what may be chosen about it, and the names that its objects share (kairos.md a1). */

/** What may be chosen about an installation. */
export interface Installation {
  /** The namespace that operator and node labeler run in. */
  readonly namespace: string;
  /** The image of nodeop, by tag or digest; operator, node labeler and reboot agents run it. */
  readonly image: string;
  /** Operators at the same time; one of them leads, the others stand by. */
  readonly replicas: number;
  /** Names of Secrets of the namespace with which the image is pulled. */
  readonly pullSecrets: ReadonlyArray<string>;
  /** Whether the node labeler is installed. */
  readonly labeler: boolean;
  /** Only operations of this namespace are worked on; undefined: of all. */
  readonly watchNamespace: string | undefined;
  /** Image of the container that writes the sentinel (`SENTINEL_IMAGE`); undefined: the operation's own. */
  readonly sentinelImage: string | undefined;
  /** Image of a NodeOp that names none (`NODEOP_DEFAULT_IMAGE`); undefined: the operator's default. */
  readonly defaultImage: string | undefined;
  /** A ceiling over the nodes of all operations (`--max-unavailable`), as it is written; undefined: none. */
  readonly maxUnavailable: string | undefined;
}

/** The original's namespace: who comes from there finds the new operator where the old one was. */
export const DEFAULT_NAMESPACE = "operator-system";

/** Name of the operator's ServiceAccount, Deployment, roles and bindings: the original's. */
export const OPERATOR_NAME = "operator-kairos-operator";

/** Name of the node labeler's ServiceAccount, ClusterRole, ClusterRoleBinding and DaemonSet: the original's. */
export const LABELER_NAME = "kairos-node-labeler";

/** The Lease by which one operator leads: the original's, so that it and nodeop never act at the same time. */
export const LEASE_NAME = "ce9721c3.kairos.io";

/** User and group that operator and node labeler run as; the image knows them as `nonroot`. */
export const NON_ROOT_ID = 65532;

/**
 * Labels of the operator's Pods, and the selector of its Deployment, which cannot be changed once it exists: the
 * original's, so that an installation of the original can be applied over.
 */
export const OPERATOR_LABELS = {
  "app.kubernetes.io/component": "operator",
  "app.kubernetes.io/name": "kairos-operator",
} as const;

/** Labels of the node labeler's Pods, and the selector of its DaemonSet: the original's, for the same reason. */
export const LABELER_LABELS = { app: LABELER_NAME, mode: "daemon" } as const;

/** Labels of everything that is installed: `kubectl get … -l` finds it. */
export const COMMON_LABELS = { "app.kubernetes.io/part-of": "nodeop" } as const;
