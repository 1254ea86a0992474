/**
 * The simulated Deployment controller of kube-controller-manager: rolls Deployments out over ReplicaSets, which it sees
 * through its own caches. What it does is decided by `planDeployment`, what it says of it by `deploymentStatus`.
 */
import { Clock, Effect } from "effect";
import { controllerOf } from "../../domain/kube/object.ts";
import { Deployments, Pods, ReplicaSets } from "../../domain/kube/resource.ts";
import type { KubeTransport } from "../KubeTransport.ts";
import type { SecondsRange } from "./behaviour.ts";
import { CONFLICT_MILLIS, controllerProgram } from "./controllerProgram.ts";
import {
  type Deployment,
  deploymentStatus,
  isDeployment,
  notesOf,
  REVISION,
  revisionOf,
  TEMPLATE_HASH,
} from "./deployment.ts";
import { type DeploymentPlan, planDeployment } from "./deploymentPlan.ts";
import { sameJson } from "./json.ts";
import { Mirror, type MirrorChange } from "./Mirror.ts";
import { OwnedPods } from "./OwnedPods.ts";
import { isPod, isTerminalPhase, type Pod } from "./pod.ts";
import { createObject, isGone, patchObject, updateStatus } from "./requests.ts";
import type { SyncLoop } from "./SyncLoop.ts";
import { together } from "./together.ts";
import { isWorkload, type Workload, workloadOf } from "./workload.ts";

export interface DeploymentControllerOptions {
  /** From a change to the controller's reaction. Default: 10 to 100 ms. */
  readonly reactionSeconds?: SecondsRange | undefined;
}

const WORKERS = 5;

/** Runs until its process ends. */
export const deploymentController = (
  options: DeploymentControllerOptions = {},
): Effect.Effect<never, never, KubeTransport> =>
  controllerProgram({
    workers: WORKERS,
    reactionSeconds: options.reactionSeconds,
    make: (loop) => new DeploymentController(loop),
  });

class DeploymentController {
  readonly #loop: SyncLoop<KubeTransport>;
  readonly #deployments: Mirror<Deployment>;
  readonly #sets: Mirror<Workload>;
  readonly #pods: Mirror<Pod>;
  readonly #byUID = new Map<string, Deployment>();
  /** Pods that have not ended, by the uids of their ReplicaSets. */
  readonly #podsOf = new OwnedPods((pod) =>
    isTerminalPhase(pod.status?.phase) ? undefined : workloadOf(ReplicaSets.kind, pod),
  );

  constructor(loop: SyncLoop<KubeTransport>) {
    this.#loop = loop;
    const onListed = () => this.#addAll();
    this.#deployments = new Mirror({
      resource: Deployments,
      is: isDeployment,
      onChange: (change) => this.#changed(change),
      onListed,
    });
    this.#sets = new Mirror({
      resource: ReplicaSets,
      is: isWorkload,
      onChange: ({ before, after }) => {
        for (const set of [before, after]) this.#add(set && controllerOf(set.metadata)?.uid);
      },
      onListed,
    });
    this.#pods = new Mirror({
      resource: Pods,
      is: isPod,
      labelSelector: TEMPLATE_HASH,
      onChange: (change) => this.#podChanged(change),
      onListed,
    });
  }

  get run(): Effect.Effect<never, never, KubeTransport> {
    return together([this.#deployments.run, this.#sets.run, this.#pods.run, this.#loop.run]);
  }

  /** Brings the Deployment of this uid one step further; each answer is observed, so that the next step builds on it. */
  readonly sync = Effect.fnUntraced(
    { self: this },
    function* (this: DeploymentController, uid: string) {
      const deployment = this.#byUID.get(uid);
      if (deployment === undefined || deployment.metadata.deletionTimestamp !== undefined)
        return undefined;
      return yield* this.#apply(deployment).pipe(
        Effect.catchIf(
          (error) => isGone(error) || error._tag === "AlreadyExists",
          () => Effect.succeed(CONFLICT_MILLIS),
        ),
      );
    },
  );

  /** Answers when to come again: a rollout that does not move has a deadline. */
  readonly #apply = Effect.fnUntraced(
    { self: this },
    function* (this: DeploymentController, deployment: Deployment) {
      const plan = this.#plan(deployment);
      yield* this.#carryOut(deployment, plan);
      const revised = yield* this.#revise(deployment, plan.revision);
      const sets = this.#setsOf(deployment);
      const { current } = this.#plan(revised);
      const now = yield* Clock.currentTimeMillis;
      const status = deploymentStatus(revised, sets, current, now);
      if (!sameJson(status, revised.status))
        this.#deployments.observe(yield* updateStatus(Deployments, { ...revised, status }));
      const { progressDeadlineSeconds } = deployment.spec;
      const isMoving = status.conditions?.some(({ reason }) => reason === "ReplicaSetUpdated");
      return isMoving === true && progressDeadlineSeconds !== undefined
        ? progressDeadlineSeconds * 1000
        : undefined;
    },
  );

  readonly #carryOut = Effect.fnUntraced(
    { self: this },
    function* (this: DeploymentController, deployment: Deployment, plan: DeploymentPlan) {
      const { create, scale, current, revision } = plan;
      if (create !== undefined) this.#sets.observe(yield* createObject(ReplicaSets, create));
      for (const { set, replicas } of scale)
        this.#sets.observe(yield* patchObject(ReplicaSets, set, { spec: { replicas } }));
      const active = this.#setsOf(deployment).filter(
        (set) => set.spec.replicas > 0 || set.metadata.uid === current?.metadata.uid,
      );
      for (const set of active) {
        const own = set.metadata.annotations;
        const at = set.metadata.uid === current?.metadata.uid ? revision : revisionOf(set);
        const annotations = notesOf(deployment, at);
        if (Object.entries(annotations).every(([name, note]) => own?.[name] === note)) continue;
        this.#sets.observe(yield* patchObject(ReplicaSets, set, { metadata: { annotations } }));
      }
    },
  );

  /** The Deployment says which revision it is at. */
  readonly #revise = Effect.fnUntraced(
    { self: this },
    function* (this: DeploymentController, deployment: Deployment, revision: number) {
      const { annotations } = deployment.metadata;
      if (revision === 0 || annotations?.[REVISION] === String(revision)) return deployment;
      const patch = { metadata: { annotations: { [REVISION]: String(revision) } } };
      const revised = yield* patchObject(Deployments, deployment, patch);
      this.#deployments.observe(revised);
      return isDeployment(revised) ? revised : deployment;
    },
  );

  #plan(deployment: Deployment): DeploymentPlan {
    return planDeployment(deployment, this.#setsOf(deployment), new Set(this.#podsOf.owners));
  }

  #setsOf({ metadata }: Deployment): ReadonlyArray<Workload> {
    return [...this.#sets.objects.values()].filter(
      (set) => controllerOf(set.metadata)?.uid === metadata.uid,
    );
  }

  /** Before all caches are complete, nothing is concluded from what they do not hold. */
  #addAll(): void {
    for (const uid of this.#byUID.keys()) this.#add(uid);
  }

  get #isReady(): boolean {
    return [this.#deployments, this.#sets, this.#pods].every(({ listed }) => listed);
  }

  #add(uid: string | undefined): void {
    if (uid !== undefined && this.#byUID.has(uid) && this.#isReady) this.#loop.add(uid);
  }

  /** Only whether all Pods of a ReplicaSet are gone matters: their counts come with its status. */
  #podChanged(change: MirrorChange<Pod>): void {
    const populated = new Set(this.#podsOf.owners);
    for (const owner of this.#podsOf.change(change))
      if (populated.has(owner) && this.#podsOf.of(owner).length === 0)
        for (const set of this.#sets.objects.values())
          if (set.metadata.uid === owner) this.#add(controllerOf(set.metadata)?.uid);
  }

  #changed({ before, after }: MirrorChange<Deployment>): void {
    if (before !== undefined && before.metadata.uid !== after?.metadata.uid)
      this.#byUID.delete(before.metadata.uid);
    if (after === undefined) return;
    this.#byUID.set(after.metadata.uid, after);
    this.#add(after.metadata.uid);
  }
}
