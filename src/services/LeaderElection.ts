/**
 * At most one of several operators acts: whoever holds the Lease. The protocol of client-go's leaderelection, so that it also
 * keeps apart from the original operator, whose Lease it shares. Times of others are never compared with our clock: what
 * counts is how long we have seen a Lease unchanged.
 */
import { Clock, Duration, Effect, Exit, Option, Random, Result, Schema } from "effect";
import { isEqual } from "../domain/kube/mergePatch.ts";
import { microTime, objectKey } from "../domain/kube/object.ts";
import { Leases } from "../domain/kube/resource.ts";
import { ViewMeta } from "../domain/kube/view.ts";
import { type ApiError, KubeApi } from "./KubeApi.ts";
import { typed } from "./typed.ts";

const LeaseSpec = Schema.Struct({
  holderIdentity: Schema.optionalKey(Schema.String),
  leaseDurationSeconds: Schema.optionalKey(Schema.Int),
  acquireTime: Schema.optionalKey(Schema.String),
  renewTime: Schema.optionalKey(Schema.String),
  leaseTransitions: Schema.optionalKey(Schema.Int),
});
type LeaseSpec = typeof LeaseSpec.Type;

const Lease = Schema.Struct({ metadata: ViewMeta, spec: Schema.optionalKey(LeaseSpec) });
type Lease = typeof Lease.Type;

const LeaseResource = typed(Leases, Lease);

/** Which Lease is held, by whom, and for how long at a time. */
export interface LeadershipOptions {
  readonly name: string;
  readonly namespace: string;
  /** Tells this process from every other one, former ones of the same name included. */
  readonly identity: string;
  /** How long others wait for a holder that is not heard of. Default: 15 s, as the original. Whole seconds. */
  readonly leaseDuration?: Duration.Input | undefined;
  /** How long the holder acts without a successful renewal; less than `leaseDuration`. Default: 10 s. */
  readonly renewDeadline?: Duration.Input | undefined;
  /** Between attempts. Default: 2 s. */
  readonly retryPeriod?: Duration.Input | undefined;
  /** Told whenever this process begins or ceases to lead. Synchronous. */
  readonly onChange?: ((isLeading: boolean) => void) | undefined;
}

/** Somebody else may act now. The only right answer is to end the process: nothing it knows is to be acted on. */
export class LeadershipLost extends Schema.TaggedError<LeadershipLost>()("LeadershipLost", {
  lease: Schema.String,
  detail: Schema.String,
}) {
  override get message() {
    return `Lease ${this.lease} was lost: ${this.detail}`;
  }
}

/** Attempts that fail for another reason than a holder are repeated at growing intervals up to this. */
const ERROR_DELAY_MILLIS_MAX = 15_000;
const JITTER = 0.2;
/** How long giving the Lease back may keep a process from ending. */
const RELEASE_TIMEOUT = "1 second";

/** What an attempt came to: the Lease is ours, or it is held by this identity. */
type Attempt =
  | { readonly _tag: "Leading"; readonly lease: Lease }
  | { readonly _tag: "HeldBy"; readonly holder: string };

interface Candidate {
  readonly options: LeadershipOptions;
  readonly leaseMillis: number;
  readonly deadlineMillis: number;
  readonly retryMillis: number;
  /** The Lease as it was last seen, and since when it has been seen so, by our monotonic clock. */
  seen: { readonly lease: Lease; readonly since: number } | undefined;
  /** What the log said last about a failure: it is said once. */
  told: string | undefined;
}

const makeCandidate = (options: LeadershipOptions): Candidate => ({
  options,
  leaseMillis: Duration.toMillis(options.leaseDuration ?? "15 seconds"),
  deadlineMillis: Duration.toMillis(options.renewDeadline ?? "10 seconds"),
  retryMillis: Duration.toMillis(options.retryPeriod ?? "2 seconds"),
  seen: undefined,
  told: undefined,
});

/** Milliseconds of a clock that nobody sets. */
const monotonicMillis = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos / 1_000_000n));

const see = (candidate: Candidate, lease: Lease, now: number): void => {
  // A write that changes nothing of the record (labels, say) is no sign of life.
  const since =
    candidate.seen !== undefined && isEqual(candidate.seen.lease.spec, lease.spec)
      ? candidate.seen.since
      : now;
  candidate.seen = { lease, since };
};

const isMine = ({ options }: Candidate, lease: Lease | undefined): boolean =>
  lease?.spec?.holderIdentity === options.identity;

/** Whether its holder has not been heard of for as long as the Lease says that this means it is gone. */
const isOver = (candidate: Candidate, now: number): boolean => {
  if (candidate.seen === undefined) return false;
  const { lease, since } = candidate.seen;
  if ((lease.spec?.holderIdentity ?? "") === "") return true;
  const seconds = lease.spec?.leaseDurationSeconds;
  return now >= since + (seconds === undefined ? candidate.leaseMillis : seconds * 1000);
};

/** The record with which this process holds the Lease from now on. */
const record = (candidate: Candidate, before: Lease | undefined, now: number): LeaseSpec => {
  const spec = before?.spec;
  const renewTime = microTime(now);
  const isRenewal = isMine(candidate, before);
  const transitions = spec?.leaseTransitions ?? 0;
  return {
    holderIdentity: candidate.options.identity,
    leaseDurationSeconds: Math.ceil(candidate.leaseMillis / 1000),
    acquireTime: isRenewal ? (spec?.acquireTime ?? renewTime) : renewTime,
    renewTime,
    leaseTransitions: before === undefined || isRenewal ? transitions : transitions + 1,
  };
};

/** Writes a record over the very version that was seen: of two that try, the server lets one. */
const write = Effect.fnUntraced(function* (candidate: Candidate, lease: Lease, spec: LeaseSpec) {
  const api = yield* KubeApi;
  const { name, namespace } = candidate.options;
  const { uid, resourceVersion } = lease.metadata;
  return yield* api.patch(
    LeaseResource,
    { name, namespace },
    { metadata: { uid, resourceVersion }, spec },
  );
});

const create = Effect.fnUntraced(function* (candidate: Candidate) {
  const api = yield* KubeApi;
  const { name, namespace } = candidate.options;
  return yield* api.create(LeaseResource, {
    metadata: { name, namespace },
    spec: record(candidate, undefined, yield* Clock.currentTimeMillis),
  });
});

/** Takes the Lease or renews it, if nobody else holds it. */
const attempt = Effect.fnUntraced(function* (
  candidate: Candidate,
): Effect.fn.Return<Attempt, ApiError, KubeApi> {
  const api = yield* KubeApi;
  const { name, namespace } = candidate.options;
  const found = yield* Effect.catchTag(
    api.get(LeaseResource, { name, namespace }),
    "NotFound",
    () => Effect.undefined,
  );
  if (found === undefined) return leading(candidate, yield* create(candidate));
  const now = yield* monotonicMillis;
  see(candidate, found, now);
  if (!isMine(candidate, found) && !isOver(candidate, now))
    return { _tag: "HeldBy", holder: found.spec?.holderIdentity ?? "" };
  const spec = record(candidate, found, yield* Clock.currentTimeMillis);
  return leading(candidate, yield* write(candidate, found, spec));
});

const leading = (candidate: Candidate, lease: Lease): Attempt => {
  candidate.seen = { lease, since: 0 };
  return { _tag: "Leading", lease };
};

/** Renews without reading first: one request every two seconds. Whoever else wrote is found out by the full way. */
const renewal = (candidate: Candidate): Effect.Effect<Attempt, ApiError, KubeApi> => {
  const lease = candidate.seen?.lease;
  if (lease === undefined || !isMine(candidate, lease)) return attempt(candidate);
  return Clock.currentTimeMillis.pipe(
    Effect.flatMap((now) => write(candidate, lease, record(candidate, lease, now))),
    Effect.map((stored) => leading(candidate, stored)),
    Effect.catchTag(["Conflict", "NotFound"], () => attempt(candidate)),
  );
};

/** The attempt within its time: an answer that never comes is an error like another one. */
const within = (
  effect: Effect.Effect<Attempt, ApiError, KubeApi>,
  millis: number,
): Effect.Effect<Result.Result<Attempt, string>, never, KubeApi> =>
  effect.pipe(
    Effect.result,
    Effect.timeoutOption(Math.max(1, millis)),
    Effect.map(
      Option.match({
        onNone: () => Result.fail(`no answer within ${Math.round(millis / 1000)} s`),
        onSome: Result.mapError((error) => error.message),
      }),
    ),
  );

const tell = (candidate: Candidate, error: string): Effect.Effect<void> => {
  const log = candidate.told === error ? Effect.logDebug : Effect.logWarning;
  candidate.told = error;
  return Effect.annotateLogs(log("the Lease cannot be read or written"), { error });
};

/** Waits for the Lease. Answers with the time (monotonic) at which the attempt that took it began. */
const acquire = Effect.fnUntraced(function* (
  candidate: Candidate,
): Effect.fn.Return<number, never, KubeApi> {
  let holder: string | undefined;
  let errors = 0;
  for (;;) {
    const startedAt = yield* monotonicMillis;
    const outcome = yield* within(attempt(candidate), candidate.deadlineMillis);
    if (Result.isFailure(outcome)) {
      yield* tell(candidate, outcome.failure);
      errors++;
    } else if (outcome.success._tag === "Leading") return startedAt;
    else {
      errors = 0;
      candidate.told = undefined;
      if (outcome.success.holder !== holder)
        yield* Effect.annotateLogs(Effect.logInfo("another process leads; standing by"), {
          leader: outcome.success.holder,
        });
      holder = outcome.success.holder;
    }
    yield* Effect.sleep(yield* waitMillis(candidate, errors));
  }
});

const waitMillis = ({ retryMillis }: Candidate, errors: number) =>
  Effect.map(Random.next, (chance) => {
    const grown = retryMillis * 2 ** Math.max(0, Math.min(errors, 10) - 1);
    const limited = Math.min(grown, Math.max(retryMillis, ERROR_DELAY_MILLIS_MAX));
    return Math.round(limited * (1 + JITTER * chance));
  });

/**
 * Renews the Lease for ever; fails when it is somebody else's or could not be renewed in time. What counts as the time of a
 * renewal is when it was sent: others count from when they saw it, which is later.
 */
const keep = Effect.fnUntraced(function* (
  candidate: Candidate,
  acquiredAt: number,
): Effect.fn.Return<never, LeadershipLost, KubeApi> {
  const lease = objectKey(candidate.options);
  let renewedAt = acquiredAt;
  let last = "this process was held up";
  for (;;) {
    const wakeAt = Math.min(candidate.retryMillis, candidate.deadlineMillis);
    yield* Effect.sleep(wakeAt);
    const startedAt = yield* monotonicMillis;
    const remaining = renewedAt + candidate.deadlineMillis - startedAt;
    if (remaining <= 0)
      return yield* new LeadershipLost({
        lease,
        detail: `not renewed for ${Math.round((startedAt - renewedAt) / 1000)} s; ${last}`,
      });
    const outcome = yield* within(
      renewal(candidate),
      Math.min(remaining, candidate.deadlineMillis / 2),
    );
    if (Result.isFailure(outcome)) {
      last = outcome.failure;
      yield* tell(candidate, last);
    } else if (outcome.success._tag === "HeldBy")
      return yield* new LeadershipLost({ lease, detail: `${outcome.success.holder} holds it` });
    else {
      candidate.told = undefined;
      renewedAt = startedAt;
    }
  }
});

/** Gives the Lease back, so that the next one need not wait. Best effort: it runs out anyway. */
const release = Effect.fnUntraced(function* (candidate: Candidate) {
  const lease = candidate.seen?.lease;
  if (lease === undefined || !isMine(candidate, lease)) return;
  const now = microTime(yield* Clock.currentTimeMillis);
  yield* write(candidate, lease, {
    holderIdentity: "",
    leaseDurationSeconds: 1,
    acquireTime: now,
    renewTime: now,
  }).pipe(
    Effect.timeout(RELEASE_TIMEOUT),
    Effect.matchEffect({
      onFailure: (error) =>
        Effect.annotateLogs(Effect.logWarning("the Lease was not given back"), {
          error: error.message,
        }),
      onSuccess: () => Effect.logInfo("the Lease was given back"),
    }),
  );
});

/**
 * Runs `work` as soon as this process leads and as long as it does. Losing the Lease interrupts `work` and fails with
 * `LeadershipLost`. However `work` ends otherwise, the Lease is given back, and only when `work` has stopped.
 *
 * @example
 * withLeadership({ name: "ce9721c3.kairos.io", namespace: "operator-system", identity }, operator())
 */
export const withLeadership = <A, E, R>(
  options: LeadershipOptions,
  work: Effect.Effect<A, E, R>,
): Effect.Effect<A, E | LeadershipLost, R | KubeApi> =>
  Effect.suspend(() => {
    const candidate = makeCandidate(options);
    const annotated = Effect.annotateLogs({
      lease: objectKey(options),
      identity: options.identity,
    });
    const led = (acquiredAt: number) =>
      Effect.raceFirst(
        Effect.andThen(
          Effect.sync(() => options.onChange?.(true)),
          work,
        ),
        annotated(keep(candidate, acquiredAt)),
      );
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(restore(annotated(acquire(candidate))), (acquiredAt) =>
        annotated(Effect.logInfo("leading")).pipe(
          Effect.andThen(restore(led(acquiredAt))),
          Effect.onExit((exit) => {
            options.onChange?.(false);
            return isLost(exit) ? Effect.void : annotated(release(candidate));
          }),
        ),
      ),
    );
  });

const isLost = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Option.exists(Exit.findErrorOption(exit), Schema.is(LeadershipLost));
