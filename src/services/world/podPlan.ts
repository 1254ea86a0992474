/**
 * What a kubelet does about one Pod next: a pure function of the Pod, of what its container runtime knows and of the
 * kubelet's own memory of pulls and crashes. Level-based, so that a restarted kubelet and a rebooted machine go on where
 * the runtime's records say. The rules are those of Kubernetes' pkg/kubelet/kuberuntime computePodActions and "Pod Lifecycle".
 */
import { millisOf } from "../../domain/kube/object.ts";
import type { ContainerRecord, Sandbox } from "./containerRuntime.ts";
import { type Container, isTerminalPhase, type Pod } from "./pod.ts";

/** A pull of an image for one Pod: under way, or failed and due again. */
export type Pull =
  | { readonly _tag: "Pulling"; readonly failures: number }
  | { readonly _tag: "Failed"; readonly failures: number; readonly retryAt: number };

/** The crash back-off of one container: how long to wait after its end, and when it was last started under it. */
export interface CrashBackOff {
  readonly delayMillis: number;
  readonly startedAt: number;
}

const BACK_OFF_MILLIS = 10_000;
const BACK_OFF_MILLIS_MAX = 300_000;
/** A container that ran so long starts again with the smallest delay. */
const BACK_OFF_RESET_MILLIS = 600_000;

/** What the kubelet knows about a Pod besides the Pod. */
export interface PodSituation {
  readonly pod: Pod;
  readonly sandbox: Sandbox | undefined;
  readonly bootID: string;
  readonly hasImage: (image: string) => boolean;
  readonly pulls: ReadonlyMap<string, Pull>;
  readonly crashes: ReadonlyMap<string, CrashBackOff>;
  /** When the kubelet acknowledged the Pod. */
  readonly startTime: string;
  /** The kubelet ends all Pods because the machine shuts down (graceful node shutdown). */
  readonly shuttingDown: boolean;
  readonly now: number;
}

/** Why a container that should run does not yet. */
export interface Waiting {
  readonly reason:
    | "ContainerCreating"
    | "PodInitializing"
    | "CrashLoopBackOff"
    | "ErrImagePull"
    | "ImagePullBackOff";
  readonly message?: string;
}

export interface PodPlan {
  readonly createSandbox: boolean;
  /** Containers to start now; their images are there. */
  readonly start: ReadonlyArray<Container>;
  /** Images to pull. */
  readonly pull: ReadonlyArray<string>;
  /** Every container is to stop: the Pod is over, or shall be. */
  readonly stop: boolean;
  /** Nothing runs and nothing will. */
  readonly over: boolean;
  /** Why the kubelet ends the Pod, when that is not its containers' own doing. */
  readonly reason?: keyof typeof ENDED_BY_KUBELET;
  readonly waiting: ReadonlyMap<string, Waiting>;
  /** When time alone changes the plan. */
  readonly wakeAt: number;
}

/** Reasons for which a kubelet ends a Pod itself, with its words for them. */
export const ENDED_BY_KUBELET = {
  DeadlineExceeded: "Pod was active on the node longer than the specified deadline",
  Terminated: "Pod was terminated in response to imminent node shutdown.",
} as const;

const idle: PodPlan = {
  createSandbox: false,
  start: [],
  pull: [],
  stop: false,
  over: false,
  waiting: new Map(),
  wakeAt: Infinity,
};

/** The next step with a Pod that the kubelet has admitted. */
export const planPod = (situation: PodSituation): PodPlan => {
  const { pod, sandbox, now } = situation;
  const live = sandbox?.bootID === situation.bootID;
  const running = runs(sandbox);
  if (pod.metadata.deletionTimestamp !== undefined || isTerminalPhase(pod.status?.phase))
    return { ...idle, stop: running, over: !running };
  if (situation.shuttingDown)
    return { ...idle, stop: running, over: !running, reason: "Terminated" };
  const deadline = deadlineOf(situation);
  if (deadline <= now)
    return { ...idle, stop: running, over: !running, reason: "DeadlineExceeded" };
  const next = live ? continueSandbox(situation, sandbox) : newSandbox(situation);
  return { ...next, wakeAt: Math.min(next.wakeAt, deadline) };
};

const runs = (sandbox: Sandbox | undefined): boolean => {
  for (const record of sandbox?.containers.values() ?? [])
    if (record.process !== undefined) return true;
  return false;
};

/** `activeDeadlineSeconds` counts from the moment when the kubelet acknowledged the Pod. */
const deadlineOf = ({ pod, startTime }: PodSituation): number => {
  const seconds = pod.spec.activeDeadlineSeconds;
  return seconds === undefined ? Infinity : millisOf(startTime) + seconds * 1000;
};

const hasSucceeded = (record: ContainerRecord | undefined): boolean =>
  record?.termination?.exitCode === 0;

/**
 * The Pod has no sandbox of this boot. A Pod that never restarts and has had containers is over. Else it gets one, in which
 * the init containers run again and every container that has not succeeded starts (with `Always` those too).
 */
const newSandbox = (situation: PodSituation): PodPlan => {
  const { pod, sandbox } = situation;
  const { restartPolicy = "Always", containers } = pod.spec;
  const known = sandbox?.containers;
  if (restartPolicy === "Never" && known !== undefined && known.size > 0)
    return { ...idle, over: true };
  if (
    restartPolicy === "OnFailure" &&
    containers.every(({ name }) => hasSucceeded(known?.get(name)))
  )
    return { ...idle, over: true };
  return { ...idle, createSandbox: true };
};

/** Whether a run of a container belongs to this sandbox; those of an earlier boot do not count as done in this one. */
export const isOf = (sandbox: Sandbox, record: ContainerRecord): boolean =>
  record.attempt === sandbox.attempt;

const continueSandbox = (situation: PodSituation, sandbox: Sandbox): PodPlan => {
  const { restartPolicy = "Always", initContainers = [], containers } = situation.pod.spec;
  const steps = new Steps(situation, sandbox);
  for (const container of initContainers) {
    const record = steps.runOf(container);
    if (hasSucceeded(record)) continue;
    if (record?.termination !== undefined && restartPolicy === "Never")
      return { ...idle, over: true };
    steps.bring(container);
    for (const later of containers) steps.wait(later, "PodInitializing");
    return steps.plan();
  }
  let over = true;
  for (const container of containers) {
    const ended = steps.runOf(container)?.termination !== undefined;
    const done =
      (restartPolicy === "Never" && ended) ||
      (restartPolicy === "OnFailure" && hasSucceeded(sandbox.containers.get(container.name)));
    if (done) continue;
    over = false;
    steps.bring(container);
  }
  return over ? { ...idle, over: true } : steps.plan();
};

/** Collects what must happen for containers that should run. */
class Steps {
  readonly #situation: PodSituation;
  readonly #sandbox: Sandbox;
  readonly #start: Array<Container> = [];
  readonly #pull: Array<string> = [];
  readonly #waiting = new Map<string, Waiting>();
  #wakeAt = Infinity;

  constructor(situation: PodSituation, sandbox: Sandbox) {
    this.#situation = situation;
    this.#sandbox = sandbox;
  }

  /** The run of the container in this sandbox. */
  runOf({ name }: Container): ContainerRecord | undefined {
    const record = this.#sandbox.containers.get(name);
    return record !== undefined && isOf(this.#sandbox, record) ? record : undefined;
  }

  wait({ name }: Container, reason: Waiting["reason"], message?: string): void {
    this.#waiting.set(name, { reason, ...(message === undefined ? {} : { message }) });
  }

  /** The container should run: start it, once its image is there and its crash back-off is over. */
  bring(container: Container): void {
    const run = this.runOf(container);
    if (run?.process !== undefined) return;
    const now = this.#situation.now;
    const restartAt = run === undefined ? now : this.#restartAt(run);
    if (restartAt > now) {
      const seconds = Math.round((restartAt - (run?.termination?.finishedAt ?? now)) / 1000);
      this.wait(container, "CrashLoopBackOff", `back-off ${seconds}s restarting failed container`);
      this.#wakeAt = Math.min(this.#wakeAt, restartAt);
    } else if (this.#situation.hasImage(container.image)) this.#start.push(container);
    else this.#fetch(container);
  }

  plan(): PodPlan {
    return {
      ...idle,
      start: this.#start,
      pull: this.#pull,
      waiting: this.#waiting,
      wakeAt: this.#wakeAt,
    };
  }

  #restartAt(run: ContainerRecord): number {
    const crash = this.#situation.crashes.get(run.name);
    const finishedAt = run.termination?.finishedAt ?? 0;
    return crash === undefined || ranLong(crash, finishedAt)
      ? finishedAt
      : finishedAt + crash.delayMillis;
  }

  #fetch(container: Container): void {
    const pull = this.#situation.pulls.get(container.image);
    const failures = pull?.failures ?? 0;
    if (failures === 0) this.wait(container, "ContainerCreating");
    else if (failures === 1) this.wait(container, "ErrImagePull", "the image could not be pulled");
    else this.wait(container, "ImagePullBackOff", `Back-off pulling image "${container.image}"`);
    if (pull?._tag === "Pulling") return;
    if (pull === undefined || pull.retryAt <= this.#situation.now) this.#pull.push(container.image);
    else this.#wakeAt = Math.min(this.#wakeAt, pull.retryAt);
  }
}

const ranLong = (crash: CrashBackOff, finishedAt: number): boolean =>
  finishedAt - crash.startedAt > BACK_OFF_RESET_MILLIS;

/**
 * The back-off of a container that is started again at `now` after it ended: none before its first restart, then 10 s
 * doubling to 5 min, anew after 10 minutes of running (kubelet, "Container restarts").
 */
export const nextCrashBackOff = (
  before: CrashBackOff | undefined,
  finishedAt: number,
  now: number,
): CrashBackOff => ({
  delayMillis:
    before === undefined || ranLong(before, finishedAt)
      ? BACK_OFF_MILLIS
      : Math.min(before.delayMillis * 2, BACK_OFF_MILLIS_MAX),
  startedAt: now,
});

/** When a pull that has failed so often is tried again: 10 s doubling to 5 min. */
export const nextPullMillis = (failures: number): number =>
  Math.min(BACK_OFF_MILLIS * 2 ** (failures - 1), BACK_OFF_MILLIS_MAX);
