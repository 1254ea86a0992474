/** Requests that an API server has received but, as the interception has it, applies only after later writes. */
import type { Process } from "./Process.ts";

interface Held {
  /** Successful writes to wait for. */
  writesLeft: number;
  readonly apply: () => void;
}

/** The held requests of one API server, by its process: all transports to that server share them. */
export class HeldRequests {
  static readonly #ofServer = new WeakMap<Process, HeldRequests>();
  #held: Array<Held> = [];

  static of(server: Process): HeldRequests {
    const known = HeldRequests.#ofServer.get(server);
    if (known !== undefined) return known;
    const fresh = new HeldRequests();
    HeldRequests.#ofServer.set(server, fresh);
    return fresh;
  }

  /** Runs `apply` right after the `writes`-th later write, before anything else reaches the server; 0: now. */
  hold(writes: number, apply: () => void): void {
    if (writes <= 0) apply();
    else this.#held.push({ writesLeft: writes, apply });
  }

  /** Tells that the server has applied a write. What is applied now may itself tell so. */
  wrote(): void {
    if (this.#held.length === 0) return;
    for (const held of this.#held) held.writesLeft--;
    for (let due = this.#takeDue(); due !== undefined; due = this.#takeDue()) due.apply();
  }

  /** The request that has waited longest of those whose time has come. */
  #takeDue(): Held | undefined {
    const index = this.#held.findIndex((held) => held.writesLeft <= 0);
    return index < 0 ? undefined : this.#held.splice(index, 1)[0];
  }
}
