/** Which Events follow from a change of a status: what a user should read in `kubectl describe` and `kubectl get events`. */
import type { NodeOp } from "../api/nodeop.ts";
import type { NodeOpUpgrade } from "../api/nodeopupgrade.ts";
import type { Condition, NodeStatus } from "../api/status.ts";
import { controllerOf, objectKey, type OwnerReference } from "../kube/object.ts";
import { apiVersionOf, Nodes, type Resource } from "../kube/resource.ts";
import { type Entries, entryFor, NO_ENTRIES } from "./census.ts";
import { QUORUM_AT_RISK } from "./quorum.ts";
import { SKIPPED } from "./reason.ts";

/** What an Event is about, and what else it concerns (`core/v1 ObjectReference`). */
export interface Regarding {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly uid: string;
}

/** One Event before it has a name and a time. */
export interface News {
  readonly type: "Normal" | "Warning";
  /** One CamelCase word: why. */
  readonly reason: string;
  /** One CamelCase word: what was done, or is going on. */
  readonly action: string;
  /** A sentence. */
  readonly note: string;
  readonly regarding: Regarding;
  readonly related?: Regarding | undefined;
}

/** What happened, before it is told to everybody whom it concerns. */
type Step = Pick<News, "type" | "reason" | "action" | "note">;

/** The stages that users follow; those in between take moments. */
const STAGES: Readonly<Record<string, (entry: NodeStatus) => Step>> = {
  Upgrading: ({ jobName }) =>
    normal("Upgrading", "Upgrade", `Job ${jobName ?? "of this node"} does the work`),
  Followed: ({ jobName }) =>
    normal(
      "TakenOver",
      "Follow",
      `Job ${jobName ?? "of this node"} of the Go operator is followed`,
    ),
  Rebooting: () => normal("Rebooting", "Reboot", "the Job is complete, the node is to reboot"),
};

const normal = (reason: string, action: string, note: string): Step => ({
  type: "Normal",
  reason,
  action,
  note,
});
const warning = (reason: string, action: string, note: string): Step => ({
  type: "Warning",
  reason,
  action,
  note,
});

/** What happened to one node: its claim, its steps, what stands in its way, and how it ended. */
const stepsOf = (before: NodeStatus | undefined, after: NodeStatus): ReadonlyArray<Step> => {
  if (before === after) return [];
  const message = after.message ?? "";
  if (after.phase === "Failed")
    return before?.phase === "Failed" ? [] : [warning(after.reason ?? "Failed", "Fail", message)];
  if (after.phase === "Completed" && after.stage === undefined) {
    if (before?.phase === "Completed" && before.stage === undefined) return [];
    return [
      after.reason === SKIPPED
        ? normal(SKIPPED, "Skip", message)
        : normal("Completed", "Complete", message),
    ];
  }
  const steps: Array<Step> = [];
  if (before === undefined) steps.push(normal("Claimed", "Claim", message));
  const stage = STAGES[after.stage ?? ""];
  if (stage !== undefined && before?.stage !== after.stage) steps.push(stage(after));
  const { reason } = after;
  if (reason !== undefined && reason !== SKIPPED && reason !== before?.reason)
    steps.push(warning(reason, "Wait", message));
  return steps;
};

const conditionOf = (
  conditions: ReadonlyArray<Condition> | undefined,
  type: string,
): Condition | undefined =>
  conditions?.find((condition) => condition.type === type && condition.status === "True");

/** Reasons for which a running operation moves nothing. */
const STANDSTILL = new Set(["NoNodesMatch", "NodesCannotStart"]);

/** What happened to an operation as a whole: it ended, it cannot go on, or nothing moves. */
const overallSteps = (
  before: ReadonlyArray<Condition> | undefined,
  after: ReadonlyArray<Condition> | undefined,
): ReadonlyArray<Step> => {
  const entered = (type: string): Condition | undefined => {
    const is = conditionOf(after, type);
    return is !== undefined && is.reason !== conditionOf(before, type)?.reason ? is : undefined;
  };
  const completed = entered("Completed");
  if (completed !== undefined) return [normal("Completed", "Finish", completed.message)];
  const failed = entered("Failed");
  if (failed !== undefined) return [warning("Failed", "Finish", failed.message)];
  const stalled = entered("Stalled");
  if (stalled !== undefined) return [warning(stalled.reason, "Stall", stalled.message)];
  const reconciling = entered("Reconciling");
  return reconciling !== undefined && STANDSTILL.has(reconciling.reason)
    ? [warning(reconciling.reason, "Wait", reconciling.message)]
    : [];
};

/** A named risk that has come up: a person may want to change the spec before it comes true. */
const riskSteps = (
  before: ReadonlyArray<Condition> | undefined,
  after: ReadonlyArray<Condition> | undefined,
): ReadonlyArray<Step> => {
  const risk = conditionOf(after, QUORUM_AT_RISK);
  return risk === undefined || conditionOf(before, QUORUM_AT_RISK) !== undefined
    ? []
    : [warning(QUORUM_AT_RISK, "Announce", risk.message)];
};

const referenceTo = (of: NodeOp | NodeOpUpgrade): Regarding => ({
  apiVersion: of.apiVersion,
  kind: of.kind,
  name: of.metadata.name,
  namespace: of.metadata.namespace,
  uid: of.metadata.uid,
});

const ownerReference = (owner: OwnerReference, namespace: string | undefined): Regarding => ({
  apiVersion: owner.apiVersion,
  kind: owner.kind,
  name: owner.name,
  namespace,
  uid: owner.uid,
});

const nodeReference = (name: string, uid: string, of: Resource = Nodes): Regarding => ({
  apiVersion: apiVersionOf(of),
  kind: of.kind,
  name,
  uid,
});

/**
 * The Events of a NodeOp whose status changed. Each step of a node is told on the NodeOp and on the Node; what a user must
 * know, and the end, also on the NodeOpUpgrade that it belongs to.
 */
export const eventsOf = (before: NodeOp, after: NodeOp): ReadonlyArray<News> => {
  if (before.status === after.status) return [];
  const own = referenceTo(after);
  const owner = controllerOf(after.metadata);
  const upgrade = owner === undefined ? undefined : ownerReference(owner, after.metadata.namespace);
  const news: Array<News> = [];
  const entries: Entries = after.status.nodeStatuses ?? NO_ENTRIES;
  const earlier: Entries = before.status.nodeStatuses ?? NO_ENTRIES;
  for (const name of Object.keys(entries)) {
    const entry = entries[name]!;
    const node = entry.nodeUID === undefined ? undefined : nodeReference(name, entry.nodeUID);
    for (const step of stepsOf(entryFor(earlier, name), entry)) {
      const named = { ...step, note: `${name}: ${step.note}`, related: node };
      news.push({ ...named, regarding: own });
      if (upgrade !== undefined && step.type === "Warning")
        news.push({ ...named, regarding: upgrade });
      if (node !== undefined)
        news.push({
          ...step,
          note: `${own.kind} ${objectKey(own)}: ${step.note}`,
          regarding: node,
          related: own,
        });
    }
  }
  const overall = [
    ...riskSteps(before.status.conditions, after.status.conditions),
    ...overallSteps(before.status.conditions, after.status.conditions),
  ];
  for (const step of overall) {
    news.push({ ...step, regarding: own });
    if (upgrade !== undefined) news.push({ ...step, regarding: upgrade, related: own });
  }
  return news;
};

/** Reasons of its own for which a NodeOpUpgrade stalls; all others are told by its NodeOp. */
const OWN_REASONS = new Set(["NodeOpDeleted", "NodeOpNameTaken", "InvalidSpec"]);

/** The Events of a NodeOpUpgrade whose status changed, besides those that its NodeOp has. */
export const eventsOfUpgrade = (
  before: NodeOpUpgrade,
  after: NodeOpUpgrade,
): ReadonlyArray<News> => {
  if (before.status === after.status) return [];
  const regarding = referenceTo(after);
  const { nodeOpName } = after.status;
  const created =
    nodeOpName !== undefined && before.status.nodeOpName === undefined
      ? [normal("NodeOpCreated", "Create", `NodeOp ${nodeOpName} does the work`)]
      : [];
  const stalled = overallSteps(before.status.conditions, after.status.conditions).filter(
    ({ reason }) => OWN_REASONS.has(reason),
  );
  return [...created, ...stalled].map((step) => ({ ...step, regarding }));
};
