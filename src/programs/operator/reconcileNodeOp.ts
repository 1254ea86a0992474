/**
 * One reconcile of a NodeOp: gather → decide → claim → apply, as often as something comes of it, then wait for a change
 * or for the time that the decision names. What is acted on has been stored before; a 409 means that somebody else wrote:
 * forget everything, come again.
 */
import { Clock, Effect } from "effect";
import { decodeNodeOp } from "../../domain/api/decode.ts";
import type { NodeOp, NodeOpStatus } from "../../domain/api/nodeop.ts";
import { mergePatchBetween } from "../../domain/kube/mergePatch.ts";
import { hasVacancy } from "../../domain/rollout/admit.ts";
import { kubeTime } from "../../domain/kube/object.ts";
import { decide } from "../../domain/rollout/decide.ts";
import { isIrrevocable, type Action, type Decision } from "../../domain/rollout/decision.ts";
import type { Observed, Settings } from "../../domain/rollout/observed.ts";
import { isAboutRequests } from "../../domain/rollout/stepNode.ts";
import { type ApiError, KubeApi } from "../../services/KubeApi.ts";
import { actionKey, applyAll } from "./apply.ts";
import { Caches } from "./Caches.ts";
import { type CeilingOptions, reserve } from "./ceiling.ts";
import { confirm, dueEvidence } from "./confirm.ts";
import { gather } from "./gather.ts";
import { letGo } from "./letGo.ts";
import { statusIntervalMillis, type Memory, type OperationMemory } from "./Memory.ts";
import { AnyNodeOp, NodeOpResource } from "./resources.ts";
import { tellInvalid } from "./tellInvalid.ts";

/** A pass that still finds something to do after this many rounds gives the other operations a turn. */
const ROUNDS_MAX = 32;

/** When to look again even if nothing changes, in milliseconds since the epoch. */
export interface LookAgain {
  readonly at: number | undefined;
}

interface Round {
  readonly observed: Observed;
  /** Whether the operation was read after everything else that is observed, so that irrevocable actions may follow. */
  readonly isOperationLive: boolean;
  /** The book was found full although the caches had known of room: nothing may tell when there is. */
  readonly isFull?: boolean;
}

/** How long after that it is looked into again. */
const FULL_RETRY_MILLIS = 5000;

/**
 * Reconciles the NodeOp of this key (`namespace/name`) as far as it goes now, and tells when to look again. A key without an
 * object is forgotten. Fails when the API server refuses or cannot be reached in a way that concerns the operation as a
 * whole; the queue then comes again, with growing delays.
 */
export const reconcileNodeOp = Effect.fnUntraced(function* (
  key: string,
  options: {
    readonly settings: Settings;
    readonly memory: Memory;
    readonly ceiling?: CeilingOptions | undefined;
  },
): Effect.fn.Return<LookAgain, ApiError, KubeApi | Caches> {
  const caches = yield* Caches;
  if (caches.unreadableOperations.has(key)) {
    const unreadable = yield* tellInvalid(key, {
      unreadable: caches.unreadableOperations,
      any: AnyNodeOp,
      decode: decodeNodeOp,
      observe: caches.operations.observe,
    });
    return { at: yield* letGo(unreadable) };
  }
  const operation = caches.operations.get(key);
  if (operation === undefined) {
    options.memory.drop(key);
    return { at: undefined };
  }
  const memory = options.memory.of(key, operation.metadata.uid);
  const now = yield* Clock.currentTimeMillis;
  let round: Round = {
    observed: gather({
      caches,
      memory,
      operation,
      settings: options.settings,
      now,
      ceiling: options.ceiling?.ceiling,
    }),
    isOperationLive: false,
  };
  let retryAt: number | undefined;
  for (let count = 0; count < ROUNDS_MAX; count++) {
    const next = yield* oneRound(round, memory, options.ceiling);
    if ("at" in next) return { at: earliest(next.at, retryAt) };
    if (next.isFull === true) retryAt = next.observed.now + FULL_RETRY_MILLIS;
    round = next;
  }
  return { at: yield* Clock.currentTimeMillis };
});

/**
 * Decides once and does one thing about it: read live, store, or act. Answers with the next round, or with when to look
 * again. What is read live is there to be stored: while the last status write is too fresh, neither is done, and the
 * operation as a whole is not looked at.
 */
const oneRound = Effect.fnUntraced(function* (
  round: Round,
  memory: OperationMemory,
  ceiling: CeilingOptions | undefined,
): Effect.fn.Return<Round | LookAgain, ApiError, KubeApi | Caches> {
  const { observed } = round;
  const decision = decide(observed, memory.decision);
  memory.decision = decision;
  forgetSolved(decision, memory);
  if (memory.drains.size > 0) forgetDrains(decision, memory);
  const mayStoreAt =
    memory.statusWrittenAt +
    statusIntervalMillis(observed.operation.status.total ?? 0, {
      moving: decision.moving,
      vacancy: hasVacancy(observed),
    });
  if (observed.now < mayStoreAt)
    return yield* act(round, memory, { actions: decision.actions, wakeAt: mayStoreAt });
  const { due, laterAt } = dueEvidence(decision, memory);
  if (due.size > 0)
    return { observed: yield* confirm(decision, due, memory), isOperationLive: false };
  const { status, actions, wakeAt, starts = [] } = decision.outlook();
  if (status !== observed.operation.status) {
    const held = yield* heldBack(observed, [...starts], memory, ceiling);
    if (held !== undefined) return held;
    const stored = yield* storeStatus(observed.operation, status, memory);
    return { observed: yield* at(observed, stored), isOperationLive: true };
  }
  return yield* act(round, memory, {
    actions: [...actions, ...decision.actions],
    wakeAt: earliest(decision.wakeAt, wakeAt, laterAt),
  });
});

/**
 * Below a ceiling nodes are claimed once they have a line in the book: undefined when they have. Else what to go on with: another
 * round that knows how full the book is, or a later pass.
 */
const heldBack = Effect.fnUntraced(function* (
  observed: Observed,
  nodes: ReadonlyArray<string>,
  memory: OperationMemory,
  ceiling: CeilingOptions | undefined,
): Effect.fn.Return<Round | LookAgain | undefined, ApiError, KubeApi | Caches> {
  const { now, occupancy, operation } = observed;
  if (ceiling === undefined || occupancy === undefined || nodes.length === 0) return undefined;
  const answer = yield* reserve(ceiling, { operation, nodes, occupancy });
  switch (answer._tag) {
    case "Entered":
      return undefined;
    case "Outdated":
      return { at: now };
    case "Full":
      if (answer.hasStale) {
        yield* storeStatus(operation, { ...operation.status, lastUpdated: kubeTime(now) }, memory);
        return { at: now + OUTDATED_MILLIS };
      }
      return {
        observed: { ...observed, occupancy: { ...occupancy, taken: answer.taken } },
        isOperationLive: false,
        isFull: true,
      };
  }
});

/** Stored times are whole seconds: a write that only says when it was made changes nothing within one. */
const OUTDATED_MILLIS = 1000;

/** What went wrong with a node is over once the request is not wanted any more. */
const forgetSolved = ({ steps }: Decision, memory: OperationMemory): void => {
  for (const node of memory.problems.keys()) {
    const stepped = steps.get(node);
    if (stepped === undefined || !isAboutRequests(stepped)) memory.problems.delete(node);
  }
};

/** How far a drain was is forgotten with it. */
const forgetDrains = ({ steps }: Decision, memory: OperationMemory): void => {
  const ended = [...memory.drains.keys()].filter(
    (node) => steps.get(node)?.entry.stage !== "Preparing",
  );
  if (ended.length > 0)
    memory.drains = new Map([...memory.drains].filter(([node]) => !ended.includes(node)));
};

const act = Effect.fnUntraced(function* (
  round: Round,
  memory: OperationMemory,
  todo: { readonly actions: ReadonlyArray<Action>; readonly wakeAt: number | undefined },
): Effect.fn.Return<Round | LookAgain, ApiError, KubeApi | Caches> {
  const { observed } = round;
  const { due, laterAt } = dueActions(todo.actions, memory, observed.now);
  const again = { at: earliest(todo.wakeAt, laterAt) };
  if (due.length === 0) return again;
  if (due.some(isIrrevocable) && !round.isOperationLive) {
    const fresh = yield* readOperation(observed.operation);
    // Another operation of the same name: nothing that was observed is about it.
    if (fresh.metadata.uid !== observed.operation.metadata.uid) return { at: observed.now };
    return { observed: yield* at(observed, fresh), isOperationLive: true };
  }
  const applied = yield* applyAll(observed, due, memory);
  return applied.done > 0
    ? {
        observed: yield* at(applied.observed, applied.observed.operation),
        isOperationLive: false,
      }
    : { at: earliest(again.at, applied.retryAt) };
});

/** Actions whose last attempt is long enough ago. */
const dueActions = (actions: ReadonlyArray<Action>, memory: OperationMemory, now: number) => {
  const due: Array<Action> = [];
  let laterAt: number | undefined;
  for (const action of actions) {
    const notBefore = memory.notBefore(actionKey(action));
    if (notBefore <= now) due.push(action);
    else laterAt = earliest(laterAt, notBefore);
  }
  return { due, laterAt };
};

/** The same observation at the present time, with another version of the operation. */
const at = (observed: Observed, operation: NodeOp) =>
  Effect.map(Clock.currentTimeMillis, (now): Observed => ({ ...observed, operation, now }));

const readOperation = Effect.fnUntraced(function* (operation: NodeOp) {
  const api = yield* KubeApi;
  const caches = yield* Caches;
  const { name, namespace } = operation.metadata;
  const fresh = yield* api.get(NodeOpResource, { name, namespace });
  caches.operations.observe(fresh);
  return fresh;
});

/** The claim: only what changed, under the resourceVersion that was read. */
const storeStatus = Effect.fnUntraced(function* (
  operation: NodeOp,
  status: NodeOpStatus,
  memory: OperationMemory,
) {
  const api = yield* KubeApi;
  const caches = yield* Caches;
  const { name, namespace, uid, resourceVersion } = operation.metadata;
  const stored = yield* Effect.tapError(
    api.patch(
      NodeOpResource,
      { name, namespace },
      {
        metadata: { uid, resourceVersion },
        status: mergePatchBetween(operation.status ?? {}, status) ?? {},
      },
      { subresource: "status" },
    ),
    // Whatever went wrong, the cached operation may be old: the next pass starts from a fresh one. Who interrupts does not
    // wait for that: there is no next pass, and perhaps no answer.
    () => Effect.ignore(readOperation(operation)),
  );
  memory.statusWrittenAt = yield* Clock.currentTimeMillis;
  caches.operations.observe(stored);
  return stored;
});

const earliest = (...times: ReadonlyArray<number | undefined>): number | undefined =>
  times.reduce(
    (first, time) => (time === undefined ? first : Math.min(first ?? time, time)),
    undefined,
  );
