/** Asks the Eviction API to take a Pod off a node that is drained. What it answers is news about that Pod, not a failure. */
import { Clock, Effect } from "effect";
import { refusedEviction } from "../../domain/drain/eviction.ts";
import { type DrainProgress, evicted, gone, putOff } from "../../domain/drain/progress.ts";
import type { Action } from "../../domain/rollout/decision.ts";
import { KubeApi } from "../../services/KubeApi.ts";
import type { Update } from "./Update.ts";

type Evict = Extract<Action, { readonly _tag: "Evict" }>;

/** How one Pod changes the progress of its node's drain. */
const withProgress =
  (node: string, change: (progress: DrainProgress) => DrainProgress): Update =>
  (observed) => {
    const progress = observed.drains.get(node);
    return progress === undefined
      ? observed
      : { ...observed, drains: new Map(observed.drains).set(node, change(progress)) };
  };

/** Evicts that very Pod: one of another uid is not meant, wherever it runs. */
export const evictPod = Effect.fnUntraced(function* (action: Evict) {
  const api = yield* KubeApi;
  const { node, pod, gracePeriodSeconds } = action;
  const refused = yield* api
    .evict(
      { namespace: pod.namespace, name: pod.name },
      {
        preconditions: { uid: pod.uid },
        ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
      },
    )
    .pipe(
      Effect.as(undefined),
      Effect.catch((error) => {
        const meaning = refusedEviction(error);
        return meaning === undefined ? Effect.fail(error) : Effect.succeed(meaning);
      }),
    );
  const now = yield* Clock.currentTimeMillis;
  return withProgress(node, (progress) => {
    if (refused === undefined) return evicted(progress, pod.uid, now);
    return refused._tag === "Gone"
      ? gone(progress, pod.uid)
      : putOff(progress, pod.uid, refused, now);
  });
});
