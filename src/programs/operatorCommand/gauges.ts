/** Gauges that are read off the caches and queues when somebody asks, so that nothing is counted in between. */
import { Effect, Metric } from "effect";
import { NodeStage } from "../../domain/api/status.ts";
import { censusOf, NO_ENTRIES } from "../../domain/rollout/census.ts";
import { SKIPPED } from "../../domain/rollout/reason.ts";
import { isEnded } from "../../domain/rollout/summary.ts";
import {
  eventsDropped,
  leader,
  nodesByStage,
  queueDepth,
  queueRunning,
  rolloutsByPhase,
} from "../../services/metrics.ts";
import type { CachesShape } from "../operator/Caches.ts";
import type { OperatorParts } from "../operator/operator.ts";

/** What of the process is shown. */
export interface Shown {
  readonly parts: OperatorParts | undefined;
  readonly isLeading: boolean;
  readonly eventsDropped: number;
}

/** Stages of nodes that are not in flight. */
const ENDED = ["Completed", SKIPPED, "Failed"] as const;
const WAITING = "Waiting";

const PHASES = ["Pending", "Initializing", "Running", "Completed", "Failed"] as const;

/** Counts by label, beginning with 0 for every known one: a series that comes to an end must not keep its last value. */
const counter = (known: ReadonlyArray<string>) => {
  const counts = new Map(known.map((name) => [name, 0]));
  return {
    counts,
    add: (name: string, count = 1) => void counts.set(name, (counts.get(name) ?? 0) + count),
  };
};

/** The nodes of all operations that have not ended, by stage; those that wait for their turn included. */
export const countNodes = (caches: CachesShape): ReadonlyMap<string, number> => {
  const { counts, add } = counter([WAITING, ...NodeStage.literals, ...ENDED]);
  for (const { status } of caches.operations.all().values()) {
    if (isEnded(status)) continue;
    const entries = status.nodeStatuses ?? NO_ENTRIES;
    for (const name of Object.keys(entries)) {
      const { stage, phase, reason } = entries[name]!;
      add(stage ?? (reason === SKIPPED ? SKIPPED : phase));
    }
    add(WAITING, Math.max(0, (status.total ?? 0) - censusOf(entries).started));
  }
  return counts;
};

const countPhases = (
  objects: Iterable<{ readonly status: { readonly phase?: string } }>,
): ReadonlyMap<string, number> => {
  const { counts, add } = counter(PHASES);
  for (const { status } of objects) add(status.phase ?? "Pending");
  return counts;
};

const set = (
  gauge: Metric.Gauge<number>,
  attributes: Readonly<Record<string, string>>,
  value: number,
) => Metric.update(Metric.withAttributes(gauge, attributes), value);

/** Brings every gauge up to date. */
export const refreshGauges = Effect.fnUntraced(function* (shown: Shown) {
  yield* Metric.update(leader, shown.isLeading ? 1 : 0);
  yield* Metric.update(eventsDropped, shown.eventsDropped);
  if (shown.parts === undefined) return;
  const { caches, queues } = shown.parts;
  for (const [kind, stats] of queues) {
    const { depth, running } = stats();
    yield* set(queueDepth, { kind }, depth);
    yield* set(queueRunning, { kind }, running);
  }
  for (const [stage, count] of countNodes(caches)) yield* set(nodesByStage, { stage }, count);
  const rollouts = [
    ["NodeOp", caches.operations],
    ["NodeOpUpgrade", caches.upgrades],
  ] as const;
  for (const [kind, informer] of rollouts)
    for (const [phase, count] of countPhases(informer.all().values()))
      yield* set(rolloutsByPhase, { kind, phase }, count);
});
