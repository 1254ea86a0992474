/**
 * One simulated machine: its power, its boots, its three Kairos systems, its disk and what runs on it. It tells facts
 * only (`HostEvent`); the cluster learns of them from its kubelet and its containers, as in reality.
 */
import type { BootState, HostEvent, RebootCause } from "../../domain/history.ts";
import { versionOfImage } from "../../domain/version.ts";
import { millisIn, type NodeBehaviour, shutdownSecondsOf } from "./behaviour.ts";
import { ContainerRuntime, type Launched } from "./containerRuntime.ts";
import { type Machine, type MachineProcess, uuid } from "./machine.ts";
import type { Container, Pod } from "./pod.ts";
import { SentinelDirectory } from "./sentinels.ts";

/** The places of a Kairos node into which a system can be written. */
export type Partition = "active" | "passive" | "recovery";

/** A system on a partition; its version is the one that the image's tag names. */
export interface System {
  readonly image: string;
  readonly version: string | undefined;
}

/** One boot of the machine. */
export interface Boot {
  readonly bootID: string;
  readonly bootState: BootState;
  readonly system: System;
}

/** What a kubelet hears from its machine, as steps of the kubelet's process. */
export interface KubeletInbox {
  /** Containers of this Pod changed. */
  readonly podChanged: (podUID: string) => void;
  /** The operating system has begun to shut down. */
  readonly shuttingDown: () => void;
}

export interface HostOptions {
  readonly name: string;
  readonly machine: Machine;
  readonly behaviour: NodeBehaviour;
  /** What all three partitions hold at first. */
  readonly image: string;
  /** The boot that the machine is in at first, when its Node says so already. */
  readonly bootID?: string | undefined;
  /** Starts the kubelet's process; called at each boot. */
  readonly startKubelet: (host: SimulatedHost) => MachineProcess;
  /** Starts what a container does (containers.ts). */
  readonly launch: (host: SimulatedHost, pod: Pod, container: Container) => Launched;
  readonly tell: (event: HostEvent) => void;
}

/** A `HostEvent` without what the host itself adds. */
type Fact = HostEvent extends infer E
  ? E extends HostEvent
    ? Omit<E, "at" | "node" | "nodeUID">
    : never
  : never;

const systemOf = (image: string): System => ({ image, version: versionOfImage(image) });

export class SimulatedHost {
  readonly name: string;
  readonly machine: Machine;
  /** The hardware's identity, the same for every boot (`/etc/machine-id`). */
  readonly machineID: string;
  readonly runtime: ContainerRuntime;
  readonly sentinels = new SentinelDirectory();
  /** The images that are on the disk; pulls add to it. */
  readonly images = new Set<string>();
  behaviour: NodeBehaviour;
  /** The uid of the Node as which the kubelet registered it last; empty before. */
  nodeUID = "";
  #kubeletDiedAt = 0;
  /** How many Pods the kubelet has refused at admission. */
  refusedPods = 0;
  readonly #options: HostOptions;
  readonly #partitions: Record<Partition, System>;
  #power: "on" | "stopping" | "off" = "off";
  #bootedBefore = false;
  #boot: Boot;
  #downCause: RebootCause = "other";
  #kubelet: MachineProcess | undefined;
  #inbox: KubeletInbox | undefined;
  #cancelTimer: () => void = () => {};

  constructor(options: HostOptions) {
    this.#options = options;
    this.name = options.name;
    this.machine = options.machine;
    this.behaviour = options.behaviour;
    this.machineID = uuid(options.machine.chance).replaceAll("-", "");
    const system = systemOf(options.image);
    this.#partitions = { active: system, passive: system, recovery: system };
    this.#boot = {
      bootID: options.bootID ?? uuid(options.machine.chance),
      bootState: "active",
      system,
    };
    this.runtime = new ContainerRuntime({
      machine: options.machine,
      launch: (pod, container) => options.launch(this, pod, container),
      changed: (podUID) => this.#toKubelet((inbox) => inbox.podChanged(podUID)),
    });
  }

  /** The current boot; the last one while the machine is down. */
  get boot(): Boot {
    return this.#boot;
  }

  /** When the kubelet was alive last, in milliseconds: what its heartbeats would say. */
  get kubeletAliveAt(): number {
    return this.#kubelet !== undefined ? this.machine.now() : this.#kubeletDiedAt;
  }

  get power(): "on" | "stopping" | "off" {
    return this.#power;
  }

  get partitions(): Readonly<Record<Partition, System>> {
    return this.#partitions;
  }

  /** Turns on a machine that is off. Its first boot is the one it was made with. */
  powerOn(): void {
    if (this.#power !== "off") return;
    this.#cancelTimer();
    if (this.#bootedBefore) this.#nextBoot();
    this.#bootedBefore = true;
    this.#power = "on";
    const { bootID, bootState, system } = this.#boot;
    this.tell({ event: "booted", bootID, bootState, version: system.version ?? "" });
    this.#kubelet = this.#options.startKubelet(this);
  }

  /**
   * Writes an image to a partition. Writing the active one keeps the system it replaces as the passive one, unless the
   * passive one is running (Kairos, `kairos-agent upgrade`). What is running changes with the next boot only.
   */
  upgrade(partition: Partition, image: string): void {
    if (partition === "active" && this.#boot.bootState === "active")
      this.#partitions.passive = this.#partitions.active;
    this.#partitions[partition] = systemOf(image);
  }

  /** `reboot`, by the reboot agent in the Pod of that uid or by something else. Returns before anything happens. */
  reboot(
    by: { readonly cause: "agent"; readonly pod: string } | { readonly cause: "other" },
  ): void {
    if (this.#power === "off") return;
    if (by.cause === "agent") {
      this.tell({ event: "rebootIssued", pod: by.pod, bootID: this.#boot.bootID });
      if (this.behaviour.reboot === "silently-fails") return;
    }
    if (this.#power === "stopping") return;
    this.#power = "stopping";
    this.#downCause = by.cause;
    this.#toKubelet((inbox) => inbox.shuttingDown());
    // With graceful node shutdown the kubelet ends the Pods; else the operating system ends their processes.
    if (this.behaviour.gracefulNodeShutdown !== true) this.runtime.terminateAll();
    const millis = this.#draw(shutdownSecondsOf(this.behaviour));
    this.#cancelTimer = this.machine.after(millis, () => {
      this.sentinels.unmounted();
      this.#down();
    });
  }

  /** The power fails at once and returns later: no shutdown, no fsync, no last words of anybody. */
  powerLoss(): void {
    if (this.#power === "off") return;
    if (this.#power === "on") this.#downCause = "other";
    this.#cancelTimer();
    this.sentinels.lostPower();
    this.#down();
  }

  /** Kills the kubelet alone, as a crash does; containers run on. It is started again after `restartMillis`. */
  crashKubelet(restartMillis: number): void {
    if (this.#power === "off") return;
    const { bootID } = this.#boot;
    this.#stopKubelet();
    this.machine.after(restartMillis, () => {
      if (this.#power === "off" || this.#boot.bootID !== bootID) return;
      this.#kubelet ??= this.#options.startKubelet(this);
    });
  }

  /** For the kubelet: where to hear from its machine, from now on. */
  connect(inbox: KubeletInbox): void {
    this.#inbox = inbox;
    if (this.#power === "stopping") inbox.shuttingDown();
  }

  /** For what runs on the machine: a fact for the host log. */
  tell(fact: Fact): void {
    const where = { at: this.machine.now(), node: this.name, nodeUID: this.nodeUID };
    this.#options.tell({ ...where, ...fact });
  }

  #draw(range: readonly [number, number]): number {
    return millisIn(range, this.machine.chance());
  }

  #toKubelet(deliver: (inbox: KubeletInbox) => void): void {
    const inbox = this.#inbox;
    if (inbox !== undefined) this.#kubelet?.post(() => deliver(inbox));
  }

  #stopKubelet(): void {
    if (this.#kubelet !== undefined) this.#kubeletDiedAt = this.machine.now();
    this.#kubelet?.kill();
    this.#kubelet = undefined;
    this.#inbox = undefined;
  }

  #down(): void {
    this.#power = "off";
    this.#stopKubelet();
    this.runtime.hostWentDown(this.behaviour.losesExitCodes === true);
    this.tell({ event: "wentDown", cause: this.#downCause, bootID: this.#boot.bootID });
    if (this.behaviour.reboot === "never-returns") return;
    const millis = this.#draw(this.behaviour.rebootSeconds);
    this.#cancelTimer = this.machine.after(millis, () => this.powerOn());
  }

  #nextBoot(): void {
    const bootState = this.behaviour.reboot === "falls-back" ? "passive" : "active";
    const bootID = uuid(this.machine.chance);
    this.#boot = { bootID, bootState, system: this.#partitions[bootState] };
  }
}
