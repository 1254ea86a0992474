/**
 * The operator as a process: the loops of the operator, of Events and of the HTTP servers, joined. The first one that ends
 * ends all of them; why is logged as JSON. SIGTERM interrupts: the work stops, then the Lease is given back.
 */
import { setFlagsFromString } from "node:v8";
import {
  Cause,
  Effect,
  type FileSystem,
  Layer,
  Logger,
  type LogLevel,
  Metric,
  Option,
  References,
  Schema,
} from "effect";
import { apiMetricsLayer } from "../../services/apiMetrics.ts";
import * as Events from "../../services/Events.ts";
import type { KubeApi } from "../../services/KubeApi.ts";
import { kubeApiLayer } from "../../services/kubeApiLayer.ts";
import type { KubeTransport } from "../../services/KubeTransport.ts";
import { type LeadershipLost, withLeadership } from "../../services/LeaderElection.ts";
import type { LiveConfigError } from "../../services/live/LiveConfigError.ts";
import { liveTransportLayer } from "../../services/live/liveTransport.ts";
import { CannotStart } from "../CannotStart.ts";
import { operator } from "../operator/operator.ts";
import { VERSION } from "../version.ts";
import { awaitAccess } from "./access.ts";
import { refreshGauges } from "./gauges.ts";
import { healthRoutes, metricsRoutes, serve } from "./http.ts";
import { identityOf, ownNamespace, ownPod, processName } from "./identity.ts";
import type { OperatorConfig } from "./options.ts";
import { Presence } from "./Presence.ts";

/** The operator ended although nobody asked it to. Why has been logged; the exit code is 1. */
export class OperatorEnded extends Schema.TaggedError<OperatorEnded>()("OperatorEnded", {}) {
  override get message() {
    return "the operator ended";
  }
}

/** The loops over whatever transport is given. */
export const operatorLoops = Effect.fnUntraced(function* (
  config: OperatorConfig,
): Effect.fn.Return<
  never,
  CannotStart | LeadershipLost,
  KubeApi | KubeTransport | FileSystem.FileSystem
> {
  const name = yield* processName;
  const identity = yield* identityOf(name);
  const leaseNamespace = config.leaseNamespace ?? (yield* ownNamespace);
  const { maxUnavailable } = config;
  const events = yield* Events.make({ instance: name });
  const presence = new Presence(events);
  const lead = (
    work: Effect.Effect<never, never, KubeApi>,
  ): Effect.Effect<never, LeadershipLost, KubeApi> => {
    if (config.leaderElect)
      return withLeadership(
        {
          name: config.leaseName,
          namespace: leaseNamespace,
          identity,
          onChange: (isLeading) => {
            presence.isLeading = isLeading;
          },
        },
        work,
      );
    presence.isLeading = true;
    return work;
  };
  const work = Effect.andThen(
    awaitAccess(config.namespace, (problems) => {
      presence.problems = problems;
    }),
    operator({
      settings: { ...config.settings, ownPod: yield* ownPod },
      namespace: config.namespace,
      workers: config.workers,
      lead,
      ceiling:
        maxUnavailable === undefined
          ? undefined
          : { ceiling: maxUnavailable, namespace: leaseNamespace },
      observer: presence.observer,
    }),
  );
  const { healthAddress, metricsAddress } = config;
  const loops: ReadonlyArray<
    Effect.Effect<never, CannotStart | LeadershipLost, KubeApi | KubeTransport>
  > = [
    work,
    events.run,
    ...(healthAddress === undefined
      ? []
      : [
          serve(
            "health",
            healthAddress,
            healthRoutes(() => presence.obstacles()),
          ),
        ]),
    ...(metricsAddress === undefined
      ? []
      : [
          serve(
            "metrics",
            metricsAddress,
            metricsRoutes(Effect.suspend(() => refreshGauges(presence.shown))),
          ),
        ]),
  ];
  yield* Effect.annotateLogs(Effect.logInfo("the operator starts"), {
    version: VERSION,
    identity,
    namespace: config.namespace ?? "all",
    workers: config.workers,
  });
  return yield* Effect.all(loops, { concurrency: "unbounded", discard: true }).pipe(
    Effect.andThen(Effect.never),
  );
});

/** Says why it ended. What a person can put right is told by the command line, as a sentence and not as JSON. */
export const supervised = <R>(
  loops: Effect.Effect<never, CannotStart | LiveConfigError | LeadershipLost, R>,
): Effect.Effect<never, CannotStart | OperatorEnded, R> =>
  Effect.catchCause(
    Effect.onInterrupt(loops, () => Effect.logInfo("the operator was told to end")),
    (cause): Effect.Effect<never, CannotStart | OperatorEnded> => {
      if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt;
      const error = Option.getOrUndefined(Cause.findErrorOption(cause));
      if (error?._tag === "CannotStart") return Effect.fail(error);
      if (error?._tag === "LiveConfigError")
        return Effect.fail(new CannotStart({ problems: [error.message] }));
      return Effect.andThen(
        Effect.logError("the operator ends", cause),
        Effect.fail(new OperatorEnded()),
      );
    },
  );

/** One JSON object per line on stdout: a constant message, and what it is about in annotations. */
export const withJsonLogs = <A, E, R>(
  level: LogLevel.LogLevel,
  effect: Effect.Effect<A, E, R>,
): Effect.Effect<A, E, R> =>
  effect.pipe(
    Effect.provide(Logger.layer([Logger.consoleJson])),
    Effect.provideService(References.MinimumLogLevel, level),
  );

/**
 * How much garbage V8 may pile up before it looks for some, in percent of what is alive: it would be up to 300. What an operator
 * reads is large and forgotten at once; its memory should follow what it keeps (measured: `npm run bench:cluster crowd`).
 */
const HEAP_GROWTH_PERCENT = 30;

/** Runs the operator against the cluster that the configuration leads to. */
export const operatorProcess = (
  config: OperatorConfig,
): Effect.Effect<never, CannotStart | OperatorEnded, FileSystem.FileSystem> => {
  const live = liveTransportLayer({
    kubeconfig: config.kubeconfig,
    context: config.context,
    userAgent: `nodeop/${VERSION}`,
  });
  const services = Layer.provideMerge(kubeApiLayer, Layer.provide(apiMetricsLayer, live));
  const frugal = Effect.sync(() =>
    setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH_PERCENT}`),
  );
  return withJsonLogs(
    config.logLevel,
    Effect.andThen(frugal, supervised(Effect.provide(operatorLoops(config), services))),
  ).pipe(Effect.provideService(Metric.MetricRegistry, new Map()));
};
