/**
 * Machines beside a real control plane: the hosts and kubelets of the simulation, in real time and over the live layer. What
 * would take minutes takes tenths of seconds. Reboot agents are the real program, each with its own Pod's credentials.
 */
import { Cause, Effect, Layer, type Scope } from "effect";
import type { HostEvent } from "../../../src/domain/history.ts";
import { rebootAgent } from "../../../src/programs/rebootAgent.ts";
import { kubeApiLayer } from "../../../src/services/kubeApiLayer.ts";
import type { KubeTransport } from "../../../src/services/KubeTransport.ts";
import { liveTransportLayer } from "../../../src/services/live/liveTransport.ts";
import type { NodeBehaviour } from "../../../src/services/world/behaviour.ts";
import { launchContainer, type LaunchAgent } from "../../../src/services/world/containers.ts";
import { SimulatedHost } from "../../../src/services/world/host.ts";
import { kubelet } from "../../../src/services/world/kubelet.ts";
import type { MachineProcess } from "../../../src/services/world/machine.ts";
import { type SimulatedNode, templateOf } from "../../../src/services/world/registration.ts";
import { simulatedHostLayer } from "../../../src/services/world/simulatedHostLayer.ts";
import { heartbeats } from "./heartbeats.ts";
import { adminAs, type Api, podKubeconfig } from "./api.ts";
import { realMachine } from "./realMachine.ts";

/** What the nodes run at first: the patch release before that of the examples. */
const RUNNING_IMAGE =
  "quay.io/kairos/opensuse:leap-15.6-standard-amd64-generic-v3.4.1-k3sv1.30.11-k3s1";

const QUICK: NodeBehaviour = {
  pullSeconds: [0, 0.02],
  scriptSeconds: [0.15, 0.25],
  rebootSeconds: [0.25, 0.35],
  shutdownSeconds: [0.01, 0.03],
};
const STATUS_SECONDS = [0, 0.01] as const;
const READY_SECONDS = [0.01, 0.03] as const;

export interface MachinePoolOptions {
  readonly api: Api;
  readonly nodes: ReadonlyArray<PooledNode>;
  /** How reboot agents and kubelets reach the server. Default: each over connections of its own, agents with their account. */
  readonly shared?: Layer.Layer<KubeTransport> | undefined;
  /** Default: true. False: the containers of reboot Pods do nothing; somebody runs the agents elsewhere. */
  readonly runsAgents?: boolean | undefined;
  /** Kubelets renew the Leases of their Nodes while they run. Default: false; nobody looks at them. */
  readonly heartbeats?: boolean | undefined;
}

export interface PooledNode {
  readonly name: string;
  readonly controlPlane?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  readonly behaviour?: Partial<NodeBehaviour>;
}

/** `cp-1 … worker-1 …`, as in a simulation. */
export const nodesOf = (
  controlPlanes: number,
  workers: number,
  more: Omit<PooledNode, "name" | "controlPlane"> = {},
  prefix = "",
): ReadonlyArray<PooledNode> => [
  ...Array.from({ length: controlPlanes }, (_, index) => ({
    name: `${prefix}cp-${index + 1}`,
    controlPlane: true,
    ...more,
  })),
  ...Array.from({ length: workers }, (_, index) => ({
    name: `${prefix}worker-${index + 1}`,
    ...more,
  })),
];

export class MachinePool {
  readonly hosts: ReadonlyMap<string, SimulatedHost>;
  /** Everything that has happened to the machines. */
  readonly hostLog: Array<HostEvent> = [];
  /** Programs that died of a defect, as text: bugs. */
  readonly crashes: Array<string> = [];
  readonly #options: MachinePoolOptions;
  readonly #agents = new Map<string, MachineProcess>();

  /** Machines that run until the scope ends. */
  static readonly make = Effect.fnUntraced(function* (
    options: MachinePoolOptions,
  ): Effect.fn.Return<MachinePool, never, Scope.Scope> {
    const pool = yield* Effect.acquireRelease(
      Effect.sync(() => new MachinePool(options)),
      (made) => Effect.sync(() => made.#powerOff()),
    );
    if (options.heartbeats === true) yield* Effect.forkScoped(heartbeats(options.api, pool.hosts));
    return pool;
  });

  private constructor(options: MachinePoolOptions) {
    this.#options = options;
    this.hosts = new Map(options.nodes.map((node) => [node.name, this.#host(node)]));
    for (const host of this.hosts.values()) host.powerOn();
  }

  host(name: string): SimulatedHost {
    const host = this.hosts.get(name);
    if (host === undefined) throw new Error(`there is no machine ${name}`);
    return host;
  }

  /** The uids of the Nodes that have been registered. */
  get registered(): number {
    return [...this.hosts.values()].filter(({ nodeUID }) => nodeUID !== "").length;
  }

  /** Kills the reboot agent on the node, which its kubelet restarts. */
  crashAgent(node: string): void {
    this.#agents.get(node)?.kill();
  }

  #powerOff(): void {
    for (const host of this.hosts.values()) {
      host.behaviour = { ...host.behaviour, reboot: "never-returns" };
      host.powerLoss();
    }
  }

  #host(given: PooledNode): SimulatedHost {
    const { name, controlPlane = false, labels, behaviour } = given;
    const node: SimulatedNode = {
      name,
      controlPlane,
      labels,
      image: RUNNING_IMAGE,
      behaviour: { ...QUICK, ...behaviour },
    };
    const template = templateOf(node);
    const { api, shared } = this.#options;
    const machine = realMachine({
      seed: name,
      transport: (actor) => shared ?? adminAs(api, actor),
      crashed: (process, cause) => void this.crashes.push(`${process}: ${Cause.pretty(cause)}`),
    });
    const actor = `kubelet/${name}`;
    return new SimulatedHost({
      name,
      machine,
      behaviour: node.behaviour,
      image: node.image,
      startKubelet: (host) =>
        machine.spawnClient(actor, actor, () =>
          kubelet({
            host,
            node: template,
            statusSeconds: STATUS_SECONDS,
            readySeconds: READY_SECONDS,
          }),
        ),
      launch: (host, pod, container) => launchContainer(this.#launchAgent, host, pod, container),
      tell: (event) => void this.hostLog.push(event),
    });
  }

  readonly #launchAgent: LaunchAgent = (host, pod, self) => {
    this.#agents.set(host.name, self);
    const { api, shared, runsAgents = true } = this.#options;
    if (!runsAgents) return Effect.never;
    const { namespace = "default", name, uid } = pod.metadata;
    const spec = pod.spec as { readonly serviceAccountName?: string };
    const account = spec.serviceAccountName ?? "default";
    const transport =
      shared ??
      Layer.unwrap(
        Effect.map(podKubeconfig(api, { namespace, account, pod: { name, uid } }), (kubeconfig) =>
          Layer.orDie(liveTransportLayer({ kubeconfig, userAgent: `agent/${host.name}` })),
        ),
      );
    const services = Layer.merge(
      Layer.provide(kubeApiLayer, transport),
      simulatedHostLayer(host, uid, self),
    );
    return rebootAgent({ namespace, name, uid }).pipe(
      Effect.map((exitCode) => ({ exitCode })),
      Effect.provide(services),
    );
  };
}
