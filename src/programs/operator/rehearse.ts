/**
 * The dry run of an operation's children on one node. Each is sent as it would be later, but for `dryRun`: the server
 * runs its admission (policies, quotas, webhooks, accounts) and stores nothing.
 */
import { Effect, Result } from "effect";
import type { NewKubeObject } from "../../domain/kube/object.ts";
import { childrenOf } from "../../domain/rollout/children.ts";
import type { Observed } from "../../domain/rollout/observed.ts";
import { type ApiError, KubeApi, type TypedResource } from "../../services/KubeApi.ts";
import type { Request } from "./failures.ts";
import type { OperationMemory } from "./Memory.ts";
import { ensureAgentAccess } from "./childRequests.ts";
import { AnyJob, AnyPod } from "./resources.ts";

/** Which of the requests was refused, and how the server put it. */
export interface Refused {
  readonly error: ApiError;
  readonly refusal: Request["refusal"];
}

/** One child that is shown to the server, and how a refusal of it is told. */
interface Shown {
  readonly of: TypedResource<unknown>;
  readonly object: NewKubeObject;
  readonly refusal: Refused["refusal"];
}

/**
 * Fails with the first refusal, in the order in which children are listed whatever the order of the answers: the same
 * cluster is told in the same words. Admission comes before the look at names, so a name that is taken was admitted.
 */
export const rehearse = Effect.fnUntraced(function* (
  observed: Observed,
  name: string,
  memory: OperationMemory,
): Effect.fn.Return<void, Refused, KubeApi> {
  const { operation, settings } = observed;
  const node = observed.nodes.get(name);
  if (node === undefined) return;
  const { preflightPod, job, jobPod, rebootPod } = childrenOf({ operation, node, settings });
  yield* dryRunAll([
    ...(preflightPod === undefined ? [] : [shownPod(preflightPod)]),
    { of: AnyJob, object: job, refusal: "JobRefused" },
    shownPod(jobPod),
  ]);
  if (rebootPod === undefined) return;
  // A Pod is refused while its account does not exist, in a dry run too; accounts alone do nothing and go with the operation.
  yield* Effect.mapError(ensureAgentAccess(operation, memory), (error): Refused => ({
    error,
    refusal: "RequestRefused",
  }));
  yield* Effect.tapError(dryRunAll([shownPod(rebootPod)]), () =>
    // Perhaps somebody deleted the account since: it is made again with the next attempt.
    Effect.sync(() => void (memory.hasAgentAccess = false)),
  );
});

const shownPod = (object: NewKubeObject): Shown => ({ of: AnyPod, object, refusal: "PodsRefused" });

const dryRunAll = Effect.fnUntraced(function* (
  children: ReadonlyArray<Shown>,
): Effect.fn.Return<void, Refused, KubeApi> {
  const api = yield* KubeApi;
  const answers = yield* Effect.forEach(
    children,
    ({ of, object }) => Effect.result(api.create(of, object, { dryRun: true })),
    { concurrency: children.length },
  );
  for (const [index, answer] of answers.entries())
    if (Result.isFailure(answer) && answer.failure._tag !== "AlreadyExists")
      return yield* Effect.fail({ error: answer.failure, refusal: children[index]!.refusal });
});
