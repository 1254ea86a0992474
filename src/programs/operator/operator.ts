/** The operator: informers feed two work queues, whose reconcilers are the programs. The same in a cluster and in a simulation. */
import { Clock, Duration, Effect, Queue } from "effect";
import { DEFAULT_SETTINGS, type Settings } from "../../domain/rollout/observed.ts";
import type { KubeApi } from "../../services/KubeApi.ts";
import * as WorkQueue from "../../services/WorkQueue.ts";
import { Caches, cachesSynced, makeCaches, runCaches } from "./Caches.ts";
import { Memory } from "./Memory.ts";
import { reconcileNodeOp, type LookAgain } from "./reconcileNodeOp.ts";
import { reconcileNodeOpUpgrade } from "./reconcileNodeOpUpgrade.ts";
import { sweeper } from "./sweep.ts";

export interface OperatorOptions {
  readonly settings?: Partial<Settings> | undefined;
  /** Only operations of this namespace; default: of all. */
  readonly namespace?: string | undefined;
  /** Operations that are reconciled at the same time. */
  readonly workers?: number | undefined;
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
export const operator = Effect.fnUntraced(function* (
  options: OperatorOptions = {},
): Effect.fn.Return<never, never, KubeApi> {
  const settings: Settings = { ...DEFAULT_SETTINGS, ...options.settings };
  const workers = options.workers ?? WORKERS;
  const sweeps = yield* Queue.sliding<void>(1);
  const operationMemory = new Memory();
  const upgradeMemory = new Memory();
  const operations = yield* WorkQueue.make({
    name: "nodeops",
    workers,
    reconcile: (key: string) =>
      Effect.flatMap(reconcileNodeOp(key, { settings, memory: operationMemory }), requeue),
  });
  const upgrades = yield* WorkQueue.make({
    name: "nodeopupgrades",
    workers,
    reconcile: (key: string) =>
      Effect.flatMap(reconcileNodeOpUpgrade(key, { memory: upgradeMemory }), requeue),
  });
  const caches = yield* makeCaches({
    namespace: options.namespace,
    listeners: {
      operation: operations.addUnsafe,
      nodeChanged: (key, node) => operationMemory.changed(key, node),
      upgrade: upgrades.addUnsafe,
      operationGone: () => {
        Queue.offerUnsafe(sweeps, undefined);
      },
    },
  });
  const work = Effect.andThen(
    cachesSynced(caches),
    Effect.all([operations.run, upgrades.run, sweeper(sweeps)], {
      concurrency: "unbounded",
      discard: true,
    }),
  );
  return yield* Effect.all([runCaches(caches), work], {
    concurrency: "unbounded",
    discard: true,
  }).pipe(Effect.andThen(Effect.never), Effect.provideService(Caches, caches));
});
