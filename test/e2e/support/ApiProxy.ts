/**
 * A proxy on loopback between an operator and the API server: it sees every write, can do something before or after one is
 * applied and can cut watches, as a load balancer.
 */
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Agent, request } from "node:https";
import type { Socket } from "node:net";
import { Effect, type Scope } from "effect";
import { writeKubeconfig } from "../../support/controlPlane/kubeconfig.ts";
import type { Api } from "./api.ts";

/** A write by its number, from 1 on; Events and Leases do not count. */
export interface Write {
  readonly number: number;
  readonly method: string;
  readonly path: string;
}

export interface ApiProxyOptions {
  readonly api: Api;
  /** Before a write is passed on. True: it is not, and its connection is broken. */
  readonly before?: (write: Write) => boolean;
  /** After a write was applied, before its answer is passed on. True: it is not. */
  readonly after?: (write: Write) => boolean;
}

export class ApiProxy {
  /** How many writes were asked for. */
  writes = 0;
  readonly #options: ApiProxyOptions;
  readonly #ca: Buffer;
  readonly #agent: Agent;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #watches = new Set<ServerResponse>();
  #port = 0;

  static readonly make = (options: ApiProxyOptions): Effect.Effect<ApiProxy, never, Scope.Scope> =>
    Effect.acquireRelease(
      Effect.gen(function* () {
        const proxy = new ApiProxy(options);
        yield* proxy.#listen();
        return proxy;
      }),
      (proxy) => Effect.sync(() => proxy.#close()),
    );

  private constructor(options: ApiProxyOptions) {
    this.#options = options;
    this.#ca = readFileSync(options.api.caFile);
    this.#agent = new Agent({ keepAlive: true, ca: this.#ca });
    this.#server = createServer((asked, answer) => this.#handle(asked, answer));
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  get server(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The credentials of another kubeconfig with this proxy as the server. */
  kubeconfig(of: string): string {
    const config = JSON.parse(readFileSync(of, "utf8")) as {
      readonly users: readonly [
        { readonly name: string; readonly user: { readonly token: string } },
      ];
    };
    const [{ name, user }] = config.users;
    const file = `${of}-through-${this.#port}`;
    const { caFile } = this.#options.api;
    return writeKubeconfig(file, { server: this.server, caFile, token: user.token, user: name });
  }

  /** Breaks every watch, as a load balancer does when it is restarted. Answers how many. */
  cutWatches(): number {
    const count = this.#watches.size;
    for (const watch of this.#watches) watch.destroy();
    return count;
  }

  #listen(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      this.#server.listen(0, "127.0.0.1", () => {
        const address = this.#server.address();
        if (typeof address === "object" && address !== null) this.#port = address.port;
        resume(Effect.void);
      });
    });
  }

  #close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#agent.destroy();
  }

  #handle(asked: IncomingMessage, answer: ServerResponse): void {
    const { method = "GET", url = "/" } = asked;
    const { before, after, api } = this.#options;
    const write = this.#writeOf(method, url);
    if (write !== undefined && before?.(write) === true) return void asked.destroy();
    const passed = request(
      `${api.server}${url}`,
      { method, agent: this.#agent, headers: asked.headers },
      (response) => {
        if (write !== undefined && after?.(write) === true) {
          response.resume();
          return void asked.destroy();
        }
        if (url.includes("watch=true")) this.#watches.add(answer);
        answer.once("close", () => {
          this.#watches.delete(answer);
          response.destroy();
        });
        answer.writeHead(response.statusCode ?? 502, response.headers);
        answer.flushHeaders();
        response.pipe(answer);
        response.on("error", () => answer.destroy());
      },
    );
    passed.on("error", () => asked.destroy());
    answer.once("close", () => {
      if (!answer.writableFinished) passed.destroy();
    });
    asked.pipe(passed);
  }

  #writeOf(method: string, path: string): Write | undefined {
    const isCounted = method !== "GET" && !/\/(?:events|leases)(?:[/?]|$)/u.test(path);
    return isCounted ? { number: ++this.writes, method, path } : undefined;
  }
}
