/** The request that each action is. What the server answered goes into the caches at once. */
import { Effect } from "effect";
import { ANNOTATION_STOPPED } from "../../domain/labels.ts";
import type { Action } from "../../domain/rollout/decision.ts";
import { holderOf, holdPatch } from "../../domain/rollout/hold.ts";
import type { Observed } from "../../domain/rollout/observed.ts";
import type { ApiError, KubeApi } from "../../services/KubeApi.ts";
import type { Caches } from "./Caches.ts";
import {
  childUpdate,
  createJob,
  createPod,
  deletePod,
  ensureAgentAccess,
  grant,
  patchJob,
} from "./childRequests.ts";
import { evictPod } from "./evictPod.ts";
import { addFinalizer, removeFinalizers } from "./finalizerRequests.ts";
import type { OperationMemory } from "./Memory.ts";
import { holdNode, releaseNode, withNode } from "./nodeRequests.ts";
import type { Update } from "./Update.ts";

/** Sends one action and says what its answer changes. Idempotent: it may have been sent by an earlier process. */
export const request = (
  observed: Observed,
  action: Action,
  memory: OperationMemory,
): Effect.Effect<Update, ApiError, KubeApi | Caches> => {
  const { operation } = observed;
  switch (action._tag) {
    case "AddFinalizer":
      return addFinalizer(operation);
    case "RemoveFinalizer":
      return removeFinalizers(operation);
    case "CreatePreflightPod":
      return Effect.map(createPod(operation, action.object), (preflightPod) =>
        childUpdate(action.node, { preflightPod }),
      );
    case "CreateRebootPod":
      return ensureAgentAccess(operation, memory).pipe(
        Effect.andThen(createPod(operation, action.object)),
        Effect.map((rebootPod) => childUpdate(action.node, { rebootPod })),
        // A refusal may mean that somebody deleted the account since: it is made again with the next attempt.
        Effect.tapError(() => Effect.sync(() => void (memory.hasAgentAccess = false))),
      );
    case "CreateJob":
      return Effect.map(createJob(operation, action.object), (job) =>
        childUpdate(action.node, { job }),
      );
    case "DeletePod":
      return deletePod(observed, action.node, action.pod);
    case "Hold":
      return holdNode(action.node, holdPatch(holderOf(observed), action.at, action.cordon));
    case "Release":
      return Effect.map(releaseNode(action.node, action), (node) => withNode(action.node, node));
    case "ResumeJob":
      return patchJob(operation, action.node, action.job, { suspend: false });
    case "SuspendJob":
      return patchJob(operation, action.node, action.job, {
        suspend: true,
        annotations: { [ANNOTATION_STOPPED]: "true" },
      });
    case "Grant":
      return grant(operation, action.node, action.pod, action.job);
    case "Evict":
      return evictPod(action);
  }
};
