/** The labels and annotations that tie nodes, operations and their children together, and how their values are made. */
import { fingerprint } from "./names.ts";

/** On every child: the NodeOp it belongs to, as a label value. */
export const LABEL_NODEOP = "kairos.io/nodeop";
/** On every child: the node it works on, as a label value. */
export const LABEL_NODE = "kairos.io/node";
/** `true` on reboot Pods. */
export const LABEL_REBOOT = "kairos.io/reboot";
/** `true` on preflight Pods. */
export const LABEL_PREFLIGHT = "kairos.io/preflight";
/** On the NodeOp that a NodeOpUpgrade makes: the name of the NodeOpUpgrade, as a label value. */
export const LABEL_NODEOPUPGRADE = "nodeopupgrade.kairos.io/name";
/** Kubernetes' recommended label for the tool that manages an object. */
export const LABEL_MANAGED_BY = "app.kubernetes.io/managed-by";
/** The value of `LABEL_MANAGED_BY` on the NodeOp of a NodeOpUpgrade, as in the original. */
export const MANAGED_BY_NODEOPUPGRADE = "nodeopupgrade-controller";

/** On a Node: the operation that may work on it, as `holder` writes it. */
export const ANNOTATION_HELD_BY = "operator.kairos.io/held-by";
/** On a Node: the operation that cordoned it, as `holder` writes it. */
export const ANNOTATION_CORDONED_BY = "operator.kairos.io/cordoned-by";

/** On a Job: it was stopped for good, and is never resumed again. */
export const ANNOTATION_STOPPED = "operator.kairos.io/stopped";

/** On a reboot Pod: the uid of the Job whose sentinel permits the reboot. */
export const ANNOTATION_REBOOT_GRANTED = "kairos.io/reboot-granted";
/** On a reboot Pod: `rebooting`, `completed` or `failed`. */
export const ANNOTATION_REBOOT_STATE = "kairos.io/reboot-state";
/** On a reboot Pod: the host's boot id when the reboot was recorded. */
export const ANNOTATION_REBOOT_BOOT_ID = "kairos.io/reboot-boot-id";
/** On a reboot Pod: how many reboots were recorded, from 1. */
export const ANNOTATION_REBOOT_ATTEMPT = "kairos.io/reboot-attempt";
/** On a reboot Pod: when the last reboot was recorded, as RFC 3339. */
export const ANNOTATION_REBOOT_ATTEMPTED_AT = "kairos.io/reboot-attempted-at";
/** On a reboot Pod: the agent's report as JSON. */
export const ANNOTATION_REBOOT_REPORT = "kairos.io/reboot-report";
/** On a reboot Pod: why it failed, as a sentence. */
export const ANNOTATION_REBOOT_MESSAGE = "kairos.io/reboot-message";

/** On a NodeOp while anything of it is in flight. */
export const FINALIZER = "operator.kairos.io/in-flight";
/** The Go original's, on a NodeOp that reboots: it stands for a ClusterRoleBinding (`bindingName`). */
export const ORIGINAL_FINALIZER = "nodeop-reboot.kairos.io/clusterrolebinding";

/** Kubernetes' labels of control-plane nodes, present with any value; `master` is the older one. */
export const CONTROL_PLANE_LABELS: ReadonlyArray<string> = [
  "node-role.kubernetes.io/control-plane",
  "node-role.kubernetes.io/master",
];

/** k3s' and RKE2's label of nodes that run a member of etcd, present with any value. */
export const ETCD_LABEL = "node-role.kubernetes.io/etcd";

/** `true` on Nodes that run Kairos. */
export const MANAGED_LABEL = "kairos.io/managed";

const VALUE_LENGTH_MAX = 63;
const MARK_LENGTH = 11;

/** Kubernetes' rule for label values (apimachinery validation.IsValidLabelValue). */
export const isLabelValue = (text: string): boolean =>
  text.length <= VALUE_LENGTH_MAX &&
  /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/u.test(text);

/**
 * Any text as a label value. A valid value stays as it is; another keeps what it can and ends in eleven characters that
 * stand for the whole text, so that two long names never share a value (names go up to 253 characters, values to 63).
 */
export const labelValue = (text: string): string => {
  if (isLabelValue(text)) return text;
  const readable = text
    .slice(0, VALUE_LENGTH_MAX)
    .replaceAll(/[^-A-Za-z0-9_.]/gu, "-")
    .slice(0, VALUE_LENGTH_MAX - MARK_LENGTH - 1)
    .replaceAll(/^[-_.]+|[-_.]+$/gu, "");
  const mark = fingerprint(MARK_LENGTH, text);
  return readable === "" ? mark : `${readable}-${mark}`;
};

/** What a child is for: the Job with the script, the Pod that reboots, the Pod that looks first. */
export type ChildKind = "job" | "reboot" | "preflight";

/** The labels of a child of `op` on `node` (original: common labels of Jobs and Pods). */
export const childLabels = (
  op: { readonly name: string },
  node: { readonly name: string },
  kind: ChildKind,
): Readonly<Record<string, string>> => ({
  [LABEL_NODEOP]: labelValue(op.name),
  [LABEL_NODE]: labelValue(node.name),
  ...(kind === "reboot" ? { [LABEL_REBOOT]: "true" } : {}),
  ...(kind === "preflight" ? { [LABEL_PREFLIGHT]: "true" } : {}),
});

/** One operation, told apart from later ones of the same name by its uid. */
export interface Holder {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** `<namespace>/<name>@<uid>`: how a Node's annotations name an operation. */
export const holder = (op: Holder): string => `${op.namespace}/${op.name}@${op.uid}`;

/** What `holder` wrote; undefined for any other text. */
export const parseHolder = (text: string): Holder | undefined => {
  const match = /^([^/@]+)\/([^/@]+)@([^/@]+)$/u.exec(text);
  const [, namespace, name, uid] = match ?? [];
  return namespace === undefined || name === undefined || uid === undefined
    ? undefined
    : { namespace, name, uid };
};
