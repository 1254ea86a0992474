/**
 * The simulated taint eviction controller of kube-controller-manager (pkg/controller/tainteviction): deletes Pods from nodes with
 * NoExecute taints, at once or when the time for which they tolerate all of them is over. Budgets are not asked.
 */
import { Clock, Effect } from "effect";
import { kubeTime, type KubeObject, objectKey } from "../../domain/kube/object.ts";
import { Nodes, Pods } from "../../domain/kube/resource.ts";
import type { KubeTransport } from "../KubeTransport.ts";
import type { SecondsRange } from "./behaviour.ts";
import { controllerProgram } from "./controllerProgram.ts";
import { isAny, Mirror, type MirrorChange } from "./Mirror.ts";
import { disrupt } from "./disruption.ts";
import { isPod, type Pod } from "./pod.ts";
import { deleteObject, isGone } from "./requests.ts";
import { type Taint, taintsOf, tolerates } from "./scheduling.ts";
import type { SyncLoop } from "./SyncLoop.ts";
import { together } from "./together.ts";

export interface TaintEvictionOptions {
  /** From a change to the controller's reaction. Default: 10 to 100 ms. */
  readonly reactionSeconds?: SecondsRange | undefined;
}

const WORKERS = 5;

/** Runs until its process ends. */
export const taintEviction = (
  options: TaintEvictionOptions = {},
): Effect.Effect<never, never, KubeTransport> =>
  controllerProgram({
    workers: WORKERS,
    reactionSeconds: options.reactionSeconds,
    make: (loop) => new TaintEviction(loop),
  });

class TaintEviction {
  readonly #loop: SyncLoop<KubeTransport>;
  readonly #nodes: Mirror;
  readonly #pods: Mirror<Pod>;
  readonly #podsOf = new Map<string, Set<string>>();
  /** Since when a Pod has been on a node with taints, by its uid: a taint that changes does not start the time anew. */
  readonly #since = new Map<string, number>();

  constructor(loop: SyncLoop<KubeTransport>) {
    this.#loop = loop;
    this.#nodes = new Mirror({
      resource: Nodes,
      is: isAny,
      onChange: ({ before, after }) => {
        const tainted = [before, after].some(
          (node) => node !== undefined && noExecute(node).length > 0,
        );
        if (after !== undefined && tainted) this.#addPodsOf(after.metadata.name);
      },
    });
    this.#pods = new Mirror({
      resource: Pods,
      is: isPod,
      onChange: (change) => this.#podChanged(change),
    });
  }

  get run(): Effect.Effect<never, never, KubeTransport> {
    return together([this.#nodes.run, this.#pods.run, this.#loop.run]);
  }

  readonly sync = Effect.fnUntraced({ self: this }, function* (this: TaintEviction, key: string) {
    const pod = this.#pods.objects.get(key);
    const node = this.#nodes.objects.get(pod?.spec.nodeName ?? "");
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return undefined;
    const { uid } = pod.metadata;
    const taints = node === undefined ? [] : noExecute(node);
    const seconds = toleratedSeconds(pod, taints);
    if (seconds === Infinity) {
      this.#since.delete(uid);
      return undefined;
    }
    const now = yield* Clock.currentTimeMillis;
    const since = this.#since.get(uid) ?? now;
    this.#since.set(uid, since);
    const left = since + seconds * 1000 - now;
    if (left > 0) return left;
    yield* evict(pod, now);
    return undefined;
  });

  #addPodsOf(node: string): void {
    for (const key of this.#podsOf.get(node) ?? []) this.#loop.add(key);
  }

  #podChanged({ before, after }: MirrorChange<Pod>): void {
    if (before?.spec.nodeName !== undefined)
      this.#podsOf.get(before.spec.nodeName)?.delete(objectKey(before.metadata));
    if (before !== undefined && before.metadata.uid !== after?.metadata.uid)
      this.#since.delete(before.metadata.uid);
    const node = after?.spec.nodeName;
    if (after === undefined || node === undefined) return;
    const key = objectKey(after.metadata);
    this.#podsOf.set(node, (this.#podsOf.get(node) ?? new Set()).add(key));
    const known = this.#nodes.objects.get(node);
    if (known !== undefined && noExecute(known).length > 0) this.#loop.add(key);
  }
}

const noExecute = (node: KubeObject): ReadonlyArray<Taint> =>
  taintsOf(node).filter(({ effect }) => effect === "NoExecute");

/** How long the Pod may stay: no time with a taint that it does not tolerate, else the shortest of the tolerations it needs. */
const toleratedSeconds = (pod: Pod, taints: ReadonlyArray<Taint>): number => {
  const tolerations = pod.spec.tolerations ?? [];
  const each = taints.map((taint) => {
    const used = tolerations.find((one) => tolerates(one, taint));
    return used === undefined ? 0 : Math.max(0, used.tolerationSeconds ?? Infinity);
  });
  return Math.min(Infinity, ...each);
};

const evict = (pod: Pod, now: number) =>
  disrupt(pod, {
    reason: "DeletionByTaintManager",
    message: "Taint manager: deleting due to NoExecute taint",
    lastTransitionTime: kubeTime(now),
  }).pipe(
    Effect.andThen(deleteObject(Pods, pod)),
    Effect.catchIf(isGone, () => Effect.void),
  );
