/**
 * The simulated kube-scheduler: assigns each Pod without a node to one that may run it and has the fewest, the first by name
 * among equals. Resources, affinity and spreading play no part.
 */
import { Clock, Effect } from "effect";
import { kubeTime, type KubeObject, objectKey } from "../../domain/kube/object.ts";
import { Nodes, Pods } from "../../domain/kube/resource.ts";
import { KubeTransport } from "../KubeTransport.ts";
import type { SecondsRange } from "./behaviour.ts";
import { controllerProgram } from "./controllerProgram.ts";
import { isAny, Mirror, type MirrorChange } from "./Mirror.ts";
import { isActive, isPod, type Pod } from "./pod.ts";
import { isGone, patchObject } from "./requests.ts";
import { obstacle, unschedulableMessage } from "./scheduling.ts";
import type { SyncLoop } from "./SyncLoop.ts";
import { together } from "./together.ts";

export interface SchedulerOptions {
  /** From a change to the scheduler's reaction. Default: 10 to 100 ms. */
  readonly reactionSeconds?: SecondsRange | undefined;
}

/** Runs until its process ends. */
export const scheduler = (
  options: SchedulerOptions = {},
): Effect.Effect<never, never, KubeTransport> =>
  controllerProgram({
    workers: 1,
    reactionSeconds: options.reactionSeconds,
    make: (loop) => new Scheduler(loop),
  });

class Scheduler {
  readonly #loop: SyncLoop<KubeTransport>;
  readonly #nodes: Mirror;
  readonly #pods: Mirror<Pod>;
  /** Pods that wait for a node, by key, and how many Pods each node has. */
  readonly #waiting = new Map<string, Pod>();
  readonly #counts = new Map<string, number>();

  constructor(loop: SyncLoop<KubeTransport>) {
    this.#loop = loop;
    this.#nodes = new Mirror({
      resource: Nodes,
      is: isAny,
      onChange: ({ before, after }) => {
        if (before === undefined || after === undefined || mayMatter(before, after)) this.#addAll();
      },
      onListed: () => this.#addAll(),
    });
    this.#pods = new Mirror({
      resource: Pods,
      is: isPod,
      onChange: (change) => this.#podChanged(change),
      onListed: () => this.#addAll(),
    });
  }

  get run(): Effect.Effect<never, never, KubeTransport> {
    return together([this.#nodes.run, this.#pods.run, this.#loop.run]);
  }

  readonly sync = Effect.fnUntraced({ self: this }, function* (this: Scheduler, key: string) {
    const pod = this.#waiting.get(key);
    if (pod === undefined) return undefined;
    const nodes = [...this.#nodes.objects.values()];
    const obstacles = nodes.map((node) => obstacle(pod, node));
    const fit = nodes.filter((_, index) => obstacles[index] === undefined);
    const node = this.#emptiest(fit);
    if (node === undefined) {
      const found = obstacles.filter((why) => why !== undefined);
      return yield* this.#tellUnschedulable(pod, unschedulableMessage(found));
    }
    yield* bind(pod, node).pipe(Effect.catchIf(isGone, () => Effect.void));
    return undefined;
  });

  #emptiest(nodes: ReadonlyArray<KubeObject>): string | undefined {
    const count = (name: string) => this.#counts.get(name) ?? 0;
    return nodes
      .map(({ metadata }) => metadata.name)
      .toSorted((a, b) => count(a) - count(b) || (a < b ? -1 : 1))[0];
  }

  /** Said once in the same words; who waits is looked at again when anything changes that may matter. */
  readonly #tellUnschedulable = Effect.fnUntraced(
    { self: this },
    function* (this: Scheduler, pod: Pod, message: string) {
      const before = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
      if (before?.message === message) return undefined;
      const others = pod.status?.conditions?.filter((one) => one !== before) ?? [];
      const lastTransitionTime =
        before?.lastTransitionTime ?? kubeTime(yield* Clock.currentTimeMillis);
      const condition = { type: "PodScheduled", status: "False", reason: "Unschedulable" };
      const conditions = [...others, { ...condition, message, lastTransitionTime }];
      yield* patchObject(Pods, pod, { status: { conditions } }, "status").pipe(
        Effect.tap((told) => Effect.sync(() => this.#pods.observe(told))),
        Effect.catchIf(isGone, () => Effect.void),
      );
      return undefined;
    },
  );

  #addAll(): void {
    if (!this.#nodes.listed || !this.#pods.listed) return;
    for (const key of this.#waiting.keys()) this.#loop.add(key);
  }

  #podChanged({ before, after }: MirrorChange<Pod>): void {
    this.#count(before, -1);
    this.#count(after, 1);
    const pod = after ?? before;
    if (pod === undefined) return;
    const key = objectKey(pod.metadata);
    if (after === undefined || !isActive(after) || after.spec.nodeName !== undefined) {
      this.#waiting.delete(key);
      return;
    }
    this.#waiting.set(key, after);
    if (before === undefined && this.#nodes.listed && this.#pods.listed) this.#loop.add(key);
  }

  #count(pod: Pod | undefined, by: number): void {
    const node = pod?.spec.nodeName;
    if (pod === undefined || node === undefined || !isActive(pod)) return;
    this.#counts.set(node, (this.#counts.get(node) ?? 0) + by);
  }
}

/** A node's heartbeat does not make room for anybody. */
const mayMatter = (before: KubeObject, after: KubeObject): boolean =>
  before["spec"] !== after["spec"] ||
  before.metadata.labels !== after.metadata.labels ||
  before["status"] !== after["status"];

const bind = ({ metadata }: Pod, node: string) =>
  Effect.flatMap(KubeTransport, (transport) =>
    transport.request({
      verb: "create",
      resource: Pods,
      namespace: metadata.namespace,
      name: metadata.name,
      subresource: "binding",
      body: {
        apiVersion: "v1",
        kind: "Binding",
        metadata: { name: metadata.name, uid: metadata.uid },
        target: { kind: "Node", name: node },
      },
    }),
  );
