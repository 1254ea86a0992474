/** Gathers what `decide` looks at from the caches: no request is sent, and only what is in flight is collected. */
import type { NodeOp } from "../../domain/api/nodeop.ts";
import type { Ceiling } from "../../domain/ceiling/limit.ts";
import { type Occupancy, occupancyOf } from "../../domain/ceiling/occupancy.ts";
import type { NodeStatus } from "../../domain/api/status.ts";
import type { Job } from "../../domain/kube/job.ts";
import { objectKey } from "../../domain/kube/object.ts";
import type { Pod } from "../../domain/kube/pod.ts";
import { labelValue } from "../../domain/labels.ts";
import { childNames } from "../../domain/names.ts";
import { controlPlanesOf } from "../../domain/rollout/availability.ts";
import { censusOf, NO_ENTRIES } from "../../domain/rollout/census.ts";
import { isChildOf } from "../../domain/rollout/childOf.ts";
import { otherOperationOf } from "../../domain/rollout/hold.ts";
import type {
  Children,
  Leftovers,
  Observed,
  OtherOperation,
  Settings,
} from "../../domain/rollout/observed.ts";
import { targetsOf } from "../../domain/rollout/targets.ts";
import { isRebootPod, originalChildren } from "../../domain/takeover/original.ts";
import { needsTakeover } from "../../domain/takeover/takeOver.ts";
import { childKey, type CachesShape } from "./Caches.ts";
import type { OperationMemory } from "./Memory.ts";

/** What `decide` may know of this operation at `now` (milliseconds since the epoch), as the caches have it. */
export const gather = (options: {
  readonly caches: CachesShape;
  readonly memory: OperationMemory;
  readonly operation: NodeOp;
  readonly settings: Settings;
  readonly now: number;
  readonly ceiling?: Ceiling | undefined;
}): Observed => {
  const { caches, ceiling, memory, operation, settings, now } = options;
  const others = otherOperations(caches, operation);
  const members = membersOf(caches, memory, operation, settings.ownNode);
  return {
    now,
    followedSince: caches.followedSince(now),
    operation,
    nodes: caches.nodes.all(),
    targets: members.targets,
    controlPlanes: members.controlPlanes,
    children: memory.children.of(operation, (node, entry) =>
      childrenOf(caches, operation, node, entry),
    ),
    ...(needsTakeover(operation) ? { leftovers: leftoversOf(caches, operation) } : {}),
    claimedByOthers: others.claims,
    otherOperations: others.byUID,
    live: new Set(),
    rehearsal: memory.rehearsal,
    problems: memory.problems,
    drains: memory.drains,
    settings,
    ...(ceiling === undefined ? {} : { occupancy: occupancy(caches, operation, ceiling) }),
  };
};

/** What the caches know to be taken below the ceiling: nodes in flight of every operation, and those that are unavailable. */
const occupancy = (caches: CachesShape, operation: NodeOp, ceiling: Ceiling): Occupancy => {
  const inFlight = new Set<string>();
  for (const cached of caches.operations.all().values()) {
    const { status } = cached.metadata.uid === operation.metadata.uid ? operation : cached;
    for (const name of censusOf(status.nodeStatuses ?? NO_ENTRIES).inFlight) inFlight.add(name);
  }
  return occupancyOf(ceiling, caches.nodes.all(), inFlight);
};

/** Selecting and sorting all nodes again only when nodes came, went or changed labels. */
const membersOf = (
  caches: CachesShape,
  memory: OperationMemory,
  operation: NodeOp,
  ownNode: string | undefined,
): Pick<Observed, "targets" | "controlPlanes"> => {
  const { nodeSelector } = operation.spec;
  const membership = caches.membership();
  const known = memory.members;
  if (known !== undefined && known.of === nodeSelector && known.membership === membership)
    return known;
  const nodes = caches.nodes.all();
  const members = {
    of: nodeSelector,
    membership,
    targets: targetsOf(operation.spec, nodes.values(), ownNode),
    controlPlanes: controlPlanesOf(nodes.values()),
  };
  memory.members = members;
  return members;
};

/**
 * Children are found by their names, which derive from uids, and believed only when they are its own (`isChildOf`). Those of
 * the Go original have other names, and are found by the node that they name.
 */
const childrenOf = (
  caches: CachesShape,
  operation: NodeOp,
  node: string,
  entry: NodeStatus,
): Children => {
  const { namespace, uid } = operation.metadata;
  const names = childNames(operation.metadata, { name: node, uid: entry.nodeUID ?? "" });
  const mine = <A extends Job | Pod>(child: A | undefined): A | undefined =>
    child !== undefined && isChildOf(child, operation) ? child : undefined;
  const job = mine(caches.jobs.get(objectKey({ namespace, name: entry.jobName ?? names.job })));
  const key = childKey(uid, labelValue(node));
  const original = originalChildren({
    jobs: [...caches.jobs.by("child", key)].filter((other) => other !== job),
    pods: [...caches.pods.by("child", key)],
    names,
  });
  const jobs = [...(job === undefined ? [] : [job]), ...(original?.jobs ?? [])];
  return {
    preflightPod:
      mine(caches.pods.get(objectKey({ namespace, name: names.preflightPod }))) ??
      original?.preflightPods[0],
    rebootPod: mine(caches.pods.get(objectKey({ namespace, name: names.rebootPod }))),
    job,
    jobPods: jobs.flatMap(({ metadata }) => [...caches.pods.by("controller", metadata.uid)]),
    ...(original === undefined ? {} : { original }),
  };
};

/** Everything that the Go original made for an operation, as far as the caches know. */
const leftoversOf = (caches: CachesShape, { metadata }: NodeOp): Leftovers => ({
  jobs: [...caches.jobs.by("operation", metadata.uid)],
  rebootPods: [...caches.pods.by("controller", metadata.uid)].filter(isRebootPod),
});

const otherOperations = (caches: CachesShape, operation: NodeOp) => {
  const byUID = new Map<string, OtherOperation>();
  const claims = new Map<string, string>();
  for (const [key, other] of caches.operations.all()) {
    if (other.metadata.uid === operation.metadata.uid) continue;
    byUID.set(other.metadata.uid, otherOperationOf(other));
    for (const node of censusOf(other.status.nodeStatuses ?? NO_ENTRIES).inFlight)
      claims.set(node, key);
  }
  return { byUID, claims };
};
