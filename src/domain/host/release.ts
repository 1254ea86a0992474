/** Reads the release files of a Kairos host: their assignments, and the version that they name. */
import type { HostTexts } from "./texts.ts";

/** A value as a shell would read it: quotes and escapes gone (os-release(5)). */
const unquote = (value: string): string => {
  if (value.startsWith("'")) return value.slice(1, value.endsWith("'") ? -1 : undefined);
  const inner = value.startsWith('"')
    ? value.slice(1, value.endsWith('"') ? -1 : undefined)
    : value;
  return inner.replaceAll(/\\(.)/gu, "$1");
};

/** The assignments of a release file. Nothing is executed: what is not `KEY=value` is skipped; the last one counts. */
export const assignmentsOf = (text: string): ReadonlyMap<string, string> => {
  const values = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*?)\s*$/u.exec(line);
    const [, key, value] = match ?? [];
    if (key !== undefined && value !== undefined) values.set(key, unquote(value));
  }
  return values;
};

/** The characters of versions; a value with another one is none (as in the scripts, src/domain/scripts/releaseFiles.ts). */
const VERSION = /^[A-Za-z0-9._+~-]*$/u;

/**
 * The version of a Kairos system, written as the upgrade script writes it (`version_of`):
 * `${KAIROS_VERSION}-${KAIROS_SOFTWARE_VERSION_PREFIX}${KAIROS_SOFTWARE_VERSION}`, and without Kubernetes just
 * `${KAIROS_VERSION}`. It is in the first of kairos-release and os-release that has a KAIROS_VERSION. Undefined when none
 * has, or when it is no version: unknown versions never count as equal.
 */
export const versionOf = ({
  kairosRelease = "",
  osRelease = "",
}: Pick<HostTexts, "kairosRelease" | "osRelease">): string | undefined => {
  const values = [kairosRelease, osRelease]
    .map(assignmentsOf)
    .find((assignments) => (assignments.get("KAIROS_VERSION") ?? "") !== "");
  if (values === undefined) return undefined;
  const software = ["KAIROS_SOFTWARE_VERSION_PREFIX", "KAIROS_SOFTWARE_VERSION"]
    .map((key) => values.get(key) ?? "")
    .join("");
  const version = `${values.get("KAIROS_VERSION")}${software === "" ? "" : `-${software}`}`;
  return VERSION.test(version) ? version : undefined;
};
