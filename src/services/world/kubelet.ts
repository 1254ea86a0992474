/**
 * A simulated kubelet: the program of the process `kubelet/<node>`. It registers its Node, runs the Pods that are bound
 * to it on its host, and reports what becomes of them. Each event costs as much as the Pods of that one node.
 */
import { Deferred, Effect, Queue } from "effect";
import { Pods } from "../../domain/kube/resource.ts";
import type { KubeTransport } from "../KubeTransport.ts";
import type { SecondsRange } from "./behaviour.ts";
import type { SimulatedHost } from "./host.ts";
import { Mirror } from "./Mirror.ts";
import { nodeAgent } from "./nodeAgent.ts";
import type { NodeTemplate } from "./nodeStatus.ts";
import { isPod, type Pod } from "./pod.ts";
import { PodWorker } from "./podWorker.ts";

export interface KubeletOptions {
  readonly host: SimulatedHost;
  /** What the kubelet registers when its Node does not exist. */
  readonly node?: NodeTemplate | undefined;
  /** From a change on the node to its report to the API server. Default: 0 to 2 s. */
  readonly statusSeconds?: SecondsRange | undefined;
  /** From the start of the kubelet after a boot to the Node's being Ready. Default: 1 to 5 s. */
  readonly readySeconds?: SecondsRange | undefined;
}

const STATUS_SECONDS: SecondsRange = [0, 2];
const READY_SECONDS: SecondsRange = [1, 5];

/** Runs until its process ends. */
export const kubelet = (options: KubeletOptions): Effect.Effect<never, never, KubeTransport> =>
  Effect.gen(function* () {
    const { host } = options;
    const shutdown = yield* Deferred.make<void>();
    const pods = new PodManager(options, yield* Queue.unbounded<string>());
    host.connect({
      podChanged: pods.again,
      shuttingDown: () => {
        pods.shutDown();
        Deferred.doneUnsafe(shutdown, Effect.void);
      },
    });
    const node = nodeAgent({
      host,
      template: options.node ?? {},
      readySeconds: options.readySeconds ?? READY_SECONDS,
      shutdown,
    });
    yield* Effect.all([node, pods.watch, pods.work], { concurrency: "unbounded", discard: true });
    return yield* Effect.never;
  });

/** The Pods of one node, each with its worker. */
class PodManager {
  readonly #host: SimulatedHost;
  readonly #statusSeconds: SecondsRange;
  readonly #queue: Queue.Queue<string>;
  readonly #workers = new Map<string, PodWorker>();
  readonly #mirror: Mirror<Pod>;
  #shutdown: "none" | "abrupt" | "graceful" = "none";

  constructor(options: KubeletOptions, queue: Queue.Queue<string>) {
    this.#host = options.host;
    this.#statusSeconds = options.statusSeconds ?? STATUS_SECONDS;
    this.#queue = queue;
    this.#mirror = new Mirror({
      resource: Pods,
      fieldSelector: `spec.nodeName=${options.host.name}`,
      is: isPod,
      onChange: ({ before, after }) => this.#changed(before, after),
      onListed: () => this.#removeOrphans(),
    });
  }

  /** Keeps the list of Pods. */
  get watch() {
    return this.#mirror.run;
  }

  /** Works on the Pods in the order of their events. */
  get work() {
    return Effect.forever(Effect.flatMap(Queue.take(this.#queue), (uid) => this.#sync(uid)));
  }

  readonly again = (podUID: string): void => {
    Queue.offerUnsafe(this.#queue, podUID);
  };

  /** With graceful node shutdown all Pods are ended and reported; else the kubelet stops working on them. */
  shutDown(): void {
    this.#shutdown = this.#host.behaviour.gracefulNodeShutdown === true ? "graceful" : "abrupt";
    for (const uid of this.#workers.keys()) this.again(uid);
  }

  #sync(podUID: string) {
    const worker = this.#workers.get(podUID);
    return worker === undefined || this.#shutdown === "abrupt" ? Effect.void : worker.sync();
  }

  #changed(before: Pod | undefined, after: Pod | undefined): void {
    if (before !== undefined && before.metadata.uid !== after?.metadata.uid) {
      this.#workers.get(before.metadata.uid)?.remove();
      this.#workers.delete(before.metadata.uid);
    }
    if (after === undefined) return;
    const { uid } = after.metadata;
    const worker = this.#workers.get(uid);
    if (worker === undefined) this.#workers.set(uid, this.#worker(after));
    else worker.update(after);
    this.again(uid);
  }

  #worker(pod: Pod): PodWorker {
    const context = {
      host: this.#host,
      statusSeconds: this.#statusSeconds,
      again: this.again,
      shuttingDown: () => this.#shutdown === "graceful",
    };
    return new PodWorker(context, pod);
  }

  /** What the runtime still has of Pods that were removed while no kubelet ran is killed. */
  #removeOrphans(): void {
    for (const uid of this.#host.runtime.sandboxes.keys())
      if (!this.#workers.has(uid)) this.#host.runtime.remove(uid);
  }
}
