/** How a node is emptied before its Job runs: the same fields on both kinds, with other defaults. */
import { Schema } from "effect";
import { celCheck, flag, int32, open } from "./fields.ts";

const TIMES = {
  rule: "!has(self.gracePeriodSeconds) || !has(self.timeoutSeconds) || self.timeoutSeconds == 0 || self.gracePeriodSeconds < self.timeoutSeconds",
  message:
    "gracePeriodSeconds must be less than timeoutSeconds, or the drain fails before a Pod has had its time to stop",
};

interface Defaults {
  readonly enabled: boolean;
  readonly deleteEmptyDirData: boolean;
}

const drainOptions = ({ enabled, deleteEmptyDirData }: Defaults) =>
  open({
    enabled: flag(enabled, "Evict the node's Pods before the Job runs on it."),
    force: flag(false, "Also evict Pods that no controller would create again."),
    gracePeriodSeconds: Schema.optionalKey(
      int32("Seconds that each Pod gets to stop. Absent: what the Pod itself asks for.", 0),
    ),
    ignoreDaemonSets: flag(true, "Leave the Pods of DaemonSets where they are."),
    deleteEmptyDirData: flag(
      deleteEmptyDirData,
      "Also evict Pods whose emptyDir volumes are lost by it.",
    ),
    timeoutSeconds: Schema.optionalKey(
      int32(
        "Seconds after which an unfinished drain fails. Absent or 0: deadlines.drainSeconds.",
        0,
      ),
    ),
  })
    .annotate({ description: "How a node is emptied before the Job runs on it." })
    .check(
      celCheck(
        TIMES,
        ({ gracePeriodSeconds = 0, timeoutSeconds = 0 }) =>
          timeoutSeconds === 0 || gracePeriodSeconds < timeoutSeconds,
      ),
    );

/** Of a NodeOp: nothing is drained unless it is asked for. */
export const DrainOptions = drainOptions({ enabled: false, deleteEmptyDirData: false });
export interface DrainOptions extends Schema.Schema.Type<typeof DrainOptions> {}

/** How the nodes of a NodeOpUpgrade that says nothing are drained, as the Go original does. */
export const DEFAULT_UPGRADE_DRAIN = {
  enabled: true,
  force: false,
  ignoreDaemonSets: true,
  deleteEmptyDirData: true,
} as const;

/** Of a NodeOpUpgrade: absent fields are as in `DEFAULT_UPGRADE_DRAIN`. */
export const UpgradeDrainOptions = drainOptions(DEFAULT_UPGRADE_DRAIN);
