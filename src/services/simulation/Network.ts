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

/** Delivers messages in both directions. */
export class Network {
  readonly client: Process;
  readonly server: Process;
  readonly #travelMillis: () => number;

  constructor(client: Process, server: Process, latency: Latency | undefined) {
    this.client = client;
    this.server = server;
    if (latency === undefined) this.#travelMillis = () => 0;
    else {
      const chance = client.chance(`network to ${server.name}`);
      this.#travelMillis = () => chance.between(latency.minMillis, latency.maxMillis);
    }
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
      const arrival = Math.max(lastArrival, now + this.#travelMillis());
      lastArrival = arrival;
      if (arrival <= now) to.post(task);
      else to.after(arrival - now, task);
    };
  }
}
