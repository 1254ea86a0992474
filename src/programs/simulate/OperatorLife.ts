/**
 * The operator of a simulation as a process: it is started, dies at its calls or with its node, is away, and is started
 * again. The laws are told when nobody can be expected to react.
 */
import { Layer, Effect } from "effect";
import type { HostEvent } from "../../domain/history.ts";
import { kubeApiLayer } from "../../services/kubeApiLayer.ts";
import type { Interceptor } from "../../services/simulation/interception.ts";
import type { Process } from "../../services/simulation/Process.ts";
import type { World } from "../../services/simulation/World.ts";
import type { SimulatedCluster } from "../../services/world/SimulatedCluster.ts";
import { operator } from "../operator/operator.ts";

/** How long a killed operator takes to be started again. */
const RESTART_MILLIS = 5000;

/** Why no operator is at work: it is to be started again, it is away, or nobody answers it. */
export type Hindrance = "killed" | "operator" | "api-server";

export interface OperatorLifeOptions {
  readonly world: World;
  readonly cluster: SimulatedCluster;
  /** What becomes of its calls, over all its starts. */
  readonly interceptor: Interceptor;
  /** Where it runs at first, if that is one of the nodes. */
  readonly node: string | undefined;
  /** Runs a task on behalf of nobody in the cluster. */
  readonly later: (millis: number, task: () => void) => void;
  readonly tell: (step: string, text: string) => void;
  /** To be told whether an operator is at work. */
  readonly atWork: (isAtWork: boolean) => void;
}

/** The operator's starts and ends, one process after the other. */
export class OperatorLife {
  readonly #options: OperatorLifeOptions;
  readonly #hindrances = new Set<Hindrance>();
  #process: Process | undefined;
  /** Where it runs at present, if that is one of the nodes. */
  #node: string | undefined;

  constructor(options: OperatorLifeOptions) {
    this.#options = options;
    this.#node = options.node;
  }

  start(): void {
    const { world, cluster, interceptor, later } = this.#options;
    const process = world.process("operator");
    this.#process = process;
    const transport = cluster.transport(process, "operator", interceptor, () => {
      this.hinder("killed");
      later(RESTART_MILLIS, () => this.#restart("killed"));
    });
    const settings = { ownNode: this.#node };
    process.boot(
      operator({ settings }).pipe(
        Effect.provide(Layer.provide(kubeApiLayer, transport)),
        Effect.asVoid,
      ),
    );
  }

  /** It is killed, and started again after so many milliseconds. */
  away(millis: number): void {
    this.hinder("operator");
    this.#process?.kill();
    this.#options.later(millis, () => this.#restart("operator"));
  }

  /** With its node the operator goes down. The next one starts elsewhere; where there is no other node, when that is back. */
  host(event: HostEvent): void {
    const { cluster, later, tell } = this.#options;
    if (event.node !== this.#node) return;
    const isAlone = cluster.hosts.size === 1;
    if (event.event === "wentDown")
      later(0, () => {
        this.#process?.kill();
        tell("killed", `the operator dies with its node ${event.node}`);
        this.hinder("killed");
        if (isAlone) return;
        this.#node = undefined;
        later(RESTART_MILLIS, () => this.#restart("killed"));
      });
    else if (event.event === "booted" && isAlone)
      later(RESTART_MILLIS, () => this.#restart("killed"));
  }

  /** Something keeps any operator from working. */
  hinder(by: Hindrance): void {
    this.#hindrances.add(by);
    this.#options.atWork(false);
  }

  /** That is over. */
  unhinder(by: Hindrance): void {
    this.#hindrances.delete(by);
    if (this.#hindrances.size === 0) this.#options.atWork(true);
  }

  /** It is over what kept it from running; unless something else does, or it runs, it is started. */
  #restart(over: "killed" | "operator"): void {
    this.unhinder(over);
    if (this.#process?.alive === true) return;
    if (this.#hindrances.has("operator") || this.#hindrances.has("killed")) return;
    this.#options.tell("restarted", "the operator is started again");
    this.start();
  }
}
