/** One fault of the canary at every moment at which it can strike, one after the other; and what must come of each. */
import { expect } from "@effect/vitest";
import type { Simulation } from "../../../src/programs/simulate/simulation.ts";
import { LABEL_NODE, LABEL_REBOOT } from "../../../src/domain/labels.ts";
import type { KubeObject } from "../../../src/domain/kube/object.ts";
import { flaws, marksLeft, simulateCanary } from "../../support/simulations.ts";

/** The numbers from 1 to `last`. */
export const upTo = (last: number): ReadonlyArray<number> =>
  Array.from({ length: last }, (_, index) => index + 1);

/**
 * Runs the canary once for every moment with `fault(moment)`, and expects that no law is broken, that the fault came, and
 * that `wrong` finds nothing. A failure names the fault as the command line takes it. Every run is given to `wrong`.
 */
export const expectAtEvery = (
  moments: ReadonlyArray<number>,
  fault: (moment: number) => string,
  wrong: (simulation: Simulation, moment: number) => ReadonlyArray<string>,
): void => {
  expect(moments.length).toBeGreaterThan(0);
  const failures = moments.flatMap((moment) => {
    const simulation = simulateCanary(fault(moment));
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
 * The moments from the one before the node has such a child to the end. Before that there is nothing to disturb: the
 * fault does nothing, and the run is the one without it.
 */
export const momentsWith = (child: Child, node: string): ReadonlyArray<number> => {
  const { history, commits } = simulateCanary();
  const created = history.findIndex(({ after }) => isChild(after, child, node));
  expect(created).toBeGreaterThan(0);
  return upTo(commits).slice(created - 1);
};
