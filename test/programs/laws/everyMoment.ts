/** One fault of the canary at every moment at which it can strike, one after the other; and what must come of each. */
import { expect } from "@effect/vitest";
import type { NodeEvent } from "../../../src/programs/simulate/fault.ts";
import type { Simulation } from "../../../src/programs/simulate/result.ts";
import { LABEL_NODE, LABEL_REBOOT } from "../../../src/domain/labels.ts";
import type { KubeObject } from "../../../src/domain/kube/object.ts";
import { flaws, marksLeft, simulateCanary } from "../../support/simulations.ts";

/** The numbers from 1 to `last`. */
export const upTo = (last: number): ReadonlyArray<number> =>
  Array.from({ length: last }, (_, index) => index + 1);

/**
 * Runs the canary once for every moment with `fault(moment)`, and expects that no law is broken, that the fault came, and
 * that `wrong` finds nothing. `run` may run another canary. A failure names the fault as the command line takes it. Every run is given to `wrong`.
 */
export const expectAtEvery = (
  moments: ReadonlyArray<number>,
  fault: (moment: number) => string,
  wrong: (simulation: Simulation, moment: number) => ReadonlyArray<string>,
  run = simulateCanary,
): void => {
  expect(moments.length).toBeGreaterThan(0);
  const failures = moments.flatMap((moment) => {
    const simulation = run(fault(moment));
    return [...flaws(simulation), ...wrong(simulation, moment)].map(
      (what) => `${fault(moment)}: ${what}`,
    );
  });
  expect(failures).toEqual([]);
};

/** Nothing has failed, and the cluster is as free as it was before. */
export const notCompleted = ({ result, history }: Simulation): ReadonlyArray<string> => [
  ...(result.phase === "Completed" ? [] : [`${result.phase}: ${result.message}`]),
  ...result.nodes
    .filter(({ phase, rebootStatus }) => phase !== "Completed" || rebootStatus !== "completed")
    .map(({ name, phase, reason }) => `${name} is ${phase} ${reason ?? ""}`),
  ...marksLeft(history),
];

/** A child of the canary that a fault is about. */
type Child = "Job" | "reboot Pod";

const isChild = (object: KubeObject | undefined, child: Child, node: string): boolean =>
  object?.metadata.labels?.[LABEL_NODE] === node &&
  (child === "Job" ? object.kind === "Job" : object.metadata.labels[LABEL_REBOOT] === "true");

/**
 * Every moment of the canary for a fault of such a child: `before` there is one there is nothing to disturb, `when` it
 * has come there is.
 */
const momentsOf = (
  child: Child,
  node: string,
): { readonly before: ReadonlyArray<number>; readonly when: ReadonlyArray<number> } => {
  const { history, moments } = simulateCanary();
  const createdAt = history.find(({ after }) => isChild(after, child, node))?.at;
  // A fault strikes at the end of its commit's moment: the child may be there by then.
  const first = history.findIndex(({ at }) => at === createdAt);
  expect(first).toBeGreaterThan(0);
  return { before: upTo(first), when: moments.filter((commit) => commit > first) };
};

// The whole of two histories would be a useless message.
const isSameHistory = (one: Simulation, other: Simulation): boolean =>
  JSON.stringify(one.history) === JSON.stringify(other.history);

/**
 * As `expectAtEvery` for all moments of a fault of a node's child. Those at which there is no such child are taken
 * together, all in one run: none of them does anything, so it has to be the run without any.
 */
export const expectAtEveryMomentOf = (
  child: Child,
  node: string,
  kind: NodeEvent,
  wrong: (simulation: Simulation, moment: number) => ReadonlyArray<string>,
): void => {
  const fault = (moment: number) => `${node}:${kind}@${moment}`;
  const { before, when } = momentsOf(child, node);
  const disturbed = simulateCanary(...before.map(fault));
  expect(flaws(disturbed)).toEqual([]);
  expect(isSameHistory(disturbed, simulateCanary())).toBe(true);
  expectAtEvery(when, fault, wrong);
};
