/** What was typed, or what is in the files, cannot be simulated. */
import { Runtime, Schema } from "effect";

/** Every problem that was found, a sentence each, naming file, object and path. Exit code 1. */
export class BadInput extends Schema.TaggedError<BadInput>()("BadInput", {
  problems: Schema.Array(Schema.String),
}) {
  override readonly [Runtime.errorExitCode] = 1;
  override get message() {
    return this.problems.join("\n");
  }
}
