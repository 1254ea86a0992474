/** A reboot agent alone with an API server and a host that does what each test tells it to. */
import { Effect, Exit, Layer, Option } from "effect";
import type { KubeObject } from "../../src/domain/kube/object.ts";
import { Pods } from "../../src/domain/kube/resource.ts";
import { rebootAgent } from "../../src/programs/rebootAgent.ts";
import { FakeCluster } from "../../src/services/fake/FakeCluster.ts";
import { Host, type HostError } from "../../src/services/Host.ts";
import { kubeApiLayer } from "../../src/services/kubeApiLayer.ts";
import type { KubeRequest } from "../../src/services/KubeTransport.ts";
import { planned, type PlannedInterception } from "../../src/services/simulation/interception.ts";
import type { Process } from "../../src/services/simulation/Process.ts";
import { simTransport } from "../../src/services/simulation/SimTransport.ts";
import { World } from "../../src/services/simulation/World.ts";
import { SentinelDirectory } from "../../src/services/world/sentinels.ts";

export const SELF = { namespace: "default", name: "w-reboot" };
/** The uid of the Job whose sentinel the agent waits for. */
export const JOB = "job-uid";
export const GRANTED = { "kairos.io/reboot-granted": JOB };

/** An agent's Pod and machine; `log` has the recorded attempts and the reboots in the order in which they happened. */
export class Machine {
  readonly world = new World({ seed: 1, startAt: Date.UTC(2026, 0, 1) });
  readonly sentinels = new SentinelDirectory();
  readonly log: Array<string> = [];
  bootID = "boot-1";
  /** What a reboot command does. */
  onReboot: () => Effect.Effect<void, HostError> = () => Effect.void;
  readonly fake = new FakeCluster({
    now: () => this.world.now,
    chance: () => this.world.chance.next(),
  });
  readonly #server = this.world.process("api-server");

  /** The uid of the agent's own Pod, which later Pods of its name do not have. */
  readonly #podUID: string;

  constructor(annotations: Readonly<Record<string, string>> = {}) {
    this.createPod(annotations);
    this.#podUID = this.pod!.metadata.uid;
    this.fake.onCommit(({ actor, after }) => {
      if (actor !== "agent") return;
      const { annotations: now = {} } = after!.metadata;
      const attempt = now["kairos.io/reboot-attempt"];
      const state = now["kairos.io/reboot-state"];
      this.log.push(state === "rebooting" ? `recorded ${attempt}` : `${state}`);
    });
  }

  createPod(annotations: Readonly<Record<string, string>>): void {
    this.ask({
      verb: "create",
      resource: Pods,
      namespace: SELF.namespace,
      body: {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { ...SELF, annotations },
        spec: { nodeName: "w", containers: [{ name: "reboot", image: "nodeop" }] },
      },
    });
  }

  ask(request: KubeRequest): void {
    const answer = this.fake.handle("user", request);
    if (!answer.ok) throw new Error(answer.status.message);
  }

  get pod(): KubeObject | undefined {
    return this.fake.object(Pods, SELF);
  }

  annotation(name: string): string | undefined {
    return this.pod?.metadata.annotations?.[name];
  }

  annotate(annotations: Readonly<Record<string, string>>): void {
    this.ask({
      verb: "patch",
      resource: Pods,
      ...SELF,
      patchType: "application/merge-patch+json",
      body: { metadata: { annotations } },
    });
  }

  /** The Pod is gone at once, and another of its name comes, as after a deletion that its kubelet knows nothing of. */
  replacePod(annotations: Readonly<Record<string, string>>): void {
    this.forceDeletePod();
    this.createPod(annotations);
  }

  forceDeletePod(): void {
    this.ask({ verb: "delete", resource: Pods, ...SELF, body: { gracePeriodSeconds: 0 } });
  }

  deletePod(): void {
    this.ask({ verb: "delete", resource: Pods, ...SELF });
  }

  /** The script of the Job ends, in this boot. */
  scriptEnds(job = JOB): void {
    this.sentinels.write(job, this.bootID, { synced: true });
  }

  /** Starts the agent's container, as its kubelet does. */
  start(...faults: ReadonlyArray<PlannedInterception>): Process {
    const process = this.world.process("agent");
    const transport = simTransport({
      server: this.#server,
      cluster: this.fake,
      process,
      actor: "agent",
      interceptor: planned(faults),
    });
    process.boot(
      Effect.provide(
        rebootAgent({ ...SELF, uid: this.#podUID }),
        Layer.merge(Layer.provide(kubeApiLayer, transport), this.#host(process)),
      ),
    );
    return process;
  }

  #host(process: Process): Layer.Layer<Host> {
    return Layer.succeed(Host, {
      bootID: Effect.sync(() => this.bootID),
      sentinel: (job) => Effect.sync(() => Option.fromUndefinedOr(this.sentinels.read(job))),
      awaitSentinel: (job) =>
        Effect.callback<string>((resume) => {
          const tell = (bootID: string) => process.post(() => resume(Effect.succeed(bootID)));
          return Effect.sync(this.sentinels.whenWritten(job, tell));
        }),
      pruneSentinels: (except) =>
        Effect.sync(() => {
          for (const job of this.sentinels.jobs()) if (job !== except) this.sentinels.remove(job);
        }),
      system: Effect.succeed({ bootState: "active" as const, version: "v2" }),
      reboot: Effect.suspend(() => {
        this.log.push("reboot");
        return this.onReboot();
      }),
    });
  }

  /** Lets everything happen that happens within so many seconds. */
  pass(seconds = 1): void {
    this.world.run({ done: () => false, until: this.world.now + seconds * 1000 });
  }
}

/** The code that the agent exited with; undefined while it runs, and when it was killed or interrupted. */
export const exitCode = (process: Process): unknown =>
  process.end?._tag === "Exited" && Exit.isSuccess(process.end.exit)
    ? process.end.exit.value
    : undefined;
