/**
 * A host's container runtime: which containers of which Pods run, and how those that ended did. Its records are on the
 * host's disk, so they outlive the kubelet and a reboot; the containers themselves do not outlive a reboot.
 */
import { Cause, Exit } from "effect";
import { isRecord } from "./json.ts";
import type { Machine, MachineProcess, MachineProcessEnd } from "./machine.ts";
import type { Container, Pod } from "./pod.ts";

/** The kubelet reads no more of a termination message (Kubernetes, "Customizing the termination message"). */
const TERMINATION_MESSAGE_LENGTH_MAX = 4096;
/** The exit code of a process that SIGKILL ended, and the kubelet's guess when nobody knows. */
const EXIT_SIGKILL = 137;
const EXIT_SIGTERM = 143;

/** What a container's program ends with: its exit code and what it left in its termination message file. */
export interface ContainerExit {
  readonly exitCode: number;
  readonly message?: string | undefined;
}

/** How one run of a container ended; times in milliseconds. */
export interface Termination extends ContainerExit {
  readonly reason: string;
  readonly startedAt: number;
  readonly finishedAt: number;
}

/** A container of a Pod and its runs: the one that runs or ended last, and the one before. */
export interface ContainerRecord {
  readonly name: string;
  /** The `attempt` of the sandbox in which it ran. */
  readonly attempt: number;
  readonly startedAt: number;
  readonly restartCount: number;
  readonly process?: MachineProcess | undefined;
  readonly termination?: Termination | undefined;
  readonly lastTermination?: Termination | undefined;
}

/** A Pod as the runtime knows it. A sandbox of an earlier boot is dead; the kubelet makes another, or gives up. */
export interface Sandbox {
  readonly uid: string;
  readonly bootID: string;
  /** How many sandboxes the Pod had before this one. */
  readonly attempt: number;
  readonly containers: Map<string, ContainerRecord>;
}

/** A container on its way: its process, and what to tell when it has ended. */
export interface Launched {
  readonly process: MachineProcess;
  readonly ended?: ((exitCode: number) => void) | undefined;
}

export interface ContainerRuntimeOptions {
  readonly machine: Machine;
  /** Starts what the container does. */
  readonly launch: (pod: Pod, container: Container) => Launched;
  /** Told after each change of a Pod's containers that the kubelet did not make itself. */
  readonly changed: (podUID: string) => void;
}

export class ContainerRuntime {
  readonly #options: ContainerRuntimeOptions;
  readonly #sandboxes = new Map<string, Sandbox>();
  readonly #endings = new WeakMap<ContainerRecord, (exitCode: number) => void>();

  constructor(options: ContainerRuntimeOptions) {
    this.#options = options;
  }

  /** Every Pod with a sandbox, dead or alive. */
  get sandboxes(): ReadonlyMap<string, Sandbox> {
    return this.#sandboxes;
  }

  /** Makes a sandbox in boot `bootID`; what is known of the Pod's containers stays known. */
  createSandbox(podUID: string, bootID: string): Sandbox {
    const before = this.#sandboxes.get(podUID);
    const sandbox: Sandbox = {
      uid: podUID,
      bootID,
      attempt: before === undefined ? 0 : before.attempt + 1,
      containers: before?.containers ?? new Map(),
    };
    this.#sandboxes.set(podUID, sandbox);
    return sandbox;
  }

  /** Starts a container of a Pod that has a sandbox, for the first time or again. */
  start(pod: Pod, container: Container): void {
    const sandbox = this.#sandboxes.get(pod.metadata.uid);
    if (sandbox === undefined) throw new Error(`Pod ${pod.metadata.name} has no sandbox`);
    const before = sandbox.containers.get(container.name);
    const { process, ended } = this.#options.launch(pod, container);
    const record: ContainerRecord = {
      name: container.name,
      attempt: sandbox.attempt,
      startedAt: this.#options.machine.now(),
      restartCount: before === undefined ? 0 : before.restartCount + 1,
      process,
      lastTermination: before?.termination,
    };
    if (ended !== undefined) this.#endings.set(record, ended);
    sandbox.containers.set(container.name, record);
    process.onEnd((end) => {
      if (sandbox.containers.get(container.name) !== record) return;
      this.#end(sandbox, record, exitOf(end));
      this.#options.changed(sandbox.uid);
    });
  }

  /** SIGTERM to every running container of a Pod, SIGKILL after the grace period to those that still run. */
  stop(podUID: string, graceMillis: number): void {
    for (const { process } of this.#running(podUID)) {
      process.interrupt();
      if (graceMillis > 0) this.#options.machine.after(graceMillis, () => process.kill());
      else process.kill();
    }
  }

  /** SIGTERM to all containers: the operating system shuts down. */
  terminateAll(): void {
    for (const uid of this.#sandboxes.keys())
      for (const { process } of this.#running(uid)) process.interrupt();
  }

  /** Kills what still runs of a Pod and forgets it. */
  remove(podUID: string): void {
    const sandbox = this.#sandboxes.get(podUID);
    if (sandbox === undefined) return;
    this.#killAll(sandbox);
    this.#sandboxes.delete(podUID);
  }

  /** The machine is down: nothing runs any more. With `forget`, how containers ended is lost too. */
  hostWentDown(forget: boolean): void {
    for (const sandbox of this.#sandboxes.values()) {
      this.#killAll(sandbox);
      if (!forget) continue;
      for (const record of sandbox.containers.values()) {
        if (record.termination === undefined) continue;
        const { startedAt, finishedAt } = record.termination;
        const termination = { ...unknownTermination("Running"), startedAt, finishedAt };
        sandbox.containers.set(record.name, { ...record, termination });
      }
    }
  }

  #running(podUID: string) {
    const running: Array<{ record: ContainerRecord; process: MachineProcess }> = [];
    for (const record of this.#sandboxes.get(podUID)?.containers.values() ?? [])
      if (record.process !== undefined) running.push({ record, process: record.process });
    return running;
  }

  #killAll(sandbox: Sandbox): void {
    for (const { record, process } of this.#running(sandbox.uid)) {
      // Recorded first: the process's own end must find that its container is over.
      this.#end(sandbox, record, { exitCode: EXIT_SIGKILL });
      process.kill();
    }
  }

  #end(sandbox: Sandbox, record: ContainerRecord, exit: ContainerExit): void {
    const termination: Termination = {
      exitCode: exit.exitCode,
      message: exit.message?.slice(0, TERMINATION_MESSAGE_LENGTH_MAX),
      reason: exit.exitCode === 0 ? "Completed" : "Error",
      startedAt: record.startedAt,
      finishedAt: this.#options.machine.now(),
    };
    sandbox.containers.set(record.name, { ...record, process: undefined, termination });
    this.#endings.get(record)?.(exit.exitCode);
  }
}

const isContainerExit = (value: unknown): value is ContainerExit =>
  isRecord(value) && typeof value["exitCode"] === "number";

/** How a container's process ended. A program that fails or dies exits 1, as Node does. */
const exitOf = (end: MachineProcessEnd): ContainerExit => {
  if (end._tag === "Killed") return { exitCode: EXIT_SIGKILL };
  if (Exit.isSuccess(end.exit))
    return isContainerExit(end.exit.value) ? end.exit.value : { exitCode: 0 };
  if (Cause.hasInterruptsOnly(end.exit.cause)) return { exitCode: EXIT_SIGTERM };
  return { exitCode: 1, message: Cause.pretty(end.exit.cause) };
};

/** What the kubelet says of a container whose end nobody saw (kubelet_pods.go, convertToAPIContainerStatuses). */
export const unknownTermination = (usedToBe: string) => ({
  exitCode: EXIT_SIGKILL,
  reason: "ContainerStatusUnknown",
  message: `The container could not be located when the pod was terminated. The container used to be ${usedToBe}`,
});
