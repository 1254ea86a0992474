/** A cluster of Nodes with a labeler on each, on virtual time: hosts say what the test writes, the network does as it is told. */
import { Effect, Layer } from "effect";
import type { HostTexts } from "../../src/domain/host/texts.ts";
import type { KubeObject } from "../../src/domain/kube/object.ts";
import { Nodes } from "../../src/domain/kube/resource.ts";
import { nodeLabeler } from "../../src/programs/nodeLabeler.ts";
import { FakeCluster, type Served } from "../../src/services/fake/FakeCluster.ts";
import { HostError } from "../../src/services/Host.ts";
import { HostFiles } from "../../src/services/HostFiles.ts";
import type { KubeApi } from "../../src/services/KubeApi.ts";
import { kubeApiLayer } from "../../src/services/kubeApiLayer.ts";
import type { KubeRequest } from "../../src/services/KubeTransport.ts";
import { deliver, type Interceptor } from "../../src/services/simulation/interception.ts";
import type { Process } from "../../src/services/simulation/Process.ts";
import { simTransport } from "../../src/services/simulation/SimTransport.ts";
import { World } from "../../src/services/simulation/World.ts";

type Strings = Readonly<Record<string, string | null>>;

export class Labelers {
  readonly world = new World({ seed: 1, startAt: Date.UTC(2026, 0, 1) });
  readonly fake = new FakeCluster({
    now: () => this.world.now,
    chance: () => this.world.chance.next(),
  });
  /** What the hosts say, by node; undefined: their files cannot be read. */
  readonly hosts = new Map<string, HostTexts | undefined>();
  /** What labelers asked for, in the order of the server. */
  readonly requests: Array<Served> = [];
  /** The fate of every call of every labeler. */
  interceptor: Interceptor = () => deliver;
  readonly #server = this.world.process("api-server");

  constructor() {
    this.fake.onRequest((served) => {
      if (served.actor.startsWith("labeler/")) this.requests.push(served);
    });
  }

  /** Registers the Node and, unless it runs already, starts its labeler. */
  add(name: string, texts: HostTexts, labels: Strings = {}): Process {
    this.register(name, labels);
    this.hosts.set(name, texts);
    return this.start(name, nodeLabeler({ name, every: "60 seconds" }));
  }

  register(name: string, labels: Strings = {}): void {
    const body = { apiVersion: "v1", kind: "Node", metadata: { name, labels } };
    this.ask({ verb: "create", resource: Nodes, body });
  }

  start(name: string, program: Effect.Effect<unknown, unknown, KubeApi | HostFiles>): Process {
    const process = this.world.process(`labeler/${name}`);
    const transport = simTransport({
      server: this.#server,
      cluster: this.fake,
      process,
      actor: `labeler/${name}`,
      interceptor: (call) => this.interceptor(call),
    });
    const texts = Effect.suspend(() => {
      const said = this.hosts.get(name);
      return said === undefined
        ? Effect.fail(new HostError({ operation: "read /etc/kairos-release", detail: "EIO" }))
        : Effect.succeed(said);
    });
    process.boot(
      Effect.provide(
        program,
        Layer.merge(Layer.provide(kubeApiLayer, transport), Layer.succeed(HostFiles, { texts })),
      ),
    );
    return process;
  }

  /** A person asks the API server; a refusal throws. */
  ask(request: KubeRequest): void {
    const answer = this.fake.handle("user", request);
    if (!answer.ok) throw new Error(answer.status.message);
  }

  /** A person labels a Node; null takes a label off. */
  label(name: string, labels: Strings): void {
    this.ask({
      verb: "patch",
      resource: Nodes,
      name,
      patchType: "application/merge-patch+json",
      body: { metadata: { labels } },
    });
  }

  remove(name: string): void {
    this.ask({ verb: "delete", resource: Nodes, name });
  }

  node(name: string): KubeObject | undefined {
    return this.fake.object(Nodes, { name });
  }

  labelsOf(name: string): Readonly<Record<string, string>> {
    return this.node(name)?.metadata.labels ?? {};
  }

  /** How many patches of this node's labeler were sent, and how many of them were applied. */
  patchesOf(name: string): { readonly sent: number; readonly applied: number } {
    const sent = this.requests.filter(
      ({ actor, request }) => actor === `labeler/${name}` && request.verb === "patch",
    );
    return {
      sent: sent.length,
      applied: sent.filter((served) => served.failure === undefined).length,
    };
  }

  /** Lets everything happen that happens within so many seconds. */
  pass(seconds = 1): void {
    this.world.run({ done: () => false, until: this.world.now + seconds * 1000 });
  }
}
