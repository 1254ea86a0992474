import * as NodeServices from "@effect/platform-node/NodeServices";
import { describe, expect, it } from "@effect/vitest";
import { Effect, Fiber, FileSystem, Layer, Option, PlatformError } from "effect";
import { ChildProcessSpawner } from "effect/process";
import { TestClock } from "effect/testing";
import { Host, HostError } from "../../src/services/Host.ts";
import { type LiveHostOptions, liveHostLayer } from "../../src/services/liveHost.ts";
import { efiVariable, INSTALLED, UKI_COMMAND_LINE } from "../support/hosts.ts";

const JOB = "5f1f0c1e-1f0a-4c1b-9a53-0c9d1c6a1a01";
const OTHER = "5f1f0c1e-1f0a-4c1b-9a53-0c9d1c6a1a02";

const missing = PlatformError.systemError({
  _tag: "NotFound",
  module: "FileSystem",
  method: "readFileString",
});

/** Runs `body` with a host made of files in a new directory; `at` is that directory. */
const onHost = <A, E>(
  files: Readonly<Record<string, string>>,
  body: (at: string) => Effect.Effect<A, E, Host | FileSystem.FileSystem>,
  rebootCommand?: (at: string) => LiveHostOptions["rebootCommand"],
) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem;
    const at = yield* fs.makeTempDirectoryScoped();
    for (const directory of ["sentinel", "proc/sys/kernel/random", "root/etc", "root/usr/lib"])
      yield* fs.makeDirectory(`${at}/${directory}`, { recursive: true });
    for (const [path, text] of Object.entries(files))
      yield* fs.writeFileString(`${at}/${path}`, text);
    const layer = liveHostLayer({
      sentinelDir: `${at}/sentinel`,
      procDir: `${at}/proc`,
      hostRoot: `${at}/root`,
      rebootCommand: rebootCommand?.(at),
    });
    return yield* Effect.provide(body(at), layer);
  }).pipe(Effect.scoped, Effect.provide(NodeServices.layer));

describe("boot id", () => {
  it.effect("is the kernel's, without its line end", () =>
    onHost({ "proc/sys/kernel/random/boot_id": "3f2c-a81d\n" }, () =>
      Effect.gen(function* () {
        expect(yield* (yield* Host).bootID).toBe("3f2c-a81d");
      }),
    ),
  );

  it.effect("without it there is an error that says what the Pod needs", () =>
    onHost({}, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip((yield* Host).bootID);
        expect(error.message).toContain("boot_id: missing or empty");
        expect(error.message).toContain("hostPID");
      }),
    ),
  );
});

describe("sentinels", () => {
  it.effect("are found by the exact uid of their Job only", () =>
    onHost({ [`sentinel/${JOB}x`]: "b1", [`sentinel/x${JOB}`]: "b2" }, () =>
      Effect.gen(function* () {
        expect(yield* (yield* Host).sentinel(JOB)).toEqual(Option.none());
      }),
    ),
  );

  it.effect("hold a boot id; an empty file is no sentinel yet", () =>
    onHost({ [`sentinel/${JOB}`]: "b1\n", [`sentinel/${OTHER}`]: "" }, () =>
      Effect.gen(function* () {
        const host = yield* Host;
        expect(yield* host.sentinel(JOB)).toEqual(Option.some("b1"));
        expect(yield* host.sentinel(OTHER)).toEqual(Option.none());
      }),
    ),
  );

  it.effect("a uid never leads out of the directory", () =>
    onHost({ secret: "b1" }, () =>
      Effect.gen(function* () {
        const host = yield* Host;
        for (const job of ["../secret", "..", ".", "", "a/b"])
          expect(yield* Effect.flip(host.sentinel(job))).toBeInstanceOf(HostError);
      }),
    ),
  );

  it.effect(
    "awaitSentinel waits for its own Job's and finds it at the next look, 2 seconds later",
    () => {
      const files = new Map([[`/sentinel/${OTHER}`, "b0"]]);
      const looks: Array<string> = [];
      const fileSystem = FileSystem.layerNoop({
        readFileString: (path) =>
          Effect.suspend(() => {
            looks.push(path);
            const text = files.get(path);
            return text === undefined ? Effect.fail(missing) : Effect.succeed(text);
          }),
      });
      const layer = liveHostLayer().pipe(
        Layer.provide(Layer.mock(ChildProcessSpawner.ChildProcessSpawner)({})),
        Layer.provide(fileSystem),
      );
      return Effect.gen(function* () {
        const waiting = yield* Effect.forkChild((yield* Host).awaitSentinel(JOB));
        yield* TestClock.adjust("9 seconds");
        expect(waiting.pollUnsafe()).toBeUndefined();
        expect(looks).toEqual(Array.from({ length: 5 }, () => `/sentinel/${JOB}`));
        files.set(`/sentinel/${JOB}`, "b1\n");
        yield* TestClock.adjust("1 second");
        expect(yield* Fiber.join(waiting)).toBe("b1");
      }).pipe(Effect.provide(layer));
    },
  );

  it.effect("pruning removes those of other Jobs and nothing that is not a sentinel", () =>
    onHost(
      {
        [`sentinel/${JOB}`]: "b1",
        [`sentinel/${OTHER}`]: "b0",
        "sentinel/notes.txt": "the administrator's",
        [`sentinel/${OTHER}.bak`]: "also theirs",
      },
      (at) =>
        Effect.gen(function* () {
          const fs = yield* FileSystem.FileSystem;
          yield* (yield* Host).pruneSentinels(JOB);
          const left = yield* fs.readDirectory(`${at}/sentinel`);
          expect(left.toSorted()).toEqual([JOB, `${OTHER}.bak`, "notes.txt"]);
        }),
    ),
  );

  it.effect("pruning a directory that does not exist is done already", () =>
    onHost({}, (at) =>
      Effect.gen(function* () {
        yield* (yield* FileSystem.FileSystem).remove(`${at}/sentinel`, { recursive: true });
        yield* (yield* Host).pruneSentinels(JOB);
      }),
    ),
  );
});

describe("system", () => {
  const cmdline = { "proc/cmdline": "root=LABEL=COS_ACTIVE\n" };

  it.effect("is the boot state and the version of kairos-release", () =>
    onHost(
      {
        ...cmdline,
        "root/etc/kairos-release": "KAIROS_VERSION=v3.4.2\nKAIROS_SOFTWARE_VERSION=k3s1",
        "root/etc/os-release": "KAIROS_VERSION=v1",
      },
      () =>
        Effect.gen(function* () {
          const system = yield* (yield* Host).system;
          expect(system).toEqual({ bootState: "active", version: "v3.4.2-k3s1" });
        }),
    ),
  );

  it.effect("older systems say it in os-release, an absolute link into the host's own root", () =>
    onHost({ ...cmdline, "root/usr/lib/os-release": "KAIROS_VERSION=v3" }, (at) =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem;
        // In a container this link leads to the container's own file; the host's is the one that counts.
        yield* fs.symlink("/usr/lib/link", `${at}/root/etc/os-release`);
        yield* fs.symlink("os-release", `${at}/root/usr/lib/link`);
        expect((yield* (yield* Host).system).version).toBe("v3");
      }),
    ),
  );

  it.effect("a link that leads to itself is an error, not an endless search", () =>
    onHost(cmdline, (at) =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem;
        yield* fs.symlink("kairos-release", `${at}/root/etc/kairos-release`);
        expect(yield* Effect.flip((yield* Host).system)).toBeInstanceOf(HostError);
      }),
    ),
  );

  it.effect("under Trusted Boot the boot loader's variables tell which system was booted", () =>
    onHost({ "proc/cmdline": `${UKI_COMMAND_LINE}\n` }, (at) =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem;
        const variables = `${at}/root/sys/firmware/efi/efivars`;
        yield* fs.makeDirectory(variables, { recursive: true });
        const host = yield* Host;
        expect((yield* host.system).bootState).toBe("unknown");
        for (const [name, value] of [
          ["LoaderDevicePartUUID", INSTALLED],
          ["LoaderEntrySelected", efiVariable("passive.conf")],
        ] as const)
          yield* fs.writeFile(`${variables}/${name}-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f`, value);
        expect((yield* host.system).bootState).toBe("passive");
      }),
    ),
  );

  it.effect("another system has no version that could be mistaken for one", () =>
    onHost({ "proc/cmdline": "root=/dev/vda1", "root/etc/os-release": "VERSION_ID=12" }, () =>
      Effect.gen(function* () {
        const system = yield* (yield* Host).system;
        expect(system).toEqual({ bootState: "unknown", version: undefined });
      }),
    ),
  );
});

describe("reboot", () => {
  it.effect("runs the command, with its arguments as they are", () =>
    onHost(
      {},
      (at) =>
        Effect.gen(function* () {
          yield* (yield* Host).reboot;
          const fs = yield* FileSystem.FileSystem;
          expect(yield* fs.readFileString(`${at}/rebooted`)).toBe("a b;c");
        }),
      (at) => ["sh", "-c", `printf %s "$1" > ${at}/rebooted`, "sh", "a b;c"],
    ),
  );

  it.effect("a command that leaves something running in the background has done its part", () =>
    onHost(
      {},
      (at) =>
        Effect.gen(function* () {
          yield* (yield* Host).reboot;
          const fs = yield* FileSystem.FileSystem;
          yield* fs.writeFileString(`${at}/stop`, "");
        }),
      (at) => ["sh", "-c", `(until [ -e ${at}/stop ]; do sleep 0.1; done) & exit 0`],
    ),
  );

  it.effect("a command that fails is an error with its exit code and what it said", () =>
    onHost(
      {},
      () =>
        Effect.gen(function* () {
          const error = yield* Effect.flip((yield* Host).reboot);
          expect(error.message).toContain("exit code 3: not permitted");
        }),
      () => ["sh", "-c", "echo not permitted >&2; exit 3"],
    ),
  );

  it.effect("so is a command that does not exist", () =>
    onHost(
      {},
      () =>
        Effect.gen(function* () {
          const error = yield* Effect.flip((yield* Host).reboot);
          expect(error.message).toContain("run /no/such/reboot");
        }),
      () => ["/no/such/reboot"],
    ),
  );
});
