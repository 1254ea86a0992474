/** `nodeop operator` as its own process, with the ServiceAccount of the installation and nothing more. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Effect, type Scope } from "effect";
import { freePorts } from "../../support/controlPlane/ports.ts";

/** The command line in one file. */
export const BUNDLE = fileURLToPath(new URL("../../../dist/nodeop.mjs", import.meta.url));

const CONTAINERFILE = fileURLToPath(new URL("../../../deploy/Containerfile", import.meta.url));

/** What the image sets for its programs, in its last stage; the code cache lies in the image only. */
const imageEnvironment = (): Record<string, string> => {
  const stage =
    readFileSync(CONTAINERFILE, "utf8")
      .split(/^FROM /mu)
      .at(-1) ?? "";
  const settings = [...stage.matchAll(/^ENV (.+)$/gmu)].flatMap(([, line = ""]) => line.split(" "));
  return Object.fromEntries(
    settings
      .map(
        (setting) =>
          [
            setting.slice(0, setting.indexOf("=")),
            setting.slice(setting.indexOf("=") + 1),
          ] as const,
      )
      .filter(([name]) => name !== "NODE_COMPILE_CACHE"),
  );
};

/** How long it may take to end. */
const STOP_MILLIS = 3000;

export interface OperatorProcessOptions {
  readonly kubeconfig: string;
  readonly flags?: ReadonlyArray<string>;
  readonly environment?: Readonly<Record<string, string>>;
}

/** How a process ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface LogLine {
  readonly level: string;
  readonly message: unknown;
  readonly annotations: Readonly<Record<string, unknown>>;
}

/** One that runs; it is told to end when its scope ends, so that it gives its Lease back, and killed if it does not. */
export class OperatorProcess {
  readonly #child: ChildProcess;
  readonly #healthPort: number;
  readonly #metricsPort: number;
  readonly #ended: Promise<Ended>;
  #output = "";

  static readonly start = Effect.fn("OperatorProcess.start")(function* (
    options: OperatorProcessOptions,
  ): Effect.fn.Return<OperatorProcess, never, Scope.Scope> {
    const [health = 0, metrics = 0] = yield* freePorts(2);
    return yield* Effect.acquireRelease(
      Effect.sync(() => new OperatorProcess(options, health, metrics)),
      (operator) => Effect.promise(() => operator.#stop()),
    );
  });

  private constructor(options: OperatorProcessOptions, health: number, metrics: number) {
    this.#healthPort = health;
    this.#metricsPort = metrics;
    const flags = [
      BUNDLE,
      "operator",
      `--kubeconfig=${options.kubeconfig}`,
      `--health-address=127.0.0.1:${health}`,
      `--metrics-address=127.0.0.1:${metrics}`,
      "--lease-namespace=operator-system",
      ...(options.flags ?? []),
    ];
    const environment = {
      PATH: process.env["PATH"],
      ...imageEnvironment(),
      ...options.environment,
    };
    const child = spawn(process.execPath, flags, {
      stdio: ["ignore", "pipe", "pipe"],
      env: environment,
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (this.#output += text));
    this.#ended = new Promise((resolve) => {
      child.once("exit", (code, signal) => resolve({ code, signal }));
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** What it wrote. */
  get output(): string {
    return this.#output;
  }

  get logs(): ReadonlyArray<LogLine> {
    return this.#output
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as LogLine);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  get ended(): Effect.Effect<Ended> {
    return Effect.promise(() => this.#ended);
  }

  /** Body of /readyz, /healthz or /metrics and its code; code 0 where nobody listens yet. */
  get(path: "/readyz" | "/healthz" | "/metrics") {
    const port = path === "/metrics" ? this.#metricsPort : this.#healthPort;
    return Effect.callback<{ readonly code: number; readonly body: string }>((resume) => {
      const asked = request({ host: "127.0.0.1", port, path, agent: false }, (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (text: string) => (body += text));
        response.on("end", () => resume(Effect.succeed({ code: response.statusCode ?? 0, body })));
      });
      asked.on("error", (error) => resume(Effect.succeed({ code: 0, body: error.message })));
      asked.end();
    });
  }

  /** Waits until it says that it is ready. */
  get ready(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      for (;;) {
        if (!this.isRunning) return yield* Effect.die(new Error(`it ended:\n${this.#output}`));
        if ((yield* this.get("/readyz")).code === 200) return;
        yield* Effect.sleep("20 millis");
      }
    });
  }

  async #stop(): Promise<void> {
    if (!this.isRunning) return;
    this.#child.kill("SIGTERM");
    const killer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MILLIS);
    await this.#ended;
    clearTimeout(killer);
  }
}
