/** Durations as people write them on a command line: `90s`, `2m`, `1h30m`, Go's and Kubernetes' form. */
import { Result } from "effect";

const UNIT_MILLIS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Milliseconds of a duration; the failure is a sentence. */
export const parseDuration = (text: string): Result.Result<number, string> => {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/gu)];
  const isWhole = parts.length > 0 && parts.map(([part]) => part).join("") === text;
  if (!isWhole) return Result.fail(`"${text}" is not a duration; write one like 90s, 2m or 1h30m`);
  return Result.succeed(
    parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * UNIT_MILLIS[unit!]!, 0),
  );
};

/** Longer than any deadline that makes sense; the clock of a simulation must not overflow. */
export const WORK_MILLIS_MAX = 30 * 24 * UNIT_MILLIS["h"]!;

/** Whether a piece of work can take so many milliseconds: more than none and at most 30 days. */
export const isWorkTime = (millis: number): boolean => millis > 0 && millis <= WORK_MILLIS_MAX;

/** Milliseconds that a piece of work takes: more than none and at most 30 days; the failure is a sentence. */
export const parseWorkTime = (text: string): Result.Result<number, string> =>
  Result.flatMap(parseDuration(text), (millis) => {
    if (isWorkTime(millis)) return Result.succeed(millis);
    return Result.fail(
      millis === 0
        ? `"${text}" is no time at all; write one like 90s, 2m or 1h30m`
        : `"${text}" is too long; write at most 720h`,
    );
  });

const two = (part: number): string => String(part).padStart(2, "0");

/** `4:12`, or `1:04:12` from an hour on: time since the start of a story. */
export const formatClock = (millis: number): string => {
  const seconds = Math.floor(millis / 1000);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
};
