/** Projects commits on NodeOps: claims, stages, releases, trips, the end. Entries are compared by identity. */
import type { NodeStatus } from "../../api/status.ts";
import type { Commit } from "../../history.ts";
import { changedFields } from "../../kube/changes.ts";
import { objectKey, type KubeObject } from "../../kube/object.ts";
import { FINALIZER } from "../../labels.ts";
import { isOriginal, type Ledger } from "./Ledger.ts";
import { reconsider, reconsiderNode, selects } from "./eligibility.ts";
import type { Claim, Moment, Operation } from "./records.ts";
import { asNodeOp, hasCondition } from "./view.ts";

type Entries = Readonly<Record<string, NodeStatus>>;
const NONE: Entries = {};

/** Whether this entry is a failure that stops a `stopOnFailure` operation: every failure but that of a deleted operation. */
export const countsAsFailure = (entry: NodeStatus): boolean =>
  entry.phase === "Failed" && entry.reason !== "OperationDeleted";

/**
 * Whether a node's way is over. An entry without a stage is, but where the Go original wrote it: that has no stages, and
 * works on in every phase but Failed and, with its reboot done or not asked for, Completed.
 */
export const isOver = (operation: Operation, entry: NodeStatus): boolean => {
  if (entry.stage !== undefined) return false;
  if (!operation.original || entry.phase === "Failed") return true;
  return entry.phase === "Completed" && entry.rebootStatus !== "pending";
};

/** Takes in a commit on a NodeOp. */
export const projectNodeOp = (ledger: Ledger, commit: Commit, moment: Moment): void => {
  const object = commit.after ?? commit.before;
  if (object === undefined) return;
  const operation = ledger.operations.get(object.metadata.uid) ?? register(ledger, object, moment);
  if (commit.after === undefined) {
    operation.deleting ??= moment;
    operation.gone = moment;
    retire(ledger, operation, moment);
    return;
  }
  const before = commit.before === undefined ? undefined : asNodeOp(commit.before);
  operation.object = asNodeOp(commit.after);
  const wasOriginal = operation.original;
  if (before?.status !== operation.object.status) operation.original = isOriginal(commit.actor);
  if (commit.after.metadata.deletionTimestamp !== undefined) operation.deleting ??= moment;
  projectEntries(ledger, operation, before?.status?.nodeStatuses ?? NONE, commit, moment);
  projectSummary(ledger, operation, { status: before?.status, wasOriginal }, commit, moment);
};

const register = (ledger: Ledger, object: KubeObject, moment: Moment): Operation => {
  const operation: Operation = {
    uid: object.metadata.uid,
    key: objectKey(object.metadata),
    created: moment,
    object: asNodeOp(object),
    claims: new Map(),
    inFlight: new Set(),
    eligible: new Map(),
    cordons: new Set(),
    working: new Set(),
    matches: new Map(),
    original: false,
    deleting: undefined,
    gone: undefined,
    ended: undefined,
    tripped: undefined,
    jobFailed: undefined,
  };
  ledger.operations.set(operation.uid, operation);
  ledger.live.add(operation);
  for (const node of ledger.nodes.values()) reconsider(ledger, operation, node, moment);
  return operation;
};

/** A finished or vanished operation holds nothing: others may start its nodes. */
const retire = (ledger: Ledger, operation: Operation, moment: Moment): void => {
  if (!ledger.live.delete(operation)) return;
  for (const node of operation.claims.keys()) reconsiderNode(ledger, node, moment);
};

const projectEntries = (
  ledger: Ledger,
  operation: Operation,
  before: Entries,
  commit: Commit,
  moment: Moment,
): void => {
  const after = operation.object.status?.nodeStatuses ?? NONE;
  if (after === before) return;
  const claims: Array<Claim> = [];
  let removed = false;
  for (const node of changedFields(before, after)) {
    const entry = after[node];
    if (entry === undefined) {
      removed = true;
      continue;
    }
    const claim = operation.claims.get(node);
    if (claim === undefined) claims.push(openClaim(ledger, operation, node, entry, commit, moment));
    else projectEntry(ledger, claim, entry, moment);
  }
  if (removed)
    for (const [node, claim] of operation.claims)
      if (!Object.hasOwn(after, node)) closeClaim(ledger, claim, moment);
  const started = claims.filter(
    (claim) => claim.released === undefined && !isFollowed(ledger, claim),
  );
  if (started.length > 0 && !isOriginal(commit.actor))
    ledger.facts.push({ is: "Claimed", operation, claims: started, commit });
};

/** An entry for a Job that the Go original had made already starts nothing. */
const isFollowed = (ledger: Ledger, { entry }: Claim): boolean =>
  entry.stage === "Followed" && ledger.jobs.get(entry.jobUID ?? "")?.original === true;

const openClaim = (
  ledger: Ledger,
  operation: Operation,
  node: string,
  entry: NodeStatus,
  commit: Commit,
  moment: Moment,
): Claim => {
  const claim: Claim = {
    operation,
    node,
    nodeUID: entry.nodeUID ?? ledger.nodes.get(node)?.uid,
    started: moment,
    matched: matchedAt(ledger, operation, node, commit.sentAt),
    entry,
    jobUID: undefined,
    stages: new Map(),
    released: undefined,
    proof: undefined,
  };
  operation.claims.set(node, claim);
  follow(ledger, claim, moment);
  return claim;
};

/** A label that went after the claim was sent, or a Node that did, was there for whoever sent it. */
const matchedAt = (ledger: Ledger, operation: Operation, name: string, sentAt: number): boolean => {
  const node = ledger.nodes.get(name);
  if (node === undefined) return false;
  if (!node.exists) return node.labelsChanged.at >= sentAt;
  return (
    selects(operation, name, node.labels) ||
    (node.labelsChanged.at >= sentAt && selects(operation, name, node.labelsBefore))
  );
};

const projectEntry = (ledger: Ledger, claim: Claim, entry: NodeStatus, moment: Moment): void => {
  const before = claim.entry;
  claim.entry = entry;
  ledger.facts.push({ is: "EntryChanged", claim, before });
  follow(ledger, claim, moment);
};

/** The Job that an entry of the Go original names: it knows no uids. */
const originalJob = (ledger: Ledger, { operation, entry }: Claim): string | undefined => {
  if (!operation.original || entry.jobName === undefined) return undefined;
  for (const { uid, name, operation: owner } of ledger.jobs.values())
    if (owner === operation.uid && name.endsWith(`/${entry.jobName}`)) return uid;
  return undefined;
};

/** Everything that follows from an entry as it now is. */
const follow = (ledger: Ledger, claim: Claim, moment: Moment): void => {
  const { operation, node, entry } = claim;
  claim.jobUID = entry.jobUID ?? originalJob(ledger, claim) ?? claim.jobUID;
  if (countsAsFailure(entry)) operation.tripped ??= { ...moment, node };
  if (isOver(operation, entry)) {
    operation.inFlight.delete(node);
    if (claim.released === undefined) {
      claim.released = moment;
      ledger.facts.push({ is: "Released", claim });
    }
  } else {
    operation.inFlight.add(node);
    if (entry.stage !== undefined && !claim.stages.has(entry.stage))
      claim.stages.set(entry.stage, moment);
  }
  reconsiderNode(ledger, node, moment);
};

const closeClaim = (ledger: Ledger, claim: Claim, moment: Moment): void => {
  claim.operation.claims.delete(claim.node);
  claim.operation.inFlight.delete(claim.node);
  ledger.facts.push({ is: "EntryRemoved", claim });
  reconsiderNode(ledger, claim.node, moment);
};

const projectSummary = (
  ledger: Ledger,
  operation: Operation,
  previous: { readonly status: Operation["object"]["status"]; readonly wasOriginal: boolean },
  commit: Commit,
  moment: Moment,
): void => {
  const { metadata, status } = operation.object;
  const before = previous.status;
  if (before?.phase !== status?.phase)
    ledger.facts.push({
      is: "PhaseChanged",
      operation,
      before: before?.phase,
      takenOver: previous.wasOriginal && !operation.original,
      after: status?.phase,
      commit,
    });
  if (hasCondition(status, "Completed") && !hasCondition(before, "Completed"))
    ledger.facts.push({ is: "Completed", operation, commit });
  if (
    operation.ended === undefined &&
    hasCondition(status, "Completed", "Failed") &&
    operation.inFlight.size === 0 &&
    metadata.finalizers?.includes(FINALIZER) !== true
  ) {
    operation.ended = moment;
    ledger.facts.push({ is: "Ended", operation, commit });
    retire(ledger, operation, moment);
  }
};
