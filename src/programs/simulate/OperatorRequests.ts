/** Counts what the operator of a simulation asks the API server. */
import type { Served } from "../../services/fake/FakeCluster.ts";
import { isWrite } from "../../services/simulation/interception.ts";
import { requestedResource } from "./FaultInjector.ts";

/** The operator's requests by verb and resource, and its writes, over all its starts. */
export class OperatorRequests {
  readonly #counts = new Map<string, number>();
  #writes = 0;

  /** To be told of every request that was answered, whoever sent it. */
  served({ actor, request }: Served): void {
    if (actor !== "operator") return;
    const key = `${request.verb} ${requestedResource(request)}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    if (request.verb !== "watch" && isWrite(request)) this.#writes++;
  }

  /** `patch nodes` → how often, sorted by name. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Requests that change something, failed ones included. */
  get writes(): number {
    return this.#writes;
  }
}
