/** The process cannot do what it was started for: bad flags, no configuration, a port that is taken. Exit code 1. */
import { Schema } from "effect";

/** One sentence per problem, each naming what is wrong and what to do. Starting again unchanged does not help. */
export class CannotStart extends Schema.TaggedError<CannotStart>()("CannotStart", {
  problems: Schema.Array(Schema.String),
}) {
  override get message() {
    return this.problems.join("\n");
  }
}
