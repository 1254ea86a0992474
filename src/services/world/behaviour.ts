/** How one simulated machine behaves: plain data, the stuff that scenarios are made of. */
import { Effect, Random } from "effect";

/** A duration in seconds that is drawn anew each time, evenly from `min` to `max`. */
export type SecondsRange = readonly [min: number, max: number];

/** What is particular about a node. Every field may be changed while the simulation runs (`SimulatedHost.behaviour`). */
export interface NodeBehaviour {
  /** How long an image pull takes; an image that is there is not pulled again. */
  readonly pullSeconds: SecondsRange;
  /** No image that is not there already can be pulled. */
  readonly pullFails?: boolean | undefined;
  /** What every preflight container does, instead of comparing versions. */
  readonly preflight?: "skips" | "fails" | undefined;
  /** How long the operation's command runs, whether it succeeds or fails. */
  readonly scriptSeconds: SecondsRange;
  /** The operation's command exits 1 each time, or never ends. */
  readonly script?: "fails" | "hangs" | undefined;
  /** The directory of the sentinels is full or read-only: writing one fails. */
  readonly sentinel?: "fails" | undefined;
  /** From going down to the kernel of the next boot. */
  readonly rebootSeconds: SecondsRange;
  /** The machine stays down, boots its passive system, or ignores the reboot command. */
  readonly reboot?: "never-returns" | "falls-back" | "silently-fails" | undefined;
  /** From the reboot command to going down. Default 1 to 3 s, with graceful node shutdown 5 to 10 s. */
  readonly shutdownSeconds?: SecondsRange | undefined;
  /** Kubernetes' graceful node shutdown: the kubelet ends every Pod, phase Failed, before the machine goes down. */
  readonly gracefulNodeShutdown?: boolean | undefined;
  /** The container runtime forgets at each boot how containers ended: all of them count as killed (exit code 137). */
  readonly losesExitCodes?: boolean | undefined;
  /** The kubelet never calls its node Ready; Pods are run all the same, as on a node without a network plugin. */
  readonly neverReady?: boolean | undefined;
  /** What is attached to it is never detached. */
  readonly volumes?: "stay" | undefined;
  /** The kubelet refuses the first so many Pods at admission, e.g. with reason `OutOfcpu`. */
  readonly refusesPods?: { readonly reason: string; readonly first: number } | undefined;
}

/** How long an orderly shutdown takes. A kubelet that ends its Pods first delays it (systemd inhibitor lock). */
export const shutdownSecondsOf = (behaviour: NodeBehaviour): SecondsRange =>
  behaviour.shutdownSeconds ?? (behaviour.gracefulNodeShutdown === true ? [5, 10] : [1, 3]);

/** A point of the range in whole milliseconds, for a `chance` in [0, 1). */
export const millisIn = ([min, max]: SecondsRange, chance: number): number =>
  Math.round((min + chance * (max - min)) * 1000);

/** Draws from the range, in whole milliseconds, with the process's own Random. */
export const drawMillis = (range: SecondsRange): Effect.Effect<number> =>
  Effect.map(Random.next, (chance) => millisIn(range, chance));
