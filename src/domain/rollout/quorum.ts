/**
 * What an operation may do to etcd, whose members run on the control planes: a default that can cost it its quorum is
 * obeyed but announced (condition `QuorumAtRisk`), and `controlPlane.maxUnavailable` prevents it (design.md §3, §5).
 */
import type { NodeStatus } from "../api/status.ts";
import type { Condition } from "../api/status.ts";
import { isReady } from "../kube/node.ts";
import { kubeTime } from "../kube/object.ts";
import { isTerminating } from "../kube/pod.ts";
import { hasEtcd, isControlPlane } from "../order.ts";
import { otherWorker, whyUnavailable } from "./availability.ts";
import { type Entries, entryFor } from "./census.ts";
import type { Note } from "./decision.ts";
import { isInFlight } from "./entry.ts";
import type { Observed } from "./observed.ts";

/** Type of the condition, and reason of its Event. */
export const QUORUM_AT_RISK = "QuorumAtRisk";

/** How many members of so many may be away without the others losing their majority. */
const tolerated = (members: number): number => members - (Math.floor(members / 2) + 1);

/** The control planes that etcd runs on: those that say so where any does (k3s, RKE2), else all of them (kubeadm). */
const members = ({ controlPlanes, nodes }: Observed): ReadonlyArray<string> => {
  const named = controlPlanes.filter((name) => hasEtcd(nodes.get(name)?.metadata.labels));
  return named.length === 0 ? controlPlanes : named;
};

/** Whether etcd's member there is away, or may be at any moment, by something else than this operation. */
const isAway = (observed: Observed, name: string): boolean => {
  const node = observed.nodes.get(name);
  return (
    node === undefined ||
    isTerminating(node) ||
    !isReady(node) ||
    otherWorker(observed, name) !== undefined
  );
};

/**
 * Why going on as the spec allows could leave etcd fewer members than a majority; undefined where it could not. `entries` are
 * those that will be stored; with `stopped` nothing starts any more, and what is in flight is all there is to come. One
 * control plane alone has no quorum to lose: everybody knows that it is away while it reboots.
 */
export const quorumRisk = (
  observed: Observed,
  entries: Entries,
  stopped: boolean,
): Note | undefined => {
  const { operation, targets } = observed;
  const all = members(observed);
  if (!operation.spec.rebootOnSuccess || all.length < 2) return undefined;
  const busy = all.filter((name) => isBusy(entryFor(entries, name)));
  const away = all.filter((name) => !busy.includes(name) && isAway(observed, name));
  const isTarget = new Set(targets);
  const startable = stopped
    ? 0
    : all.filter(
        (name) =>
          isTarget.has(name) && entryFor(entries, name) === undefined && !away.includes(name),
      ).length;
  const atOnce = mostAtOnce(observed, { busy: busy.length, away: away.length, startable });
  if (atOnce === 0 || away.length + atOnce <= tolerated(all.length)) return undefined;
  return { reason: QUORUM_AT_RISK, message: sentence(all.length, away) };
};

const isBusy = (entry: NodeStatus | undefined): boolean => entry !== undefined && isInFlight(entry);

/** How many members this operation may come to work on at the same time. */
const mostAtOnce = (
  { operation: { spec } }: Observed,
  { away, busy, startable }: { readonly busy: number; readonly away: number; startable: number },
): number => {
  const slots = spec.concurrency === 0 ? Number.POSITIVE_INFINITY : spec.concurrency;
  const allowed = (spec.controlPlane?.maxUnavailable ?? Number.POSITIVE_INFINITY) - away;
  return Math.max(busy, Math.min(busy + startable, slots, allowed));
};

const sentence = (count: number, away: ReadonlyArray<string>): string => {
  if (count === 2)
    return "etcd on 2 control planes needs both and stops while either of them reboots: add a third control plane";
  const already = away.length === 0 ? "" : ` (${away.join(", ")} may be away already)`;
  const needed = count - tolerated(count);
  return `etcd on ${count} control planes needs ${needed} of them, and as the operation is written fewer may be left${already}: write controlPlane.maxUnavailable: 1`;
};

/**
 * The conditions with `QuorumAtRisk` as it now is: there once the risk was there, False when it is over. The very array given
 * when nothing differs.
 */
export const withQuorumRisk = (
  conditions: ReadonlyArray<Condition>,
  risk: Note | undefined,
  context: { readonly now: number; readonly generation: number },
): ReadonlyArray<Condition> => {
  const before = conditions.find(({ type }) => type === QUORUM_AT_RISK);
  if (risk === undefined && before === undefined) return conditions;
  const status = risk === undefined ? "False" : "True";
  const { message, reason } = risk ?? SAFE;
  if (
    before?.status === status &&
    before.message === message &&
    before.observedGeneration === context.generation
  )
    return conditions;
  const condition: Condition = {
    type: QUORUM_AT_RISK,
    status,
    reason,
    message,
    lastTransitionTime:
      before?.status === status ? before.lastTransitionTime : kubeTime(context.now),
    observedGeneration: context.generation,
  };
  return [...conditions.filter((other) => other !== before), condition];
};

const SAFE: Note = {
  reason: "QuorumSafe",
  message: "what may still start leaves etcd a majority of its control planes",
};

/**
 * Why a control plane may not start now: `controlPlane.maxUnavailable` of them would be exceeded, those counted that are
 * unavailable for any reason. `busy` and `claims` are the nodes in flight here, those of this very pass included. Undefined
 * for every other node, and where none is written.
 */
export const controlPlaneObstacle = (
  observed: Observed,
  name: string,
  inFlight: (name: string) => boolean,
): Note | undefined => {
  const { controlPlanes, nodes, operation } = observed;
  const max = operation.spec.controlPlane?.maxUnavailable;
  if (max === undefined || !isControlPlane(nodes.get(name)?.metadata.labels)) return undefined;
  const others = controlPlanes.flatMap((other) => {
    const why = other === name ? undefined : whyAway(observed, other, inFlight);
    return why === undefined ? [] : [`${other} ${why}`];
  });
  if (others.length < max) return undefined;
  return {
    reason: "ControlPlanesUnavailable",
    message: `controlPlane.maxUnavailable is ${max}, and ${others.slice(0, NAMED_MAX).join(", ")}${others.length > NAMED_MAX ? ` and ${others.length - NAMED_MAX} more are away` : ""}`,
  };
};

const NAMED_MAX = 3;

const whyAway = (
  observed: Observed,
  name: string,
  inFlight: (name: string) => boolean,
): string | undefined => {
  if (inFlight(name)) return "is in flight";
  const other = otherWorker(observed, name);
  if (other !== undefined) return `is held by ${other}`;
  return whyUnavailable(observed.nodes.get(name));
};
