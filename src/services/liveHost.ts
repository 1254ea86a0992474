/** The real `Host`: files of the machine under a privileged Pod with hostPID, and a command that reboots it. */
import { Effect, Fiber, FileSystem, Layer, Option, Stream } from "effect";
import { ChildProcess, ChildProcessSpawner } from "effect/process";
import { bootStateOf } from "../domain/host/bootState.ts";
import { versionOf } from "../domain/host/release.ts";
import { Host, HostError } from "./Host.ts";
import { hostError, isMissing, readHostTexts } from "./liveHostFiles.ts";

export interface LiveHostOptions {
  /** Where the host's sentinel directory is mounted. */
  readonly sentinelDir?: string | undefined;
  /** The host's proc file system; with hostPID a container's own is the same kernel's. */
  readonly procDir?: string | undefined;
  /** The root directory of the host as this process sees it. */
  readonly hostRoot?: string | undefined;
  /** The command, and its arguments, that reboots the host: run in the namespaces of its init. */
  readonly rebootCommand?: readonly [command: string, ...args: ReadonlyArray<string>] | undefined;
}

const DEFAULTS = {
  sentinelDir: "/sentinel",
  procDir: "/proc",
  hostRoot: "/proc/1/root",
  rebootCommand: ["nsenter", "-i", "-m", "-t", "1", "--", "reboot"],
} as const;

/** How often a sentinel is looked for. File notifications do not survive a directory that is replaced; looking does. */
const SENTINEL_POLL = "2 seconds";

/** The name of a sentinel: the uid of a Job, which the API server makes as a UUID (RFC 9562). */
const UID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/iu;

/** How long the output of a command is waited for after it has failed. */
const LAST_WORDS = "1 second";

/** Characters of a failed command's output that are worth repeating. */
const OUTPUT_LENGTH_MAX = 500;

const make = Effect.fnUntraced(function* (options: LiveHostOptions) {
  const fs = yield* FileSystem.FileSystem;
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner;
  const sentinelDir = options.sentinelDir ?? DEFAULTS.sentinelDir;
  const procDir = options.procDir ?? DEFAULTS.procDir;
  const hostRoot = options.hostRoot ?? DEFAULTS.hostRoot;
  const [command, ...args] = options.rebootCommand ?? DEFAULTS.rebootCommand;

  /** The text of a file without white space around it; none when there is no such file or nothing in it. */
  const textOf = (path: string): Effect.Effect<Option.Option<string>, HostError> =>
    fs.readFileString(path).pipe(
      Effect.map((text) => Option.liftPredicate(text.trim(), (trimmed) => trimmed !== "")),
      Effect.catchIf(isMissing, () => Effect.succeedNone),
      Effect.mapError(hostError(`read ${path}`)),
    );
  const required = Effect.fnUntraced(function* (path: string) {
    const text = yield* textOf(path);
    if (Option.isSome(text)) return text.value;
    const detail = "missing or empty; the agent's Pod needs hostPID and the host's /proc";
    return yield* new HostError({ operation: `read ${path}`, detail });
  });

  const sentinel = (job: string): Effect.Effect<Option.Option<string>, HostError> =>
    job === "" || job === "." || job === ".." || job.includes("/")
      ? Effect.fail(
          new HostError({ operation: `read sentinel "${job}"`, detail: "not the uid of a Job" }),
        )
      : textOf(`${sentinelDir}/${job}`);
  const awaitSentinel = Effect.fnUntraced(function* (job: string) {
    for (;;) {
      const found = yield* sentinel(job);
      if (Option.isSome(found)) return found.value;
      yield* Effect.sleep(SENTINEL_POLL);
    }
  });
  const pruneSentinels = Effect.fnUntraced(function* (exceptJob: string) {
    const names = yield* fs.readDirectory(sentinelDir).pipe(
      Effect.catchIf(isMissing, () => Effect.succeed([])),
      Effect.mapError(hostError(`list ${sentinelDir}`)),
    );
    for (const name of names) {
      // The directory is the host's: what is not named like a sentinel is not ours.
      if (name === exceptJob || !UID.test(name)) continue;
      const path = `${sentinelDir}/${name}`;
      yield* fs.remove(path).pipe(
        Effect.catchIf(isMissing, () => Effect.void),
        Effect.mapError(hostError(`remove ${path}`)),
      );
    }
  });

  const system = Effect.gen(function* () {
    // Without its command line a host's boot state could only be guessed.
    yield* required(`${procDir}/cmdline`);
    const texts = yield* readHostTexts(fs, { hostRoot, procDir });
    return { bootState: bootStateOf(texts), version: versionOf(texts) };
  });

  const operation = `run ${[command, ...args].join(" ")}`;
  const reboot = Effect.gen(function* () {
    const child = yield* spawner.spawn(ChildProcess.make(command, args, { stdin: "ignore" }));
    const saying = yield* Effect.forkChild(Stream.mkString(Stream.decodeText(child.all)));
    const code = Number(yield* child.exitCode);
    // What the command leaves running may keep its output open for ever: the exit code decides.
    if (code === 0) return Option.none<string>();
    const said = yield* Effect.timeoutOption(Fiber.join(saying), LAST_WORDS);
    const output = Option.getOrElse(said, () => "its output did not end").trim();
    return Option.some(`exit code ${code}: ${output.slice(-OUTPUT_LENGTH_MAX)}`);
  }).pipe(
    Effect.scoped,
    Effect.mapError(hostError(operation)),
    Effect.flatMap(
      Option.match({
        onNone: () => Effect.void,
        onSome: (detail) => Effect.fail(new HostError({ operation, detail })),
      }),
    ),
  );

  return {
    bootID: required(`${procDir}/sys/kernel/random/boot_id`),
    sentinel,
    awaitSentinel,
    pruneSentinels,
    system,
    reboot,
  };
});

/** The host that this process runs on. Needs a file system and processes, as `NodeServices.layer` provides them. */
export const liveHostLayer = (
  options: LiveHostOptions = {},
): Layer.Layer<Host, never, FileSystem.FileSystem | ChildProcessSpawner.ChildProcessSpawner> =>
  Layer.effect(Host, make(options));
