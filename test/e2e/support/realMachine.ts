/**
 * Hardware in real time: what simulated hosts and kubelets need to live beside a real control plane. A process is a fiber
 * here, so that SIGKILL is an interruption after which nothing of it is heard any more.
 */
import { Cause, Effect, type Fiber, type Layer } from "effect";
import type { KubeTransport } from "../../../src/services/KubeTransport.ts";
import { Chance } from "../../../src/services/simulation/Chance.ts";
import type {
  Machine,
  MachineProcess,
  MachineProcessEnd,
} from "../../../src/services/world/machine.ts";

export interface RealMachineOptions {
  /** Everything that is drawn by chance follows from it. */
  readonly seed: string;
  /** How a process reaches the API server, by its actor. */
  readonly transport: (actor: string) => Layer.Layer<KubeTransport>;
  /** Told of programs that died of a defect: bugs of the models. */
  readonly crashed: (name: string, cause: Cause.Cause<unknown>) => void;
}

/** Milliseconds since the epoch, finer than `Date.now`: events of machines and requests are put in one order. */
export const nowMillis = (): number => performance.timeOrigin + performance.now();

class RealProcess implements MachineProcess {
  #fiber: Fiber.Fiber<unknown, unknown> | undefined;
  #end: MachineProcessEnd | undefined;
  #observers: Array<(end: MachineProcessEnd) => void> = [];

  constructor(
    program: (self: MachineProcess) => Effect.Effect<unknown>,
    crashed: (cause: Cause.Cause<unknown>) => void,
  ) {
    this.post(() => {
      const fiber = Effect.runFork(program(this));
      this.#fiber = fiber;
      fiber.addObserver((exit) => {
        if (this.#end !== undefined) return;
        if (exit._tag === "Failure" && !Cause.hasInterruptsOnly(exit.cause)) crashed(exit.cause);
        this.#finish({ _tag: "Exited", exit });
      });
    });
  }

  readonly post = (task: () => void): void => {
    setImmediate(() => {
      if (this.#end === undefined) task();
    });
  };

  readonly interrupt = (): void => this.post(() => this.#fiber?.interruptUnsafe());

  readonly kill = (): void => {
    if (this.#end !== undefined) return;
    this.#finish({ _tag: "Killed" });
    this.#fiber?.interruptUnsafe();
  };

  readonly onEnd = (observer: (end: MachineProcessEnd) => void): void => {
    const end = this.#end;
    if (end === undefined) this.#observers.push(observer);
    else setImmediate(() => observer(end));
  };

  #finish(end: MachineProcessEnd): void {
    this.#end = end;
    const observers = this.#observers;
    this.#observers = [];
    setImmediate(() => {
      for (const observer of observers) observer(end);
    });
  }
}

export const realMachine = ({ seed, transport, crashed }: RealMachineOptions): Machine => {
  const chance = new Chance(seed);
  const spawn: Machine["spawn"] = (name, program) =>
    new RealProcess(program, (cause) => crashed(name, cause));
  return {
    now: nowMillis,
    chance: () => chance.next(),
    after: (millis, task) => {
      const timer = setTimeout(task, millis);
      return () => clearTimeout(timer);
    },
    spawn,
    spawnClient: (name, actor, program) =>
      spawn(name, (self) => Effect.provide(program(self), transport(actor))),
  };
};
