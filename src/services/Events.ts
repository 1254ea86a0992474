/**
 * Writes Events (events.k8s.io/v1), so that `kubectl describe` tells what happens. Best effort: whoever records one never
 * waits and never fails; what the API server does not take in time is given up and counted.
 */
import { Cause, Clock, Effect, Option, Queue, Schema } from "effect";
import { microTime, objectKey } from "../domain/kube/object.ts";
import { apiVersionOf, Events } from "../domain/kube/resource.ts";
import { ViewMeta } from "../domain/kube/view.ts";
import { fingerprint } from "../domain/names.ts";
import type { News, Regarding } from "../domain/rollout/events.ts";
import { backoffMillis, type Backoff } from "./backoff.ts";
import { type ApiError, KubeApi } from "./KubeApi.ts";
import { typed } from "./typed.ts";

export const REPORTING_CONTROLLER = "operator.kairos.io/nodeop";

/** Events of Nodes, which have no namespace: elsewhere the API server takes none, besides `kube-system`. */
const CLUSTER_NAMESPACE = "default";

/** Limits of the API (apis/core/validation/events.go). */
const NOTE_LENGTH_MAX = 1024;
const INSTANCE_LENGTH_MAX = 128;
const NAME_LENGTH_MAX = 200;

const CAPACITY = 1000;
const ATTEMPTS_MAX = 4;
const BACKOFF: Backoff = { base: "500 millis", max: "10 seconds" };
/** A request that takes longer is given up: the next Event is worth more. */
const REQUEST_TIMEOUT = "10 seconds";

const EventView = Schema.Struct({
  metadata: ViewMeta,
  series: Schema.optionalKey(Schema.Struct({ count: Schema.Int })),
});
const EventResource = typed(Events, EventView);

/** What `make` gives: a mailbox, and the loop that empties it. */
export interface EventRecorder {
  /**
   * Puts the Events that `decide` finds into the mailbox; those that do not fit in are dropped. May be called from callbacks:
   * a `decide` that throws is logged, and never stops who calls.
   */
  readonly recordUnsafe: (decide: () => ReadonlyArray<News>) => void;
  /** How many have been given up so far. */
  readonly dropped: () => number;
  /** Sends one after the other, for ever; to be joined by main. */
  readonly run: Effect.Effect<never, never, KubeApi>;
}

interface Recorded {
  readonly _tag: "Recorded";
  readonly news: News;
  readonly at: number;
}

/** Which Events are due could not be decided. */
interface Undecided {
  readonly _tag: "Undecided";
  readonly defect: unknown;
}

export interface EventRecorderOptions {
  /** Names this process in its Events: the Pod's name. */
  readonly instance: string;
  /** Events that may wait. Default: 1000. */
  readonly capacity?: number | undefined;
}

const cut = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 1)}…`;

/** The same happening to the same object has the same name in every process: so a restart makes no second Event of it. */
const nameOf = ({ regarding, reason, note }: News): string =>
  `${regarding.name.slice(0, NAME_LENGTH_MAX).replace(/[-.]+$/u, "")}.${fingerprint(11, regarding.uid, reason, note)}`;

const namespaceOf = ({ namespace }: Regarding): string => namespace ?? CLUSTER_NAMESPACE;

const eventObject = ({ news, at }: Recorded, instance: string) => ({
  apiVersion: apiVersionOf(Events),
  kind: Events.kind,
  metadata: { name: nameOf(news), namespace: namespaceOf(news.regarding) },
  eventTime: microTime(at),
  reportingController: REPORTING_CONTROLLER,
  reportingInstance: cut(instance, INSTANCE_LENGTH_MAX),
  type: news.type,
  reason: news.reason,
  action: news.action,
  note: cut(news.note, NOTE_LENGTH_MAX),
  regarding: news.regarding,
  ...(news.related === undefined ? {} : { related: news.related }),
});

/** Creates the Event; if it happened before, and is still remembered, counts it once more. */
const send = Effect.fnUntraced(function* (recorded: Recorded, instance: string) {
  const api = yield* KubeApi;
  const object = eventObject(recorded, instance);
  yield* Effect.catchTag(Effect.asVoid(api.create(EventResource, object)), "AlreadyExists", () =>
    countAgain(object.metadata, recorded.at),
  );
});

const countAgain = Effect.fnUntraced(function* (
  ref: { readonly name: string; readonly namespace: string },
  at: number,
) {
  const api = yield* KubeApi;
  const { metadata, series } = yield* api.get(EventResource, ref);
  const { uid, resourceVersion } = metadata;
  yield* api.patch(EventResource, ref, {
    metadata: { uid, resourceVersion },
    series: { count: (series?.count ?? 1) + 1, lastObservedTime: microTime(at) },
  });
});

/** Whether trying again within seconds may help. */
const mayHeal = (error: ApiError): boolean =>
  ["Conflict", "NotFound", "TooManyRequests", "Unavailable", "Unreachable"].includes(error._tag);

const itemsOf = (
  decide: () => ReadonlyArray<News>,
  at: number,
): ReadonlyArray<Recorded | Undecided> => {
  try {
    return decide().map((news) => ({ _tag: "Recorded", news, at }));
  } catch (defect) {
    return [{ _tag: "Undecided", defect }];
  }
};

/** Makes a recorder; nothing is sent until `run` runs. */
export const make = Effect.fnUntraced(function* (
  options: EventRecorderOptions,
): Effect.fn.Return<EventRecorder> {
  const clock = yield* Clock.Clock;
  const mailbox = yield* Queue.dropping<Recorded | Undecided>(options.capacity ?? CAPACITY);
  let dropped = 0;
  /** The kind of the failure that was told last: the same again is no news. */
  let told: string | undefined;

  const giveUp = Effect.fnUntraced(function* (news: News, kind: string, detail: string) {
    dropped++;
    const log = told === kind ? Effect.logDebug : Effect.logWarning;
    told = kind;
    yield* Effect.annotateLogs(log("an Event was given up"), {
      error: detail,
      regarding: `${news.regarding.kind} ${objectKey(news.regarding)}`,
      reason: news.reason,
    });
  });

  const deliver = Effect.fnUntraced(function* (recorded: Recorded) {
    for (let attempt = 0; ; attempt++) {
      const error = yield* send(recorded, options.instance).pipe(
        Effect.match({ onFailure: (failure) => failure, onSuccess: () => undefined }),
        Effect.timeoutOption(REQUEST_TIMEOUT),
      );
      if (Option.isNone(error)) return yield* giveUp(recorded.news, "Timeout", "no answer in time");
      if (error.value === undefined) return;
      if (attempt + 1 >= ATTEMPTS_MAX || !mayHeal(error.value))
        return yield* giveUp(recorded.news, error.value._tag, error.value.message);
      yield* Effect.sleep(yield* backoffMillis(BACKOFF, attempt));
    }
  });

  return {
    recordUnsafe: (decide) => {
      const at = clock.currentTimeMillisUnsafe();
      for (const item of itemsOf(decide, at)) if (!Queue.offerUnsafe(mailbox, item)) dropped++;
    },
    dropped: () => dropped,
    run: Effect.forever(
      Effect.flatMap(Queue.take(mailbox), (item) =>
        item._tag === "Recorded"
          ? deliver(item)
          : Effect.logError("the Events of a change could not be decided", Cause.die(item.defect)),
      ),
    ),
  };
});
