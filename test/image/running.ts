/** Containers that run while a test looks at them, with the API server of tests as the cluster they are in. */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Duration, Effect, Schema, type Scope } from "effect";
import type { ControlPlane } from "../support/controlPlane/ControlPlane.ts";
import { accountToken, type KubectlFailed } from "../support/controlPlane/kubectl.ts";
import type { BuiltImage } from "./buildImage.ts";
import { runArguments } from "./container.ts";

const ACCOUNT_DIRECTORY = "/var/run/secrets/kubernetes.io/serviceaccount";

/** A directory that goes with the control plane, and that nobody may read as root may. */
export const directoryIn = ({ folder }: ControlPlane, files: Readonly<Record<string, string>>) => {
  const directory = mkdtempSync(join(folder, "mounted-"));
  // A user who is nobody can look into what is mounted for a Pod.
  chmodSync(directory, 0o755);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
};

/** What every Pod gets from its cluster: where the API server is, and who it is to it. */
export const inCluster = (
  controlPlane: ControlPlane,
  account: { readonly namespace: string; readonly name: string },
  authority: string = readFileSync(controlPlane.caFile, "utf8"),
): Effect.Effect<ReadonlyArray<string>, KubectlFailed> =>
  Effect.map(accountToken(controlPlane, account), (token) => {
    const { hostname, port } = new URL(controlPlane.server);
    const { namespace } = account;
    const mounted = directoryIn(controlPlane, { token, "ca.crt": authority, namespace });
    return [
      `--env=KUBERNETES_SERVICE_HOST=${hostname}`,
      `--env=KUBERNETES_SERVICE_PORT=${port}`,
      `--volume=${mounted}:${ACCOUNT_DIRECTORY}:ro`,
    ];
  });

const State = Schema.fromJsonString(
  Schema.Struct({
    Pid: Schema.Int,
    ExitCode: Schema.Int,
    Running: Schema.Boolean,
    StartedAt: Schema.String,
    FinishedAt: Schema.String,
  }),
);
const decodeState = Schema.decodeEffect(State);

/** A container that was started and may have ended. */
export interface Container {
  readonly name: string;
  readonly state: Effect.Effect<(typeof State)["Type"]>;
  /** What it has printed, on both outputs. */
  readonly logs: Effect.Effect<string>;
  /** Sends SIGTERM, as the kubelet does, and waits for the end; then the exit code and how long that took. */
  readonly stop: Effect.Effect<{ readonly exitCode: number; readonly millis: number }>;
}

/** Runs the engine to its end without blocking; dies with what it said when it fails. */
const engineCall = (engine: string, ...args: ReadonlyArray<string>): Effect.Effect<string> =>
  Effect.callback((resume) => {
    execFile(engine, args, (error, stdout, stderr) => {
      resume(
        error === null
          ? Effect.succeed(stdout)
          : Effect.die(new Error(`${engine} ${args.join(" ")}\n${stderr}${stdout}`)),
      );
    });
  });

/** Starts a container; the scope removes it. */
export const startContainer = (
  image: BuiltImage,
  flags: ReadonlyArray<string>,
  args: ReadonlyArray<string>,
): Effect.Effect<Container, never, Scope.Scope> => {
  const name = `nodeop-test-${randomUUID()}`;
  const engine = (...words: ReadonlyArray<string>) => engineCall(image.engine, ...words);
  const state = Effect.flatMap(
    engine("inspect", "--type=container", "--format={{json .State}}", name),
    (text) => Effect.orDie(decodeState(text)),
  );
  const container: Container = {
    name,
    state,
    logs: Effect.callback((resume) => {
      execFile(image.engine, ["logs", name], (_, stdout, stderr) =>
        resume(Effect.succeed(stdout + stderr)),
      );
    }),
    stop: Effect.gen(function* () {
      const [took] = yield* Effect.timed(engine("stop", "--time=10", name));
      const { ExitCode: exitCode } = yield* state;
      return { exitCode, millis: Math.round(Duration.toMillis(took)) };
    }),
  };
  return Effect.as(
    Effect.acquireRelease(
      engine(...runArguments(image, ["--detach", `--name=${name}`, ...flags], args)),
      () => Effect.orDie(engine("rm", "--force", "--volumes", name)),
    ),
    container,
  );
};

/** Looks until `look` gives something, for half a minute; dies when it does not. */
export const eventually = <A, E, R>(
  what: string,
  look: Effect.Effect<A | undefined, E, R>,
): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    for (;;) {
      const found = yield* look;
      if (found !== undefined) return found;
      yield* Effect.sleep("20 millis");
    }
  }).pipe(
    Effect.timeoutOrElse({
      duration: "30 seconds",
      orElse: () => Effect.die(new Error(`waited in vain for ${what}`)),
    }),
  );

/** Logs of a container beside a failure: without them nobody knows why. */
export const tellingLogs = <A, E, R>(
  container: Container,
  test: Effect.Effect<A, E, R>,
): Effect.Effect<A, E, R> =>
  Effect.tapCause(test, () => Effect.map(container.logs, (logs) => console.log(logs)));
