/** The kubelet's part that stands for its node: registers it and reports its boot and its health, only when they change. */
import { Deferred, Effect, Option } from "effect";
import type { KubeObject } from "../../domain/kube/object.ts";
import { Nodes } from "../../domain/kube/resource.ts";
import { drawMillis, type SecondsRange } from "./behaviour.ts";
import type { SimulatedHost } from "./host.ts";
import {
  isReady,
  newNode,
  nodeStatus,
  type NodeTemplate,
  READY,
  type Readiness,
  SHUTTING_DOWN,
  STARTING,
  statusOf,
} from "./nodeStatus.ts";
import { createObject, getObject, isGone, patchObject, whileTransient } from "./requests.ts";

export interface NodeAgentOptions {
  readonly host: SimulatedHost;
  readonly template: NodeTemplate;
  /** From the start of the kubelet after a boot to Ready. */
  readonly readySeconds: SecondsRange;
  /** Completed when the operating system begins to shut down. */
  readonly shutdown: Deferred.Deferred<void>;
}

/**
 * After a boot the new boot id is reported first, NotReady, then Ready; at an orderly shutdown NotReady. A Node that was
 * deleted meanwhile is registered again by the next kubelet, not by this one, as in reality.
 */
export const nodeAgent = Effect.fnUntraced(function* (options: NodeAgentOptions) {
  const { host, shutdown } = options;
  const node = yield* register(options);
  host.nodeUID = node.metadata.uid;
  const ready = yield* becomeReady(node, options).pipe(
    Effect.asSome,
    // The machine may go down before it ever was Ready.
    Effect.raceFirst(Effect.as(Deferred.await(shutdown), Option.none<KubeObject>())),
  );
  yield* Deferred.await(shutdown);
  yield* report(
    host,
    Option.getOrElse(ready, () => node),
    SHUTTING_DOWN,
  );
  return yield* Effect.never;
});

/** Finds the Node, or creates it. Another's Node of this name, created meanwhile, is adopted. */
const register = ({ host, template }: NodeAgentOptions) =>
  getObject(Nodes, undefined, host.name).pipe(
    Effect.catchTag("NotFound", () =>
      createObject(Nodes, newNode(host, template, nodeStatus(host, STARTING))),
    ),
    whileTransient,
    Effect.retry({ while: (error) => error._tag === "AlreadyExists" }),
    Effect.orDie,
  );

const becomeReady = Effect.fnUntraced(function* (found: KubeObject, options: NodeAgentOptions) {
  const { host, readySeconds } = options;
  const known = statusOf(found).nodeInfo?.bootID === host.boot.bootID;
  if (known && isReady(found)) return found;
  const starting = known ? found : yield* report(host, found, STARTING);
  yield* Effect.sleep(yield* drawMillis(readySeconds));
  return host.behaviour.neverReady === true ? starting : yield* report(host, starting, READY);
});

/** Patches the status of the Node of that uid; when it is gone, nobody is left to tell. */
const report = (host: SimulatedHost, node: KubeObject, readiness: Readiness) => {
  const status = nodeStatus(host, readiness, statusOf(node).conditions);
  return patchObject(Nodes, node, { status }, "status").pipe(
    whileTransient,
    Effect.catchIf(isGone, () => Effect.succeed(node)),
    Effect.orDie,
  );
};
