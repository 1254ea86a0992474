/** Projects commits on Nodes: readiness, boots, holds, and whose cordon is on them. */
import type { Commit } from "../../history.ts";
import { ANNOTATION_CORDONED_BY, ANNOTATION_HELD_BY, parseHolder } from "../../labels.ts";
import type { Taint } from "../../kube/taint.ts";
import { isOperator, isOriginal, type Ledger } from "./Ledger.ts";
import { reconsiderNode } from "./eligibility.ts";
import { proveReboot } from "./proof.ts";
import type { Moment, NodeRecord } from "./records.ts";
import { annotation, asNode, hasCondition, type NodeView } from "./view.ts";

/** The uid of the operation that signed a Node; the whole text where it is no signature. */
const signer = (node: NodeView | undefined, key: string): string | undefined => {
  const text = annotation(node, key);
  return text === undefined ? undefined : (parseHolder(text)?.uid ?? text);
};

/** Takes in a commit on a Node. */
export const projectNode = (ledger: Ledger, commit: Commit, moment: Moment): void => {
  const after = commit.after === undefined ? undefined : asNode(commit.after);
  const before = commit.before === undefined ? undefined : asNode(commit.before);
  const node = record(ledger, commit.name, moment);
  const was = { exists: node.exists, ready: node.ready, heldBy: node.heldBy, labels: node.labels };
  if (after === undefined) remove(ledger, node, moment);
  else {
    if (after.metadata.uid !== node.uid) replace(ledger, node, after.metadata.uid);
    update(node, after, moment);
    projectSignature(node, before, after, commit, moment);
    projectHold(ledger, node, before, after, commit, moment);
    projectCordon(ledger, node, before, after, commit);
    if (node.ready) proveReboot(ledger, node);
  }
  if (
    was.exists !== node.exists ||
    was.ready !== node.ready ||
    was.heldBy !== node.heldBy ||
    was.labels !== node.labels
  )
    reconsiderNode(ledger, node.name, moment);
};

const record = (ledger: Ledger, name: string, moment: Moment): NodeRecord => {
  let node = ledger.nodes.get(name);
  if (node === undefined) {
    node = {
      name,
      uid: "",
      labels: undefined,
      labelsBefore: undefined,
      labelsChanged: moment,
      exists: false,
      ready: false,
      readyChanged: moment,
      unschedulable: false,
      cordonChanged: moment,
      taints: [],
      taintsChanged: moment,
      bootID: undefined,
      heldBy: undefined,
      heldChanged: moment,
      cordonOf: undefined,
      signed: undefined,
    };
    ledger.nodes.set(name, node);
  }
  return node;
};

const remove = (ledger: Ledger, node: NodeRecord, moment: Moment): void => {
  setCordon(ledger, node, undefined);
  node.exists = false;
  node.ready = false;
  node.readyChanged = moment;
  node.unschedulable = false;
  node.heldBy = undefined;
  node.heldChanged = moment;
  node.labelsChanged = moment;
};

/** Another Node of the same name: nothing of the old one is on it. */
const replace = (ledger: Ledger, node: NodeRecord, uid: string): void => {
  setCordon(ledger, node, undefined);
  node.uid = uid;
  node.labels = undefined;
};

const update = (node: NodeRecord, after: NodeView, moment: Moment): void => {
  node.exists = after.metadata.deletionTimestamp === undefined;
  const ready = hasCondition(after.status, "Ready");
  if (ready !== node.ready) node.readyChanged = moment;
  node.ready = ready;
  const unschedulable = after.spec?.unschedulable === true;
  if (unschedulable !== node.unschedulable) node.cordonChanged = moment;
  const taints = after.spec?.taints ?? [];
  if (!sameTaints(taints, node.taints)) node.taintsChanged = moment;
  node.taints = taints;
  const bootID = after.status?.nodeInfo?.bootID;
  node.bootID = bootID === "" ? undefined : bootID;
  if (!sameLabels(after.metadata.labels, node.labels)) {
    node.labelsBefore = node.labels;
    node.labels = after.metadata.labels;
    node.labelsChanged = moment;
  }
};

const sameTaints = (one: ReadonlyArray<Taint>, other: ReadonlyArray<Taint>): boolean =>
  one === other ||
  (one.length === other.length &&
    one.every(({ key, value, effect }, index) => {
      const same = other[index];
      return key === same?.key && value === same.value && effect === same.effect;
    }));

type Labels = NodeRecord["labels"];

/** By content: a store need not keep the identity of labels that did not change. */
const sameLabels = (left: Labels, right: Labels): boolean => {
  if (left === right) return true;
  const [one, other] = [Object.entries(left ?? {}), right ?? {}];
  return (
    one.length === Object.keys(other).length && one.every(([key, value]) => other[key] === value)
  );
};

const SIGNATURES = [ANNOTATION_HELD_BY, ANNOTATION_CORDONED_BY];

/** Remembers who last put a hold or a signed cordon on the Node. */
const projectSignature = (
  node: NodeRecord,
  before: NodeView | undefined,
  after: NodeView,
  { actor }: Commit,
  moment: Moment,
): void => {
  const isNew = SIGNATURES.some((key) => {
    const now = annotation(after, key);
    return now !== undefined && now !== annotation(before, key);
  });
  if (isNew) node.signed = { ...moment, actor };
};

const projectHold = (
  ledger: Ledger,
  node: NodeRecord,
  before: NodeView | undefined,
  after: NodeView,
  commit: Commit,
  moment: Moment,
): void => {
  const heldBy = signer(after, ANNOTATION_HELD_BY);
  if (heldBy !== node.heldBy) node.heldChanged = moment;
  node.heldBy = heldBy;
  if (node.heldBy !== undefined && node.heldBy !== signer(before, ANNOTATION_HELD_BY))
    ledger.facts.push({ is: "Held", node, by: node.heldBy, commit });
};

/**
 * A cordon is ours when we made it or took it over from an operation of ours, and our annotation has been on the Node
 * ever since. A Node that comes into the history with the annotation of an operation that does not live is believed: who
 * put it there is not in the history, and removing it is what the operator has to do (design.md §4, Writes). Whether a person uncordoned and cordoned again below our annotation cannot be told from the Node, so it
 * does not matter here either.
 */
const projectCordon = (
  ledger: Ledger,
  node: NodeRecord,
  before: NodeView | undefined,
  after: NodeView,
  commit: Commit,
): void => {
  const wasCordoned = before?.spec?.unschedulable === true;
  const wasSigned = signer(before, ANNOTATION_CORDONED_BY);
  const signed = signer(after, ANNOTATION_CORDONED_BY);
  const previous = node.cordonOf;
  node.unschedulable = after.spec?.unschedulable === true;
  const isOurs = isOperator(commit.actor) || isOriginal(commit.actor);
  const makes = isOurs && node.unschedulable && signed !== undefined;
  if (signed === undefined) setCordon(ledger, node, undefined);
  else if (before === undefined)
    setCordon(ledger, node, lives(ledger, signed) ? undefined : signed);
  else if (makes && (!wasCordoned || (previous !== undefined && signed !== wasSigned)))
    setCordon(ledger, node, signed);
  else if (signed !== wasSigned) setCordon(ledger, node, undefined);
  if (wasCordoned && !node.unschedulable)
    ledger.facts.push({ is: "Uncordoned", node, cordonOf: previous, signed: wasSigned, commit });
  else if (node.unschedulable && (!wasCordoned || signed !== wasSigned))
    ledger.facts.push({ is: "Cordoned", node, signed, commit });
};

const lives = (ledger: Ledger, operation: string): boolean =>
  [...ledger.live].some(({ uid }) => uid === operation);

const setCordon = (ledger: Ledger, node: NodeRecord, operation: string | undefined): void => {
  if (node.cordonOf !== undefined) ledger.operations.get(node.cordonOf)?.cordons.delete(node.name);
  node.cordonOf = operation;
  if (operation !== undefined) ledger.operations.get(operation)?.cordons.add(node.name);
};
