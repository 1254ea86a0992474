/** What nodeop uses of a Node, and what it can tell from it. */
import { Schema } from "effect";
import { Taint } from "./taint.ts";
import { ViewMeta } from "./view.ts";

/** A Node reduced to what the rollout looks at; caches hold nothing else of it. */
export const Node = Schema.Struct({
  metadata: ViewMeta,
  spec: Schema.optionalKey(
    Schema.Struct({
      unschedulable: Schema.optionalKey(Schema.Boolean),
      taints: Schema.optionalKey(Schema.Array(Taint)),
    }),
  ),
  status: Schema.optionalKey(
    Schema.Struct({
      conditions: Schema.optionalKey(
        Schema.Array(Schema.Struct({ type: Schema.String, status: Schema.String })),
      ),
      nodeInfo: Schema.optionalKey(Schema.Struct({ bootID: Schema.optionalKey(Schema.String) })),
    }),
  ),
});
export interface Node extends Schema.Schema.Type<typeof Node> {}

/** Whether the kubelet reports the node healthy: condition Ready is True. */
export const isReady = (node: Node): boolean =>
  node.status?.conditions?.some(
    (condition) => condition.type === "Ready" && condition.status === "True",
  ) === true;

/** The boot that the kubelet last reported; undefined where the API shows none. */
export const bootIDOf = (node: Node): string | undefined => {
  const bootID = node.status?.nodeInfo?.bootID;
  return bootID === "" ? undefined : bootID;
};

/** Whether the node is cordoned, by whomever. */
export const isCordoned = (node: Node): boolean => node.spec?.unschedulable === true;

/** What keeps Pods off the node that do not tolerate it. */
export const taintsOf = (node: Node): ReadonlyArray<Taint> => node.spec?.taints ?? [];
