/** Reads from the API server what a decision must not take from a cache, and adds it to what is observed. */
import { Effect } from "effect";
import { controllerOf } from "../../domain/kube/object.ts";
import { childNames } from "../../domain/names.ts";
import { parseHolder } from "../../domain/labels.ts";
import { otherOperationOf } from "../../domain/rollout/hold.ts";
import {
  evidenceKey,
  NO_CHILDREN,
  type Children,
  type Evidence,
  type Observed,
} from "../../domain/rollout/observed.ts";
import { type ApiError, KubeApi } from "../../services/KubeApi.ts";
import { Caches } from "./Caches.ts";
import { JobResource, NodeOpResource, NodeResource, PodResource } from "./resources.ts";

/** Reads at most this many objects at once. */
const READS_AT_ONCE = 32;

/** One piece of evidence as it was read: what it changes in what is observed. */
type Reading = (observed: Observed) => Observed;

/**
 * Reads all of `evidence` live. Each answer also goes into the caches, so that the next pass starts from it. Absence is an
 * answer; any other error means that nothing is known, and fails.
 */
export const confirm = Effect.fnUntraced(function* (
  observed: Observed,
  evidence: ReadonlyArray<Evidence>,
): Effect.fn.Return<Observed, ApiError, KubeApi | Caches> {
  const unique = new Map(evidence.map((item) => [evidenceKey(item), item]));
  const readings = yield* Effect.forEach(unique.values(), (item) => read(observed, item), {
    concurrency: unique.size > 1 ? READS_AT_ONCE : 1,
  });
  const confirmed = readings.reduce((before, reading) => reading(before), observed);
  return { ...confirmed, live: new Set([...observed.live, ...unique.keys()]) };
});

const read = (observed: Observed, evidence: Evidence) => {
  switch (evidence._tag) {
    case "Node":
      return readNode(evidence.node);
    case "Job":
      return readJob(observed, evidence.node);
    case "JobPods":
      return readJobPods(observed, evidence.node);
    case "RebootPod":
      return readRebootPod(observed, evidence.node);
    case "Holder":
      return readHolder(evidence.holder);
  }
};

const orAbsent = <A, R>(effect: Effect.Effect<A, ApiError, R>) =>
  Effect.catchTag(effect, "NotFound", () => Effect.undefined);

const readNode = Effect.fnUntraced(function* (name: string) {
  const api = yield* KubeApi;
  const caches = yield* Caches;
  const node = yield* orAbsent(api.get(NodeResource, { name }));
  if (node !== undefined) caches.nodes.observe(node);
  return (observed: Observed): Observed => {
    if (observed.nodes.get(name) === node) return observed;
    const nodes = new Map(observed.nodes);
    if (node === undefined) nodes.delete(name);
    else nodes.set(name, node);
    return { ...observed, nodes };
  };
});

const withChildren =
  (node: string, change: Partial<Children>): Reading =>
  (observed) => ({
    ...observed,
    children: new Map(observed.children).set(node, {
      ...(observed.children.get(node) ?? NO_CHILDREN),
      ...change,
    }),
  });

const readJob = Effect.fnUntraced(function* (observed: Observed, node: string) {
  const api = yield* KubeApi;
  const caches = yield* Caches;
  const { metadata, status } = observed.operation;
  const uid = status.nodeStatuses?.[node]?.nodeUID ?? "";
  const { job: name } = childNames(metadata, { name: node, uid });
  const job = yield* orAbsent(api.get(JobResource, { namespace: metadata.namespace, name }));
  if (job !== undefined) caches.jobs.observe(job);
  return withChildren(node, { job });
});

const readRebootPod = Effect.fnUntraced(function* (observed: Observed, node: string) {
  const api = yield* KubeApi;
  const caches = yield* Caches;
  const { metadata, status } = observed.operation;
  const uid = status.nodeStatuses?.[node]?.nodeUID ?? "";
  const { rebootPod: name } = childNames(metadata, { name: node, uid });
  const found = yield* orAbsent(api.get(PodResource, { namespace: metadata.namespace, name }));
  if (found !== undefined) caches.pods.observe(found);
  const isOurs = found !== undefined && controllerOf(found.metadata)?.uid === metadata.uid;
  return withChildren(node, { rebootPod: isOurs ? found : undefined });
});

const readJobPods = Effect.fnUntraced(function* (observed: Observed, node: string) {
  const api = yield* KubeApi;
  const { metadata, status } = observed.operation;
  const uid = observed.children.get(node)?.job?.metadata.uid ?? status.nodeStatuses?.[node]?.jobUID;
  if (uid === undefined) return withChildren(node, { jobPods: [] });
  const { items } = yield* api.list(PodResource, {
    namespace: metadata.namespace,
    labelSelector: `batch.kubernetes.io/controller-uid=${uid}`,
  });
  return withChildren(node, { jobPods: items });
});

/** Whether the operation that holds a node still exists: another one of the same name is not it. */
const readHolder = Effect.fnUntraced(function* (holder: string) {
  const api = yield* KubeApi;
  const caches = yield* Caches;
  const ref = parseHolder(holder);
  const other = ref === undefined ? undefined : yield* orAbsent(api.get(NodeOpResource, ref));
  if (other !== undefined) caches.operations.observe(other);
  return (observed: Observed): Observed => {
    if (other === undefined || other.metadata.uid !== ref?.uid) return observed;
    return {
      ...observed,
      otherOperations: new Map(observed.otherOperations).set(
        other.metadata.uid,
        otherOperationOf(other),
      ),
    };
  };
});
