/** Reads the files that are named on a command line, and says of those that cannot be read why. */
import { Effect, FileSystem, type PlatformError } from "effect";
import type { ManifestFile } from "./yamlDocuments.ts";

/** More than the manifests of any cluster; a larger file is a mistake, and would take the memory. */
const BYTES_MAX = 64 * 1024 * 1024;

/** The files that could be read, and a sentence for each that could not. */
export const readManifestFiles = Effect.fnUntraced(function* (paths: ReadonlyArray<string>) {
  const files: Array<ManifestFile> = [];
  const problems: Array<string> = [];
  for (const path of new Set(paths)) {
    const read = yield* Effect.result(readFile(path));
    if (read._tag === "Success") files.push({ path, text: read.success });
    else problems.push(`${path === "" ? '""' : path}: cannot be read: ${read.failure}`);
  }
  return { files, problems };
});

const readFile = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem;
  const { type, size } = yield* Effect.mapError(fs.stat(path), sentenceOf);
  if (type === "Directory")
    return yield* Effect.fail("it is a directory; name the files in it, as in DIRECTORY/*.yaml");
  if (size > BYTES_MAX)
    return yield* Effect.fail(`it is larger than ${BYTES_MAX / 1024 / 1024} MiB; name a YAML file`);
  return yield* Effect.mapError(fs.readFileString(path), sentenceOf);
});

const sentenceOf = ({ reason }: PlatformError.PlatformError): string => {
  if (reason._tag === "NotFound") return "there is no such file";
  return reason._tag === "PermissionDenied"
    ? "you are not allowed to; check its permissions"
    : reason.message;
};
