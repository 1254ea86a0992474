/** Why this process cannot talk to a cluster at all: what is wrong with its kubeconfig, context or credentials. */
import { Schema } from "effect";

/** One sentence that names what is wrong and says what to do. Repeating the attempt does not help; changing it does. */
export class LiveConfigError extends Schema.TaggedError<LiveConfigError>()("LiveConfigError", {
  message: Schema.String,
}) {}

/** The words of whatever was thrown, on one line. */
export const wordsOf = (thrown: unknown): string =>
  (thrown instanceof Error ? thrown.message : String(thrown)).trim().replaceAll(/\s+/gu, " ");
