/**
 * The simulated resource-quota controller of kube-controller-manager: says what quotas limit and what is used of them, by
 * its own caches. The API server charges what is created; here what goes is taken off (pkg/controller/resourcequota).
 */
import { Clock, Effect } from "effect";
import { type KubeObject, objectKey } from "../../domain/kube/object.ts";
import type { Resource } from "../../domain/kube/resource.ts";
import type { KubeTransport } from "../KubeTransport.ts";
import { addQuantities } from "../quantity.ts";
import {
  type Amounts,
  amountsOf,
  hasScopes,
  isResourceQuota,
  limitsOn,
  NONE,
  type ResourceQuota,
  ResourceQuotas,
  usageOf,
  writtenAmounts,
} from "../quota.ts";
import type { SecondsRange } from "./behaviour.ts";
import { CONFLICT_MILLIS, controllerProgram } from "./controllerProgram.ts";
import { sameJson } from "./json.ts";
import { isAny, Mirror, type MirrorChange } from "./Mirror.ts";
import { isPod, isTerminalPhase } from "./pod.ts";
import { isGone, updateStatus } from "./requests.ts";
import type { SyncLoop } from "./SyncLoop.ts";
import { together } from "./together.ts";

export interface QuotaControllerOptions {
  /** What it counts; other resources are charged to a quota and never taken off. */
  readonly resources: ReadonlyArray<Resource>;
  /** From a change to the controller's reaction. Default: 10 to 100 ms. */
  readonly reactionSeconds?: SecondsRange | undefined;
}

const WORKERS = 5;
/** kube-controller-manager --resource-quota-sync-period: then everything is counted anew. */
const RESYNC_MILLIS = 5 * 60_000;

/** Runs until its process ends. */
export const quotaController = (
  options: QuotaControllerOptions,
): Effect.Effect<never, never, KubeTransport> =>
  controllerProgram({
    workers: WORKERS,
    reactionSeconds: options.reactionSeconds,
    make: (loop) => new QuotaController(options, loop),
  });

/** The objects of one resource. */
interface Counted {
  readonly resource: Resource;
  readonly mirror: Mirror;
}

class QuotaController {
  readonly #loop: SyncLoop<KubeTransport>;
  readonly #quotas: Mirror<ResourceQuota>;
  readonly #counted: ReadonlyArray<Counted>;

  constructor({ resources }: QuotaControllerOptions, loop: SyncLoop<KubeTransport>) {
    this.#loop = loop;
    const onListed = () => this.#addAll();
    this.#quotas = new Mirror({
      resource: ResourceQuotas,
      is: isResourceQuota,
      onChange: ({ before, after }) => {
        if (after !== undefined && !sameJson(before?.spec, after.spec)) this.#add(after);
      },
      onListed,
    });
    this.#counted = resources.map((resource) => ({
      resource,
      mirror: new Mirror({
        resource,
        is: isAny,
        onChange: (change) => this.#changed(resource, change),
        onListed,
      }),
    }));
  }

  get run(): Effect.Effect<never, never, KubeTransport> {
    const mirrors = this.#counted.map(({ mirror }) => mirror.run);
    return together([this.#quotas.run, ...mirrors, this.#loop.run]);
  }

  readonly sync = Effect.fnUntraced({ self: this }, function* (this: QuotaController, key: string) {
    const quota = this.#quotas.objects.get(key);
    if (quota === undefined) return undefined;
    const hard = amountsOf(quota.spec?.hard);
    const used = this.#used(quota, hard, yield* Clock.currentTimeMillis);
    const status = { ...quota.status, hard: writtenAmounts(hard), used: writtenAmounts(used) };
    if (sameJson(status, quota.status)) return RESYNC_MILLIS;
    const written = yield* updateStatus(ResourceQuotas, { ...quota, status }).pipe(
      Effect.catchIf(isGone, () => Effect.undefined),
    );
    if (written === undefined) return CONFLICT_MILLIS;
    this.#quotas.observe(written);
    return RESYNC_MILLIS;
  });

  /** What is used of each limit. Of what nobody here counts, what the API server has charged. */
  #used(quota: ResourceQuota, hard: Amounts, now: number): Amounts {
    const charged = amountsOf(quota.status?.used);
    const used = new Map([...charged].filter(([name]) => hard.has(name)));
    if (hasScopes(quota)) return used;
    for (const { resource, mirror } of this.#counted) {
      const limited = limitsOn(resource, hard.keys());
      if (limited.length === 0) continue;
      for (const name of limited) used.set(name, NONE);
      for (const object of mirror.objects.values()) {
        if (object.metadata.namespace !== quota.metadata.namespace) continue;
        const usage = usageOf(resource, object, now);
        for (const name of limited)
          used.set(name, addQuantities(used.get(name) ?? NONE, usage.get(name) ?? NONE));
      }
    }
    return used;
  }

  get #isReady(): boolean {
    return this.#quotas.listed && this.#counted.every(({ mirror }) => mirror.listed);
  }

  #add({ metadata }: KubeObject): void {
    if (this.#isReady) this.#loop.add(objectKey(metadata));
  }

  #addAll(): void {
    for (const quota of this.#quotas.objects.values()) this.#add(quota);
  }

  /** What is created was charged. What is gone or uses less now makes room. */
  #changed(resource: Resource, { before, after }: MirrorChange): void {
    if (before === undefined || (after !== undefined && !hasEnded(before, after))) return;
    for (const quota of this.#quotas.objects.values())
      if (
        quota.metadata.namespace === before.metadata.namespace &&
        limitsOn(resource, amountsOf(quota.spec?.hard).keys()).length > 0
      )
        this.#add(quota);
  }
}

/** Whether the object is a Pod that came to its end with this change. */
const hasEnded = (before: KubeObject, after: KubeObject): boolean =>
  !isEndedPod(before) && isEndedPod(after);

const isEndedPod = (object: KubeObject): boolean =>
  isPod(object) && isTerminalPhase(object.status?.phase);
