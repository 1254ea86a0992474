/** A kubelet's work on one Pod: carries out its plan on the host and keeps the API's view of it up to date. */
import { Effect } from "effect";
import { kubeTime } from "../../domain/kube/object.ts";
import { Pods } from "../../domain/kube/resource.ts";
import type { KubeTransport } from "../KubeTransport.ts";
import { drawMillis, type SecondsRange } from "./behaviour.ts";
import type { SimulatedHost } from "./host.ts";
import { sameJson } from "./json.ts";
import { type Container, isTerminalPhase, type Pod, type PodStatus } from "./pod.ts";
import {
  type CrashBackOff,
  isOf,
  nextCrashBackOff,
  nextPullMillis,
  type PodPlan,
  type PodSituation,
  planPod,
  type Pull,
} from "./podPlan.ts";
import { podStatus, refusedStatus } from "./podStatus.ts";
import { deleteObject, isGone, patchObject, whileTransient } from "./requests.ts";

/** What all Pods of a kubelet share. */
export interface PodWorkerContext {
  readonly host: SimulatedHost;
  /** From a change on the node to its report. */
  readonly statusSeconds: SecondsRange;
  /** Asks for another `sync` of the Pod. */
  readonly again: (podUID: string) => void;
  /** Whether the kubelet is ending all Pods because of graceful node shutdown. */
  readonly shuttingDown: () => boolean;
}

const DEFAULT_GRACE_SECONDS = 30;

export class PodWorker {
  readonly #context: PodWorkerContext;
  readonly #pulls = new Map<string, Pull>();
  readonly #crashes = new Map<string, CrashBackOff>();
  #pod: Pod;
  #startTime: string;
  #refusedFor: string | undefined;
  /** The shortest grace period with which its containers were told to stop. */
  #graceSeconds = Infinity;
  #gone = false;
  #wakeAt = Infinity;
  /** What the API should say, and what this kubelet has made it say. */
  #status: PodStatus;
  #reported: PodStatus | undefined;
  /** Nothing of a Pod that is being deleted is left on the node. */
  #deletable = false;
  #deleted = false;
  #reporting = false;

  constructor(context: PodWorkerContext, pod: Pod) {
    this.#context = context;
    this.#pod = pod;
    this.#status = pod.status ?? { phase: "Pending" };
    this.#startTime = pod.status?.startTime ?? kubeTime(context.host.machine.now());
    this.#admit();
  }

  /** The API server has a newer version of the Pod. */
  update(pod: Pod): void {
    this.#pod = pod;
  }

  /** The Pod is no more: whatever it still runs is killed. */
  remove(): void {
    this.#gone = true;
    this.#context.host.runtime.remove(this.#pod.metadata.uid);
  }

  /** Does what is due now; what takes time is forked, in the fiber that calls, and asks for another sync. */
  readonly sync = Effect.fnUntraced({ self: this }, function* (this: PodWorker) {
    if (this.#gone) return;
    const plan = this.#refusedFor === undefined ? this.#act() : refusedPlan;
    for (const image of plan.pull) yield* Effect.forkChild(this.#pull(image));
    yield* this.#wake(plan.wakeAt);
    this.#settle(plan);
    if (!this.#reporting && this.#hasNews()) {
      this.#reporting = true;
      yield* Effect.forkChild(this.#report());
    }
  });

  /** Admission: the kubelet may refuse the Pod before anything of it exists, and does so while the machine shuts down. */
  #admit(): void {
    const { host, shuttingDown } = this.#context;
    const refuses = host.behaviour.refusesPods;
    const isNew =
      this.#pod.status?.startTime === undefined &&
      !host.runtime.sandboxes.has(this.#pod.metadata.uid);
    if (!isNew) return;
    if (shuttingDown()) {
      this.#refusedFor = NODE_SHUTDOWN;
      return;
    }
    if (refuses === undefined || host.refusedPods >= refuses.first) return;
    host.refusedPods++;
    this.#refusedFor = refuses.reason;
  }

  /** Plans and acts until only time or the host can bring anything new. */
  #act(): PodPlan {
    const { runtime } = this.#context.host;
    const { uid } = this.#pod.metadata;
    for (;;) {
      const situation = this.#situation();
      const plan = planPod(situation);
      if (plan.createSandbox) runtime.createSandbox(uid, situation.bootID);
      for (const container of plan.start) {
        this.#backOff(situation, container);
        runtime.start(this.#pod, container);
      }
      if (plan.stop) this.#stop();
      if (!plan.createSandbox && plan.start.length === 0) return plan;
    }
  }

  /** A container that ended in this sandbox and starts again does so under a longer crash back-off. */
  #backOff({ sandbox, now }: PodSituation, { name }: Container): void {
    const record = sandbox?.containers.get(name);
    if (sandbox === undefined || record?.termination === undefined || !isOf(sandbox, record))
      return;
    const { finishedAt } = record.termination;
    this.#crashes.set(name, nextCrashBackOff(this.#crashes.get(name), finishedAt, now));
  }

  #situation(): PodSituation {
    const { host, shuttingDown } = this.#context;
    return {
      pod: this.#pod,
      sandbox: host.runtime.sandboxes.get(this.#pod.metadata.uid),
      bootID: host.boot.bootID,
      hasImage: (image) => host.images.has(image),
      pulls: this.#pulls,
      crashes: this.#crashes,
      startTime: this.#startTime,
      shuttingDown: shuttingDown(),
      now: host.machine.now(),
    };
  }

  #stop(): void {
    const { metadata, spec } = this.#pod;
    const seconds =
      metadata.deletionGracePeriodSeconds ??
      spec.terminationGracePeriodSeconds ??
      DEFAULT_GRACE_SECONDS;
    if (seconds >= this.#graceSeconds) return;
    this.#graceSeconds = seconds;
    this.#context.host.runtime.stop(metadata.uid, seconds * 1000);
  }

  /** Decides what the API should say now. What was decided of a Pod that has ended never changes. */
  #settle(plan: PodPlan): void {
    this.#deletable = plan.over && this.#pod.metadata.deletionTimestamp !== undefined;
    if (isTerminalPhase(this.#pod.status?.phase) || isTerminalPhase(this.#status.phase)) return;
    const status =
      this.#refusedFor === undefined
        ? podStatus(this.#situation(), plan, this.#status)
        : refusedStatus(this.#refusedFor, this.#startTime);
    if (!sameJson(status, this.#status)) this.#status = status;
  }

  /** What the API says of a Pod that has ended is the last word, whoever said it. */
  #mustReport(): boolean {
    return this.#status !== this.#reported && !isTerminalPhase(this.#pod.status?.phase);
  }

  #hasNews(): boolean {
    return this.#mustReport() || (this.#deletable && !this.#deleted);
  }

  /** Reports, late as kubelets do, until there is no news; a Pod that is being deleted is removed last. */
  #report = Effect.fnUntraced({ self: this }, function* (this: PodWorker) {
    while (!this.#gone && this.#hasNews()) {
      if (!this.#context.shuttingDown())
        yield* Effect.sleep(yield* drawMillis(this.#context.statusSeconds));
      if (this.#mustReport()) yield* this.#patchStatus();
      else if (this.#deletable) yield* this.#delete();
    }
    this.#reporting = false;
  });

  #patchStatus(): Effect.Effect<void, never, KubeTransport> {
    const status = this.#status;
    return patchObject(Pods, this.#pod, { status }, "status").pipe(
      whileTransient,
      Effect.asVoid,
      // Gone: the watch says so too, and then `remove` cleans up.
      Effect.catchIf(isGone, () => Effect.void),
      Effect.orDie,
      Effect.andThen(Effect.sync(() => void (this.#reported = status))),
    );
  }

  #delete(): Effect.Effect<void, never, KubeTransport> {
    return deleteObject(Pods, this.#pod, { gracePeriodSeconds: 0 }).pipe(
      whileTransient,
      Effect.catchIf(isGone, () => Effect.void),
      Effect.orDie,
      Effect.andThen(Effect.sync(() => void (this.#deleted = true))),
    );
  }

  #pull = Effect.fnUntraced({ self: this }, function* (this: PodWorker, image: string) {
    const { host } = this.#context;
    const before = this.#pulls.get(image)?.failures ?? 0;
    this.#pulls.set(image, { _tag: "Pulling", failures: before });
    yield* Effect.sleep(yield* drawMillis(host.behaviour.pullSeconds));
    if (host.behaviour.pullFails === true) {
      const failures = before + 1;
      const retryAt = host.machine.now() + nextPullMillis(failures);
      this.#pulls.set(image, { _tag: "Failed", failures, retryAt });
    } else {
      host.images.add(image);
      this.#pulls.delete(image);
    }
    this.#context.again(this.#pod.metadata.uid);
  });

  /** Asks for another sync at `at`, unless an earlier one is already set. */
  #wake(at: number): Effect.Effect<void> {
    if (at >= this.#wakeAt) return Effect.void;
    this.#wakeAt = at;
    const { host, again } = this.#context;
    const wake = Effect.sync(() => {
      this.#wakeAt = Infinity;
      again(this.#pod.metadata.uid);
    });
    return Effect.asVoid(Effect.forkChild(Effect.delay(wake, at - host.machine.now())));
  }
}

/** The reason of Pods that come while the machine shuts down (pkg/kubelet/nodeshutdown). */
const NODE_SHUTDOWN = "NodeShutdown";

/** A refused Pod is over; it has nothing on the node. */
const refusedPlan: PodPlan = {
  createSandbox: false,
  start: [],
  pull: [],
  stop: false,
  over: true,
  waiting: new Map(),
  wakeAt: Infinity,
};
