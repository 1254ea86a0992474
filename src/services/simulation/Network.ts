/**
 * The wire between one process and one API server. A message is a step of its receiver; what the dead should receive is
 * dropped, and connections to the dead break.
 */
import type { Process } from "./Process.ts";

/** How long one message travels: drawn anew for each, evenly from `minMillis` to `maxMillis`. */
export interface Latency {
  readonly minMillis: number;
  readonly maxMillis: number;
}

/** How long the messages of one process travel. */
export interface Latencies {
  /** Default: none; a message arrives after what already waits at its receiver. */
  readonly latency?: Latency | undefined;
  /** Of the messages of a watch, which keep their order: how far caches lag. Default: as all others. */
  readonly watchLatency?: Latency | undefined;
}

/** Delivers messages in both directions. */
export class Network {
  readonly client: Process;
  readonly server: Process;
  readonly #travelMillis: () => number;
  readonly #channelMillis: () => number;

  constructor(client: Process, server: Process, { latency, watchLatency }: Latencies) {
    this.client = client;
    this.server = server;
    this.#travelMillis = this.#draw("network", latency);
    this.#channelMillis =
      watchLatency === undefined ? this.#travelMillis : this.#draw("watches", watchLatency);
  }

  #draw(what: string, latency: Latency | undefined): () => number {
    if (latency === undefined) return () => 0;
    const chance = this.client.chance(`${what} to ${this.server.name}`);
    return () => chance.between(latency.minMillis, latency.maxMillis);
  }

  /** Messages of different calls may overtake each other, as on different connections. */
  send(to: Process, task: () => void): void {
    const millis = this.#travelMillis();
    if (millis <= 0) to.post(task);
    else to.after(millis, task);
  }

  /** A channel to `to` that keeps the order of its messages, as one connection does. */
  channel(to: Process): (task: () => void) => void {
    let lastArrival = 0;
    return (task) => {
      const { now } = to.world;
      const arrival = Math.max(lastArrival, now + this.#channelMillis());
      lastArrival = arrival;
      if (arrival <= now) to.post(task);
      else to.after(arrival - now, task);
    };
  }
}
