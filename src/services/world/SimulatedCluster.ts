/**
 * A whole simulated cluster around an API server: its controllers, its machines with their kubelets, and the handles by
 * which a test or a scenario disturbs them. Everything speaks to the server through messages, like anybody else.
 */
import { Effect, Layer } from "effect";
import type { HostEvent } from "../../domain/history.ts";
import {
  Deployments,
  Jobs,
  NodeOps,
  NodeOpUpgrades,
  Pods,
  ReplicaSets,
  type Resource,
  RoleBindings,
  Roles,
  ServiceAccounts,
  StatefulSets,
} from "../../domain/kube/resource.ts";
import type { ApiServer } from "../ApiServer.ts";
import type { Host } from "../Host.ts";
import type { KubeApi } from "../KubeApi.ts";
import { kubeApiLayer } from "../kubeApiLayer.ts";
import type { KubeTransport } from "../KubeTransport.ts";
import type { Interceptor } from "../simulation/interception.ts";
import type { Latencies } from "../simulation/Network.ts";
import type { Process } from "../simulation/Process.ts";
import { simTransport } from "../simulation/SimTransport.ts";
import type { World } from "../simulation/World.ts";
import type { SecondsRange } from "./behaviour.ts";
import { attachDetachController } from "./attachDetachController.ts";
import { launchContainer, type LaunchAgent } from "./containers.ts";
import { Controller } from "./Controller.ts";
import { csiDriver } from "./csiDriver.ts";
import { deploymentController } from "./deploymentController.ts";
import { disruptionController } from "./disruptionController.ts";
import { garbageCollector } from "./garbageCollector.ts";
import { SimulatedHost } from "./host.ts";
import { jobController } from "./jobController.ts";
import { kubelet } from "./kubelet.ts";
import type { MachineProcess } from "./machine.ts";
import { bootIDOf, registerNode, type SimulatedNode, templateOf } from "./registration.ts";
import { nodeLifecycle } from "./nodeLifecycle.ts";
import { podGarbageCollector } from "./podGarbageCollector.ts";
import { quotaController } from "./quotaController.ts";
import { planReplicaSet } from "./replicaSet.ts";
import { scheduler } from "./scheduler.ts";
import { simulatedHostLayer } from "./simulatedHostLayer.ts";
import { planStatefulSet } from "./statefulSet.ts";
import { taintEviction } from "./taintEviction.ts";
import { workloadController } from "./WorkloadController.ts";
import { worldMachine } from "./worldMachine.ts";

/** What the reboot agent's container finds in its environment. */
export interface AgentEnvironment {
  readonly namespace: string;
  readonly pod: string;
  readonly podUID: string;
  readonly node: string;
}

export interface SimulatedClusterOptions {
  readonly world: World;
  readonly cluster: ApiServer;
  readonly nodes: ReadonlyArray<SimulatedNode>;
  /** The program of reboot Pods; succeeds with its exit code. */
  readonly rebootAgent: (env: AgentEnvironment) => Effect.Effect<number, never, KubeApi | Host>;
  /** How far each process, by its actor, is from the API server. Default: no latency. */
  readonly latencies?: ((actor: string) => Latencies) | undefined;
  /** Faults for the processes of the cluster; asked once for each incarnation. */
  readonly interceptor?: ((process: Process, actor: string) => Interceptor | undefined) | undefined;
  /** What the garbage collector watches. Default: what nodeop and the Job controller make. */
  readonly collected?: ReadonlyArray<Resource> | undefined;
  /** Delays of the kubelets (`KubeletOptions`) and the controllers. */
  readonly statusSeconds?: SecondsRange | undefined;
  readonly readySeconds?: SecondsRange | undefined;
  readonly jobReactionSeconds?: SecondsRange | undefined;
  readonly jobSettleSeconds?: SecondsRange | undefined;
  readonly collectorReactionSeconds?: SecondsRange | undefined;
  /**
   * Whether ordinary workloads run in it: then it has a scheduler and the controllers that keep Pods, budgets and nodes.
   * Without, nobody moves Pods but who made them. Default: no.
   */
  readonly workloads?: boolean | undefined;
  /** Whether it has the controller that keeps ResourceQuotas; without, they limit nothing. Default: no. */
  readonly quotas?: boolean | undefined;
}

const COLLECTED: ReadonlyArray<Resource> = [
  Pods,
  Jobs,
  NodeOps,
  NodeOpUpgrades,
  ServiceAccounts,
  Roles,
  RoleBindings,
];

/** What workloads add to that. */
const WORKLOADS: ReadonlyArray<Resource> = [Deployments, ReplicaSets, StatefulSets];

const OF_THEIR_OWN: ReadonlySet<string> = new Set(["scheduler", "csi-driver"]);

/** From the crash of a controller or kubelet to its next start. */
const RESTART_MILLIS = 2_000;

/** Boots a cluster: when this returns, all nodes are registered and Ready, and no process has taken a step. */
export const simulatedCluster = (options: SimulatedClusterOptions): SimulatedCluster =>
  new SimulatedCluster(options);

/** The simulated world around an API server: controllers, and for each node a kubelet and a host that can lose its power. */
export class SimulatedCluster {
  /** The API server's process. */
  readonly server: Process;
  /** The machines by the names of their nodes. */
  readonly hosts: ReadonlyMap<string, SimulatedHost>;
  readonly jobController: Controller;
  readonly garbageCollector: Controller;
  /** What workloads and quotas need, by the names of the processes; empty without. */
  readonly workloadControllers: ReadonlyMap<string, Controller>;
  readonly #options: SimulatedClusterOptions;
  readonly #hostLog: Array<HostEvent> = [];
  readonly #listeners: Array<(event: HostEvent) => void> = [];
  readonly #agents = new Map<string, MachineProcess>();

  constructor(options: SimulatedClusterOptions) {
    this.#options = options;
    this.server = options.world.process("api-server");
    this.jobController = this.#controller(
      "job-controller",
      jobController({
        reactionSeconds: options.jobReactionSeconds,
        settleSeconds: options.jobSettleSeconds,
      }),
    );
    this.garbageCollector = this.#controller(
      "garbage-collector",
      garbageCollector({
        resources: options.collected ?? this.#resources,
        reactionSeconds: options.collectorReactionSeconds,
      }),
    );
    this.hosts = new Map(options.nodes.map((node) => [node.name, this.#host(node)]));
    for (const host of this.hosts.values()) host.powerOn();
    this.jobController.start();
    this.garbageCollector.start();
    this.workloadControllers = new Map([
      ...(options.workloads === true ? this.#workloadControllers() : []),
      ...(options.quotas === true ? this.#quotaController() : []),
    ]);
    for (const controller of this.workloadControllers.values()) controller.start();
  }

  /** What kube-controller-manager is: everything but the scheduler and the CSI driver, which are programs of their own. */
  get controllerManager(): ReadonlyArray<Controller> {
    const others = [...this.workloadControllers].filter(([name]) => !OF_THEIR_OWN.has(name));
    return [this.jobController, this.garbageCollector, ...others.map(([, one]) => one)];
  }

  /** Everything that has happened to the machines. */
  get hostLog(): ReadonlyArray<HostEvent> {
    return this.#hostLog;
  }

  /** Hears of everything that happens to the machines from now on. */
  onHostEvent(listener: (event: HostEvent) => void): void {
    this.#listeners.push(listener);
  }

  /** The machine of a node. Asking for one that does not exist is a mistake of the caller, and throws. */
  host(node: string): SimulatedHost {
    const host = this.hosts.get(node);
    if (host === undefined) throw new Error(`there is no node ${node} in this cluster`);
    return host;
  }

  powerLoss(node: string): void {
    this.host(node).powerLoss();
  }

  /** Kills the reboot agent on the node, which its kubelet restarts. Does nothing when none runs. */
  crashAgent(node: string): void {
    this.#agents.get(this.host(node).name)?.kill();
  }

  /** Kills the kubelet of the node, which is restarted; its containers run on. */
  crashKubelet(node: string): void {
    this.host(node).crashKubelet(RESTART_MILLIS);
  }

  /** How a process, of this cluster or anybody's, reaches the API server. `killed`: see `SimTransportOptions.onKill`. */
  transport(
    process: Process,
    actor: string,
    interceptor?: Interceptor,
    killed?: () => void,
  ): Layer.Layer<KubeTransport> {
    const { cluster, latencies } = this.#options;
    return simTransport({
      server: this.server,
      cluster,
      process,
      actor,
      interceptor,
      ...latencies?.(actor),
      onKill: killed,
    });
  }

  #workloadControllers(): ReadonlyMap<string, Controller> {
    const programs = {
      scheduler: scheduler(),
      "deployment-controller": deploymentController(),
      "replicaset-controller": workloadController({ resource: ReplicaSets, plan: planReplicaSet }),
      "statefulset-controller": workloadController({
        resource: StatefulSets,
        plan: planStatefulSet,
      }),
      "disruption-controller": disruptionController(),
      "node-lifecycle-controller": nodeLifecycle({
        heardOf: (node) => this.hosts.get(node)?.kubeletAliveAt,
      }),
      "taint-eviction-controller": taintEviction(),
      "pod-garbage-collector": podGarbageCollector,
      "attach-detach-controller": attachDetachController,
      "csi-driver": csiDriver({
        keeps: (node) => this.hosts.get(node)?.behaviour.volumes === "stay",
      }),
    };
    return new Map(
      Object.entries(programs).map(([name, program]) => [name, this.#controller(name, program)]),
    );
  }

  #quotaController(): ReadonlyMap<string, Controller> {
    const name = "resourcequota-controller";
    const program = quotaController({ resources: this.#resources });
    return new Map([[name, this.#controller(name, program)]]);
  }

  /** What is made in it. */
  get #resources(): ReadonlyArray<Resource> {
    return [...COLLECTED, ...(this.#options.workloads === true ? WORKLOADS : [])];
  }

  #controller(name: string, program: Effect.Effect<never, never, KubeTransport>): Controller {
    return new Controller({
      world: this.#options.world,
      name,
      program,
      transport: (process, actor, killed) => this.#faulty(process, actor, killed),
      restartMillis: RESTART_MILLIS,
    });
  }

  #faulty(process: Process, actor: string, killed?: () => void): Layer.Layer<KubeTransport> {
    return this.transport(process, actor, this.#options.interceptor?.(process, actor), killed);
  }

  #host(node: SimulatedNode): SimulatedHost {
    const { world, cluster, statusSeconds, readySeconds } = this.#options;
    const { name, behaviour, image } = node;
    const template = templateOf(node);
    const actor = `kubelet/${name}`;
    const machine = worldMachine({
      world,
      name: `host/${name}`,
      // A kubelet that a fault kills is restarted by its machine; a container by its kubelet.
      transport: (process, who) =>
        this.#faulty(process, who, who === actor ? () => this.crashKubelet(name) : undefined),
    });
    const host = new SimulatedHost({
      name,
      machine,
      behaviour,
      image,
      bootID: bootIDOf(node),
      startKubelet: (self) =>
        machine.spawnClient(actor, actor, () =>
          kubelet({ host: self, node: template, statusSeconds, readySeconds }),
        ),
      launch: (self, pod, container) => launchContainer(this.#launchAgent, self, pod, container),
      tell: (event) => {
        this.#hostLog.push(event);
        for (const listener of this.#listeners) listener(event);
      },
    });
    registerNode(cluster, host, node);
    return host;
  }

  readonly #launchAgent: LaunchAgent = (host, pod, self) => {
    this.#agents.set(host.name, self);
    const { namespace = "default", name, uid } = pod.metadata;
    const services = Layer.merge(kubeApiLayer, simulatedHostLayer(host, uid, self));
    return this.#options.rebootAgent({ namespace, pod: name, podUID: uid, node: host.name }).pipe(
      Effect.map((exitCode) => ({ exitCode })),
      Effect.provide(services),
    );
  };
}
