/** Reads what a Kairos host says about itself: its kernel command line and its release files. Pure text in, facts out. */
import type { BootState } from "../domain/history.ts";

/**
 * Which system the kernel was told to start, by the marks that kairos-sdk looks for (state.go, `getNonUKIBootState`), in
 * its order. Trusted Boot tells it in an EFI variable instead, which is not read: `unknown`.
 */
const MARKS: ReadonlyArray<readonly [BootState, ReadonlyArray<string>]> = [
  ["unknown", ["rd.immucore.uki"]],
  ["active", ["COS_ACTIVE"]],
  ["passive", ["COS_PASSIVE"]],
  ["recovery", ["COS_RECOVERY", "COS_SYSTEM", "recovery-mode"]],
  ["livecd", ["live:LABEL", "live:CDLABEL", "netboot"]],
];

/** The boot state that a kernel command line (`/proc/cmdline`) tells. */
export const bootStateOf = (commandLine: string): BootState =>
  MARKS.find(([, marks]) => marks.some((mark) => commandLine.includes(mark)))?.[0] ?? "unknown";

/** A value as a shell would read it: quotes and escapes gone (os-release(5)). */
const unquote = (value: string): string => {
  if (value.startsWith("'")) return value.slice(1, value.endsWith("'") ? -1 : undefined);
  const inner = value.startsWith('"')
    ? value.slice(1, value.endsWith('"') ? -1 : undefined)
    : value;
  return inner.replaceAll(/\\(.)/gu, "$1");
};

/** The assignments of a release file. Nothing is executed: what is not `KEY=value` is skipped; the last one counts. */
const assignmentsOf = (text: string): ReadonlyMap<string, string> => {
  const values = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*?)\s*$/u.exec(line);
    const [, key, value] = match ?? [];
    if (key !== undefined && value !== undefined) values.set(key, unquote(value));
  }
  return values;
};

/**
 * The version of a Kairos system, from the text of `kairos-release` or `os-release`, written as the upgrade script writes
 * it: `${KAIROS_VERSION}-${KAIROS_SOFTWARE_VERSION_PREFIX}${KAIROS_SOFTWARE_VERSION}`. Undefined when the file has no
 * KAIROS_VERSION: unknown versions never count as equal.
 */
export const versionOf = (release: string): string | undefined => {
  const values = assignmentsOf(release);
  const version = values.get("KAIROS_VERSION") ?? "";
  if (version === "") return undefined;
  const prefix = values.get("KAIROS_SOFTWARE_VERSION_PREFIX") ?? "";
  return `${version}-${prefix}${values.get("KAIROS_SOFTWARE_VERSION") ?? ""}`;
};
