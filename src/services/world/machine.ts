/**
 * What a simulated host is made of: time, chance and operating-system processes. In a simulation these come from the
 * `World` (worldMachine.ts); any other source of them lets the same hosts and kubelets live elsewhere, e.g. in real time.
 */
import type { Effect, Exit } from "effect";
import type { KubeTransport } from "../KubeTransport.ts";

/** How a process ended: killed, or with its program's own exit. */
export type MachineProcessEnd =
  | { readonly _tag: "Killed" }
  | { readonly _tag: "Exited"; readonly exit: Exit.Exit<unknown, unknown> };

/** An operating-system process of a machine. */
export interface MachineProcess {
  /** Runs `task` as a step of the process; dropped when it is dead. */
  readonly post: (task: () => void) => void;
  /** SIGTERM: the program is interrupted and may clean up. */
  readonly interrupt: () => void;
  /** SIGKILL: no further step. */
  readonly kill: () => void;
  readonly onEnd: (observer: (end: MachineProcessEnd) => void) => void;
}

export interface Machine {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** A number in [0, 1). */
  readonly chance: () => number;
  /** Runs `task` `millis` from now, whatever happens to the machine's processes. Returns a function that cancels it. */
  readonly after: (millis: number, task: () => void) => () => void;
  /** Starts a process that runs one program. */
  readonly spawn: (
    name: string,
    program: (self: MachineProcess) => Effect.Effect<unknown>,
  ) => MachineProcess;
  /** The same for a program that talks to the API server, where it is known as `actor`. */
  readonly spawnClient: (
    name: string,
    actor: string,
    program: (self: MachineProcess) => Effect.Effect<unknown, never, KubeTransport>,
  ) => MachineProcess;
}

const hex = (word: number): string => word.toString(16).padStart(8, "0");

/** A version-4 UUID from `chance`, as Linux' /proc/sys/kernel/random/boot_id prints it. */
export const uuid = (chance: () => number): string => {
  const word = () => Math.floor(chance() * 0x1_0000_0000);
  const [low, mid, node] = [hex(word()), hex(word()), hex(word())];
  const clock = hex(((word() & 0x3fff_ffff) | 0x8000_0000) >>> 0);
  return `${low}-${mid.slice(0, 4)}-4${mid.slice(5)}-${clock.slice(0, 4)}-${clock.slice(4)}${node}`;
};
