/** The operator: informers feed two work queues, whose reconcilers are the programs. The same in a cluster and in a simulation. */
import { Clock, Duration, Effect, Queue } from "effect";
import type { NodeOp } from "../../domain/api/nodeop.ts";
import type { NodeOpUpgrade } from "../../domain/api/nodeopupgrade.ts";
import { DEFAULT_SETTINGS, type Settings } from "../../domain/rollout/observed.ts";
import type { KubeApi } from "../../services/KubeApi.ts";
import * as WorkQueue from "../../services/WorkQueue.ts";
import { Caches, type CachesShape, cachesSynced, makeCaches, runCaches } from "./Caches.ts";
import type { CeilingOptions } from "./ceiling.ts";
import { Memory } from "./Memory.ts";
import { reconcileNodeOp, type LookAgain } from "./reconcileNodeOp.ts";
import { reconcileNodeOpUpgrade } from "./reconcileNodeOpUpgrade.ts";
import { sweeper } from "./sweep.ts";

/** What may be known of the operator at work, for readiness and metrics. */
export interface OperatorParts {
  readonly caches: CachesShape;
  readonly queues: ReadonlyMap<OperatorKind, () => WorkQueue.WorkQueueStats>;
}

export type OperatorKind = "NodeOp" | "NodeOpUpgrade";

/** Who watches the operator at work: metrics, readiness, Events. A simulation has none. Callbacks are synchronous. */
export interface OperatorObserver {
  /** Told once, before anything runs. */
  readonly started?: ((parts: OperatorParts) => void) | undefined;
  /** Goes around each reconcile, which it must run. */
  readonly reconcile?: <A, E, R>(
    kind: OperatorKind,
    reconcile: Effect.Effect<A, E, R>,
  ) => Effect.Effect<A, E, R>;
  readonly operationChanged?: ((before: NodeOp, after: NodeOp) => void) | undefined;
  readonly upgradeChanged?: ((before: NodeOpUpgrade, after: NodeOpUpgrade) => void) | undefined;
}

/** How the operator is to run; everything has a default. */
export interface OperatorOptions<E = never> {
  readonly settings?: Partial<Settings> | undefined;
  /** Only operations of this namespace; default: of all. */
  readonly namespace?: string | undefined;
  /** Operations that are reconciled at the same time. */
  readonly workers?: number | undefined;
  /**
   * Decides when the work begins and how long it lasts (leader election). The caches run before, so that who stands by is
   * ready to act. Default: at once and for ever.
   */
  readonly lead?:
    | ((work: Effect.Effect<never, never, KubeApi>) => Effect.Effect<never, E, KubeApi>)
    | undefined;
  readonly observer?: OperatorObserver | undefined;
  /** How many nodes may be unavailable over all operations, and where the operators keep count. Default: no ceiling. */
  readonly ceiling?: CeilingOptions | undefined;
}

const WORKERS = 4;

/** `requeueAfter` for a time to look again. */
const requeue = (again: LookAgain) =>
  Effect.map(Clock.currentTimeMillis, (now) =>
    again.at === undefined ? {} : { requeueAfter: Duration.millis(Math.max(0, again.at - now)) },
  );

/**
 * Runs the operator for ever over whatever `KubeApi` it is given. It ends only by a defect of one of its loops, or when
 * it is interrupted.
 *
 * @example
 * operator({ namespace: "kairos" }).pipe(Effect.provide(kubeApiLayer), Effect.provide(transport))
 */
export const operator = Effect.fnUntraced(function* <E = never>(
  options: OperatorOptions<E> = {},
): Effect.fn.Return<never, E, KubeApi> {
  const { observer } = options;
  const observed: NonNullable<OperatorObserver["reconcile"]> =
    observer?.reconcile ?? ((_kind, reconcile) => reconcile);
  const settings: Settings = { ...DEFAULT_SETTINGS, ...options.settings };
  const workers = options.workers ?? WORKERS;
  const sweeps = yield* Queue.sliding<void>(1);
  const operationMemory = new Memory();
  const upgradeMemory = new Memory();
  const operations = yield* WorkQueue.make({
    name: "nodeops",
    workers,
    reconcile: (key: string) =>
      observed(
        "NodeOp",
        Effect.flatMap(
          reconcileNodeOp(key, { settings, memory: operationMemory, ceiling: options.ceiling }),
          requeue,
        ),
      ),
  });
  const upgrades = yield* WorkQueue.make({
    name: "nodeopupgrades",
    workers,
    reconcile: (key: string) =>
      observed(
        "NodeOpUpgrade",
        Effect.flatMap(reconcileNodeOpUpgrade(key, { memory: upgradeMemory }), requeue),
      ),
  });
  const caches = yield* makeCaches({
    namespace: options.namespace,
    hasCeiling: options.ceiling !== undefined,
    listeners: {
      operation: operations.addUnsafe,
      nodeChanged: (key, node) => operationMemory.changed(key, node),
      upgrade: upgrades.addUnsafe,
      operationGone: () => {
        Queue.offerUnsafe(sweeps, undefined);
      },
      operationChanged: observer?.operationChanged,
      upgradeChanged: observer?.upgradeChanged,
    },
  });
  observer?.started?.({
    caches,
    queues: new Map([
      ["NodeOp", operations.stats],
      ["NodeOpUpgrade", upgrades.stats],
    ]),
  });
  const loops = Effect.all([operations.run, upgrades.run, sweeper(sweeps, options.ceiling)], {
    concurrency: "unbounded",
    discard: true,
  }).pipe(Effect.andThen(Effect.never), Effect.provideService(Caches, caches));
  const work = Effect.andThen(cachesSynced(caches), options.lead?.(loops) ?? loops);
  return yield* Effect.all([runCaches(caches), work], {
    concurrency: "unbounded",
    discard: true,
  }).pipe(Effect.andThen(Effect.never));
});
