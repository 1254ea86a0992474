/** A control-plane component of the simulated cluster that can be switched off and on, and is restarted when it is killed. */
import { Effect, type Layer } from "effect";
import type { KubeTransport } from "../KubeTransport.ts";
import type { Process } from "../simulation/Process.ts";
import type { World } from "../simulation/World.ts";

export interface ControllerOptions {
  readonly world: World;
  /** The name of its process, and who it is to the API server. */
  readonly name: string;
  readonly program: Effect.Effect<never, never, KubeTransport>;
  /** `killed` is to be called when a fault on the way has killed the process. */
  readonly transport: (
    process: Process,
    actor: string,
    killed: () => void,
  ) => Layer.Layer<KubeTransport>;
  /** From such a fault to the next start. */
  readonly restartMillis: number;
}

export class Controller {
  readonly #options: ControllerOptions;
  /** Outlives the controller and starts it again, as the kubelet does for a static Pod. */
  readonly #supervisor: Process;
  #process: Process | undefined;

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#supervisor = options.world.process(`${options.name}/supervisor`);
  }

  get running(): boolean {
    return this.#process?.alive === true;
  }

  /** Starts it with empty caches; does nothing when it runs. */
  start(): void {
    if (this.running) return;
    const { world, name, program, transport, restartMillis } = this.#options;
    const process = world.process(name);
    const restart = () => void this.#supervisor.after(restartMillis, () => this.start());
    process.boot(Effect.provide(program, transport(process, name, restart)));
    this.#process = process;
  }

  /** Kills it; it stays off until `start`. */
  stop(): void {
    this.#process?.kill();
  }
}
