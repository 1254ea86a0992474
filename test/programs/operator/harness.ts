/** Operators at work in a small simulated cluster, with every law watching, and a user who can do anything at any call. */
import { Effect, Layer } from "effect";
import { crds } from "../../../src/domain/api/crd.ts";
import type { NodeStatus } from "../../../src/domain/api/status.ts";
import type { Commit } from "../../../src/domain/history.ts";
import type { MonitorOptions } from "../../../src/domain/invariants/law.ts";
import { makeMonitors, type Monitors } from "../../../src/domain/invariants/makeMonitors.ts";
import type { KubeObject } from "../../../src/domain/kube/object.ts";
import { NodeOps, Nodes, Pods, type Resource } from "../../../src/domain/kube/resource.ts";
import { operator } from "../../../src/programs/operator/operator.ts";
import { rebootAgent } from "../../../src/programs/rebootAgent.ts";
import {
  type Admission,
  FakeCluster,
  type Served,
} from "../../../src/services/fake/FakeCluster.ts";
import type { KubeApi } from "../../../src/services/KubeApi.ts";
import { forbidden } from "../../../src/services/fake/status.ts";
import { kubeApiLayer } from "../../../src/services/kubeApiLayer.ts";
import type { KubeRequest } from "../../../src/services/KubeTransport.ts";
import { deliver, type Interceptor } from "../../../src/services/simulation/interception.ts";
import type { Latency } from "../../../src/services/simulation/Network.ts";
import type { Process } from "../../../src/services/simulation/Process.ts";
import type { Schedule } from "../../../src/services/simulation/schedule.ts";
import { World } from "../../../src/services/simulation/World.ts";
import type { NodeBehaviour } from "../../../src/services/world/behaviour.ts";
import {
  type AgentEnvironment,
  simulatedCluster,
  type SimulatedCluster,
} from "../../../src/services/world/SimulatedCluster.ts";

import { rebootScriptOf, runRebootScript } from "../../support/goRebootScript.ts";

const OLD_IMAGE =
  "quay.io/kairos/opensuse:leap-15.6-standard-amd64-generic-v3.4.1-k3sv1.30.11-k3s1";
const QUICK: NodeBehaviour = {
  pullSeconds: [5, 5],
  scriptSeconds: [60, 60],
  rebootSeconds: [90, 90],
};

export interface SceneOptions {
  readonly seed?: number;
  /** Names; those that begin with `cp` are control planes. Default: `worker-1`. */
  readonly nodes?: ReadonlyArray<string>;
  readonly behaviour?: Partial<NodeBehaviour>;
  readonly admission?: ReadonlyArray<Admission>;
  readonly latency?: Latency;
  readonly schedule?: (world: () => World) => Schedule;
  readonly laws?: MonitorOptions;
  /** Whether ResourceQuotas are counted. Default: no. */
  readonly quotas?: boolean;
}

const DEFAULT_SPEC = {
  command: ["/bin/true"],
  cordon: true,
  rebootOnSuccess: true,
  concurrency: 1,
};

/** The request as counted here: `patch nodeops/status`. */
export const titleOf = (request: Served["request"]): string =>
  [
    `${request.verb} ${request.resource.plural}`,
    ...("subresource" in request && request.subresource !== undefined ? [request.subresource] : []),
  ].join("/");

/** Whether it asks what would happen: nothing is stored. */
export const isDryRun = (request: Served["request"]): boolean =>
  "query" in request && request.query?.dryRun === true;

/** A policy that came after the dry run: the Job controller may not make Pods. */
export const refusesPodsOfJobs: Admission = (actor, { verb }, { kind, metadata }) =>
  actor === "job-controller" && verb === "create" && kind === "Pod"
    ? forbidden(Pods, metadata.name, "exceeded quota: pods, requested: pods=1, limited: pods=0")
    : undefined;

export class Scene {
  readonly world: World;
  readonly fake: FakeCluster;
  readonly cluster: SimulatedCluster;
  readonly monitors: Monitors;
  readonly commits: Array<Commit> = [];
  /** What operators asked for, in the order of the server. */
  readonly requests: Array<Served> = [];

  constructor(options: SceneOptions = {}) {
    this.monitors = makeMonitors(options.laws);
    const schedule = options.schedule?.(() => this.world);
    this.world = new World({ seed: options.seed ?? 1, startAt: Date.UTC(2026, 0, 1), schedule });
    this.fake = new FakeCluster({
      now: () => this.world.now,
      chance: () => this.world.chance.next(),
      crds: crds(),
      ...(options.admission === undefined ? {} : { admission: options.admission }),
    });
    this.fake.onCommit((commit) => {
      this.commits.push(commit);
      this.monitors.commit(commit);
    });
    this.fake.onRequest((served) => {
      if (served.actor.startsWith("operator")) this.requests.push(served);
    });
    this.cluster = simulatedCluster({
      world: this.world,
      cluster: this.fake,
      nodes: (options.nodes ?? ["worker-1"]).map((name) => ({
        name,
        controlPlane: name.startsWith("cp"),
        image: OLD_IMAGE,
        behaviour: { ...QUICK, ...options.behaviour },
      })),
      rebootAgent: (environment) => this.#reboots(environment),
      latencies: () => ({ latency: options.latency }),
      quotas: options.quotas,
    });
    this.cluster.onHostEvent((event) => this.monitors.host(event));
  }

  /** What a reboot Pod runs: our agent, or the script that the Go original gave it. */
  #reboots({ namespace, pod, podUID }: AgentEnvironment) {
    const object = this.fake.object(Pods, { namespace, name: pod });
    const script = object === undefined ? undefined : rebootScriptOf(object);
    return script === undefined
      ? rebootAgent({ namespace, name: pod, uid: podUID })
      : runRebootScript(script, { namespace, pod });
  }

  /** The user asks the API server; a refusal throws. */
  ask(request: KubeRequest): KubeObject {
    const answer = this.fake.handle("user", request);
    if (!answer.ok) throw new Error(`${answer.status.reason}: ${answer.status.message}`);
    return answer.object as KubeObject;
  }

  /** The user creates the NodeOp `op`. */
  createOperation(spec: object = {}, name = "op"): KubeObject {
    return this.ask({
      verb: "create",
      resource: NodeOps,
      namespace: "default",
      body: {
        apiVersion: "operator.kairos.io/v1alpha1",
        kind: "NodeOp",
        metadata: { name, namespace: "default" },
        spec: { ...DEFAULT_SPEC, ...spec },
      },
    });
  }

  delete(resource: Resource, name: string): void {
    const namespace = resource.namespaced ? "default" : undefined;
    this.ask({
      verb: "delete",
      resource,
      namespace,
      name,
      body: { propagationPolicy: "Background" },
    });
  }

  patch(resource: Resource, name: string, body: object, subresource?: "status"): KubeObject {
    return this.ask({
      verb: "patch",
      resource,
      namespace: resource.namespaced ? "default" : undefined,
      name,
      patchType: "application/merge-patch+json",
      body,
      ...(subresource === undefined ? {} : { subresource }),
    });
  }

  operation(name = "op"): KubeObject | undefined {
    return this.fake.object(NodeOps, { namespace: "default", name });
  }

  status(name = "op"): {
    readonly phase?: string;
    readonly message?: string;
    readonly nodeStatuses?: Readonly<Record<string, NodeStatus>>;
  } {
    return this.operation(name)?.["status"] ?? {};
  }

  node(name: string): KubeObject {
    return this.fake.object(Nodes, { name })!;
  }

  /** Whether an operation holds the node, and whether it is cordoned: `held cordoned`, `cordoned`, `held` or ``. */
  marks(name: string): string {
    const { metadata, spec } = this.node(name) as KubeObject & {
      readonly spec?: { readonly unschedulable?: boolean };
    };
    const isHeld = metadata.annotations?.["operator.kairos.io/held-by"] !== undefined;
    const isCordoned = spec?.unschedulable === true;
    return [...(isHeld ? ["held"] : []), ...(isCordoned ? ["cordoned"] : [])].join(" ");
  }

  /** Starts an operator; `intercept` sees each of its calls and may disturb it, or anything else, before it is sent. */
  startOperator(
    options: {
      readonly intercept?: Interceptor;
      readonly actor?: string;
      /** What runs; default: the operator alone. */
      readonly program?: Effect.Effect<unknown, unknown, KubeApi>;
    } = {},
  ): Process {
    const actor = options.actor ?? "operator";
    const process = this.world.process(actor);
    const transport = this.cluster.transport(process, actor, options.intercept ?? (() => deliver));
    process.boot(
      (options.program ?? operator()).pipe(
        Effect.provide(Layer.provide(kubeApiLayer, transport)),
        Effect.asVoid,
      ),
    );
    return process;
  }

  /** Lets everything happen that happens within so many seconds. */
  pass(seconds: number): void {
    this.world.run({ done: () => false, until: this.world.now + seconds * 1000 });
  }

  /** Lets time pass until something holds; fails loudly when that takes longer than `seconds`. */
  until(what: string, holds: () => boolean, seconds = 7200): void {
    const outcome = this.world.run({ done: holds, until: this.world.now + seconds * 1000 });
    if (outcome !== "done") throw new Error(`${what}: not within ${seconds} s (${outcome})`);
  }

  /** Until the operation says that it has ended, and lets go of its finalizer. */
  untilEnded(name = "op"): void {
    this.until(`the end of ${name}`, () => {
      const phase = this.status(name).phase;
      return (
        (phase === "Completed" || phase === "Failed") &&
        this.operation(name)?.metadata.finalizers === undefined
      );
    });
  }

  /** Every law that was broken, the end of the history included. */
  violations(): ReadonlyArray<string> {
    this.monitors.finish(this.world.now);
    return this.monitors.violations.map(({ law, message }) => `${law}: ${message}`);
  }
}

/** Disturbs the first call that is of this kind: `what` is done right before it is sent. All calls are delivered. */
export const rightBefore = (
  is: (title: string, request: KubeRequest) => boolean,
  what: () => void,
): Interceptor => {
  let isDone = false;
  return ({ request }) => {
    if (!isDone && is(titleOf(request), request)) {
      isDone = true;
      what();
    }
    return deliver;
  };
};
