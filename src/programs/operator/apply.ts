/** Sends the actions of a pass, and keeps account of what became of each. */
import { Clock, Effect } from "effect";
import type { Action } from "../../domain/rollout/decision.ts";
import type { Observed } from "../../domain/rollout/observed.ts";
import type { ApiError, KubeApi } from "../../services/KubeApi.ts";
import type { Caches } from "./Caches.ts";
import { noteFailure, type Request } from "./failures.ts";
import type { OperationMemory } from "./Memory.ts";
import { request } from "./requests.ts";
import type { Update } from "./Update.ts";

/** Sends at most this many requests at once. */
const REQUESTS_AT_ONCE = 32;

/** What became of one action: how it changes what is observed, or why it failed. */
type Outcome =
  | { readonly _tag: "Done"; readonly update: Update }
  | { readonly _tag: "Failed"; readonly error: ApiError };

/** What became of all actions of a pass. */
export interface Applied {
  readonly observed: Observed;
  readonly done: number;
  /** When a failed action may be tried again (milliseconds since the epoch). */
  readonly retryAt: number | undefined;
}

/** Names an action among those of its operation: attempts and their delays are counted by it. */
export const actionKey = (action: Action): string =>
  action._tag === "Evict"
    ? `Evict ${action.node} ${action.pod.uid}`
    : "node" in action
      ? `${action._tag} ${action.node}`
      : action._tag;

const creates = (action: Action): boolean => action._tag.startsWith("Create");

/** Sends all actions; the failure of one does not touch the others. */
export const applyAll = Effect.fnUntraced(function* (
  observed: Observed,
  actions: ReadonlyArray<Action>,
  memory: OperationMemory,
): Effect.fn.Return<Applied, never, KubeApi | Caches> {
  const outcomes = yield* Effect.forEach(
    actions,
    (action) =>
      Effect.match(request(observed, action, memory), {
        onSuccess: (update): Outcome => ({ _tag: "Done", update }),
        onFailure: (error): Outcome => ({ _tag: "Failed", error }),
      }),
    // A fiber of its own is worth something only to several.
    { concurrency: actions.length > 1 ? REQUESTS_AT_ONCE : 1 },
  );
  const now = yield* Clock.currentTimeMillis;
  let next = observed;
  let done = 0;
  let retryAt: number | undefined;
  for (const [index, outcome] of outcomes.entries()) {
    const action = actions[index]!;
    if (outcome._tag === "Done") {
      done++;
      next = outcome.update(next);
      succeeded(memory, action, now);
    } else {
      yield* noteFailure(memory, asRequest(action), outcome.error);
      retryAt = Math.min(retryAt ?? Number.POSITIVE_INFINITY, memory.notBefore(actionKey(action)));
    }
  }
  memory.drains = next.drains;
  return { observed: next, done, retryAt };
});

// A child that is made again and again (its kubelet refuses it) is made at growing intervals; other actions start anew.
const succeeded = (memory: OperationMemory, action: Action, now: number): void => {
  if (creates(action)) memory.attempted(actionKey(action), now);
  else memory.forget(actionKey(action));
  if ("node" in action) memory.problems.delete(action.node);
};

const asRequest = (action: Action): Request => ({
  key: actionKey(action),
  nodes: "node" in action ? [action.node] : [],
  refusal: creates(action) && action._tag !== "CreateJob" ? "PodRefused" : "RequestRefused",
});
