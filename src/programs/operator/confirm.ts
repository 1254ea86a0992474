/** Reads from the API server what a decision must not take from a cache, and adds it to what is observed. */
import { Clock, Effect, Result, Semaphore } from "effect";
import type { NodeOp } from "../../domain/api/nodeop.ts";
import { FAILED_CREATE, lastMessage } from "../../domain/kube/event.ts";
import type { Job } from "../../domain/kube/job.ts";
import { isControlledBy } from "../../domain/kube/object.ts";
import type { Pod } from "../../domain/kube/pod.ts";
import { childNames } from "../../domain/names.ts";
import {
  LABEL_NODE,
  LABEL_NODEOP,
  LABEL_REBOOT,
  labelValue,
  parseHolder,
} from "../../domain/labels.ts";
import { NO_ORIGINAL_CHILDREN, originalChildren } from "../../domain/takeover/original.ts";
import { isChildOf } from "../../domain/rollout/childOf.ts";
import type { Decision } from "../../domain/rollout/decision.ts";
import { otherOperationOf } from "../../domain/rollout/hold.ts";
import {
  evidenceKey,
  NO_CHILDREN,
  type Children,
  type Evidence,
  type Observed,
  type Rehearsal,
} from "../../domain/rollout/observed.ts";
import { type ApiError, KubeApi } from "../../services/KubeApi.ts";
import { Caches } from "./Caches.ts";
import { readNodePods, readNodeVolumes } from "./confirmDrain.ts";
import { noteFailure } from "./failures.ts";
import type { OperationMemory } from "./Memory.ts";
import { orAbsent } from "./orAbsent.ts";
import { rehearse, type Refused } from "./rehearse.ts";
import {
  EventResource,
  JobResource,
  NodeOpResource,
  NodeResource,
  PodResource,
} from "./resources.ts";

/** Reads at most this many objects at once. */
const READS_AT_ONCE = 32;

/**
 * Of the lists of all Pods on a node so many: one is a megabyte of JSON on a full node, and several times that once it is parsed,
 * whatever little is kept of it.
 */
const NODES_LISTED_AT_ONCE = 2;

/** One piece of evidence as it was read: what it changes in what is observed. */
type Reading = (observed: Observed) => Observed;

/** The evidence that a decision asks for and that may be read now, and when the rest of it may be: a read that failed waits. */
export const dueEvidence = (decision: Decision, memory: OperationMemory) => {
  const due = new Map<string, Evidence>();
  let laterAt: number | undefined;
  for (const evidence of decision.confirm) {
    const key = evidenceKey(evidence);
    const notBefore = memory.notBefore(key);
    if (notBefore <= decision.observed.now) due.set(key, evidence);
    else laterAt = Math.min(laterAt ?? Number.POSITIVE_INFINITY, notBefore);
  }
  return { due, laterAt };
};

/**
 * Reads `evidence` live. Each answer also goes into the caches, so that the next pass starts from it. Absence is an
 * answer; after any other error nothing is known of that piece: the nodes that need it wait, the others go on.
 */
export const confirm = Effect.fnUntraced(function* (
  decision: Decision,
  evidence: ReadonlyMap<string, Evidence>,
  memory: OperationMemory,
): Effect.fn.Return<Observed, never, KubeApi | Caches> {
  const { observed } = decision;
  const lists = yield* Semaphore.make(NODES_LISTED_AT_ONCE);
  const bounded = <A, E, R>(item: Evidence, reading: Effect.Effect<A, E, R>) =>
    item._tag === "NodePods" ? lists.withPermits(1)(reading) : reading;
  const readings = yield* Effect.forEach(
    evidence,
    ([key, item]) =>
      Effect.map(Effect.result(bounded(item, read(observed, item, memory))), (reading) => ({
        key,
        item,
        reading,
      })),
    { concurrency: evidence.size > 1 ? READS_AT_ONCE : 1 },
  );
  const now = yield* Clock.currentTimeMillis;
  const live = new Set(observed.live);
  let confirmed = observed;
  for (const { key, item, reading } of readings) {
    if (Result.isFailure(reading)) {
      const nodes = nodesThatNeed(decision, key);
      const { error, refusal } = reading.failure;
      const problem = yield* noteFailure(memory, { key, nodes, refusal }, error);
      if (item._tag === "Rehearsal" && problem !== undefined)
        confirmed = withRehearsal({ generation: item.generation, refusal: problem })(confirmed);
      continue;
    }
    confirmed = reading.success(confirmed);
    live.add(key);
    // What an Event said may go on for long: it is read again ever more rarely.
    if (item._tag === "JobEvents") memory.attempted(key, now);
    else memory.forget(key);
  }
  memory.rehearsal = confirmed.rehearsal;
  memory.drains = confirmed.drains;
  forgetProblems(decision, live, memory);
  return { ...confirmed, live };
});

const nodesThatNeed = (decision: Decision, key: string): ReadonlyArray<string> =>
  [...decision.steps].flatMap(([node, { step }]) =>
    step._tag === "Confirm" && step.evidence.some((item) => evidenceKey(item) === key)
      ? [node]
      : [],
  );

/** A node whose evidence has all been read has no problem with it any more. */
const forgetProblems = (
  { steps }: Decision,
  live: ReadonlySet<string>,
  memory: OperationMemory,
): void => {
  for (const node of memory.problems.keys()) {
    const step = steps.get(node)?.step;
    if (step?._tag === "Confirm" && step.evidence.every((item) => live.has(evidenceKey(item))))
      memory.problems.delete(node);
  }
};

const withRehearsal =
  (rehearsal: Rehearsal): Reading =>
  (observed) => ({ ...observed, rehearsal });

const read = (
  observed: Observed,
  evidence: Evidence,
  memory: OperationMemory,
): Effect.Effect<Reading, Refused, KubeApi | Caches> => {
  if (evidence._tag === "Rehearsal")
    return Effect.as(
      rehearse(observed, evidence.node, memory),
      withRehearsal({ generation: evidence.generation }),
    );
  return Effect.mapError(readLive(observed, evidence), (error): Refused => ({
    error,
    refusal: "RequestRefused",
  }));
};

const readLive = (
  observed: Observed,
  evidence: Exclude<Evidence, { readonly _tag: "Rehearsal" }>,
): Effect.Effect<Reading, ApiError, KubeApi | Caches> => {
  switch (evidence._tag) {
    case "Node":
      return readNode(evidence.node);
    case "Job":
      return readJob(observed, evidence.node);
    case "JobPods":
      return readJobPods(observed, evidence.node);
    case "NodePods":
      return readNodePods(observed, evidence.node);
    case "NodeVolumes":
      return readNodeVolumes(observed, evidence);
    case "JobEvents":
      return readJobEvents(observed, evidence.node);
    case "RebootPod":
      return readRebootPod(observed, evidence.node);
    case "Holder":
      return readHolder(evidence.holder);
    case "Leftovers":
      return readLeftovers(observed);
  }
};

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

/** The child that was found, if it is this operation's: another one of that name is none. */
const ours = <A extends Job | Pod>(found: A | undefined, operation: NodeOp): A | undefined =>
  found !== undefined && isChildOf(found, operation) ? found : undefined;

const readJob = Effect.fnUntraced(function* (observed: Observed, node: string) {
  const api = yield* KubeApi;
  const caches = yield* Caches;
  const { metadata, status } = observed.operation;
  const { nodeUID: uid = "", jobName } = status.nodeStatuses?.[node] ?? {};
  const name = jobName ?? childNames(metadata, { name: node, uid }).job;
  const job = yield* orAbsent(api.get(JobResource, { namespace: metadata.namespace, name }));
  if (job !== undefined) caches.jobs.observe(job);
  return withChildren(node, { job: ours(job, observed.operation) });
});

/** The node's reboot Pod, by its name; where the Go original made its Job, all of them: those have names of their own. */
const readRebootPod = Effect.fnUntraced(function* (observed: Observed, node: string) {
  const api = yield* KubeApi;
  const caches = yield* Caches;
  const { metadata, status } = observed.operation;
  const { nodeUID: uid = "", jobName } = status.nodeStatuses?.[node] ?? {};
  const names = childNames(metadata, { name: node, uid });
  const { original } = observed.children.get(node) ?? NO_CHILDREN;
  if (original !== undefined || (jobName !== undefined && jobName !== names.job)) {
    const pods = yield* listRebootPods(observed, `,${LABEL_NODE}=${labelValue(node)}`);
    const { jobs, preflightPods } = original ?? NO_ORIGINAL_CHILDREN;
    return withChildren(node, {
      rebootPod: pods.find((pod) => pod.metadata.name === names.rebootPod),
      original: originalChildren({ jobs, pods: [...preflightPods, ...pods], names }),
    });
  }
  const ref = { namespace: metadata.namespace, name: names.rebootPod };
  const found = yield* orAbsent(api.get(PodResource, ref));
  if (found !== undefined) caches.pods.observe(found);
  return withChildren(node, { rebootPod: ours(found, observed.operation) });
});

const listRebootPods = Effect.fnUntraced(function* ({ operation }: Observed, also = "") {
  const api = yield* KubeApi;
  const caches = yield* Caches;
  const { name, namespace, uid } = operation.metadata;
  const { items } = yield* api.list(PodResource, {
    namespace,
    labelSelector: `${LABEL_NODEOP}=${labelValue(name)},${LABEL_REBOOT}=true${also}`,
  });
  for (const pod of items) caches.pods.observe(pod);
  return items.filter((pod) => isControlledBy(pod, uid));
});

/** Everything that the Go original made for the operation. The Jobs last: each had its reboot Pod before it. */
const readLeftovers = Effect.fnUntraced(function* (observed: Observed) {
  const api = yield* KubeApi;
  const caches = yield* Caches;
  const { name, namespace, uid } = observed.operation.metadata;
  const rebootPods = yield* listRebootPods(observed);
  const { items } = yield* api.list(JobResource, {
    namespace,
    labelSelector: `${LABEL_NODEOP}=${labelValue(name)}`,
  });
  for (const job of items) caches.jobs.observe(job);
  const jobs = items.filter((job) => isControlledBy(job, uid));
  return (before: Observed): Observed => ({ ...before, leftovers: { jobs, rebootPods } });
});

const readJobPods = Effect.fnUntraced(function* (observed: Observed, node: string) {
  const api = yield* KubeApi;
  const { metadata, status } = observed.operation;
  const { job, original } = observed.children.get(node) ?? NO_CHILDREN;
  const uid = job?.metadata.uid ?? status.nodeStatuses?.[node]?.jobUID;
  const uids = [
    ...(uid === undefined ? [] : [uid]),
    ...(original?.jobs.map((other) => other.metadata.uid) ?? []),
  ];
  if (uids.length === 0) return withChildren(node, { jobPods: [] });
  const { items } = yield* api.list(PodResource, {
    namespace: metadata.namespace,
    labelSelector:
      uids.length === 1
        ? `batch.kubernetes.io/controller-uid=${uids[0]}`
        : `batch.kubernetes.io/controller-uid in (${uids.join(",")})`,
  });
  return withChildren(node, { jobPods: items });
});

/** What the Job controller said last about a Pod that it could not create; Events are found by the uid of their object. */
const readJobEvents = Effect.fnUntraced(function* (observed: Observed, node: string) {
  const api = yield* KubeApi;
  const { metadata, status } = observed.operation;
  const uid = status.nodeStatuses?.[node]?.jobUID ?? "";
  const { items } = yield* api.list(EventResource, {
    namespace: metadata.namespace,
    fieldSelector: `involvedObject.uid=${uid},reason=${FAILED_CREATE}`,
  });
  return withChildren(node, { podRefusal: lastMessage(items) });
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
