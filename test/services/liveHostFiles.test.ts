/** `HostFiles` over directories that look like a host's. */
import * as NodeServices from "@effect/platform-node/NodeServices";
import { describe, expect, it } from "@effect/vitest";
import { Effect, FileSystem, Result } from "effect";
import { HostError } from "../../src/services/Host.ts";
import { HostFiles } from "../../src/services/HostFiles.ts";
import { liveHostFilesLayer } from "../../src/services/liveHostFiles.ts";
import { DEBIAN_OS_RELEASE, INSTALLED, OPENSUSE, UKI_COMMAND_LINE } from "../support/hosts.ts";

/** The texts of a host with these files, or the error; `prepare` does what is more than files. */
const textsOf = (
  files: Readonly<Record<string, string | Uint8Array>>,
  prepare: (at: string, fs: FileSystem.FileSystem) => Effect.Effect<void, unknown> = () =>
    Effect.void,
) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem;
    const at = yield* fs.makeTempDirectoryScoped();
    for (const [path, content] of Object.entries(files)) {
      yield* fs.makeDirectory(`${at}/${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
      yield* typeof content === "string"
        ? fs.writeFileString(`${at}/${path}`, content)
        : fs.writeFile(`${at}/${path}`, content);
    }
    yield* prepare(at, fs);
    return yield* Effect.provide(
      Effect.flatMap(HostFiles, ({ texts }) => Effect.result(texts)),
      liveHostFilesLayer({ hostRoot: `${at}/root`, procDir: `${at}/proc` }),
    );
  }).pipe(Effect.scoped, Effect.provide(NodeServices.layer));

const EFI = "root/sys/firmware/efi/efivars";
const VENDOR = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";

describe("the files of a host", () => {
  it.effect("that do not exist are undefined, and an empty one is there", () =>
    Effect.gen(function* () {
      expect(yield* textsOf({ "root/etc/kairos-release": "" })).toMatchObject({
        success: {
          kairosRelease: "",
          osRelease: undefined,
          commandLine: undefined,
          loader: undefined,
        },
      });
    }),
  );

  it.effect("are found through links, absolute ones within the host's own root", () =>
    Effect.gen(function* () {
      const texts = yield* textsOf(
        { "root/etc/kairos-release": OPENSUSE, "root/usr/lib/os-release": DEBIAN_OS_RELEASE },
        (at, fs) => fs.symlink("/usr/lib/os-release", `${at}/root/etc/os-release`),
      );
      expect(texts).toMatchObject({
        success: { kairosRelease: OPENSUSE, osRelease: DEBIAN_OS_RELEASE },
      });
    }),
  );

  it.effect("that are there and cannot be read are an error, not a host without Kairos", () =>
    Effect.gen(function* () {
      const texts = yield* textsOf({}, (at, fs) =>
        fs.makeDirectory(`${at}/root/etc/kairos-release`, { recursive: true }),
      );
      expect(texts).toMatchObject({ failure: expect.any(HostError) as unknown });
      expect(texts).toMatchObject({
        failure: { operation: expect.stringContaining("kairos-release") as unknown },
      });
    }),
  );
});

describe("the boot loader's variables", () => {
  const variable = { [`${EFI}/LoaderDevicePartUUID-${VENDOR}`]: INSTALLED };

  it.effect("are read under Trusted Boot; one that is not there is undefined", () =>
    Effect.gen(function* () {
      const texts = yield* textsOf({ ...variable, "proc/cmdline": UKI_COMMAND_LINE });
      const { devicePartUUID, entrySelected } = Result.getOrThrow(texts).loader!;
      expect([...devicePartUUID!]).toEqual([...INSTALLED]);
      expect(entrySelected).toBeUndefined();
    }),
  );

  it.effect("are not asked for where the command line tells enough", () =>
    Effect.gen(function* () {
      const texts = yield* textsOf({ ...variable, "proc/cmdline": "root=LABEL=COS_ACTIVE" });
      expect(texts).toMatchObject({ success: { loader: undefined } });
    }),
  );

  it.effect("cannot be seen where efivarfs is not mounted: its directory is empty", () =>
    Effect.gen(function* () {
      const texts = yield* textsOf({ "proc/cmdline": UKI_COMMAND_LINE }, (at, fs) =>
        fs.makeDirectory(`${at}/${EFI}`, { recursive: true }),
      );
      expect(texts).toMatchObject({ success: { loader: undefined } });
    }),
  );
});
