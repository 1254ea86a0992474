/** How a simulated controller becomes a program: its work loop, and the delays that the controllers of Kubernetes have in common. */
import { Effect } from "effect";
import type { KubeError } from "../KubeError.ts";
import type { KubeTransport } from "../KubeTransport.ts";
import type { SecondsRange } from "./behaviour.ts";
import { SyncLoop } from "./SyncLoop.ts";

/** From a change to the reaction of a controller that nothing else is said of. */
export const REACTION_SECONDS: SecondsRange = [0.01, 0.1];

/** After a conflict, or a name that is taken still, the caches are behind; by then they have caught up. */
export const CONFLICT_MILLIS = 100;

/** What a controller has: how it syncs a key (`SyncLoopOptions.sync`), and its caches and loop side by side. */
interface Synced {
  readonly sync: (key: string) => Effect.Effect<number | undefined, KubeError, KubeTransport>;
  readonly run: Effect.Effect<never, never, KubeTransport>;
}

export interface ControllerProgramOptions {
  readonly workers: number;
  /** From a change to the controller's reaction. Default: 10 to 100 ms. */
  readonly reactionSeconds?: SecondsRange | undefined;
  /** Makes the controller, which adds keys to this loop. */
  readonly make: (loop: SyncLoop<KubeTransport>) => Synced;
}

/** Runs until its process ends. */
export const controllerProgram = ({
  workers,
  reactionSeconds = REACTION_SECONDS,
  make,
}: ControllerProgramOptions): Effect.Effect<never, never, KubeTransport> =>
  Effect.gen(function* () {
    const controller: Synced = make(
      yield* SyncLoop.make({ workers, reactionSeconds, sync: (key) => controller.sync(key) }),
    );
    return yield* controller.run;
  });
