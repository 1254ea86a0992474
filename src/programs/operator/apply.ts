/** Sends the actions of a decision. Each is idempotent; what the server answered goes into the caches at once. */
import { Clock, Effect } from "effect";
import type { NodeOp } from "../../domain/api/nodeop.ts";
import { noteChange } from "../../domain/kube/changes.ts";
import {
  controllerOf,
  type NewKubeObject,
  objectKey,
  type ObjectRef,
} from "../../domain/kube/object.ts";
import type { Job } from "../../domain/kube/job.ts";
import type { Node } from "../../domain/kube/node.ts";
import type { Pod } from "../../domain/kube/pod.ts";
import { ANNOTATION_REBOOT_GRANTED, ANNOTATION_STOPPED, FINALIZER } from "../../domain/labels.ts";
import { agentAccess } from "../../domain/rollout/agentAccess.ts";
import {
  preconditions,
  type Action,
  type Note,
  type Version,
} from "../../domain/rollout/decision.ts";
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

/** Sends at most this many requests at once. */
const REQUESTS_AT_ONCE = 32;

const CONFLICT_DELAY_MILLIS = 100;

/** What became of one action: how it changes what is observed, or why it failed. */
type Outcome =
  | { readonly _tag: "Done"; readonly update: (observed: Observed) => Observed }
  | { readonly _tag: "Failed"; readonly error: ApiError };

/** What became of all actions of a pass. */
export interface Applied {
  readonly observed: Observed;
  readonly done: number;
  /** When a failed action may be tried again (milliseconds since the epoch). */
  readonly retryAt: number | undefined;
}

/** Names an action among those of its operation: attempts and their delays are counted by it. */
export const actionKey = (action: Action): string =>
  "node" in action ? `${action._tag} ${action.node}` : action._tag;

const creates = (action: Action): boolean => action._tag.startsWith("Create");

/** Sends all actions; the failure of one does not touch the others. */
export const applyAll = Effect.fnUntraced(function* (
  observed: Observed,
  actions: ReadonlyArray<Action>,
  memory: OperationMemory,
): Effect.fn.Return<Applied, never, KubeApi | Caches> {
  const outcomes = yield* Effect.forEach(
    actions,
    (action) =>
      Effect.match(apply(observed, action, memory), {
        onSuccess: (update): Outcome => ({ _tag: "Done", update }),
        onFailure: (error): Outcome => ({ _tag: "Failed", error }),
      }),
    // A fiber of its own is worth something only to several.
    { concurrency: actions.length > 1 ? REQUESTS_AT_ONCE : 1 },
  );
  const now = yield* Clock.currentTimeMillis;
  let next = observed;
  let done = 0;
  let retryAt: number | undefined;
  for (const [index, outcome] of outcomes.entries()) {
    const action = actions[index]!;
    if (outcome._tag === "Done") {
      done++;
      next = outcome.update(next);
      succeeded(memory, action, now);
    } else {
      yield* failed(memory, action, outcome.error, now);
      retryAt = Math.min(retryAt ?? Number.POSITIVE_INFINITY, memory.notBefore(actionKey(action)));
    }
  }
  return { observed: next, done, retryAt };
});

// A child that is made again and again (its kubelet refuses it) is made at growing intervals; other actions start anew.
const succeeded = (memory: OperationMemory, action: Action, now: number): void => {
  if (creates(action)) memory.attempted(actionKey(action), now);
  else memory.forget(actionKey(action));
  if ("node" in action) memory.problems.delete(action.node);
};

const failed = Effect.fnUntraced(function* (
  memory: OperationMemory,
  action: Action,
  error: ApiError,
  now: number,
) {
  // A conflict only says that the cache is behind: its news will come within moments.
  if (error._tag === "Conflict") {
    memory.postpone(actionKey(action), now + CONFLICT_DELAY_MILLIS);
    return;
  }
  memory.attempted(actionKey(action), now);
  const problem = problemOf(action, error);
  if (problem !== undefined && "node" in action) memory.problems.set(action.node, problem);
  yield* Effect.annotateLogs(Effect.logWarning("request failed"), {
    action: actionKey(action),
    error: error.message,
  });
});

/** What a person must know: refusals do not go away by themselves. Conflicts and outages are everyday. */
const problemOf = (action: Action, error: ApiError): Note | undefined => {
  switch (error._tag) {
    case "Forbidden":
    case "Invalid":
    case "BadRequest":
      return {
        reason: creates(action) && action._tag !== "CreateJob" ? "PodRefused" : "RequestRefused",
        message: error.message,
        problem: true,
      };
    case "AlreadyExists":
      return { reason: "NameTaken", message: error.message, problem: true };
    default:
      return undefined;
  }
};

type Update = (observed: Observed) => Observed;
type Applying = Effect.Effect<Update, ApiError, KubeApi | Caches>;

const apply = (observed: Observed, action: Action, memory: OperationMemory): Applying => {
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
      return Effect.andThen(
        ensureAgentAccess(operation, memory),
        Effect.map(createPod(operation, action.object), (rebootPod) =>
          childUpdate(action.node, { rebootPod }),
        ),
      );
    case "CreateJob":
      return Effect.map(createJob(operation, action.object), (job) =>
        childUpdate(action.node, { job }),
      );
    case "DeletePod":
      return deletePod(operation, action.node, action.pod);
    case "Hold":
      return patchNode(action.node, holdPatch(holderOf(observed), action.at, action.cordon));
    case "Release":
      return patchNode(action.node, releasePatch(action.at, action.uncordon));
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
      (existing) => controllerOf(existing.metadata)?.uid === uid,
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

const deletePod = Effect.fnUntraced(function* (operation: NodeOp, node: string, pod: Version) {
  const api = yield* KubeApi;
  const ref = { namespace: operation.metadata.namespace, name: pod.name };
  yield* Effect.catchTag(
    api.delete(PodResource, ref, {
      preconditions: { uid: pod.uid },
      propagationPolicy: "Background",
    }),
    "NotFound",
    () => Effect.void,
  );
  // The cache learns of it by its watch: until then the Pod must not be deleted again.
  return (observed: Observed): Observed => {
    const { preflightPod, rebootPod } = observed.children.get(node) ?? NO_CHILDREN;
    return childUpdate(node, {
      preflightPod: terminating(preflightPod, pod.uid),
      rebootPod: terminating(rebootPod, pod.uid),
    })(observed);
  };
});

const terminating = (pod: Pod | undefined, uid: string): Pod | undefined =>
  pod?.metadata.uid === uid && pod.metadata.deletionTimestamp === undefined
    ? { ...pod, metadata: { ...pod.metadata, deletionTimestamp: "just now" } }
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
const ensureAgentAccess = Effect.fnUntraced(function* (operation: NodeOp, memory: OperationMemory) {
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
