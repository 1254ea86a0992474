/** In which order nodes are taken: control planes first, then as people count. */
import { CONTROL_PLANE_LABELS, ETCD_LABEL } from "./labels.ts";

/** What a place in the order depends on. */
export interface Ordered {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** Whether a node's labels name it a control plane: either label, whatever its value (page: "master nodes first"). */
export const isControlPlane = (labels: Readonly<Record<string, string>> | undefined): boolean =>
  labels !== undefined && CONTROL_PLANE_LABELS.some((label) => Object.hasOwn(labels, label));

/** Whether a node's labels say that a member of etcd runs on it, as k3s and RKE2 label theirs. */
export const hasEtcd = (labels: Readonly<Record<string, string>> | undefined): boolean =>
  labels !== undefined && Object.hasOwn(labels, ETCD_LABEL);

/**
 * A text whose code units compare as the names count: numbers by value, of any length, and before every other character
 * of a name. Made once per name, since a comparison of two names is made far more often.
 */
const naturalKey = (name: string): string =>
  name.replaceAll(/\d+/gu, (digits) => {
    const value = digits.replace(/^0+/u, "");
    return `\u0001${String.fromCharCode(value.length)}${value}`;
  });

const compareText = (left: string, right: string): number =>
  left < right ? -1 : left > right ? 1 : 0;

/**
 * The nodes in the order in which they are started: control planes first (page, "How Upgrade Is Performed" 3), each
 * group by name with numbers by value, so that worker-2 comes before worker-10. It depends on names and labels alone,
 * never on the order given. The node called `last` comes last in its group: the operator's own, whose reboot ends it.
 */
export const inOrder = <N extends Ordered>(
  nodes: ReadonlyArray<N>,
  last?: string,
): ReadonlyArray<N> =>
  nodes
    .map((node) => ({
      node,
      key: `${isControlPlane(node.labels) ? 0 : 1}${node.name === last ? 1 : 0}${naturalKey(node.name)}`,
    }))
    // Names that differ in leading zeros only have the same key; as texts they differ, which makes the order total.
    .toSorted(
      (left, right) =>
        compareText(left.key, right.key) || compareText(left.node.name, right.node.name),
    )
    .map(({ node }) => node);
