/** The request that each action is. What the server answered goes into the caches at once. */
import { Effect } from "effect";
import type { NodeOp } from "../../domain/api/nodeop.ts";
import { noteChange } from "../../domain/kube/changes.ts";
import {
  isControlledBy,
  kubeTime,
  type NewKubeObject,
  objectKey,
  type ObjectRef,
} from "../../domain/kube/object.ts";
import type { Job } from "../../domain/kube/job.ts";
import type { Node } from "../../domain/kube/node.ts";
import type { Pod } from "../../domain/kube/pod.ts";
import { ANNOTATION_REBOOT_GRANTED, ANNOTATION_STOPPED, FINALIZER } from "../../domain/labels.ts";
import { agentAccess } from "../../domain/rollout/agentAccess.ts";
import { preconditions, type Action, type Version } from "../../domain/rollout/decision.ts";
import { holderOf, holdPatch, releasePatch } from "../../domain/rollout/hold.ts";
import {
  evidenceKey,
  NO_CHILDREN,
  type Children,
  type Observed,
} from "../../domain/rollout/observed.ts";
import { type ApiError, KubeApi, type TypedResource } from "../../services/KubeApi.ts";
import { Caches, type CachesShape } from "./Caches.ts";
import type { OperationMemory } from "./Memory.ts";
import {
  JobResource,
  metadataOnly,
  NodeOpResource,
  NodeResource,
  PodResource,
} from "./resources.ts";

/** How the server's answer changes what is observed. */
export type Update = (observed: Observed) => Observed;

/** Sends one action and says what its answer changes. Idempotent: it may have been sent by an earlier process. */
export const request = (
  observed: Observed,
  action: Action,
  memory: OperationMemory,
): Effect.Effect<Update, ApiError, KubeApi | Caches> => {
  const { operation } = observed;
  switch (action._tag) {
    case "AddFinalizer":
      return setFinalizers(operation, [...(operation.metadata.finalizers ?? []), FINALIZER]);
    case "RemoveFinalizer":
      return setFinalizers(
        operation,
        (operation.metadata.finalizers ?? []).filter((name) => name !== FINALIZER),
      );
    case "CreatePreflightPod":
      return Effect.map(createPod(operation, action.object), (preflightPod) =>
        childUpdate(action.node, { preflightPod }),
      );
    case "CreateRebootPod":
      return ensureAgentAccess(operation, memory).pipe(
        Effect.andThen(createPod(operation, action.object)),
        Effect.map((rebootPod) => childUpdate(action.node, { rebootPod })),
        // A refusal may mean that somebody deleted the account since: it is made again with the next attempt.
        Effect.tapError(() => Effect.sync(() => void (memory.hasAgentAccess = false))),
      );
    case "CreateJob":
      return Effect.map(createJob(operation, action.object), (job) =>
        childUpdate(action.node, { job }),
      );
    case "DeletePod":
      return deletePod(observed, action.node, action.pod);
    case "Hold":
      return patchNode(action.node, holdPatch(holderOf(observed), action.at, action.cordon));
    case "Release":
      return patchNode(
        action.node,
        releasePatch(action.at, { hold: true, cordon: action.uncordon }),
      );
    case "ResumeJob":
      return patchJob(operation, action.node, action.job, { suspend: false });
    case "SuspendJob":
      return patchJob(operation, action.node, action.job, {
        suspend: true,
        annotations: { [ANNOTATION_STOPPED]: "true" },
      });
    case "Grant":
      return grant(operation, action.node, action.pod, action.job);
  }
};

const childUpdate =
  (node: string, change: Partial<Children>): Update =>
  (observed) => {
    const before = observed.children;
    const after = new Map(before).set(node, { ...(before.get(node) ?? NO_CHILDREN), ...change });
    noteChange({ before, after, names: [node], isExtension: true });
    return { ...observed, children: after };
  };

const setFinalizers = Effect.fnUntraced(function* (
  operation: NodeOp,
  finalizers: ReadonlyArray<string>,
) {
  const api = yield* KubeApi;
  const caches = yield* Caches;
  const { name, namespace, uid, resourceVersion } = operation.metadata;
  const stored = yield* api.patch(
    NodeOpResource,
    { name, namespace },
    { metadata: { uid, resourceVersion, finalizers: finalizers.length === 0 ? null : finalizers } },
  );
  // The last finalizer of a deleted operation: the answer is its last state, and it is gone.
  if (stored.metadata.deletionTimestamp !== undefined && finalizers.length === 0)
    caches.operations.forget(objectKey(stored.metadata), stored.metadata.resourceVersion);
  else caches.operations.observe(stored);
  return (observed: Observed): Observed => ({ ...observed, operation: stored });
});

/** Create, or adopt what an earlier process of ours created: the same name and this operation as controller. */
const createChild = Effect.fnUntraced(function* <A extends Pod | Job>(
  operation: NodeOp,
  child: {
    readonly of: TypedResource<A>;
    readonly object: NewKubeObject;
    readonly observe: (caches: CachesShape, child: A) => void;
  },
) {
  const api = yield* KubeApi;
  const { of, object } = child;
  const { namespace, uid } = operation.metadata;
  const ref: ObjectRef = { namespace, name: object.metadata.name ?? "" };
  const created = yield* Effect.catchTag(api.create(of, object), "AlreadyExists", (taken) =>
    Effect.filterOrFail(
      api.get(of, ref),
      (existing) => isControlledBy(existing, uid),
      () => taken,
    ),
  );
  child.observe(yield* Caches, created);
  return created;
});

const createPod = (operation: NodeOp, object: NewKubeObject) =>
  createChild(operation, {
    of: PodResource,
    object,
    observe: ({ pods }, pod) => pods.observe(pod),
  });

const createJob = (operation: NodeOp, object: NewKubeObject) =>
  createChild(operation, {
    of: JobResource,
    object,
    observe: ({ jobs }, job) => jobs.observe(job),
  });

const deletePod = Effect.fnUntraced(function* (observed: Observed, node: string, pod: Version) {
  const api = yield* KubeApi;
  const ref = { namespace: observed.operation.metadata.namespace, name: pod.name };
  yield* Effect.catchTag(
    api.delete(PodResource, ref, {
      preconditions: { uid: pod.uid },
      propagationPolicy: "Background",
    }),
    "NotFound",
    () => Effect.void,
  );
  // The cache learns of it by its watch: until then the Pod must not be deleted again.
  return (next: Observed): Observed => {
    const { preflightPod, rebootPod } = next.children.get(node) ?? NO_CHILDREN;
    const deletedAt = kubeTime(next.now);
    return childUpdate(node, {
      preflightPod: terminating(preflightPod, pod.uid, deletedAt),
      rebootPod: terminating(rebootPod, pod.uid, deletedAt),
    })(next);
  };
});

const terminating = (pod: Pod | undefined, uid: string, deletedAt: string): Pod | undefined =>
  pod?.metadata.uid === uid && pod.metadata.deletionTimestamp === undefined
    ? { ...pod, metadata: { ...pod.metadata, deletionTimestamp: deletedAt } }
    : pod;

/** The answer to a PATCH is the Node as it now is: a live read. */
const patchNode = Effect.fnUntraced(function* (name: string, patch: object) {
  const api = yield* KubeApi;
  const caches = yield* Caches;
  const node: Node = yield* api.patch(NodeResource, { name }, patch);
  caches.nodes.observe(node);
  return (observed: Observed): Observed => ({
    ...observed,
    nodes:
      observed.nodes.get(name) === node ? observed.nodes : new Map(observed.nodes).set(name, node),
    live: new Set([...observed.live, evidenceKey({ _tag: "Node", node: name })]),
  });
});

const patchJob = Effect.fnUntraced(function* (
  operation: NodeOp,
  node: string,
  version: Version,
  change: { readonly suspend: boolean; readonly annotations?: Readonly<Record<string, string>> },
) {
  const api = yield* KubeApi;
  const caches = yield* Caches;
  const { suspend, annotations } = change;
  const job = yield* api.patch(
    JobResource,
    { namespace: operation.metadata.namespace, name: version.name },
    {
      metadata: {
        ...preconditions(version),
        ...(annotations === undefined ? {} : { annotations }),
      },
      spec: { suspend },
    },
  );
  caches.jobs.observe(job);
  return childUpdate(node, { job });
});

const grant = Effect.fnUntraced(function* (
  operation: NodeOp,
  node: string,
  version: Version,
  job: string,
) {
  const api = yield* KubeApi;
  const caches = yield* Caches;
  const pod = yield* api.patch(
    PodResource,
    { namespace: operation.metadata.namespace, name: version.name },
    {
      metadata: {
        ...preconditions(version),
        annotations: { [ANNOTATION_REBOOT_GRANTED]: job },
      },
    },
  );
  caches.pods.observe(pod);
  return childUpdate(node, { rebootPod: pod });
});

/** Creates the account of the reboot agents, once per operation and process; what exists already is fine. */
export const ensureAgentAccess = Effect.fnUntraced(function* (
  operation: NodeOp,
  memory: OperationMemory,
) {
  if (memory.hasAgentAccess) return;
  const api = yield* KubeApi;
  for (const { resource, object } of agentAccess(operation))
    yield* Effect.catchTag(
      Effect.asVoid(api.create(metadataOnly(resource), object)),
      "AlreadyExists",
      () => Effect.void,
    );
  memory.hasAgentAccess = true;
});
