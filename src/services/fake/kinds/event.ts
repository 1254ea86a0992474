/**
 * Events of both APIs (core validation/events.go): where they may live, and what of the new API's events is demanded and
 * fixed. Errors speak of the old API's fields. The fake keeps the two apart; a real server shows each Event in both.
 */
import type { KubeObject } from "../../../domain/kube/object.ts";
import { CoreEvents, Events } from "../../../domain/kube/resource.ts";
import { type FieldError, invalid, required } from "../fieldError.ts";
import { at, field, sameJson, textOf } from "../json.ts";
import { qualifiedNameProblems } from "../names.ts";
import { builtin } from "./builtin.ts";
import type { Draft, Kind } from "./Kind.ts";

type Errors = ReadonlyArray<FieldError>;

const WORD_LENGTH_MAX = 128;
const NOTE_LENGTH_MAX = 1024;

/** The object an Event is about lives where the Event does; one of a cluster-scoped object goes to `default`. */
const oldErrors = (event: Draft): Errors => {
  const about = at(event, "involvedObject", "namespace") ?? "";
  const { namespace: home = "" } = event.metadata;
  const fits = about === "" ? home === "default" : about === home;
  return fits ? [] : [invalid("involvedObject.namespace", about, "does not match event.namespace")];
};

const word = (event: Draft, name: string): Errors => {
  const value = textOf(event[name]);
  if (value === "") return [required(name)];
  return value.length > WORD_LENGTH_MAX
    ? [invalid(name, "", `can have at most ${WORD_LENGTH_MAX} characters`)]
    : [];
};

const seriesErrors = (event: Draft): Errors => {
  const count = at(event, "series", "count");
  if (event["series"] === undefined || (typeof count === "number" && count >= 2)) return [];
  return [invalid("series.count", "", "should be at least 2")];
};

/** Only Events of cluster-scoped objects are held to a namespace: `default` or `kube-system`. */
const homeErrors = (event: Draft): Errors => {
  const about = at(event, "regarding", "namespace") ?? "";
  const { namespace: home = "" } = event.metadata;
  return about !== "" || home === "default" || home === "kube-system"
    ? []
    : [invalid("involvedObject.namespace", "", "does not match event.namespace")];
};

const contentErrors = (event: Draft): Errors => {
  const controller = textOf(event["reportingController"]);
  const type = textOf(event["type"]);
  const note = textOf(event["note"]);
  return [
    ...(event["eventTime"] === undefined ? [required("eventTime")] : []),
    ...(controller === "" ? [required("reportingController")] : []),
    ...qualifiedNameProblems(controller).map((why) =>
      invalid("reportingController", controller, why),
    ),
    ...word(event, "reportingInstance"),
    ...word(event, "action"),
    ...word(event, "reason"),
    ...(type === "Normal" || type === "Warning"
      ? []
      : [invalid("type", "", `has invalid value: ${type}`)]),
    ...(note.length > NOTE_LENGTH_MAX
      ? [invalid("message", "", `can have at most ${NOTE_LENGTH_MAX} characters`)]
      : []),
  ];
};

/** What never changes, by its name here and in errors. */
const FIXED: ReadonlyArray<readonly [field: string, called: string]> = [
  ["regarding", "involvedObject"],
  ["reason", "reason"],
  ["note", "message"],
  ["type", "type"],
  ["eventTime", "eventTime"],
  ["action", "action"],
  ["related", "related"],
  ["reportingController", "reportingController"],
  ["reportingInstance", "reportingInstance"],
];

const updateErrors = (event: Draft, old: KubeObject): Errors => [
  ...seriesErrors(event),
  ...FIXED.filter(([name]) => !sameJson(event[name], field(old, name))).map(([name, called]) =>
    invalid(called, event[name] ?? null, "field is immutable"),
  ),
];

export const oldEvent: Kind = {
  ...builtin(CoreEvents),
  selectable: {
    "involvedObject.kind": "",
    "involvedObject.namespace": "",
    "involvedObject.name": "",
    "involvedObject.uid": "",
    "involvedObject.apiVersion": "",
    reason: "",
    reportingComponent: "",
    type: "",
  },
  validateCreate: oldErrors,
};

export const event: Kind = {
  ...builtin(Events),
  refusedAs: "",
  validateCreate: (object) => [
    ...homeErrors(object),
    ...contentErrors(object),
    ...seriesErrors(object),
  ],
  validateUpdate: updateErrors,
};
