/** Takes holds and cordons off Nodes whose operation no longer exists: at start, every ten minutes, and when one goes. */
import { Effect, Queue } from "effect";
import { parseHolder } from "../../domain/labels.ts";
import type { Node } from "../../domain/kube/node.ts";
import type { Marks } from "../../domain/rollout/hold.ts";
import { orphanOn, ownersNamedBy, type Owner } from "../../domain/rollout/orphans.ts";
import { targetsOf } from "../../domain/rollout/targets.ts";
import { hasOriginalEnded } from "../../domain/takeover/end.ts";
import { KubeApi } from "../../services/KubeApi.ts";
import { Caches, type CachesShape } from "./Caches.ts";
import { type CeilingOptions, sweepBook } from "./ceiling.ts";
import { releaseNode } from "./nodeRequests.ts";
import { NodeOpResource } from "./resources.ts";

const INTERVAL = "10 minutes";

/** One sweep over all Nodes. Only a live read decides that an operation is gone. */
export const sweep = Effect.fnUntraced(function* (): Effect.fn.Return<
  void,
  never,
  KubeApi | Caches
> {
  const caches: CachesShape = yield* Caches;
  const marked = [...caches.nodes.all().values()].filter((node) => ownersNamedBy(node).length > 0);
  if (marked.length === 0) return;
  const owners = yield* readOwners(new Set(marked.flatMap(ownersNamedBy)));
  for (const node of marked) {
    const marks = orphanOn(node, owners);
    if (marks !== undefined) yield* takeOff(node, marks);
  }
});

/** Reads every operation that is named live; one whose answer is neither yes nor no is left out, and with it its Nodes. */
const readOwners = Effect.fnUntraced(function* (names: ReadonlySet<string>) {
  const api = yield* KubeApi;
  const nodes = (yield* Caches).nodes.all();
  const owners = new Map<string, Owner>();
  for (const name of names) {
    const ref = parseHolder(name);
    if (ref === undefined) continue;
    const owner = yield* api.get(NodeOpResource, ref).pipe(
      Effect.map((operation): Owner => ({
        _tag: "Exists",
        operation,
        originalEnded: hasOriginalEnded(operation, {
          targets: targetsOf(operation.spec, nodes.values()),
          nodes,
        }),
      })),
      Effect.catchTag("NotFound", () => Effect.succeed<Owner>({ _tag: "Gone" })),
      Effect.catch((error) =>
        Effect.as(
          Effect.annotateLogs(Effect.logWarning("sweep could not read an operation"), {
            error: error.message,
          }),
          undefined,
        ),
      ),
    );
    if (owner !== undefined) owners.set(name, owner);
  }
  return owners;
});

const takeOff = Effect.fnUntraced(function* (node: Node, marks: Marks) {
  const { name, uid } = node.metadata;
  yield* releaseNode(name, { uid, marks }).pipe(
    Effect.asVoid,
    Effect.catch((error) =>
      Effect.annotateLogs(Effect.logWarning("sweep could not free a node"), {
        error: error.message,
      }),
    ),
  );
});

const strikeOut = (ceiling: CeilingOptions) =>
  Effect.catch(sweepBook(ceiling), (error) =>
    Effect.annotateLogs(Effect.logWarning("sweep could not clear the ceiling's book"), {
      error: error.message,
    }),
  );

/** Sweeps for ever; an item in `requests` asks for a sweep now. */
export const sweeper = (
  requests: Queue.Dequeue<void>,
  ceiling?: CeilingOptions,
): Effect.Effect<never, never, KubeApi | Caches> =>
  sweep().pipe(
    Effect.andThen(ceiling === undefined ? Effect.void : strikeOut(ceiling)),
    Effect.andThen(Effect.timeoutOption(Queue.take(requests), INTERVAL)),
    Effect.forever,
  );
