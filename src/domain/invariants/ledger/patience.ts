/** How long an operation may wait for what is no failure of a stage: a node on its way out, a target that is not Ready. */
import { millisOf } from "../../kube/object.ts";
import type { Claim, Operation } from "./records.ts";
import { hasCondition } from "./view.ts";

/** A kubelet gets this long to end the Pods of a node that has failed, whatever its deadline (design.md §4 "Ending early"). */
const ENDING_MILLIS = 5 * 60_000;

/** Stored times are whole seconds: a time is up to a second later than they say. */
const ROUNDING_MILLIS = 1000;

/**
 * When a node on its way out is given up at the latest, in milliseconds of the cluster's clock; undefined: never, or it is
 * on no such way. A cancelled node's Pods have the time of its upgrade, a granted reboot that of its reboot; both clocks
 * may have begun before that, in the stage that the node left, and no operator starts them anew.
 */
export const givesUpAt = ({ operation, entry, stages }: Claim): number | undefined => {
  const { upgradeSeconds = 7200, rebootSeconds = 3600 } = operation.object.spec?.deadlines ?? {};
  const since = stages.get(entry.stage ?? "")?.at;
  if (since === undefined) return undefined;
  const after = (seconds: number, millisMin: number): number | undefined =>
    seconds === 0 ? undefined : since + Math.max(seconds * 1000, millisMin) + ROUNDING_MILLIS;
  switch (entry.stage) {
    case "Cancelling":
      return after(upgradeSeconds, ENDING_MILLIS);
    case "Settling":
      return after(rebootSeconds, 0);
    default:
      return undefined;
  }
};

/** A target that is waited for to be Ready: since when as stored, and until when in milliseconds of the cluster's clock. */
interface ReadyDeadline {
  readonly node: string;
  readonly since: string;
  readonly at: number;
}

/** The targets that an operation waits for to be Ready and not for ever; none of one that has ended or is deleted. */
export const readyDeadlines = ({ object }: Operation): ReadonlyArray<ReadyDeadline> => {
  const { notReadySince } = object.status ?? {};
  const { readySeconds = 3600 } = object.spec?.deadlines ?? {};
  if (notReadySince === undefined || readySeconds === 0) return [];
  if (object.metadata.deletionTimestamp !== undefined) return [];
  if (hasCondition(object.status, "Completed", "Failed")) return [];
  return Object.entries(notReadySince).map(([node, since]) => ({
    node,
    since,
    at: millisOf(since) + readySeconds * 1000 + ROUNDING_MILLIS,
  }));
};
