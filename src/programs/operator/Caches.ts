/** What the operator knows of the cluster without asking: one informer per kind, and which operation a change concerns. */
import { Context, Effect } from "effect";
import type { NodeOp } from "../../domain/api/nodeop.ts";
import type { NodeOpUpgrade } from "../../domain/api/nodeopupgrade.ts";
import type { Job } from "../../domain/kube/job.ts";
import { isCordoned, isReady, type Node } from "../../domain/kube/node.ts";
import { isEqual } from "../../domain/kube/mergePatch.ts";
import { controllerOf, objectKey } from "../../domain/kube/object.ts";
import type { Pod } from "../../domain/kube/pod.ts";
import { LABEL_NODE, LABEL_NODEOP, labelValue } from "../../domain/labels.ts";
import { censusOf, entryFor, NO_ENTRIES } from "../../domain/rollout/census.ts";
import { isInFlight } from "../../domain/rollout/entry.ts";
import { isOrphanOf } from "../../domain/rollout/childOf.ts";
import { heldBy } from "../../domain/rollout/hold.ts";
import { isEnded } from "../../domain/rollout/summary.ts";
import * as Informer from "../../services/Informer.ts";
import type { UndecodableObject } from "../../services/KubeApi.ts";
import {
  JobResource,
  NodeOpResource,
  NodeOpUpgradeResource,
  NodeResource,
  PodResource,
} from "./resources.ts";

/** The informers, and `membership`, which grows whenever a Node comes, goes or changes its labels. */
export interface CachesShape {
  readonly operations: Informer.Informer<NodeOp>;
  readonly upgrades: Informer.Informer<NodeOpUpgrade>;
  readonly nodes: Informer.Informer<Node>;
  readonly jobs: Informer.Informer<Job, "operation" | "child">;
  readonly pods: Informer.Informer<Pod, "controller" | "child">;
  readonly membership: () => number;
  /** Since when all of them have followed the cluster at `now` (`Informer.followsSince`). */
  readonly followedSince: (now: number) => number;
  /** Keys of the operations whose last state does not decode; what the cache has of them is older. */
  readonly unreadableOperations: Set<string>;
  readonly unreadableUpgrades: Set<string>;
}

/** Who is told that an object needs another look. Keys are `namespace/name`. */
export interface Listeners {
  readonly operation: (key: string) => void;
  /** A child of the operation, or a Node that it works on, is another version; `node` is the value of the label that names it. */
  readonly nodeChanged: (operation: string, node: string) => void;
  readonly upgrade: (key: string) => void;
  /** An operation is gone: what it left on Nodes is to be swept. */
  readonly operationGone: () => void;
  /** For those who tell people about it. */
  readonly operationChanged?: ((before: NodeOp, after: NodeOp) => void) | undefined;
  readonly upgradeChanged?: ((before: NodeOpUpgrade, after: NodeOpUpgrade) => void) | undefined;
}

/** The caches as the reconcilers find them; made by `makeCaches`, filled by `runCaches`. */
export class Caches extends Context.Service<Caches, CachesShape>()(
  "nodeop/programs/operator/Caches",
) {}

const meta = (object: {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
  };
}) => ({
  key: objectKey(object.metadata),
  uid: object.metadata.uid,
  resourceVersion: object.metadata.resourceVersion,
});

const children = { labelSelector: LABEL_NODEOP };

/** The value of the index `child`: what an operation has on a node, whatever its name. `node` as its label value. */
export const childKey = (operationUID: string, node: string): string => `${operationUID} ${node}`;

const childKeys = ({ metadata }: Job | Pod): ReadonlyArray<string> => {
  const owner = controllerOf(metadata);
  return owner?.kind === "NodeOp" ? [childKey(owner.uid, metadata.labels?.[LABEL_NODE] ?? "")] : [];
};

/** Makes the informers; `run` of each is to be joined by main. */
export const makeCaches = Effect.fnUntraced(function* (options: {
  readonly namespace?: string | undefined;
  /** Whether any Node that becomes available, or any node that is released, may let any operation start one. */
  readonly hasCeiling?: boolean;
  readonly listeners: Listeners;
}): Effect.fn.Return<CachesShape> {
  const { hasCeiling = false, listeners, namespace } = options;
  let membership = 0;
  const unreadableOperations = new Set<string>();
  const unreadableUpgrades = new Set<string>();
  const operations = yield* Informer.make<NodeOp>({
    of: NodeOpResource,
    selection: { namespace },
    meta,
    onUndecodable: tellUnreadable(unreadableOperations, listeners.operation),
    onChange: ({ key, before, after }) => {
      unreadableOperations.delete(key);
      listeners.operation(key);
      const upgrade = controllerOf((after ?? before)!.metadata);
      if (upgrade?.kind === "NodeOpUpgrade")
        listeners.upgrade(
          objectKey({ namespace: (after ?? before)!.metadata.namespace, name: upgrade.name }),
        );
      if (after === undefined) listeners.operationGone();
      else if (before !== undefined) listeners.operationChanged?.(before, after);
      if (freesNodes(before, after))
        for (const [other, operation] of operations.all())
          if (other !== key && !isEnded(operation.status)) listeners.operation(other);
    },
  });
  const told: Told = { listeners, operations };
  const upgrades = yield* Informer.make<NodeOpUpgrade>({
    of: NodeOpUpgradeResource,
    selection: { namespace },
    meta,
    onUndecodable: tellUnreadable(unreadableUpgrades, listeners.upgrade),
    onChange: ({ key, before, after }) => {
      unreadableUpgrades.delete(key);
      listeners.upgrade(key);
      if (before !== undefined && after !== undefined) listeners.upgradeChanged?.(before, after);
    },
  });
  const nodes = yield* Informer.make<Node>({
    of: NodeResource,
    meta,
    onChange: ({ key, before, after }) => {
      const matters = changesMembership(before, after);
      if (matters) membership++;
      for (const [operationKey, operation] of operations.all())
        if (concerns(operation, key, matters || changesEligibility(before, after), hasCeiling))
          tellNode(listeners, operationKey, labelValue(key), before, after);
    },
  });
  const jobs = yield* Informer.make<Job, "operation" | "child">({
    of: JobResource,
    selection: { ...children, namespace },
    meta,
    indexes: { operation: (job) => [controllerOf(job.metadata)?.uid ?? ""], child: childKeys },
    onChange: ({ before, after }) => tellNodeOp(told, (after ?? before)!, before, after),
  });
  const pods = yield* Informer.make<Pod, "controller" | "child">({
    of: PodResource,
    selection: { ...children, namespace },
    meta,
    indexes: {
      controller: (pod) => [controllerOf(pod.metadata)?.uid ?? ""],
      child: childKeys,
    },
    onChange: ({ before, after }) => {
      const pod = (after ?? before)!;
      tellNodeOp(told, pod, before, after);
      const owner = controllerOf(pod.metadata);
      if (owner?.kind !== "Job") return;
      const job = jobs.get(objectKey({ namespace: pod.metadata.namespace, name: owner.name }));
      if (job !== undefined) tellNodeOp(told, job, before, after);
    },
  });
  return {
    operations,
    upgrades,
    nodes,
    jobs,
    pods,
    membership: () => membership,
    followedSince: (now) =>
      Math.max(
        ...[operations, upgrades, nodes, jobs, pods].map((cache) => cache.followsSince(now)),
      ),
    unreadableOperations,
    unreadableUpgrades,
  };
});

/** An object that cannot be read gets a look of its own; it stays marked until it can be read, or is gone. */
const tellUnreadable =
  (unreadable: Set<string>, tell: (key: string) => void) =>
  ({ ref }: UndecodableObject): void => {
    if (ref === undefined) return;
    const key = objectKey(ref);
    unreadable.add(key);
    tell(key);
  };

/** A child's change concerns the NodeOp that controls it, or did before it was orphaned. */
const tellNodeOp = (
  { listeners, operations }: Told,
  child: Job | Pod,
  before: object | undefined,
  after: object | undefined,
): void => {
  const { namespace, labels, ...metadata } = child.metadata;
  const owner = controllerOf(metadata);
  const node = labels?.[LABEL_NODE] ?? "";
  if (owner?.kind === "NodeOp")
    tellNode(listeners, objectKey({ namespace, name: owner.name }), node, before, after);
  if (owner !== undefined) return;
  for (const [key, operation] of operations.all())
    if (operation.metadata.namespace === namespace && isOrphanOf(child, operation.metadata.name))
      tellNode(listeners, key, node, before, after);
};

/** Who is told of children, and which operations they may be of. */
interface Told {
  readonly listeners: Listeners;
  readonly operations: Informer.Informer<NodeOp>;
}

/** Every version counts for the preconditions of writes; another look is due only when what is looked at differs. */
const tellNode = (
  listeners: Listeners,
  operation: string,
  node: string,
  before: object | undefined,
  after: object | undefined,
): void => {
  listeners.nodeChanged(operation, node);
  if (!looksTheSame(before, after)) listeners.operation(operation);
};

const looksTheSame = (before: object | undefined, after: object | undefined): boolean =>
  before !== undefined && after !== undefined && isEqual(unversioned(before), unversioned(after));

const unversioned = (object: object): object =>
  "metadata" in object && typeof object.metadata === "object"
    ? { ...object, metadata: { ...object.metadata, resourceVersion: "" } }
    : object;

/** Whether nodes that this operation had claimed may now be started by others: they learn of it by nothing else. */
const freesNodes = (before: NodeOp | undefined, after: NodeOp | undefined): boolean => {
  if (before === undefined) return false;
  if (after === undefined || isEnded(after.status) !== isEnded(before.status)) return true;
  const entries = after.status.nodeStatuses ?? NO_ENTRIES;
  return censusOf(before.status.nodeStatuses ?? NO_ENTRIES).inFlight.some((name) => {
    const entry = entryFor(entries, name);
    return entry === undefined || !isInFlight(entry);
  });
};

const changesMembership = (before: Node | undefined, after: Node | undefined): boolean =>
  before === undefined ||
  after === undefined ||
  before.metadata.uid !== after.metadata.uid ||
  !isEqual(before.metadata.labels, after.metadata.labels);

const changesEligibility = (before: Node | undefined, after: Node | undefined): boolean =>
  before !== undefined &&
  after !== undefined &&
  (isReady(before) !== isReady(after) ||
    isCordoned(before) !== isCordoned(after) ||
    heldBy(before) !== heldBy(after));

/**
 * An operation looks again when one of its nodes in flight changed, or when the nodes that may start did: one that it is done
 * with counts where it, or a ceiling, bounds how many nodes are unavailable.
 */
const concerns = (
  operation: NodeOp,
  node: string,
  startable: boolean,
  hasCeiling: boolean,
): boolean => {
  const { spec, status } = operation;
  const entry = entryFor(status.nodeStatuses ?? NO_ENTRIES, node);
  const isBounded = hasCeiling || spec.controlPlane !== undefined;
  if (entry !== undefined && (isInFlight(entry) || !isBounded)) return isInFlight(entry);
  return startable && !isEnded(status);
};

/** The loops of all informers: none of them ends. */
export const runCaches = (caches: CachesShape) =>
  Effect.all(
    [
      caches.operations.run,
      caches.upgrades.run,
      caches.nodes.run,
      caches.jobs.run,
      caches.pods.run,
    ],
    { concurrency: "unbounded", discard: true },
  );

/** Completes when every cache has been filled once; nothing is decided before. */
export const cachesSynced = (caches: CachesShape) =>
  Effect.all(
    [
      caches.operations.synced,
      caches.upgrades.synced,
      caches.nodes.synced,
      caches.jobs.synced,
      caches.pods.synced,
    ],
    { discard: true },
  );
