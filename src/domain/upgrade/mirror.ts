/** The status of a NodeOpUpgrade: what its NodeOp reports, in the original's words (kairos.md a4). */
import type { NodeOp } from "../api/nodeop.ts";
import type { NodeOpUpgrade, NodeOpUpgradeStatus } from "../api/nodeopupgrade.ts";
import type { Condition, NodeStatus } from "../api/status.ts";
import { isEqual } from "../kube/mergePatch.ts";
import { kubeTime } from "../kube/object.ts";
import { type Entries, entryFor, withEntries } from "../rollout/census.ts";
import { conditionsOf, type Outcome } from "../rollout/summary.ts";

/** Above this many nodes only counts and failures are mirrored: the NodeOp has the rest. */
export const MIRRORED_NODES_MAX = 1000;

const SENTENCES: Readonly<Record<string, string>> = {
  Running: "Upgrade operation is running",
  Completed: "Upgrade operation completed successfully",
  Failed: "Upgrade operation failed",
};

/** The original's sentence for the phase, and what the NodeOp has to add. */
const messageOf = (operation: NodeOp): string => {
  const { phase, message } = operation.status ?? {};
  const sentence = SENTENCES[phase ?? ""] ?? "Upgrade operation is pending";
  return message === undefined || phase === "Completed" ? sentence : `${sentence}: ${message}`;
};

/** The part of a node's entry that users know; how far inside a phase a node is stays with the NodeOp. */
const mirrored = (entry: NodeStatus): NodeStatus => {
  const before = mirrors.get(entry);
  if (before !== undefined) return before;
  const { stage, stageStartedAt, endingSince, bootID, nodeUID, jobUID, version, ...known } = entry;
  mirrors.set(entry, known);
  return known;
};

/** Entries do not change and most of them stay: each is mirrored once. */
const mirrors = new WeakMap<NodeStatus, NodeStatus>();

/** Whether the stored mirror of this entry needs no change. */
const isMirroredBy = (entry: NodeStatus, stored: NodeStatus): boolean => {
  if (agreed.get(entry) === stored) return true;
  const mirror = mirrored(entry);
  const same =
    mirror === stored ||
    isEqual({ ...stored, lastUpdated: undefined }, { ...mirror, lastUpdated: undefined });
  if (same) agreed.set(entry, stored);
  return same;
};

/** Entries and the stored mirrors that were found to say the same: nearly all of them again at the next look. */
const agreed = new WeakMap<NodeStatus, NodeStatus>();

const mirrorEntries = (before: Entries, source: Entries): Entries => {
  const names = Object.keys(source);
  const isLarge = names.length > MIRRORED_NODES_MAX;
  const changes = new Map<string, NodeStatus>();
  const wanted: Array<string> = [];
  let known = 0;
  for (const name of names) {
    const entry = source[name]!;
    if (isLarge && entry.phase !== "Failed") continue;
    wanted.push(name);
    const stored = entryFor(before, name);
    if (stored !== undefined) known++;
    if (stored === undefined || !isMirroredBy(entry, stored)) changes.set(name, mirrored(entry));
  }
  if (known === Object.keys(before).length) return withEntries(before, changes);
  // Some are mirrored no longer: only what is wanted stays.
  return Object.fromEntries(wanted.map((name) => [name, changes.get(name) ?? before[name]!]));
};

/** The next status of the upgrade whose NodeOp this is; the very one it has when nothing differs. */
export const mirror = (
  upgrade: NodeOpUpgrade,
  operation: NodeOp,
  now: number,
): NodeOpUpgradeStatus => {
  const before = upgrade.status ?? {};
  const source = operation.status ?? {};
  const entries = mirrorEntries(before.nodeStatuses ?? {}, source.nodeStatuses ?? {});
  return settled(before, now, {
    phase: source.phase ?? "Initializing",
    nodeOpName: operation.metadata.name,
    message: messageOf(operation),
    ...(before.nodeStatuses === undefined && Object.keys(entries).length === 0
      ? {}
      : { nodeStatuses: entries }),
    ...conditions(mirrorConditions(before.conditions, source.conditions)),
    ...counts(source),
    observedGeneration: upgrade.metadata.generation ?? 0,
  });
};

/**
 * What is news is mirrored at most once per second, that of a large fleet every five: nothing waits for it. How far nodes in
 * flight are is told every ten: each write costs the API server as much as one about the nodes themselves.
 */
export const mirrorIntervalMillis = (
  before: NodeOpUpgradeStatus,
  after: NodeOpUpgradeStatus,
): number => {
  if (!isNews(before, after)) return PROGRESS_INTERVAL_MILLIS;
  return (after.total ?? 0) > LARGE_NODES_MIN ? LARGE_INTERVAL_MILLIS : INTERVAL_MILLIS;
};

const INTERVAL_MILLIS = 1000;
const LARGE_INTERVAL_MILLIS = 5000;
const LARGE_NODES_MIN = 100;
const PROGRESS_INTERVAL_MILLIS = 10_000;

/** Whether more differs than what is told of nodes that were started before and have not ended. */
const isNews = (before: NodeOpUpgradeStatus, after: NodeOpUpgradeStatus): boolean => {
  return !isEqual(news(before), news(after));
};

const news = ({ lastUpdated, message, nodeStatuses = {}, ...rest }: NodeOpUpgradeStatus) => ({
  ...rest,
  started: Object.keys(nodeStatuses).length,
});

const conditions = (value: ReadonlyArray<Condition> | undefined) =>
  value === undefined ? {} : { conditions: value };

const mirrorConditions = (
  before: ReadonlyArray<Condition> | undefined,
  source: ReadonlyArray<Condition> | undefined,
): ReadonlyArray<Condition> | undefined => {
  if (source === undefined) return before;
  // The generation of the NodeOp means nothing to readers of the NodeOpUpgrade.
  const after = source.map(({ observedGeneration, ...condition }) => condition);
  return isEqual(before, after) ? before : after;
};

const counts = ({
  total,
  done,
  running,
  skipped,
  failed,
  progress,
}: NonNullable<NodeOp["status"]>) =>
  total === undefined || done === undefined || running === undefined
    ? {}
    : {
        total,
        done,
        running,
        skipped: skipped ?? 0,
        failed: failed ?? 0,
        progress: progress ?? "",
      };

/** Right after its NodeOp was created. */
export const initializing = (upgrade: NodeOpUpgrade, now: number): NodeOpUpgradeStatus =>
  settled(upgrade.status ?? {}, now, {
    phase: "Initializing",
    nodeOpName: upgrade.metadata.name,
    message: "NodeOp created",
    observedGeneration: upgrade.metadata.generation ?? 0,
  });

/** The upgrade cannot go on until someone changes something. */
export const stalled = (
  upgrade: NodeOpUpgrade,
  now: number,
  why: { readonly reason: string; readonly message: string },
): NodeOpUpgradeStatus => {
  const generation = upgrade.metadata.generation ?? 0;
  const outcome: Outcome = { _tag: "Stalled", ...why };
  return settled(upgrade.status ?? {}, now, {
    message: why.message,
    observedGeneration: generation,
    conditions: conditionsOf(upgrade.status?.conditions, outcome, why.message, { now, generation }),
  });
};

const settled = (
  before: NodeOpUpgradeStatus,
  now: number,
  change: NodeOpUpgradeStatus,
): NodeOpUpgradeStatus => {
  const [old, next] = [{ ...before }, { ...before, ...change }] as const;
  return isEqual(old, next) ? before : { ...next, lastUpdated: kubeTime(now) };
};
