/** Takes holds and cordons off a Node: at the end of an operation's work on it, and when the sweep finds them left behind. */
import { Effect } from "effect";
import { cordonedBy, heldBy, type Marks, releasePatch } from "../../domain/rollout/hold.ts";
import { KubeApi } from "../../services/KubeApi.ts";
import { Caches } from "./Caches.ts";
import { NodeResource } from "./resources.ts";

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
