/**
 * What the simulated controllers of ReplicaSets and StatefulSets share: both keep a number of Pods, which they see through
 * their own caches. How they bring Pods about is theirs (`WorkloadPlan`).
 */
import { Effect } from "effect";
import type { NewKubeObject } from "../../domain/kube/object.ts";
import { Pods, type Resource } from "../../domain/kube/resource.ts";
import type { KubeTransport } from "../KubeTransport.ts";
import type { SecondsRange } from "./behaviour.ts";
import { CONFLICT_MILLIS, controllerProgram } from "./controllerProgram.ts";
import { sameJson } from "./json.ts";
import { Mirror, type MirrorChange } from "./Mirror.ts";
import { OwnedPods } from "./OwnedPods.ts";
import { isActive, isPod, isPodReady, type Pod } from "./pod.ts";
import { createObject, deleteObject, isGone, updateStatus } from "./requests.ts";
import type { SyncLoop } from "./SyncLoop.ts";
import { together } from "./together.ts";
import { isWorkload, type Workload, workloadOf, type WorkloadStatus } from "./workload.ts";

/** What to do about the Pods of one workload now. */
export interface WorkloadPlan {
  readonly create: ReadonlyArray<NewKubeObject>;
  readonly remove: ReadonlyArray<Pod>;
}

export interface WorkloadControllerOptions {
  readonly resource: Resource;
  readonly plan: (workload: Workload, pods: ReadonlyArray<Pod>) => WorkloadPlan;
  /** From a change to the controller's reaction. Default: 10 to 100 ms. */
  readonly reactionSeconds?: SecondsRange | undefined;
}

const WORKERS = 5;

/** Runs until its process ends. */
export const workloadController = (
  options: WorkloadControllerOptions,
): Effect.Effect<never, never, KubeTransport> =>
  controllerProgram({
    workers: WORKERS,
    reactionSeconds: options.reactionSeconds,
    make: (loop) => new WorkloadController(options, loop),
  });

class WorkloadController {
  readonly #options: WorkloadControllerOptions;
  readonly #loop: SyncLoop<KubeTransport>;
  readonly #workloads: Mirror<Workload>;
  readonly #pods: Mirror<Pod>;
  readonly #byUID = new Map<string, Workload>();
  readonly #podsOf: OwnedPods;

  constructor(options: WorkloadControllerOptions, loop: SyncLoop<KubeTransport>) {
    this.#options = options;
    this.#loop = loop;
    this.#podsOf = new OwnedPods((pod) => workloadOf(options.resource.kind, pod));
    const onListed = () => this.#addAll();
    this.#workloads = new Mirror({
      resource: options.resource,
      is: isWorkload,
      onChange: (change) => this.#workloadChanged(change),
      onListed,
    });
    this.#pods = new Mirror({
      resource: Pods,
      is: isPod,
      onChange: (change) => this.#podChanged(change),
      onListed,
    });
  }

  get run(): Effect.Effect<never, never, KubeTransport> {
    return together([this.#workloads.run, this.#pods.run, this.#loop.run]);
  }

  /** Brings the workload of this uid one step further; each answer is observed, so that the next step builds on it. */
  readonly sync = Effect.fnUntraced(
    { self: this },
    function* (this: WorkloadController, uid: string) {
      const workload = this.#byUID.get(uid);
      // The garbage collector sees to the Pods of one that is going.
      if (workload === undefined || workload.metadata.deletionTimestamp !== undefined)
        return undefined;
      const pods = this.#podsOf.of(uid);
      return yield* this.#apply(workload, pods).pipe(
        Effect.as(undefined),
        Effect.catchIf(
          (error) => isGone(error) || error._tag === "AlreadyExists",
          () => Effect.succeed(CONFLICT_MILLIS),
        ),
      );
    },
  );

  readonly #apply = Effect.fnUntraced(
    { self: this },
    function* (this: WorkloadController, workload: Workload, pods: ReadonlyArray<Pod>) {
      const { resource, plan } = this.#options;
      const { create, remove } = plan(workload, pods);
      for (const pod of remove)
        yield* Effect.catchIf(deleteObject(Pods, pod), isGone, () => Effect.void);
      for (const pod of create) this.#pods.observe(yield* createObject(Pods, pod));
      const status = statusOf(workload, pods);
      if (sameJson(status, workload.status)) return;
      this.#workloads.observe(yield* updateStatus(resource, { ...workload, status }));
    },
  );

  /** Before both caches are complete, nothing is concluded from what they do not hold. */
  #addAll(): void {
    if (!this.#workloads.listed || !this.#pods.listed) return;
    for (const uid of this.#byUID.keys()) this.#loop.add(uid);
  }

  #add(uid: string): void {
    if (this.#workloads.listed && this.#pods.listed) this.#loop.add(uid);
  }

  #workloadChanged({ before, after }: MirrorChange<Workload>): void {
    if (before !== undefined && before.metadata.uid !== after?.metadata.uid)
      this.#byUID.delete(before.metadata.uid);
    if (after === undefined) return;
    this.#byUID.set(after.metadata.uid, after);
    this.#add(after.metadata.uid);
  }

  #podChanged(change: MirrorChange<Pod>): void {
    for (const owner of this.#podsOf.change(change)) this.#add(owner);
  }
}

/** The counts of a workload's Pods. Fields that others fill stay. */
const statusOf = ({ metadata, status }: Workload, pods: ReadonlyArray<Pod>): WorkloadStatus => {
  const active = pods.filter(isActive);
  const ready = active.filter(isPodReady).length;
  const { readyReplicas: _r, availableReplicas: _a, ...others } = status ?? { replicas: 0 };
  return {
    ...others,
    replicas: active.length,
    ...(ready === 0 ? {} : { readyReplicas: ready, availableReplicas: ready }),
    ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
  };
};
