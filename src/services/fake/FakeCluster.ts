/**
 * A Kubernetes API server in memory: a synchronous, deterministic state machine with the semantics of a real one, not a
 * mock of expected calls. What differs from kube-apiserver 1.36 other than by a missing feature is a bug here. It holds
 * no controllers: garbage collection, Jobs, scheduling and kubelets are clients of it, as of a real one.
 */
import { Clock, Effect, Layer, Random, Result } from "effect";
import type { Commit } from "../../domain/history.ts";
import type { KubeObject, ObjectRef } from "../../domain/kube/object.ts";
import type { Resource } from "../../domain/kube/resource.ts";
import type { Answer, ApiServer, OpenWatch, StatusBody, WatchSink } from "../ApiServer.ts";
import { type KubeRequest, KubeTransport, type WatchRequest } from "../KubeTransport.ts";
import { CurrentCluster } from "./CurrentCluster.ts";
import { builtinKinds } from "./kinds/builtins.ts";
import { customResource } from "./kinds/customResource.ts";
import { serve } from "./serve.ts";
import { noSuchResource } from "./status.ts";
import { Store } from "./Store.ts";
import type { CrdLike } from "./structural/schema.ts";
import { transportOf } from "./transport.ts";
import { openWatch } from "./watching.ts";
import type { WriteContext } from "./writing.ts";

/**
 * A policy of the cluster: looks at a write after it was found valid and refuses it with a Status (`failure`, `forbidden`
 * of status.ts). `object` is what would be stored, on delete and eviction what would go.
 */
export type Admission = (
  actor: string,
  request: KubeRequest,
  object: KubeObject,
) => StatusBody | undefined;

export interface FakeClusterOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Numbers in [0, 1), for uids and generated names. */
  readonly chance: () => number;
  /** CustomResourceDefinitions to serve. */
  readonly crds?: ReadonlyArray<CrdLike> | undefined;
  readonly admission?: ReadonlyArray<Admission> | undefined;
  /** How often history is compacted, in milliseconds of the cluster's clock; it is kept for one to two of these. Default: 5 min. */
  readonly compactionInterval?: number | undefined;
}

/** One request as it was answered; watches count too. */
export interface Served {
  readonly at: number;
  readonly sentAt: number;
  readonly actor: string;
  readonly request: KubeRequest | ({ readonly verb: "watch" } & WatchRequest);
  /** Why it failed; absent when it did not. */
  readonly failure?: StatusBody | undefined;
}

const COMPACTION_INTERVAL_MILLIS = 5 * 60_000;

/**
 * An API server in memory: requests in, answers and watch frames out, at once. Time, chance and CRDs are given to it; it
 * has no controllers (`SimulatedCluster` has). What it does as a real server does, and what not, is in docs/fake.md.
 */
export class FakeCluster implements ApiServer {
  readonly #store: Store;
  readonly #chance: () => number;
  readonly #admission: ReadonlyArray<Admission>;
  readonly #listeners = new Set<(served: Served) => void>();

  /** Throws where a CustomResourceDefinition cannot be served: it is wrong, or uses what is not implemented. */
  constructor(options: FakeClusterOptions) {
    const { now, compactionInterval = COMPACTION_INTERVAL_MILLIS } = options;
    this.#store = new Store({ now, compactionInterval });
    this.#chance = options.chance;
    this.#admission = options.admission ?? [];
    for (const kind of builtinKinds) this.#store.define(kind);
    for (const crd of options.crds ?? []) this.defineCrd(crd);
  }

  /** A cluster on Effect's own Clock and Random. */
  static readonly make = (
    options: Omit<FakeClusterOptions, "now" | "chance"> = {},
  ): Effect.Effect<FakeCluster> =>
    Effect.gen(function* () {
      const clock = yield* Clock.Clock;
      const random = yield* Random.Random;
      return new FakeCluster({
        ...options,
        now: () => clock.currentTimeMillisUnsafe(),
        chance: () => random.nextDoubleUnsafe(),
      });
    });

  /**
   * A cluster and a transport to it without simulated messages: for unit tests and for embedding. `actor` is who its
   * requests are from in the history.
   */
  static readonly layer = (
    options: Omit<FakeClusterOptions, "now" | "chance"> & { readonly actor?: string } = {},
  ): Layer.Layer<CurrentCluster | KubeTransport> =>
    Layer.unwrap(
      Effect.map(FakeCluster.make(options), (cluster) =>
        Layer.mergeAll(
          Layer.succeed(CurrentCluster, cluster),
          Layer.succeed(KubeTransport, transportOf(cluster, options.actor ?? "user")),
        ),
      ),
    );

  /** Serves a CustomResourceDefinition, or another version of one; objects stored before are read by the new schema. */
  defineCrd(crd: CrdLike): void {
    this.#store.define(customResource(crd));
  }

  readonly handle = (actor: string, request: KubeRequest, sentAt = this.#store.now): Answer => {
    const answer = this.#answer(actor, request, sentAt);
    this.#tell(actor, request, sentAt, answer.ok ? undefined : answer.status);
    return answer;
  };

  #answer(actor: string, request: KubeRequest, sentAt: number): Answer {
    const shelf = this.#store.shelf(request.resource);
    if (shelf === undefined) return { ok: false, status: noSuchResource() };
    const context: WriteContext = {
      store: this.#store,
      shelf,
      actor,
      request,
      sentAt,
      chance: this.#chance,
      admit: (object) => this.#refusal(actor, request, object),
    };
    const result = serve(context);
    return Result.isSuccess(result)
      ? { ok: true, object: result.success }
      : { ok: false, status: result.failure };
  }

  #refusal(actor: string, request: KubeRequest, object: KubeObject): StatusBody | undefined {
    for (const hook of this.#admission) {
      const refused = hook(actor, request, object);
      if (refused !== undefined) return refused;
    }
    return undefined;
  }

  readonly watch = (
    actor: string,
    request: WatchRequest,
    sink: WatchSink,
  ): OpenWatch | StatusBody => {
    const shelf = this.#store.shelf(request.resource);
    const opened =
      shelf === undefined ? noSuchResource() : openWatch(this.#store, shelf, actor, request, sink);
    const failure = "close" in opened ? undefined : opened;
    this.#tell(actor, { verb: "watch", ...request }, this.#store.now, failure);
    return opened;
  };

  #tell(
    actor: string,
    request: Served["request"],
    sentAt: number,
    failure: StatusBody | undefined,
  ): void {
    if (this.#listeners.size === 0) return;
    const at = this.#store.now;
    const served: Served = { at, sentAt, actor, request, ...(failure ? { failure } : {}) };
    for (const listener of this.#listeners) listener(served);
  }

  /** Calls `listener` with every commit, before watches are told of it. Returns how to stop that. */
  onCommit(listener: (commit: Commit) => void): () => void {
    return this.#store.onCommit(listener);
  }

  /** Calls `listener` with every request once it is answered, reads and failures too. Returns how to stop that. */
  onRequest(listener: (served: Served) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The version of the last commit; 0 before the first. */
  get resourceVersion(): number {
    return this.#store.version;
  }

  /** Everything stored of a resource, in no particular order; not a request, nobody is told. */
  *objects(resource: Resource): Iterable<KubeObject> {
    const shelf = this.#store.shelf(resource);
    if (shelf === undefined) return;
    for (const object of shelf.table.values()) yield shelf.kind.complete(object);
  }

  /** One stored object; not a request, nobody is told. */
  object(resource: Resource, ref: ObjectRef): KubeObject | undefined {
    const shelf = this.#store.shelf(resource);
    const object = shelf?.table.get(ref);
    return object === undefined ? undefined : shelf?.kind.complete(object);
  }

  /** Forgets what happened up to a version: watches and page tokens from before it are answered with 410. */
  compact(version: number): void {
    this.#store.compact(version);
  }

  /** Sends a bookmark to every watch that asked for them and has not heard of the current version. */
  bookmark(): void {
    this.#store.bookmark();
  }

  /** Ends watches from the server's side, cleanly or with the Status of an ERROR frame. Default: all of them. */
  closeWatches(
    options: {
      readonly end?: StatusBody | undefined;
      readonly actor?: string | undefined;
      readonly resource?: Resource | undefined;
    } = {},
  ): void {
    const { end, actor, resource } = options;
    const only = resource === undefined ? undefined : this.#store.shelf(resource);
    for (const shelf of this.#store.shelves()) {
      if (resource !== undefined && shelf !== only) continue;
      shelf.watchers.close(end, (watcher) => actor === undefined || watcher.actor === actor);
    }
  }

  /** How many watches are open, of one resource or of all. */
  openWatches(resource?: Resource): number {
    const shelves =
      resource === undefined ? [...this.#store.shelves()] : [this.#store.shelf(resource)];
    return shelves.reduce((total, shelf) => total + (shelf?.watchers.size ?? 0), 0);
  }
}
