/** The requests about a Node: a hold with its cordon is put on it, and taken off, by an operation or by the sweep. */
import { Effect } from "effect";
import type { Node } from "../../domain/kube/node.ts";
import { cordonedBy, heldBy, type Marks, releasePatch } from "../../domain/rollout/hold.ts";
import { evidenceKey } from "../../domain/rollout/observed.ts";
import { KubeApi } from "../../services/KubeApi.ts";
import { Caches } from "./Caches.ts";
import { NodeResource } from "./resources.ts";
import type { Update } from "./Update.ts";

/** The answer to a PATCH is the Node as it now is: a live read. */
export const holdNode = Effect.fnUntraced(function* (name: string, patch: object) {
  const api = yield* KubeApi;
  const caches = yield* Caches;
  const node: Node = yield* api.patch(NodeResource, { name }, patch);
  caches.nodes.observe(node);
  return withNode(name, node);
});

export const withNode =
  (name: string, node: Node): Update =>
  (observed) => ({
    ...observed,
    nodes:
      observed.nodes.get(name) === node ? observed.nodes : new Map(observed.nodes).set(name, node),
    live: new Set([...observed.live, evidenceKey({ _tag: "Node", node: name })]),
  });

/** Which marks of which Node. */
export interface Release {
  readonly uid: string;
  readonly marks: Marks;
}

/**
 * Sends the release, and answers with the Node as it then is: a live read. When a mark is not there any more, or the Node is
 * another one, nothing was written, and the answer is the Node as it was found instead.
 */
export const releaseNode = Effect.fnUntraced(function* (name: string, { uid, marks }: Release) {
  const api = yield* KubeApi;
  const caches = yield* Caches;
  const node = yield* api
    .patch(NodeResource, { name }, releasePatch(uid, marks), {
      type: "application/json-patch+json",
    })
    .pipe(
      // The server does not say whether a test failed or it dislikes the result: the Node does.
      Effect.catchTag("Invalid", (refused) =>
        Effect.filterOrFail(
          api.get(NodeResource, { name }),
          (found) =>
            found.metadata.uid !== uid ||
            (marks.heldBy !== undefined && heldBy(found) !== marks.heldBy) ||
            (marks.cordonedBy !== undefined && cordonedBy(found) !== marks.cordonedBy),
          () => refused,
        ),
      ),
    );
  caches.nodes.observe(node);
  return node;
});
