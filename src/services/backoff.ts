/** Exponential backoff with jitter: as a schedule, and for those who count their attempts themselves (one count per key or connection). */
import { Duration, Effect, Random, Schedule } from "effect";

/** For programs that wait errors of the API and of their host out, however long it takes: half a second, doubled up to 30. */
export const patience = Schedule.min([
  Schedule.exponential("500 millis"),
  Schedule.spaced("30 seconds"),
]).pipe(Schedule.jittered);

/** How long to wait: `base · 2ⁿ` after n earlier failures, at most `max`, then ±20 % by chance. */
export interface Backoff {
  readonly base: Duration.Input;
  readonly max: Duration.Input;
}

/** The share of a delay by which chance shortens or lengthens it, as `Schedule.jittered`. */
const JITTER = 0.2;

/**
 * The wait in whole milliseconds after the failure that `failuresBefore` others preceded. Whole, because a simulated
 * clock counts nothing smaller; at least 1, so that no loop spins.
 */
export const backoffMillis = (backoff: Backoff, failuresBefore: number): Effect.Effect<number> =>
  Effect.map(Random.next, (chance) => {
    const base = Duration.toMillis(backoff.base);
    const millis = Math.min(Duration.toMillis(backoff.max), base * 2 ** failuresBefore);
    return Math.max(1, Math.round(millis * (1 - JITTER + 2 * JITTER * chance)));
  });
