/**
 * The KubeTransport of a simulated process. A request is two messages, to the server's process and back, so that before
 * it is sent, before it is applied, before it is answered and after that are different moments, at each of which the
 * caller can die. An interceptor decides the fate of each call.
 */
import { Cause, Effect, Layer, Queue, Stream } from "effect";
import type { Answer, ApiServer, OpenWatch, WatchSink } from "../ApiServer.ts";
import { type KubeError, Unreachable } from "../KubeError.ts";
import {
  type KubeRequest,
  KubeTransport,
  type WatchFrame,
  type WatchRequest,
} from "../KubeTransport.ts";
import { describeRequest, statusToError } from "../statusError.ts";
import { HeldRequests } from "./HeldRequests.ts";
import {
  type ApiCall,
  deliver,
  type HoldUntil,
  type Interceptor,
  isWrite,
} from "./interception.ts";
import { type Latencies, Network } from "./Network.ts";
import type { Process } from "./Process.ts";

export interface SimTransportOptions extends Latencies {
  /** The API server's process: requests are applied in its steps. When it dies, its clients are told `Unreachable`. */
  readonly server: Process;
  readonly cluster: ApiServer;
  /** The process that calls. Only programs booted in it may use the transport. */
  readonly process: Process;
  /** Who it is to the server (RBAC, history): `operator`, `kubelet/worker-1`, … */
  readonly actor: string;
  /** Default: everything is delivered. */
  readonly interceptor?: Interceptor | undefined;
  /** Told, outside of every process, that an interception has just killed the process; may replace it later. */
  readonly onKill?: ((call: ApiCall) => void) | undefined;
}

/**
 * The transport as a layer. Make one for each incarnation of a process: calls are numbered from 1, and the number lives
 * as long as this value, however often the layer is built.
 */
export const simTransport = (options: SimTransportOptions): Layer.Layer<KubeTransport> =>
  Layer.succeed(KubeTransport, new SimTransport(options));

type Resume = (outcome: Effect.Effect<unknown, KubeError>) => void;

class SimTransport {
  readonly #cluster: ApiServer;
  readonly #actor: string;
  readonly #intercept: Interceptor;
  readonly #onKill: (call: ApiCall) => void;
  readonly #network: Network;
  readonly #held: HeldRequests;
  readonly #now: () => number;
  #calls = 0;

  constructor(options: SimTransportOptions) {
    this.#cluster = options.cluster;
    this.#actor = options.actor;
    this.#intercept = options.interceptor ?? (() => deliver);
    this.#onKill = options.onKill ?? (() => {});
    this.#network = new Network(options.process, options.server, options);
    this.#held = HeldRequests.of(options.server);
    this.#now = () => options.server.world.now;
  }

  readonly request = (request: KubeRequest): Effect.Effect<unknown, KubeError> =>
    // No canceller: an interrupted caller no longer listens, but what it sent is on its way.
    Effect.callback<unknown, KubeError>((resume) => this.#call(request, resume));

  /** The caller's side of a call; its interception decides what happens at each of the four moments. */
  #call(request: KubeRequest, resume: Resume): void {
    const { client } = this.#network;
    const call: ApiCall = {
      number: ++this.#calls,
      process: client.name,
      incarnation: client.incarnation,
      actor: this.#actor,
      request,
    };
    const fate = this.#intercept(call);
    switch (fate.kind) {
      case "Deliver":
        return this.#exchange(request, resume, (answer) => this.#answer(request, answer, resume));
      case "KillBefore":
        return this.#kill(call);
      case "KillAfter":
        return this.#exchange(request, resume, () => this.#kill(call));
      case "Hold":
        this.#deliverLate(request, fate.until);
        if (fate.sender === "dies") return this.#kill(call);
        return this.#giveUp(request, resume);
      case "LoseRequest":
        return this.#giveUp(request, resume);
      case "LoseAnswer":
        return this.#exchange(request, resume, () => this.#giveUp(request, resume));
    }
  }

  /** Sends the request; `applied` runs in the server, in the step in which it was applied. */
  #exchange(request: KubeRequest, resume: Resume, applied: (answer: Answer) => void): void {
    const { server } = this.#network;
    if (!server.alive) return this.#fail(request, "the server does not listen", resume);
    const sentAt = this.#now();
    const arrived = server.hold({
      close: () => this.#fail(request, "the connection was cut", resume),
    });
    this.#network.send(server, () => {
      arrived();
      applied(this.#apply(request, sentAt));
    });
  }

  /** Sends a request that nobody waits for, to be applied at a later moment. */
  #deliverLate(request: KubeRequest, until: HoldUntil): void {
    const { server } = this.#network;
    const sentAt = this.#now();
    const apply = () => void this.#apply(request, sentAt);
    this.#network.send(server, () => {
      if ("millis" in until) server.after(until.millis, apply);
      else this.#held.hold(until.laterWrites, apply);
    });
  }

  #apply(request: KubeRequest, sentAt: number): Answer {
    const answer = this.#cluster.handle(this.#actor, request, sentAt);
    if (answer.ok && isWrite(request)) this.#held.wrote();
    return answer;
  }

  #answer(request: KubeRequest, answer: Answer, resume: Resume): void {
    this.#network.send(this.#network.client, () =>
      resume(
        answer.ok
          ? Effect.succeed(answer.object)
          : Effect.fail(statusToError(request, answer.status)),
      ),
    );
  }

  /** The caller cannot tell a lost request from a lost answer. */
  #giveUp(request: KubeRequest, resume: Resume): void {
    this.#fail(request, "no answer; the request may have been applied", resume);
  }

  #fail(request: KubeRequest, detail: string, resume: Resume): void {
    const error = new Unreachable({ request: describeRequest(request), detail });
    this.#network.send(this.#network.client, () => resume(Effect.fail(error)));
  }

  #kill(call: ApiCall): void {
    const { client } = this.#network;
    if (!client.alive) return;
    client.kill();
    client.world.outside(() => this.#onKill(call));
  }

  readonly watch = (request: WatchRequest): Stream.Stream<WatchFrame, KubeError> =>
    Stream.callback<WatchFrame, KubeError>((queue) =>
      Effect.acquireRelease(
        Effect.sync(() => this.#connect(request, queue)),
        (disconnect) => Effect.sync(disconnect),
      ),
    );

  /** Opens a watch whose frames go to `queue`, in order. Returns what hangs up; the client's death hangs up too. */
  #connect(request: WatchRequest, queue: WatchQueue): () => void {
    const { client, server } = this.#network;
    const toServer = this.#network.channel(server);
    const toClient = this.#network.channel(client);
    let watch: OpenWatch | undefined;
    let connected = true;
    const disconnect = () => {
      connected = false;
      forgetClient();
      forgetServer();
    };
    const hangUp = () => {
      if (!connected) return;
      disconnect();
      toServer(() => watch?.close());
    };
    const fail = (error: KubeError) =>
      toClient(() => Queue.failCauseUnsafe(queue, Cause.fail(error)));
    const unreachable = (detail: string) =>
      fail(new Unreachable({ request: describeRequest(request), detail }));
    const sink: WatchSink = {
      frames: (frames) => {
        if (connected) toClient(() => Queue.offerAllUnsafe(queue, frames));
      },
      closed: (end) => {
        if (!connected) return;
        disconnect();
        if (end === undefined) toClient(() => Queue.endUnsafe(queue));
        else fail(statusToError(request, end));
      },
    };
    const forgetClient = client.hold({ close: hangUp });
    const forgetServer = server.hold({
      close: () => {
        if (!connected) return;
        disconnect();
        unreachable("the connection was cut");
      },
    });
    if (!server.alive) {
      disconnect();
      unreachable("the server does not listen");
      return hangUp;
    }
    toServer(() => {
      const opened = this.#cluster.watch(this.#actor, request, sink);
      if ("close" in opened) watch = opened;
      else sink.closed(opened);
    });
    return hangUp;
  }
}

type WatchQueue = Queue.Enqueue<WatchFrame, KubeError | Cause.Done>;
