/** Which of its systems a Kairos host has booted, from the kernel command line and, under Trusted Boot, the boot loader's variables. */
import type { BootState } from "../history.ts";
import type { HostTexts, LoaderVariables } from "./texts.ts";

/** Whether a unified kernel image was booted (Trusted Boot): its command line is the same for all systems of a host. */
export const isUnifiedKernel = (commandLine: string): boolean =>
  commandLine.includes("rd.immucore.uki");

/** The marks that kairos-sdk looks for (state.go, `getNonUKIBootState`), in its order. */
const MARKS: ReadonlyArray<readonly [BootState, ReadonlyArray<string>]> = [
  ["active", ["COS_ACTIVE"]],
  ["passive", ["COS_PASSIVE"]],
  ["recovery", ["COS_RECOVERY", "COS_SYSTEM", "recovery-mode"]],
  ["livecd", ["live:LABEL", "live:CDLABEL", "netboot"]],
];

/** The boot loader's entries by how their names begin (kairos-sdk state.go, `getUKIBootState`). */
const ENTRIES: ReadonlyArray<BootState> = ["active", "passive", "recovery"];

/** The boot state of a host; `unknown` where it does not tell. */
export const bootStateOf = ({
  commandLine = "",
  loader,
}: Pick<HostTexts, "commandLine" | "loader">): BootState => {
  if (isUnifiedKernel(commandLine)) return ukiBootState(loader);
  return (
    MARKS.find(([, marks]) => marks.some((mark) => commandLine.includes(mark)))?.[0] ?? "unknown"
  );
};

/**
 * The SDK takes variables that it cannot read for a boot from removable media. Here nothing is concluded from what cannot
 * be seen: only a host whose other variables are there, and whose boot loader noted no disk, runs from such media.
 */
const ukiBootState = (loader: LoaderVariables | undefined): BootState => {
  if (loader === undefined) return "unknown";
  if (textOfVariable(loader.devicePartUUID) === "") return "livecd";
  const entry = textOfVariable(loader.entrySelected);
  if (!entry.endsWith(".conf")) return "unknown";
  return ENTRIES.find((state) => entry.startsWith(state)) ?? "unknown";
};

/** The bytes of attributes with which efivarfs begins a variable. */
const ATTRIBUTES_LENGTH = 4;

/** The text in a variable: UTF-16, little-endian, after the attributes and up to its end or first NUL. */
const textOfVariable = (variable: Uint8Array = new Uint8Array()): string => {
  let text = "";
  for (let at = ATTRIBUTES_LENGTH; at + 1 < variable.length; at += 2) {
    const unit = (variable[at] ?? 0) + 256 * (variable[at + 1] ?? 0);
    if (unit === 0) break;
    text += String.fromCharCode(unit);
  }
  return text;
};
