/**
 * An API server that can be away: its watches end, and every request is refused as a load balancer in front of it does,
 * until it is back. What it stores stays.
 */
import type {
  Answer,
  ApiServer,
  OpenWatch,
  StatusBody,
  WatchSink,
} from "../../services/ApiServer.ts";
import { failure } from "../../services/fake/status.ts";
import type { KubeRequest, WatchRequest } from "../../services/KubeTransport.ts";

const AWAY: StatusBody = failure(503, "ServiceUnavailable", "no API server is ready to serve");

/** Puts itself in front of an API server. */
export class Outage implements ApiServer {
  readonly #server: ApiServer;
  readonly #open = new Map<WatchSink, OpenWatch>();
  #isAway = false;

  constructor(server: ApiServer) {
    this.#server = server;
  }

  /** From now on nothing is answered, and open watches end. */
  begin(): void {
    this.#isAway = true;
    for (const [sink, watch] of this.#open) {
      watch.close();
      sink.closed(undefined);
    }
    this.#open.clear();
  }

  /** From now on everything is answered. */
  end(): void {
    this.#isAway = false;
  }

  readonly handle = (actor: string, request: KubeRequest, sentAt?: number): Answer =>
    this.#isAway ? { ok: false, status: AWAY } : this.#server.handle(actor, request, sentAt);

  readonly watch = (
    actor: string,
    request: WatchRequest,
    sink: WatchSink,
  ): OpenWatch | StatusBody => {
    if (this.#isAway) return AWAY;
    const opened = this.#server.watch(actor, request, {
      frames: sink.frames,
      closed: (end) => {
        this.#open.delete(sink);
        sink.closed(end);
      },
    });
    if (!("close" in opened)) return opened;
    this.#open.set(sink, opened);
    return {
      close: () => {
        this.#open.delete(sink);
        opened.close();
      },
    };
  };
}
