/**
 * The simulated disruption controller of kube-controller-manager: keeps the status of PodDisruptionBudgets, by which the API
 * server grants evictions. It sees Pods and their controllers through its own caches, late, as in reality.
 */
import { Clock, Effect } from "effect";
import {
  controllerOf,
  type KubeObject,
  objectKey,
  type OwnerReference,
} from "../../domain/kube/object.ts";
import {
  Deployments,
  PodDisruptionBudgets,
  Pods,
  ReplicaSets,
  StatefulSets,
} from "../../domain/kube/resource.ts";
import { selectsLabels } from "../../domain/kube/selector.ts";
import { type DisruptionBudget, isDisruptionBudget } from "../disruptionBudget.ts";
import type { KubeTransport } from "../KubeTransport.ts";
import type { SecondsRange } from "./behaviour.ts";
import { budgetStatus, type Scale } from "./budgetStatus.ts";
import { CONFLICT_MILLIS, controllerProgram } from "./controllerProgram.ts";
import { sameJson } from "./json.ts";
import { Mirror, type MirrorChange } from "./Mirror.ts";
import { isPod, type Pod } from "./pod.ts";
import { isGone, updateStatus } from "./requests.ts";
import type { SyncLoop } from "./SyncLoop.ts";
import { together } from "./together.ts";
import { isWorkload, type Workload } from "./workload.ts";

export interface DisruptionControllerOptions {
  /** From a change to the controller's reaction. Default: 10 to 100 ms. */
  readonly reactionSeconds?: SecondsRange | undefined;
}

/** Runs until its process ends. */
export const disruptionController = (
  options: DisruptionControllerOptions = {},
): Effect.Effect<never, never, KubeTransport> =>
  controllerProgram({
    workers: 1,
    reactionSeconds: options.reactionSeconds,
    make: (loop) => new DisruptionController(loop),
  });

class DisruptionController {
  readonly #loop: SyncLoop<KubeTransport>;
  readonly #budgets: Mirror<DisruptionBudget>;
  readonly #pods: Mirror<Pod>;
  readonly #workloads: ReadonlyArray<Mirror<Workload>>;
  /** The Pods that each budget is about, both by key. */
  readonly #podsOf = new Map<string, Map<string, Pod>>();
  /** Deployments, ReplicaSets and StatefulSets by uid. */
  readonly #sets = new Map<string, Workload>();

  constructor(loop: SyncLoop<KubeTransport>) {
    this.#loop = loop;
    const onListed = () => this.#addAll(undefined);
    this.#budgets = new Mirror({
      resource: PodDisruptionBudgets,
      is: isDisruptionBudget,
      onChange: (change) => this.#budgetChanged(change),
      onListed,
    });
    this.#pods = new Mirror({
      resource: Pods,
      is: isPod,
      onChange: (change) => this.#podChanged(change),
      onListed,
    });
    this.#workloads = [Deployments, ReplicaSets, StatefulSets].map(
      (resource) =>
        new Mirror({
          resource,
          is: isWorkload,
          onChange: (change) => this.#workloadChanged(change),
          onListed,
        }),
    );
  }

  get run(): Effect.Effect<never, never, KubeTransport> {
    const mirrors = [this.#budgets.run, this.#pods.run, ...this.#workloads.map(({ run }) => run)];
    return together([...mirrors, this.#loop.run]);
  }

  readonly sync = Effect.fnUntraced(
    { self: this },
    function* (this: DisruptionController, key: string) {
      const budget = this.#budgets.objects.get(key);
      if (budget === undefined) return undefined;
      const now = yield* Clock.currentTimeMillis;
      const pods = [...(this.#podsOf.get(key)?.values() ?? [])];
      const scale = (owner: OwnerReference) => this.#scaleOf(owner);
      const { status, wakeAt } = budgetStatus(budget, pods, scale, now);
      if (!sameJson(status, budget.status)) {
        const written = yield* updateStatus(PodDisruptionBudgets, { ...budget, status }).pipe(
          Effect.catchIf(isGone, () => Effect.undefined),
        );
        if (written === undefined) return CONFLICT_MILLIS;
        this.#budgets.observe(written);
      }
      return wakeAt === Infinity ? undefined : Math.max(1, wakeAt - now);
    },
  );

  /** What keeps the Pods of this owner in the end: of a ReplicaSet its Deployment, where it has one. */
  #scaleOf({ uid }: OwnerReference): Scale | undefined {
    const set = this.#sets.get(uid);
    const above = set === undefined ? undefined : controllerOf(set.metadata);
    const top = above?.kind === Deployments.kind ? this.#sets.get(above.uid) : set;
    return top === undefined ? undefined : { uid: top.metadata.uid, replicas: top.spec.replicas };
  }

  get #isReady(): boolean {
    return [this.#budgets, this.#pods, ...this.#workloads].every(({ listed }) => listed);
  }

  #add({ metadata }: KubeObject): void {
    if (this.#isReady) this.#loop.add(objectKey(metadata));
  }

  /** Every budget of a namespace, or of all. */
  #addAll(namespace: string | undefined): void {
    for (const budget of this.#budgets.objects.values())
      if (namespace === undefined || budget.metadata.namespace === namespace) this.#add(budget);
  }

  #budgetChanged({ before, after }: MirrorChange<DisruptionBudget>): void {
    const key = objectKey((after ?? before)?.metadata ?? { name: "" });
    if (after === undefined) this.#podsOf.delete(key);
    else {
      if (!sameJson(after.spec, before?.spec)) {
        const own = [...this.#pods.objects].filter(([, pod]) => selects(after, pod));
        this.#podsOf.set(key, new Map(own));
      }
      this.#add(after);
    }
  }

  #podChanged({ before, after }: MirrorChange<Pod>): void {
    const pod = after ?? before;
    if (pod === undefined) return;
    const key = objectKey(pod.metadata);
    for (const [name, budget] of this.#budgets.objects) {
      const pods = this.#podsOf.get(name) ?? new Map<string, Pod>();
      const was = pods.delete(key);
      const is = after !== undefined && selects(budget, after);
      if (is) this.#podsOf.set(name, pods.set(key, after));
      if (was || is) this.#add(budget);
    }
  }

  #workloadChanged({ before, after }: MirrorChange<Workload>): void {
    if (before !== undefined && before.metadata.uid !== after?.metadata.uid)
      this.#sets.delete(before.metadata.uid);
    if (after !== undefined) this.#sets.set(after.metadata.uid, after);
    this.#addAll((after ?? before)?.metadata.namespace);
  }
}

/** Whether the budget is about the Pod. One without a selector is about none. */
const selects = ({ metadata, spec }: DisruptionBudget, pod: Pod): boolean =>
  pod.metadata.namespace === metadata.namespace &&
  spec.selector !== undefined &&
  selectsLabels(spec.selector, pod.metadata.labels);
