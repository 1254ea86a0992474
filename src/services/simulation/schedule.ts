/**
 * Which process steps next when several can: the strategies of deterministic simulation testing. Only the order
 * between processes is chosen; the steps of one process always keep their order, as messages on one connection do.
 */
import type { Chance } from "./Chance.ts";

/**
 * Picks one of `runnable` runnable processes (at least two, in the order of their oldest step) by its index. `choice`
 * numbers such moments 0, 1, 2, … within a run.
 */
export type Schedule = (choice: number, runnable: number) => number;

/** The oldest step first, except at the listed choices: `[choice, pick]`. A failing interleaving is a small JSON value. */
export const deviating = (deviations: ReadonlyArray<readonly [number, number]>): Schedule => {
  const picks = new Map(deviations);
  return (choice, runnable) => (picks.get(choice) ?? 0) % runnable;
};

/** Any runnable process with equal probability. */
export const shuffling =
  (chance: Chance): Schedule =>
  (_choice, runnable) =>
    chance.between(0, runnable - 1);
