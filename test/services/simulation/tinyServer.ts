/** The smallest API server that a transport can be tested against: names, versions, watches, and a log of what happened. */
import { Nodes } from "../../../src/domain/kube/resource.ts";
import type {
  Answer,
  ApiServer,
  OpenWatch,
  StatusBody,
  WatchSink,
} from "../../../src/services/ApiServer.ts";
import type { KubeRequest, WatchRequest } from "../../../src/services/KubeTransport.ts";

export const status = (reason: string, code: number): StatusBody => ({
  kind: "Status",
  apiVersion: "v1",
  status: "Failure",
  reason,
  code,
  message: `${reason}!`,
});

/** Stores Nodes by name. Every write of a name is a commit; `get` finds what was written. */
export class TinyServer implements ApiServer {
  readonly now: () => number;
  /** `name rv actor sentAt→appliedAt` of every commit. */
  readonly log: Array<string> = [];
  readonly sinks = new Set<WatchSink>();
  readonly #versions = new Map<string, number>();

  constructor(now: () => number) {
    this.now = now;
  }

  /** The names in the order in which they were written. */
  get written(): ReadonlyArray<string> {
    return this.log.map((line) => line.split(" ")[0]!);
  }

  handle(actor: string, { verb, name = "", query }: KubeRequest, sentAt = this.now()): Answer {
    const found = this.#versions.get(name);
    if (verb === "get" || verb === "list") {
      if (found === undefined) return { ok: false, status: status("NotFound", 404) };
      return { ok: true, object: { name, rv: found } };
    }
    if (name === "refused") return { ok: false, status: status("Conflict", 409) };
    const rv = this.log.length + 1;
    if (query?.dryRun === true) return { ok: true, object: { name, rv: 0 } };
    this.log.push(`${name} ${rv} ${actor} ${sentAt}→${this.now()}`);
    this.#versions.set(name, rv);
    for (const sink of this.sinks) sink.frames([{ type: "MODIFIED", object: { name, rv } }]);
    return { ok: true, object: { name, rv } };
  }

  watch(_actor: string, request: WatchRequest, sink: WatchSink): OpenWatch | StatusBody {
    if (request.resourceVersion === "old") return status("Expired", 410);
    const existing = [...this.#versions].map(([name, rv]) => ({
      type: "ADDED" as const,
      object: { name, rv },
    }));
    if (existing.length > 0) sink.frames(existing);
    this.sinks.add(sink);
    return { close: () => void this.sinks.delete(sink) };
  }
}

export const write = (name: string): KubeRequest => ({ verb: "patch", resource: Nodes, name });
export const read = (name: string): KubeRequest => ({ verb: "get", resource: Nodes, name });
