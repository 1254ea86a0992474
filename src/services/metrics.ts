/**
 * What the operator counts and measures, as Prometheus shows it. Metrics live in the registry of whoever runs the effect
 * (`Metric.MetricRegistry`), so that processes that share a program do not share numbers.
 */
import { Cause, Clock, Effect, Exit, Metric } from "effect";

const SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Counters are `incremental`: that is what makes Prometheus take them for counters. */
export const reconcilesTotal = Metric.counter("nodeop_reconciles_total", {
  description: "Reconciles by kind and result (ok, failed, died).",
  incremental: true,
});
export const reconcileSeconds = Metric.histogram("nodeop_reconcile_duration_seconds", {
  description: "How long reconciles take, by kind.",
  boundaries: SECONDS,
});
export const queueDepth = Metric.gauge("nodeop_queue_depth", {
  description: "Objects that wait for a worker, by kind.",
});
export const queueRunning = Metric.gauge("nodeop_queue_running", {
  description: "Objects that are being reconciled, by kind.",
});
export const nodesByStage = Metric.gauge("nodeop_nodes", {
  description: "Nodes of operations that have not ended, by stage.",
});
export const rolloutsByPhase = Metric.gauge("nodeop_rollouts", {
  description: "NodeOps and NodeOpUpgrades by kind and phase.",
});
export const leader = Metric.gauge("nodeop_leader", {
  description: "1 while this process acts, 0 while it stands by.",
});
export const eventsDropped = Metric.gauge("nodeop_events_dropped", {
  description: "Events that were given up because the API server did not take them in time.",
});

/** Counts a reconcile and how long it took; the reconcile itself is unchanged. An interrupted one does not count. */
export const measureReconcile = <A, E, R>(
  kind: string,
  reconcile: Effect.Effect<A, E, R>,
): Effect.Effect<A, E, R> =>
  Effect.flatMap(Clock.monotonicTimeNanos, (startedAt) =>
    Effect.onExit(reconcile, (exit) =>
      Effect.flatMap(Clock.monotonicTimeNanos, (endedAt) => {
        if (Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)) return Effect.void;
        const result = Exit.isSuccess(exit) ? "ok" : Cause.hasDies(exit.cause) ? "died" : "failed";
        const seconds = Number(endedAt - startedAt) / 1e9;
        return Effect.andThen(
          Metric.update(Metric.withAttributes(reconcilesTotal, { kind, result }), 1),
          Metric.update(Metric.withAttributes(reconcileSeconds, { kind }), seconds),
        );
      }),
    ),
  );
