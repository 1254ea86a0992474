/**
 * Keeps an up-to-date copy of the objects of one selection: a list, then a watch from there, for ever. A state machine
 * (Empty → Listing → Watching) as in client-go's Reflector and kube-rs' watcher; what it learns goes to `InformerCache`.
 */
import { Clock, Deferred, Duration, Effect, Predicate, Random, Result, Stream } from "effect";
import { type Backoff, backoffMillis } from "./backoff.ts";
import { type CacheOptions, InformerCache } from "./InformerCache.ts";
import { Expired } from "./KubeError.ts";
import {
  type ApiError,
  KubeApi,
  type ObjectList,
  type Selection,
  type TypedResource,
  type UndecodableObject,
  type WatchEvent,
} from "./KubeApi.ts";

/**
 * Waits between attempts to list or watch, while they bring nothing new. A server or proxy that ends every watch at once is
 * in trouble, and five watches a second from each client keep it there: as in client-go news may then come up to half a
 * minute late. The first news that arrives ends that.
 */
const BACKOFF: Backoff = { base: "100 millis", max: "30 seconds" };
/** A watch that lasted this long was a good one, even if nothing happened. */
const GOOD_WATCH_MILLIS_MIN = 10_000;
/** A watch that keeps failing is tried this often from its version; then the list is read again. */
const WATCH_FAILURES_MAX = 5;
/** Shorter interruptions lose nothing that matters to anybody. */
const OUTAGE_MILLIS_MIN = 60_000;
/** Lists older than what the stream has told are refused this often; then history itself must have been rewound. */
const STALE_LISTS_MAX = 5;
/** The server is asked to end each watch after this long or up to twice that, by chance, as client-go does. */
const WATCH_TIMEOUT_SECONDS = 300;
/** A watch that goes on this much longer than the server was asked for is half-open: nobody sends any more. */
const WATCH_OVERTIME_SECONDS = 30;

/** Where the machine is: nothing asked yet, reading the list, or following the watch from what the cache processed. */
export type InformerPhase = "Empty" | "Listing" | "Watching";

export interface InformerOptions<A, Index extends string = never> extends CacheOptions<A, Index> {
  readonly of: TypedResource<A>;
  readonly selection?: Selection | undefined;
  /** Called, synchronously, for every object that does not decode; it is logged as well. It never stops the others. */
  readonly onUndecodable?: ((object: UndecodableObject) => void) | undefined;
}

/**
 * A cache that follows the server. Reads are synchronous. Being a cache it lags: what it does not hold may exist, so
 * absence is confirmed by a live read before it counts. `Index` names the indexes it was made with.
 */
export interface Informer<A, Index extends string = never> {
  readonly get: (key: string) => A | undefined;
  /** All objects by key: the live map, not a copy. */
  readonly all: () => ReadonlyMap<string, A>;
  /** The objects that the index gives this value; iterating costs what it yields. */
  readonly by: (index: Index, value: string) => Iterable<A>;
  /** Completes once the first list is in the cache; nothing may be decided before. */
  readonly synced: Effect.Effect<void>;
  readonly isSynced: () => boolean;
  readonly phase: () => InformerPhase;
  /** Why the last attempt to list or watch failed; undefined while all is well. */
  readonly lastError: () => ApiError | undefined;
  /**
   * Since when it has followed the server at `now`, both in milliseconds since the epoch: its first list, or the end of the
   * last outage of a minute or more; `now` while that lasts. 0 before the first list.
   */
  readonly followsSince: (now: number) => number;
  /**
   * Puts the answer of our own write or live read into the cache at once (read-your-writes), if it is newer than what
   * the stream has told. Only for objects that the selection matches. Ignored when its version is not an integer.
   */
  readonly observe: (object: A) => void;
  /** Takes out an object that is known to be gone at this version (a 404 to a live read, our own delete). */
  readonly forget: (key: string, resourceVersion: string) => void;
  /** The loop, to be joined by main. Failures are retried for ever; only a defect ends it. */
  readonly run: Effect.Effect<never, never, KubeApi>;
}

/** How one attempt to list or watch ended. */
interface Attempt {
  /** Whether it brought something new, or at least lasted. */
  readonly progressed: boolean;
  readonly error: ApiError | undefined;
  readonly next: InformerPhase;
}

/** Milliseconds that the server asked us to stay away (429 and 503 with Retry-After). */
const retryAfterMillis = (error: ApiError | undefined): number =>
  error !== undefined && "retryAfterSeconds" in error ? 1000 * (error.retryAfterSeconds ?? 0) : 0;

/** What the machine carries from step to step. */
interface State<A, Index extends string> {
  readonly options: InformerOptions<A, Index>;
  readonly cache: InformerCache<A, Index>;
  readonly synced: Deferred.Deferred<void>;
  phase: InformerPhase;
  lastError: ApiError | undefined;
  /** When the attempts began to fail that have failed without a success since. */
  failingSince: number | undefined;
  followsSince: number;
  staleLists: number;
  /** Attempts in a row that brought nothing new. */
  fruitless: number;
}

const report = <A, Index extends string>(
  { options }: State<A, Index>,
  objects: ReadonlyArray<UndecodableObject>,
): Effect.Effect<void> =>
  Effect.forEach(
    objects,
    (object) => {
      options.onUndecodable?.(object);
      return Effect.logWarning("object cannot be decoded; it is left out").pipe(
        Effect.annotateLogs({ error: object.error.message }),
      );
    },
    { discard: true },
  );

const isAway = <A, Index extends string>({ failingSince }: State<A, Index>, now: number): boolean =>
  failingSince !== undefined && now - failingSince >= OUTAGE_MILLIS_MIN;

/** The server has answered: what was wrong is over. */
const answered = <A, Index extends string>(state: State<A, Index>, now: number): void => {
  if (state.followsSince === 0 || isAway(state, now)) state.followsSince = now;
  state.failingSince = undefined;
  state.lastError = undefined;
};

const takeList = Effect.fnUntraced(function* <A, Index extends string>(
  state: State<A, Index>,
  list: ObjectList<A>,
): Effect.fn.Return<Attempt> {
  const { cache } = state;
  const stale = cache.isStale(list);
  if (stale && state.staleLists < STALE_LISTS_MAX) {
    state.staleLists++;
    const detail = `version ${list.resourceVersion} is older than ${cache.processed}, which was seen already: the server lags`;
    const request = `list ${state.options.of.resource.kind}`;
    return { progressed: false, error: new Expired({ request, detail }), next: "Listing" };
  }
  if (stale) yield* Effect.logWarning("the server's history was rewound; starting from its list");
  state.staleLists = 0;
  answered(state, yield* Clock.currentTimeMillis);
  cache.listed(list, { rewound: stale });
  yield* report(state, list.undecodable);
  Deferred.doneUnsafe(state.synced, Effect.void);
  return { progressed: false, error: undefined, next: "Watching" };
});

const listOnce = Effect.fnUntraced(function* <A, Index extends string>(
  state: State<A, Index>,
  api: KubeApi["Service"],
): Effect.fn.Return<Attempt> {
  const listed = yield* Effect.result(api.list(state.options.of, state.options.selection));
  if (Result.isSuccess(listed)) return yield* takeList(state, listed.success);
  return { progressed: false, error: listed.failure, next: "Listing" };
});

const takeEvents = <A, Index extends string>(
  state: State<A, Index>,
  events: ReadonlyArray<WatchEvent<A>>,
  now: number,
): Effect.Effect<void> => {
  const { cache } = state;
  answered(state, now);
  const unreadable: Array<UndecodableObject> = [];
  for (const event of events) {
    if (event.type === "Applied") cache.applied(event.object);
    else if (event.type === "Deleted") cache.deleted(event.object);
    else if (event.type === "Bookmark") cache.bookmark(event.resourceVersion);
    else if (cache.undecodable(event, event)) unreadable.push(event);
  }
  return unreadable.length === 0 ? Effect.void : report(state, unreadable);
};

const watchOnce = Effect.fnUntraced(function* <A, Index extends string>(
  state: State<A, Index>,
  api: KubeApi["Service"],
  resourceVersion: string,
): Effect.fn.Return<Attempt> {
  const { of, selection } = state.options;
  const openedAt = yield* Clock.currentTimeMillis;
  const timeoutSeconds = yield* Random.nextIntBetween(
    WATCH_TIMEOUT_SECONDS,
    2 * WATCH_TIMEOUT_SECONDS,
  );
  const ended = yield* api.watch(of, { ...selection, resourceVersion, timeoutSeconds }).pipe(
    Stream.runForEachArray((events) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => takeEvents(state, events, now)),
    ),
    Effect.timeoutOption(Duration.seconds(timeoutSeconds + WATCH_OVERTIME_SECONDS)),
    Effect.result,
  );
  const lastedMillis = (yield* Clock.currentTimeMillis) - openedAt;
  const progressed =
    state.cache.processed !== resourceVersion || lastedMillis >= GOOD_WATCH_MILLIS_MIN;
  const error = Result.isFailure(ended) ? ended.failure : undefined;
  return { progressed, error, next: Predicate.isTagged(error, "Expired") ? "Listing" : "Watching" };
});

/** Notes how an attempt ended, says so if it failed, and waits until the next one is due. */
const settle = Effect.fnUntraced(function* <A, Index extends string>(
  state: State<A, Index>,
  { progressed, error, next }: Attempt,
) {
  const listed = state.phase === "Listing" && next === "Watching";
  if (!listed) state.fruitless = progressed ? 0 : state.fruitless + 1;
  // Perhaps the server cannot serve this version any more and says so in a way that we do not know.
  const giveUp = error !== undefined && state.fruitless >= WATCH_FAILURES_MAX;
  state.phase = giveUp ? "Listing" : next;
  if (listed) return;
  const waitMillis = Math.max(
    yield* backoffMillis(BACKOFF, Math.max(0, state.fruitless - 1)),
    retryAfterMillis(error),
  );
  if (error !== undefined) {
    // The same again is no news: an outage of an hour is one line.
    const isTold = state.lastError?.message === error.message;
    state.lastError = error;
    state.failingSince ??= yield* Clock.currentTimeMillis;
    yield* (isTold ? Effect.logDebug : Effect.logWarning)("list or watch failed").pipe(
      Effect.annotateLogs({ error: error.message, retryInMillis: waitMillis }),
    );
  }
  yield* Effect.sleep(waitMillis);
});

const loop = <A, Index extends string>(
  state: State<A, Index>,
): Effect.Effect<never, never, KubeApi> =>
  Effect.gen(function* () {
    const api = yield* KubeApi;
    for (;;) {
      const from = state.phase === "Watching" ? state.cache.processed : undefined;
      if (from === undefined) state.phase = "Listing";
      yield* settle(
        state,
        yield* from === undefined ? listOnce(state, api) : watchOnce(state, api, from),
      );
    }
  }).pipe(Effect.annotateLogs({ informer: state.options.of.resource.plural }));

/** Makes an informer; it knows nothing until `run` runs. */
export const make = <A, Index extends string = never>(
  options: InformerOptions<A, Index>,
): Effect.Effect<Informer<A, Index>> =>
  Effect.sync(() => {
    const cache = new InformerCache<A, Index>(options);
    const synced = Deferred.makeUnsafe<void>();
    const state: State<A, Index> = {
      options,
      cache,
      synced,
      phase: "Empty",
      lastError: undefined,
      failingSince: undefined,
      followsSince: 0,
      staleLists: 0,
      fruitless: 0,
    };
    return {
      get: (key) => cache.get(key),
      all: () => cache.all(),
      by: (index, value) => cache.by(index, value),
      synced: Deferred.await(synced),
      isSynced: () => Deferred.isDoneUnsafe(synced),
      phase: () => state.phase,
      lastError: () => state.lastError,
      followsSince: (now) => (isAway(state, now) ? now : state.followsSince),
      observe: (object) => cache.observe(object),
      forget: (key, resourceVersion) => cache.forget(key, resourceVersion),
      run: loop(state),
    };
  });
