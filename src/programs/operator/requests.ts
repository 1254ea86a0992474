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
import {
  ANNOTATION_REBOOT_GRANTED,
  ANNOTATION_STOPPED,
  FINALIZER,
  ORIGINAL_FINALIZER,
} from "../../domain/labels.ts";
import { agentAccess } from "../../domain/rollout/agentAccess.ts";
import { preconditions, type Action, type Version } from "../../domain/rollout/decision.ts";
import { holderOf, holdPatch } from "../../domain/rollout/hold.ts";
import {
  evidenceKey,
  NO_CHILDREN,
  type Children,
  type Observed,
} from "../../domain/rollout/observed.ts";
import { bindingName, isBindingOf } from "../../domain/takeover/binding.ts";
import { type ApiError, KubeApi, type TypedResource } from "../../services/KubeApi.ts";
import { Caches, type CachesShape } from "./Caches.ts";
import type { OperationMemory } from "./Memory.ts";
import {
  ClusterRoleBindingResource,
  JobResource,
  metadataOnly,
  NodeOpResource,
  NodeResource,
  PodResource,
} from "./resources.ts";
import { releaseNode } from "./releaseNode.ts";

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
      return removeFinalizers(operation);
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
      return holdNode(action.node, holdPatch(holderOf(observed), action.at, action.cordon));
    case "Release":
      return Effect.map(releaseNode(action.node, action), (node) => withNode(action.node, node));
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

/** Ours and the Go original's, the latter together with the ClusterRoleBinding that it stands for. */
const removeFinalizers = Effect.fnUntraced(function* (operation: NodeOp) {
  const { finalizers = [] } = operation.metadata;
  if (finalizers.includes(ORIGINAL_FINALIZER)) yield* deleteBinding(operation);
  return yield* setFinalizers(
    operation,
    finalizers.filter((name) => name !== FINALIZER && name !== ORIGINAL_FINALIZER),
  );
});

/** One that is gone, or that belongs to an operation of this name in another namespace, is left as it is. */
const deleteBinding = Effect.fnUntraced(function* (operation: NodeOp) {
  const api = yield* KubeApi;
  const ref = { name: bindingName(operation) };
  const binding = yield* Effect.catchTag(
    api.get(ClusterRoleBindingResource, ref),
    "NotFound",
    () => Effect.undefined,
  );
  if (binding === undefined || !isBindingOf(operation, binding)) return;
  yield* Effect.catchTag(
    api.delete(ClusterRoleBindingResource, ref, {
      preconditions: { uid: binding.metadata.uid },
      propagationPolicy: "Background",
    }),
    "NotFound",
    () => Effect.void,
  );
});

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
    const { preflightPod, rebootPod, original } = next.children.get(node) ?? NO_CHILDREN;
    const deletedAt = kubeTime(next.now);
    const mark = (other: Pod): Pod => terminating(other, pod.uid, deletedAt);
    return childUpdate(node, {
      ...(preflightPod === undefined ? {} : { preflightPod: mark(preflightPod) }),
      ...(rebootPod === undefined ? {} : { rebootPod: mark(rebootPod) }),
      ...(original === undefined
        ? {}
        : {
            original: {
              ...original,
              preflightPods: original.preflightPods.map(mark),
              rebootPods: original.rebootPods.map(mark),
            },
          }),
    })(next);
  };
});

const terminating = (pod: Pod, uid: string, deletedAt: string): Pod =>
  pod.metadata.uid === uid && pod.metadata.deletionTimestamp === undefined
    ? { ...pod, metadata: { ...pod.metadata, deletionTimestamp: deletedAt } }
    : pod;

/** The answer to a PATCH is the Node as it now is: a live read. */
const holdNode = Effect.fnUntraced(function* (name: string, patch: object) {
  const api = yield* KubeApi;
  const caches = yield* Caches;
  const node: Node = yield* api.patch(NodeResource, { name }, patch);
  caches.nodes.observe(node);
  return withNode(name, node);
});

const withNode =
  (name: string, node: Node): Update =>
  (observed) => ({
    ...observed,
    nodes:
      observed.nodes.get(name) === node ? observed.nodes : new Map(observed.nodes).set(name, node),
    live: new Set([...observed.live, evidenceKey({ _tag: "Node", node: name })]),
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
  return (observed: Observed): Observed =>
    childUpdate(node, withJob(observed.children.get(node) ?? NO_CHILDREN, job))(observed);
});

/** The new version of the Job that is followed, or of another one that the Go original made for the node. */
const withJob = ({ job: before, original }: Children, job: Job): Partial<Children> =>
  original === undefined || before?.metadata.uid === job.metadata.uid
    ? { job }
    : {
        original: {
          ...original,
          jobs: original.jobs.map((other) =>
            other.metadata.uid === job.metadata.uid ? job : other,
          ),
        },
      };

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
