/** A person deletes the canary, or a Job of it, at each moment. */
import { describe, expect, it } from "@effect/vitest";
import type { Commit } from "../../../src/domain/history.ts";
import { isComplete, isFinished, isSuspended, type Job } from "../../../src/domain/kube/job.ts";
import type { KubeObject } from "../../../src/domain/kube/object.ts";
import { isTerminal, type Pod } from "../../../src/domain/kube/pod.ts";
import type { Simulation } from "../../../src/programs/simulate/result.ts";
import {
  CANARY_NODES,
  finalState,
  marksLeft,
  objectsLeft,
  simulateCanary,
  simulateNodeOp,
} from "../../support/simulations.ts";
import { expectAtEvery, expectAtEveryMomentOf, notCompleted } from "./everyMoment.ts";

const deletedAt = (kind: string) => (moment: number) => `operation:${kind}@${moment}`;

const notDeleted = ({ result, history }: Simulation): ReadonlyArray<string> => [
  ...(result.phase === "Deleted" ? [] : [`${result.phase}: ${result.message}`]),
  ...marksLeft(history),
];

describe("whenever the operation is deleted", () => {
  it.each(["deleted", "deleted-foreground"])(
    "operation:%s: everything ends, and nothing of it is left: no hold, no cordon, no child, no finalizer",
    (kind) =>
      expectAtEvery(simulateCanary().moments, deletedAt(kind), (simulation) => [
        ...notDeleted(simulation),
        ...objectsLeft(simulation.history),
      ]),
    120_000,
  );

  it(
    "operation:deleted-orphan: the NodeOp of a NodeOpUpgrade stays, and goes on without it",
    () =>
      expectAtEvery(
        simulateCanary().moments,
        deletedAt("deleted-orphan"),
        ({ result, history }) => [
          ...(result.phase === "Deleted" ? [] : [result.phase]),
          ...result.nodes.flatMap(({ name, phase }) =>
            phase === "Completed" ? [] : [`${name} is ${phase}`],
          ),
          ...marksLeft(history),
        ],
      ),
    120_000,
  );
});

const run = (fault?: string) => simulateNodeOp(...(fault === undefined ? [] : [fault]));

describe("whenever a NodeOp is deleted", () => {
  it.each(["deleted", "deleted-foreground"])(
    "operation:%s: nothing of it is left",
    (kind) =>
      expectAtEvery(
        run().moments,
        deletedAt(kind),
        (simulation) => [...notDeleted(simulation), ...objectsLeft(simulation.history)],
        run,
      ),
    120_000,
  );

  it(
    "operation:deleted-orphan: its Jobs stay without an owner, suspended or finished, and no Pod that could act",
    () =>
      expectAtEvery(
        run().moments,
        deletedAt("deleted-orphan"),
        (simulation) => [...notDeleted(simulation), ...awake(simulation.history)],
        run,
      ),
    120_000,
  );

  it(
    "operation:deleted-orphan while no operator runs: the same, when one is there again",
    () =>
      expectAtEvery(
        run().moments,
        deletedAt("deleted-orphan"),
        (simulation) => [...notDeleted(simulation), ...awake(simulation.history)],
        (fault) => simulateNodeOp(fault, fault.replace(/.*@(\d+)$/u, "operator:away@$1:10m")),
      ),
    120_000,
  );
});

/** Children that still have an owner, Jobs that may run, and Pods that have not ended. */
const awake = (history: ReadonlyArray<Commit>): ReadonlyArray<string> =>
  finalState(history).flatMap((object) => {
    const { kind, metadata } = object;
    if (kind !== "Job" && kind !== "Pod") return [];
    const what = `${kind} ${metadata.name}`;
    const owners = metadata.ownerReferences?.filter((owner) => owner.kind === "NodeOp") ?? [];
    const isAsleep = kind === "Job" ? isStopped(object) : hasEnded(object);
    return [
      ...(owners.length === 0 ? [] : [`${what} has an owner that is gone`]),
      ...(isAsleep ? [] : [`${what} is at work`]),
    ];
  });

const isStopped = (object: KubeObject): boolean => {
  const job = object as KubeObject & Job;
  return isFinished(job) || isSuspended(job);
};

const hasEnded = (object: KubeObject & Pick<Pod, "status">): boolean => isTerminal(object);

/** The deletion of a Job by the user; undefined where there was none to delete. */
const deletionOf = (history: ReadonlyArray<Commit>): Commit | undefined =>
  history.find(
    ({ actor, resource, verb }) => actor === "user" && resource.kind === "Job" && verb === "delete",
  );

/** Whether any version of the NodeOp ever named this Job as the one to resume. */
const wasStored = (history: ReadonlyArray<Commit>, uid: string): boolean =>
  history.some(
    ({ resource, after }) =>
      resource.kind === "NodeOp" && JSON.stringify(after?.["status"] ?? {}).includes(uid),
  );

/**
 * What must become of the node whose Job was deleted. A Job that was never named in the status never ran, and another
 * takes its place; one that was named may have run, and is never made again; one that had completed is not needed any more,
 * unless the operator could not see that it had.
 */
const endsAllowed = (history: ReadonlyArray<Commit>): ReadonlyArray<string> => {
  const job = deletionOf(history)?.before;
  if (job === undefined || !wasStored(history, job.metadata.uid)) return ["Completed"];
  return isComplete(job) ? ["Completed", "Failed JobGone"] : ["Failed JobGone"];
};

const endOf = ({ result }: Simulation, name: string): string => {
  const { phase = "not there", reason } = result.nodes.find((node) => node.name === name) ?? {};
  return reason === undefined ? phase : `${phase} ${reason}`;
};

describe("whenever a node's Job is deleted", () => {
  it.each(CANARY_NODES)(
    "%s: a Job that may have run is never made again, and its node has failed",
    (node) => {
      const ends = new Map<string, number>();
      expectAtEveryMomentOf("Job", node, "job-deleted", (simulation) => {
        const end = endOf(simulation, node);
        ends.set(end, (ends.get(end) ?? 0) + 1);
        const allowed = endsAllowed(simulation.history);
        if (!allowed.includes(end)) return [`${node} is ${end}, not ${allowed.join(" or ")}`];
        if (end === "Completed") return notCompleted(simulation);
        const { phase, nodes } = simulation.result;
        const after = nodes.slice(nodes.findIndex(({ name }) => name === node) + 1);
        return [
          ...(phase === "Failed" ? [] : [`the operation is ${phase}`]),
          ...after
            .filter(({ reason }) => reason !== "StoppedOnFailure")
            .map(({ name }) => `${name} was started after a failure`),
        ];
      });
      // Both kinds of moments were there, neither of them by accident.
      expect(ends.get("Failed JobGone")).toBeGreaterThan(3);
      expect(ends.get("Completed")).toBeGreaterThan(3);
    },
    120_000,
  );
});
