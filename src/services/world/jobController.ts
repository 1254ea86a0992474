/**
 * The simulated Job controller of kube-controller-manager, for Jobs whose completions are not indexed. It sees the cluster through
 * its own list+watch caches and acts through the API like anybody else.
 */
import { Clock, Effect, Result } from "effect";
import {
  controllerOf,
  type KubeObject,
  kubeTime,
  millisOf,
  type NewKubeObject,
} from "../../domain/kube/object.ts";
import { CoreEvents, Jobs, Pods } from "../../domain/kube/resource.ts";
import type { KubeError } from "../KubeError.ts";
import type { KubeTransport } from "../KubeTransport.ts";
import { drawMillis, type SecondsRange } from "./behaviour.ts";
import { CONFLICT_MILLIS, controllerProgram } from "./controllerProgram.ts";
import { isJob, type Job, JOB_TRACKING, type JobStatus } from "./job.ts";
import { decideJob, hasFailed, type JobDecision } from "./jobDecision.ts";
import { Mirror, type MirrorChange } from "./Mirror.ts";
import { OwnedPods } from "./OwnedPods.ts";
import { isPod, LABEL_CONTROLLER_UID, LABEL_JOB_NAME, type Pod } from "./pod.ts";
import {
  createObject,
  deleteObject,
  getObject,
  isGone,
  isTransient,
  patchObject,
  updateStatus,
} from "./requests.ts";
import type { SyncLoop } from "./SyncLoop.ts";
import { together } from "./together.ts";

export interface JobControllerOptions {
  /** From a change to the controller's reaction. Default: 10 to 100 ms. */
  readonly reactionSeconds?: SecondsRange | undefined;
  /** From SuccessCriteriaMet to Complete and from FailureTarget to Failed, at least. Default: 0.1 to 1 s. */
  readonly settleSeconds?: SecondsRange | undefined;
}

const SETTLE_SECONDS: SecondsRange = [0.1, 1];
/** kube-controller-manager --concurrent-job-syncs. */
const WORKERS = 5;
/** The delay before a failed Pod is replaced (Kubernetes, "Pod backoff failure policy"). */
const REPLACE_MILLIS = 10_000;
const REPLACE_MILLIS_MAX = 360_000;

/** Runs until its process ends. */
export const jobController = (
  options: JobControllerOptions = {},
): Effect.Effect<never, never, KubeTransport> =>
  controllerProgram({
    workers: WORKERS,
    reactionSeconds: options.reactionSeconds,
    make: (loop) => new JobController(options, loop),
  });

/** How often Pods of a Job have failed since one succeeded, and when the last did. */
interface Failures {
  readonly pods: ReadonlySet<string>;
  readonly lastAt: number;
}

class JobController {
  readonly #loop: SyncLoop<KubeTransport>;
  readonly #settleSeconds: SecondsRange;
  readonly #jobs: Mirror<Job>;
  readonly #pods: Mirror<Pod>;
  readonly #byUID = new Map<string, Job>();
  readonly #podsOf = new OwnedPods(jobOf);
  readonly #failures = new Map<string, Failures>();
  readonly #settleAt = new Map<string, number>();
  /** The Event about Pods that cannot be created, by the uid of the Job. */
  readonly #events = new Map<string, { readonly event: KubeObject; readonly count: number }>();

  constructor(options: JobControllerOptions, loop: SyncLoop<KubeTransport>) {
    this.#loop = loop;
    this.#settleSeconds = options.settleSeconds ?? SETTLE_SECONDS;
    const onListed = () => this.#addAll();
    this.#jobs = new Mirror({
      resource: Jobs,
      is: isJob,
      onChange: (change) => this.#jobChanged(change),
      onListed,
    });
    this.#pods = new Mirror({
      resource: Pods,
      is: isPod,
      labelSelector: LABEL_JOB_NAME,
      onChange: (change) => this.#podChanged(change),
      onListed,
    });
  }

  get run(): Effect.Effect<never, never, KubeTransport> {
    return together([this.#jobs.run, this.#pods.run, this.#loop.run]);
  }

  /** Brings the Job of this uid one step further; each answer is observed, so that the next step builds on it. */
  readonly sync = Effect.fnUntraced({ self: this }, function* (this: JobController, uid: string) {
    const job = this.#byUID.get(uid);
    const pods = this.#podsOf.of(uid);
    if (job === undefined) return yield* this.#releaseOrphans(uid, pods);
    const now = yield* Clock.currentTimeMillis;
    const settleAt = yield* this.#settle(uid, now);
    const replaceAt = this.#replaceAt(job, pods);
    const decision = decideJob({ job, pods, replaceAt, settleAt, now });
    const applied = yield* this.#apply(job, decision).pipe(
      Effect.as(true),
      Effect.catchTag("Conflict", () => Effect.succeed(false)),
    );
    if (!applied) return CONFLICT_MILLIS;
    return decision.wakeAt === Infinity ? undefined : Math.max(1, decision.wakeAt - now);
  });

  /** Before both caches are complete, nothing is concluded from what they do not hold. */
  #addAll(): void {
    if (!this.#jobs.listed || !this.#pods.listed) return;
    for (const uid of this.#byUID.keys()) this.#loop.add(uid);
    for (const uid of this.#podsOf.owners) this.#loop.add(uid);
  }

  #add(uid: string): void {
    if (this.#jobs.listed && this.#pods.listed) this.#loop.add(uid);
  }

  #jobChanged({ before, after }: MirrorChange<Job>): void {
    if (before !== undefined && before.metadata.uid !== after?.metadata.uid) {
      const { uid } = before.metadata;
      this.#byUID.delete(uid);
      this.#failures.delete(uid);
      this.#settleAt.delete(uid);
      this.#events.delete(uid);
      this.#add(uid);
    }
    if (after === undefined) return;
    this.#byUID.set(after.metadata.uid, after);
    this.#add(after.metadata.uid);
  }

  #podChanged(change: MirrorChange<Pod>): void {
    for (const owner of this.#podsOf.change(change)) this.#add(owner);
  }

  /** When a decided outcome may become terminal: some while after this controller first saw it decided. */
  readonly #settle = Effect.fnUntraced(
    { self: this },
    function* (this: JobController, uid: string, now: number) {
      const known = this.#settleAt.get(uid);
      if (known !== undefined) return known;
      const decided = this.#byUID
        .get(uid)
        ?.status?.conditions?.some(
          ({ type }) => type === "SuccessCriteriaMet" || type === "FailureTarget",
        );
      if (decided !== true) return Infinity;
      const at = now + (yield* drawMillis(this.#settleSeconds));
      this.#settleAt.set(uid, at);
      return at;
    },
  );

  /** A Pod that failed is replaced after 10 s, doubling with each further failure to 6 min, counted from its end. */
  #replaceAt(job: Job, pods: ReadonlyArray<Pod>): number {
    const { uid } = job.metadata;
    let failures = this.#failures.get(uid) ?? { pods: new Set<string>(), lastAt: 0 };
    for (const pod of pods) {
      if (!hasFailed(job, pod) || failures.pods.has(pod.metadata.uid)) continue;
      const lastAt = Math.max(failures.lastAt, finishedAt(pod));
      failures = { pods: new Set(failures.pods).add(pod.metadata.uid), lastAt };
    }
    if (failures.pods.size === 0) return 0;
    this.#failures.set(uid, failures);
    const delay = Math.min(REPLACE_MILLIS * 2 ** (failures.pods.size - 1), REPLACE_MILLIS_MAX);
    return failures.lastAt + delay;
  }

  readonly #apply = Effect.fnUntraced(
    { self: this },
    function* (this: JobController, job: Job, decision: JobDecision) {
      for (const pod of decision.withdraw) {
        yield* this.#release(pod);
        yield* removePod(pod);
      }
      for (const pod of decision.remove) yield* removePod(pod);
      for (let i = 0; i < decision.create; i++)
        this.#pods.observe(
          yield* Effect.tapError(createObject(Pods, podOf(job)), (error) =>
            isTransient(error) ? Effect.void : this.#tellFailedCreate(job, error),
          ),
        );
      if (decision.status !== undefined) yield* this.#writeStatus(job, decision.status);
      for (const pod of decision.release) yield* this.#release(pod);
    },
  );

  /**
   * Says in an Event why a Pod could not be created, as the real controller does; here one per Job, with the latest
   * sentence. Where Events cannot be written, work goes on without; one that is invalid is a bug of ours.
   */
  readonly #tellFailedCreate = Effect.fnUntraced(
    { self: this },
    function* (this: JobController, job: Job, error: KubeError) {
      const { uid, name, namespace = "" } = job.metadata;
      const now = yield* Clock.currentTimeMillis;
      const lastTimestamp = kubeTime(now);
      const message = `Error creating: ${error.detail}`;
      const known = this.#events.get(uid);
      const written =
        known === undefined
          ? createObject(CoreEvents, {
              apiVersion: "v1",
              kind: "Event",
              metadata: { name: `${name}.${now.toString(16)}`, namespace },
              involvedObject: { apiVersion: "batch/v1", kind: "Job", namespace, name, uid },
              type: "Warning",
              reason: "FailedCreate",
              message,
              source: { component: "job-controller" },
              reportingComponent: "job-controller",
              firstTimestamp: lastTimestamp,
              lastTimestamp,
              count: 1,
            })
          : patchObject(CoreEvents, known.event, {
              message,
              lastTimestamp,
              count: known.count + 1,
            });
      const recorded = yield* Effect.result(written);
      if (Result.isSuccess(recorded))
        this.#events.set(uid, { event: recorded.success, count: (known?.count ?? 0) + 1 });
      else if (recorded.failure._tag === "Invalid") return yield* Effect.die(recorded.failure);
    },
  );

  /** Written in the version read: a Job that changed meanwhile is decided anew. An invalid status is a bug of ours. */
  #writeStatus(job: Job, status: JobStatus) {
    return updateStatus(Jobs, { ...job, status }).pipe(
      Effect.tap((updated) => Effect.sync(() => this.#jobs.observe(updated))),
      Effect.catchTag("Invalid", (invalid) => Effect.die(invalid)),
    );
  }

  /** Pods whose Job is gone for good need not be counted; a live read confirms that it is. */
  readonly #releaseOrphans = Effect.fnUntraced(
    { self: this },
    function* (this: JobController, uid: string, pods: ReadonlyArray<Pod>) {
      for (const pod of pods) {
        const owner = controllerOf(pod.metadata);
        if (owner === undefined || pod.metadata.finalizers?.includes(JOB_TRACKING) !== true)
          continue;
        const live = yield* getObject(Jobs, pod.metadata.namespace, owner.name).pipe(
          Effect.catchTag("NotFound", () => Effect.undefined),
        );
        if (live?.metadata.uid === uid) this.#jobs.observe(live);
        else yield* this.#release(pod);
      }
      return undefined;
    },
  );

  /** Takes the tracking finalizer off; whether the Pod is gone then does not matter. */
  #release(pod: Pod) {
    const finalizers = pod.metadata.finalizers?.filter((finalizer) => finalizer !== JOB_TRACKING);
    const { resourceVersion } = pod.metadata;
    return patchObject(Pods, pod, { metadata: { finalizers, resourceVersion } }).pipe(
      Effect.tap((released) => Effect.sync(() => this.#pods.observe(released))),
      Effect.catchTag("NotFound", () => Effect.void),
    );
  }
}

/** Deletes a Pod; it may be gone already. */
const removePod = (pod: Pod) =>
  deleteObject(Pods, pod).pipe(Effect.catchIf(isGone, () => Effect.void));

/** The uid of the Job that controls the Pod. */
const jobOf = (pod: Pod): string | undefined => {
  const owner = controllerOf(pod.metadata);
  return owner?.kind === "Job" ? owner.uid : undefined;
};

/** When the last container of a Pod ended; else when it was deleted or made. In milliseconds. */
const finishedAt = (pod: Pod): number => {
  const ends = [
    ...(pod.status?.initContainerStatuses ?? []),
    ...(pod.status?.containerStatuses ?? []),
  ]
    .map(({ state }) => state.terminated?.finishedAt)
    .flatMap((time) => (time === undefined ? [] : [millisOf(time)]));
  if (ends.length > 0) return Math.max(...ends);
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, creationTimestamp } = pod.metadata;
  // A deletion timestamp is when the grace period ends.
  return deletionTimestamp === undefined
    ? millisOf(creationTimestamp)
    : millisOf(deletionTimestamp) - deletionGracePeriodSeconds * 1000;
};

/** A Pod from the Job's template. */
const podOf = ({ metadata, spec: { template } }: Job): NewKubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
    generateName: `${metadata.name}-`,
    labels: {
      ...template.metadata?.labels,
      [LABEL_CONTROLLER_UID]: metadata.uid,
      [LABEL_JOB_NAME]: metadata.name,
    },
    ...(template.metadata?.annotations === undefined
      ? {}
      : { annotations: template.metadata.annotations }),
    finalizers: [...(template.metadata?.finalizers ?? []), JOB_TRACKING],
    ownerReferences: [
      {
        apiVersion: "batch/v1",
        kind: "Job",
        name: metadata.name,
        uid: metadata.uid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  },
  spec: template.spec,
});
