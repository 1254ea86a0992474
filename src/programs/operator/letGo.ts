/**
 * The end of a NodeOp that cannot be read: one that was at work when it became invalid carries our finalizer, and would hang
 * in its deletion until somebody mends it. What it made says of itself whose it is, so that is enough to stop it.
 */
import { Clock, Effect, Option, Schema } from "effect";
import { isFinished, isSuspended, type Job } from "../../domain/kube/job.ts";
import { controllerOf, type ObjectRef } from "../../domain/kube/object.ts";
import { isTerminal, isTerminating, type Pod } from "../../domain/kube/pod.ts";
import {
  ANNOTATION_STOPPED,
  FINALIZER,
  LABEL_NODEOP,
  labelValue,
  ORIGINAL_FINALIZER,
  parseHolder,
} from "../../domain/labels.ts";
import { isChildOf } from "../../domain/rollout/childOf.ts";
import { cordonedBy, heldBy } from "../../domain/rollout/hold.ts";
import { type ApiError, KubeApi } from "../../services/KubeApi.ts";
import { Caches } from "./Caches.ts";
import { releaseNode } from "./nodeRequests.ts";
import { deleteBinding } from "./finalizerRequests.ts";
import { AnyNodeOp, JobResource, PodResource } from "./resources.ts";

/** While a Pod of it still works, it is looked at again after so long. */
const AGAIN_MILLIS = 10_000;

const Leaving = Schema.Struct({
  metadata: Schema.Struct({
    name: Schema.String,
    namespace: Schema.optionalKey(Schema.String),
    uid: Schema.String,
    resourceVersion: Schema.String,
    deletionTimestamp: Schema.String,
    finalizers: Schema.Array(Schema.String),
  }),
});
interface Leaving extends Schema.Schema.Type<typeof Leaving> {}
const decodeLeaving = Schema.decodeUnknownOption(Leaving);

const OURS: ReadonlyArray<string> = [FINALIZER, ORIGINAL_FINALIZER];

/**
 * Stops what is left of an unreadable NodeOp that is being deleted, and takes our finalizers off once none of its Pods is
 * at work. Does nothing about one that is not being deleted. Tells when to look again.
 */
export const letGo = Effect.fnUntraced(function* (
  json: unknown,
): Effect.fn.Return<number | undefined, ApiError, KubeApi | Caches> {
  const leaving = Option.getOrUndefined(decodeLeaving(json));
  if (leaving?.metadata.finalizers.some((name) => OURS.includes(name)) !== true) return undefined;
  const isAtWork = yield* stopChildren(leaving);
  if (isAtWork) return (yield* Clock.currentTimeMillis) + AGAIN_MILLIS;
  yield* releaseNodes(leaving);
  const api = yield* KubeApi;
  const { uid, resourceVersion, finalizers } = leaving.metadata;
  if (finalizers.includes(ORIGINAL_FINALIZER)) yield* deleteBinding(leaving);
  const kept = finalizers.filter((name) => !OURS.includes(name));
  yield* api.patch(AnyNodeOp, refOf(leaving), {
    metadata: { uid, resourceVersion, finalizers: kept.length === 0 ? null : kept },
  });
  return undefined;
});

const refOf = ({ metadata: { name, namespace } }: Leaving): ObjectRef => ({
  name,
  ...(namespace === undefined ? {} : { namespace }),
});

/** Suspends its Jobs, deletes its own Pods; answers whether any Pod of it has not ended. */
const stopChildren = Effect.fnUntraced(function* (leaving: Leaving) {
  const api = yield* KubeApi;
  const { name, namespace } = leaving.metadata;
  const selection = { namespace, labelSelector: `${LABEL_NODEOP}=${labelValue(name)}` };
  const jobs = (yield* api.list(JobResource, selection)).items.filter((job) =>
    isChildOf(job, leaving),
  );
  for (const job of jobs) if (mayRun(job)) yield* suspend(job);
  // Listed after the Jobs were stopped: what they made before is there.
  const pods = (yield* api.list(PodResource, selection)).items;
  const own = pods.filter((pod) => isChildOf(pod, leaving));
  for (const pod of own) if (!isTerminating(pod)) yield* remove(pod);
  const jobUIDs = new Set(jobs.map(({ metadata }) => metadata.uid));
  const ofJobs = pods.filter(({ metadata }) => jobUIDs.has(controllerOf(metadata)?.uid ?? ""));
  return [...own, ...ofJobs].some((pod) => !isTerminal(pod));
});

const mayRun = (job: Job): boolean =>
  !isFinished(job) &&
  !isTerminating(job) &&
  !(isSuspended(job) && job.metadata.annotations?.[ANNOTATION_STOPPED] !== undefined);

const suspend = Effect.fnUntraced(function* ({ metadata }: Job) {
  const api = yield* KubeApi;
  const { name, namespace, uid, resourceVersion } = metadata;
  yield* api.patch(
    JobResource,
    { name, namespace },
    {
      metadata: { uid, resourceVersion, annotations: { [ANNOTATION_STOPPED]: "true" } },
      spec: { suspend: true },
    },
  );
});

const remove = Effect.fnUntraced(function* ({ metadata }: Pod) {
  const api = yield* KubeApi;
  const { name, namespace, uid } = metadata;
  yield* Effect.catchTag(
    api.delete(
      PodResource,
      { name, namespace },
      { preconditions: { uid }, propagationPolicy: "Background" },
    ),
    "NotFound",
    () => Effect.void,
  );
});

/** Takes its holds and cordons off: with the operation its failed nodes' cordons go, too. */
const releaseNodes = Effect.fnUntraced(function* ({ metadata }: Leaving) {
  const caches = yield* Caches;
  const isMine = (text: string | undefined): boolean =>
    text !== undefined && parseHolder(text)?.uid === metadata.uid;
  for (const node of caches.nodes.all().values()) {
    const [held, cordoned] = [heldBy(node), cordonedBy(node)];
    const marks = {
      ...(isMine(held) ? { heldBy: held! } : {}),
      ...(isMine(cordoned) ? { cordonedBy: cordoned! } : {}),
    };
    if (Object.keys(marks).length > 0)
      yield* releaseNode(node.metadata.name, { uid: node.metadata.uid, marks });
  }
});
