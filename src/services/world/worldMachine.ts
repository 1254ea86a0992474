/** Hardware of a simulated world: machines whose time, chance and processes are the `World`'s. */
import { Cause, Effect, type Layer } from "effect";
import type { KubeTransport } from "../KubeTransport.ts";
import type { Process } from "../simulation/Process.ts";
import type { World } from "../simulation/World.ts";
import type { Machine } from "./machine.ts";

export interface WorldMachineOptions {
  readonly world: World;
  /** Names the process that owns the machine's timers; it lives as long as the world. */
  readonly name: string;
  /** How a process of the machine reaches the API server. */
  readonly transport: (process: Process, actor: string) => Layer.Layer<KubeTransport>;
}

/** A program that dies of a defect is a bug, also where a kubelet would just restart its container: it stops the run. */
export const worldMachine = ({ world, name, transport }: WorldMachineOptions): Machine => {
  const hardware = world.process(name);
  const chance = hardware.chance("hardware");
  const boot = (processName: string, program: (process: Process) => Effect.Effect<unknown>) => {
    const process = world.process(processName);
    const crash = (cause: Cause.Cause<never>) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.void
        : Effect.sync(() => world.crashed(process, cause));
    process.boot(Effect.tapCause(program(process), crash));
    return process;
  };
  return {
    now: () => world.now,
    chance: () => chance.next(),
    after: (millis, task) => hardware.after(millis, task),
    spawn: boot,
    spawnClient: (processName, actor, program) =>
      boot(processName, (process) => Effect.provide(program(process), transport(process, actor))),
  };
};
