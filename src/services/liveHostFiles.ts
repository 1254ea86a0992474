/** Reads the files of a host whose root directory is mounted in this container, and the real `HostFiles`. */
import { Effect, FileSystem, Layer, Option, type PlatformError, Predicate } from "effect";
import { isUnifiedKernel } from "../domain/host/bootState.ts";
import type { HostTexts, LoaderVariables } from "../domain/host/texts.ts";
import { HostError } from "./Host.ts";
import { HostFiles } from "./HostFiles.ts";

/** Where a host's files are, as this process sees them. */
export interface HostFilesOptions {
  /** The root directory of the host. */
  readonly hostRoot: string;
  /** A proc file system; a container's own is the same kernel's. */
  readonly procDir: string;
}

/** Symbolic links followed before a release file is given up, as many as Linux would. */
const LINKS_MAX = 40;

/** Where efivarfs is mounted on every Linux host that has EFI. */
const EFI_VARIABLES = "/sys/firmware/efi/efivars";

/** systemd's vendor id, which the names of its variables end in. */
const SYSTEMD_VENDOR = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";

/** The error of an operation on a host that the platform refused. */
export const hostError =
  (operation: string) =>
  (error: PlatformError.PlatformError): HostError =>
    new HostError({ operation, detail: error.message });

export const isMissing = (error: PlatformError.PlatformError): boolean =>
  Predicate.isTagged(error.reason, "NotFound");

/** `path` and what its last component links to, all the way: absolute links are meant within the host's root. */
const resolveIn = Effect.fnUntraced(function* (
  fs: FileSystem.FileSystem,
  root: string,
  path: string,
) {
  let current = path;
  for (let links = 0; links < LINKS_MAX; links++) {
    const target = Option.getOrUndefined(yield* Effect.option(fs.readLink(`${root}${current}`)));
    if (target === undefined) return `${root}${current}`;
    const folder = current.slice(0, current.lastIndexOf("/"));
    current = target.startsWith("/") ? target : `${folder}/${target}`;
  }
  return `${root}${current}`;
});

/** What `read` gives; undefined when there is no such file. */
const ifThere = <A>(
  path: string,
  read: Effect.Effect<A, PlatformError.PlatformError>,
): Effect.Effect<A | undefined, HostError> =>
  read.pipe(
    Effect.catchIf(isMissing, () => Effect.undefined),
    Effect.mapError(hostError(`read ${path}`)),
  );

/** The boot loader's variables; undefined where no variable can be seen at all. */
const readLoader = Effect.fnUntraced(function* (
  fs: FileSystem.FileSystem,
  directory: string,
): Effect.fn.Return<LoaderVariables | undefined, HostError> {
  const names = yield* ifThere(directory, fs.readDirectory(directory));
  if (names === undefined || names.length === 0) return undefined;
  const read = (name: string) => {
    const path = `${directory}/${name}-${SYSTEMD_VENDOR}`;
    return ifThere(path, fs.readFile(path));
  };
  return {
    devicePartUUID: yield* read("LoaderDevicePartUUID"),
    entrySelected: yield* read("LoaderEntrySelected"),
  };
});

/** Everything that a host says about itself. */
export const readHostTexts = Effect.fnUntraced(function* (
  fs: FileSystem.FileSystem,
  { hostRoot, procDir }: HostFilesOptions,
): Effect.fn.Return<HostTexts, HostError> {
  const text = (path: string) => ifThere(path, fs.readFileString(path));
  const commandLine = yield* text(`${procDir}/cmdline`);
  return {
    kairosRelease: yield* text(yield* resolveIn(fs, hostRoot, "/etc/kairos-release")),
    osRelease: yield* text(yield* resolveIn(fs, hostRoot, "/etc/os-release")),
    commandLine,
    // Firmware can be slow and broken: it is only asked where nothing else tells.
    loader: isUnifiedKernel(commandLine ?? "")
      ? yield* readLoader(fs, `${hostRoot}${EFI_VARIABLES}`)
      : undefined,
  };
});

/** The files of the host that is mounted below `hostRoot`. */
export const liveHostFilesLayer = (
  options: HostFilesOptions,
): Layer.Layer<HostFiles, never, FileSystem.FileSystem> =>
  Layer.effect(
    HostFiles,
    Effect.map(FileSystem.FileSystem, (fs) => ({ texts: readHostTexts(fs, options) })),
  );
