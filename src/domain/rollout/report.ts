/** What passes between operator and reboot agent: annotations on the reboot Pod (design.md §4 "Reboot agent"). */
import { DateTime, Option, Schema } from "effect";
import { millisOf } from "../kube/object.ts";
import type { Pod } from "../kube/pod.ts";
import {
  ANNOTATION_REBOOT_ATTEMPT,
  ANNOTATION_REBOOT_ATTEMPTED_AT,
  ANNOTATION_REBOOT_BOOT_ID,
  ANNOTATION_REBOOT_GRANTED,
  ANNOTATION_REBOOT_MESSAGE,
  ANNOTATION_REBOOT_REPORT,
  ANNOTATION_REBOOT_STATE,
} from "../labels.ts";

const BootState = Schema.Literals(["active", "passive", "recovery", "livecd", "unknown"]);

/** What the agent found after the reboot: from which boot to which, into which system. */
export const RebootReport = Schema.Struct({
  from: Schema.String,
  to: Schema.String,
  bootState: BootState,
  version: Schema.optionalKey(Schema.String),
});
export interface RebootReport extends Schema.Schema.Type<typeof RebootReport> {}

/** Recorded before each attempt. */
export interface RebootAttempt {
  /** The boot that it is to end. */
  readonly bootID: string;
  /** Which attempt it is, from 1. */
  readonly attempt: number;
  /** When it was recorded, by the host's clock, in milliseconds since the epoch; 0 where that cannot be read. */
  readonly attemptedAt: number;
}

/** Where the reboot of a node stands, as the annotations of its reboot Pod tell. */
export type RebootState =
  | { readonly _tag: "Waiting" }
  | ({ readonly _tag: "Rebooting" } & RebootAttempt)
  | { readonly _tag: "Completed"; readonly report: RebootReport }
  | { readonly _tag: "Failed"; readonly message: string };

const ReportJson = Schema.fromJsonString(RebootReport);
const decodeReport = Schema.decodeUnknownOption(ReportJson);
const encodeReport = Schema.encodeSync(ReportJson);

/** Reads the annotations, once per version of a Pod. */
export const rebootStateOf = (pod: Pod): RebootState => {
  const known = states.get(pod);
  if (known !== undefined) return known;
  const state = readState(pod);
  states.set(pod, state);
  return state;
};

const states = new WeakMap<Pod, RebootState>();

/** A report that cannot be read is a reboot that cannot be proved. */
const readState = (pod: Pod): RebootState => {
  const annotations = pod.metadata.annotations ?? {};
  switch (annotations[ANNOTATION_REBOOT_STATE]) {
    case "completed":
      return Option.match(decodeReport(annotations[ANNOTATION_REBOOT_REPORT]), {
        onSome: (report): RebootState => ({ _tag: "Completed", report }),
        onNone: (): RebootState => ({
          _tag: "Failed",
          message: `annotation ${ANNOTATION_REBOOT_REPORT} of Pod ${pod.metadata.name} is not a reboot report`,
        }),
      });
    case "failed":
      return {
        _tag: "Failed",
        message: annotations[ANNOTATION_REBOOT_MESSAGE] ?? "the node did not reboot",
      };
    case "rebooting":
      return recordOf(annotations);
    default:
      return { _tag: "Waiting" };
  }
};

/** A record that does not name the boot it is to end is none: it would pass for a record of another boot. */
const recordOf = (annotations: Readonly<Record<string, string>>): RebootState => {
  const bootID = annotations[ANNOTATION_REBOOT_BOOT_ID] ?? "";
  if (bootID === "") return { _tag: "Waiting" };
  return {
    _tag: "Rebooting",
    bootID,
    attempt: Number.parseInt(annotations[ANNOTATION_REBOOT_ATTEMPT] ?? "0", 10) || 0,
    attemptedAt: millisOf(annotations[ANNOTATION_REBOOT_ATTEMPTED_AT] ?? "") || 0,
  };
};

/** The uid of the Job whose sentinel the Pod may act on; undefined while nothing was granted. */
export const grantOf = (pod: Pod): string | undefined =>
  pod.metadata.annotations?.[ANNOTATION_REBOOT_GRANTED];

/** The annotations that record a state; as a merge patch of `metadata.annotations`. */
export const rebootAnnotations = (state: RebootState): Readonly<Record<string, string>> => {
  switch (state._tag) {
    case "Waiting":
      return {};
    case "Rebooting":
      return {
        [ANNOTATION_REBOOT_STATE]: "rebooting",
        [ANNOTATION_REBOOT_BOOT_ID]: state.bootID,
        [ANNOTATION_REBOOT_ATTEMPT]: String(state.attempt),
        [ANNOTATION_REBOOT_ATTEMPTED_AT]: DateTime.formatIso(
          DateTime.makeUnsafe(state.attemptedAt),
        ),
      };
    case "Completed":
      return {
        [ANNOTATION_REBOOT_STATE]: "completed",
        [ANNOTATION_REBOOT_REPORT]: encodeReport(state.report),
      };
    case "Failed":
      return {
        [ANNOTATION_REBOOT_STATE]: "failed",
        [ANNOTATION_REBOOT_MESSAGE]: state.message,
      };
  }
};
