/** Names of the objects an operation makes for a node: derived, never drawn, so that a crash finds what it left. */

/** Kubernetes' alphabet for generated names: no vowels and no look-alikes (apimachinery util/rand). */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";

/** The longest DNS label, and the longest label value: a Job's name is also put in a label. */
export const NAME_LENGTH_MAX = 63;

const SUFFIX_LENGTH = 5;
const CUT_LENGTH = 6;

/**
 * A well-mixed 53-bit hash of several strings, exact in a `number`: two 32-bit multiplicative lanes that avalanche into
 * each other (cyrb53). Not cryptographic. A lane of BigInt FNV-1a would cost thirty times as much in the hot path.
 * Parts are separated by a NUL, which no Kubernetes name contains: ("a", "bc") and ("ab", "c") differ.
 */
const hash53 = (parts: ReadonlyArray<string>): number => {
  const text = parts.join("\0");
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    high = Math.imul(high ^ unit, 2654435761);
    low = Math.imul(low ^ unit, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return 4294967296 * (2097151 & low) + (high >>> 0);
};

/** `length` characters (at most 11, all that 53 bits hold) of Kubernetes' safe alphabet that stand for `parts`. */
export const fingerprint = (length: number, ...parts: ReadonlyArray<string>): string => {
  let rest = hash53(parts);
  let text = "";
  for (let index = 0; index < length; index++) {
    text += ALPHABET.charAt(rest % ALPHABET.length);
    rest = Math.floor(rest / ALPHABET.length);
  }
  return text;
};

/** What a name is derived from: an operation or a node. */
export interface Named {
  readonly name: string;
  readonly uid: string;
}

/** The names of everything an operation makes for one node. */
export interface ChildNames {
  readonly job: string;
  readonly rebootPod: string;
  readonly preflightPod: string;
}

/** `name` as one DNS label: the dots of a subdomain become dashes (a node is often named by its domain name). */
const dashed = (name: string): string => name.replaceAll(".", "-");

const endOf = (name: string, length: number): string => name.slice(-length).replace(/^-+/u, "");

const startOf = (name: string, length: number): string => name.slice(0, length).replace(/-+$/u, "");

/**
 * `<op>-<kind>-<node>-<suffix>` in at most 63 characters. When that is too long, the end of the operation's and the
 * beginning of the node's name give way to six further characters: five alone (14 million) would make a collision
 * likely among 10,000 nodes whose names agree in all that is left.
 */
const childName = (op: Named, kind: string, node: Named): string => {
  const suffix = fingerprint(SUFFIX_LENGTH, op.uid, node.uid);
  const middle = kind === "" ? "-" : `-${kind}-`;
  const opName = dashed(op.name);
  const nodeName = dashed(node.name);
  const room = NAME_LENGTH_MAX - middle.length - 1 - SUFFIX_LENGTH;
  if (opName.length + nodeName.length <= room) return `${opName}${middle}${nodeName}-${suffix}`;
  const cutRoom = room - CUT_LENGTH - 1;
  const opLength = Math.max(Math.floor(cutRoom / 2), cutRoom - Math.min(cutRoom, nodeName.length));
  const head = startOf(opName, opLength);
  const tail = endOf(nodeName, cutRoom - head.length);
  const cut = fingerprint(CUT_LENGTH, op.name, node.name);
  return `${head}${middle}${cut}-${tail}-${suffix}`;
};

/**
 * The names of a node's children, in the documented form `<op>-<node>-<5 characters>` (page, Monitoring). Valid DNS
 * labels of at most 63 characters. The five characters come from both uids alone, so that an operation or a node that is
 * deleted and made again under its old name gets new children.
 */
export const childNames = (op: Named, node: Named): ChildNames => ({
  job: childName(op, "", node),
  rebootPod: childName(op, "reboot", node),
  preflightPod: childName(op, "preflight", node),
});
