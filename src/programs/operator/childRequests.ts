/** The requests about the children of an operation: preflight and reboot Pods, Jobs, and the account of the reboot agents. */
import { Effect } from "effect";
import type { NodeOp } from "../../domain/api/nodeop.ts";
import { noteChange } from "../../domain/kube/changes.ts";
import type { Job } from "../../domain/kube/job.ts";
import {
  isControlledBy,
  kubeTime,
  type NewKubeObject,
  type ObjectRef,
} from "../../domain/kube/object.ts";
import type { Pod } from "../../domain/kube/pod.ts";
import { ANNOTATION_REBOOT_GRANTED } from "../../domain/labels.ts";
import { agentAccess } from "../../domain/rollout/agentAccess.ts";
import { preconditions, type Version } from "../../domain/rollout/decision.ts";
import { type Children, NO_CHILDREN, type Observed } from "../../domain/rollout/observed.ts";
import { KubeApi, type TypedResource } from "../../services/KubeApi.ts";
import { Caches, type CachesShape } from "./Caches.ts";
import type { OperationMemory } from "./Memory.ts";
import { JobResource, metadataOnly, PodResource } from "./resources.ts";
import type { Update } from "./Update.ts";

export const childUpdate =
  (node: string, change: Partial<Children>): Update =>
  (observed) => {
    const before = observed.children;
    const after = new Map(before).set(node, { ...(before.get(node) ?? NO_CHILDREN), ...change });
    noteChange({ before, after, names: [node], isExtension: true });
    return { ...observed, children: after };
  };

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

export const createPod = (operation: NodeOp, object: NewKubeObject) =>
  createChild(operation, {
    of: PodResource,
    object,
    observe: ({ pods }, pod) => pods.observe(pod),
  });

export const createJob = (operation: NodeOp, object: NewKubeObject) =>
  createChild(operation, {
    of: JobResource,
    object,
    observe: ({ jobs }, job) => jobs.observe(job),
  });

export const deletePod = Effect.fnUntraced(function* (
  observed: Observed,
  node: string,
  pod: Version,
) {
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

export const patchJob = Effect.fnUntraced(function* (
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

export const grant = Effect.fnUntraced(function* (
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
