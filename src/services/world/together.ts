/** How the parts of a simulated controller run: its caches and its work, side by side, until its process ends. */
import { Effect } from "effect";

/** Runs all parts at once, for ever. */
export const together = <R>(
  parts: ReadonlyArray<Effect.Effect<never, never, R>>,
): Effect.Effect<never, never, R> =>
  Effect.andThen(Effect.all(parts, { concurrency: "unbounded", discard: true }), Effect.never);
