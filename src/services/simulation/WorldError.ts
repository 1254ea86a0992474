/** Why a simulation was stopped before its end. */
import { Cause, Schema } from "effect";

/** A process ended by a defect or an error that nobody supervises (`Process.onEnd`), or a posted task threw. */
export class ProcessCrashed extends Schema.TaggedError<ProcessCrashed>()("ProcessCrashed", {
  /** Name of the process. */
  process: Schema.String,
  /** Virtual time in milliseconds since the epoch. */
  at: Schema.Finite,
  /** The number of the step that crashed; the same seed crashes at the same step. */
  step: Schema.Int,
  reason: Schema.Cause(Schema.Unknown, Schema.Unknown),
}) {
  override get message() {
    return `process ${this.process} crashed at step ${this.step}, time ${this.at} ms: ${Cause.pretty(this.reason)}`;
  }
}

/** Steps follow steps and time stands still: some program repeats without ever waiting. */
export class TimeStandsStill extends Schema.TaggedError<TimeStandsStill>()("TimeStandsStill", {
  /** Name of the process whose step was to be next. */
  process: Schema.String,
  at: Schema.Finite,
  /** Steps taken at this one moment. */
  steps: Schema.Int,
}) {
  override get message() {
    return `process ${this.process} and others took ${this.steps} steps at time ${this.at} ms without waiting; look for a loop without a sleep, or raise stepsPerInstantMax`;
  }
}
