/** What nodeop reads of an Event: what some controller says about an object. */
import { Schema } from "effect";
import { ViewMeta } from "./view.ts";

/** An Event reduced to its sentence and its time. */
export const Event = Schema.Struct({
  metadata: ViewMeta,
  message: Schema.optionalKey(Schema.String),
  lastTimestamp: Schema.optionalKey(Schema.String),
  eventTime: Schema.optionalKey(Schema.String),
});
export interface Event extends Schema.Schema.Type<typeof Event> {}

/** The reason under which the Job controller says that it could not create a Pod, and why. */
export const FAILED_CREATE = "FailedCreate";

const timeOf = ({ lastTimestamp, eventTime }: Event): string => lastTimestamp ?? eventTime ?? "";

/** The sentence of the latest Event; undefined where there is none. */
export const lastMessage = (events: ReadonlyArray<Event>): string | undefined =>
  events.toSorted((left, right) => timeOf(left).localeCompare(timeOf(right))).at(-1)?.message;
