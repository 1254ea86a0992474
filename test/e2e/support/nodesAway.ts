/** Which nodes are taken from the cluster at each moment of a history: in flight in any operation, cordoned, or not Ready. */
import { decodeNodeOp } from "../../../src/domain/api/decode.ts";
import type { Commit } from "../../../src/domain/history.ts";
import type { KubeObject } from "../../../src/domain/kube/object.ts";
import { NodeOps, Nodes } from "../../../src/domain/kube/resource.ts";
import { censusOf, NO_ENTRIES } from "../../../src/domain/rollout/census.ts";
import { isReady } from "../../../src/services/world/nodeStatus.ts";
import { Result } from "effect";

/** After each commit that may have changed it: the names, in order. */
export const nodesAway = (commits: ReadonlyArray<Commit>): ReadonlyArray<ReadonlyArray<string>> => {
  const inFlight = new Map<string, ReadonlyArray<string>>();
  const unavailable = new Map<string, ReadonlyArray<string>>();
  return commits.flatMap(({ resource, before, after }) => {
    const uid = (after ?? before)?.metadata.uid ?? "";
    if (resource === NodeOps) inFlight.set(uid, after === undefined ? [] : inFlightOf(after));
    else if (resource === Nodes)
      unavailable.set(uid, after !== undefined && isAway(after) ? [after.metadata.name] : []);
    else return [];
    return [[...new Set([...inFlight.values(), ...unavailable.values()].flat())].toSorted()];
  });
};

const inFlightOf = (operation: KubeObject): ReadonlyArray<string> =>
  censusOf(Result.getOrThrow(decodeNodeOp(operation)).status.nodeStatuses ?? NO_ENTRIES).inFlight;

const isAway = (node: KubeObject): boolean =>
  !isReady(node) || (node["spec"] as { readonly unschedulable?: boolean }).unschedulable === true;
