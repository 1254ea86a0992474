/**
 * What can be asked of the protocol model: which repairs are in, which faults the world may commit, and the laws.
 *
 * The repaired protocol is design.md §4. Each repair is a switch, so that a test can take one out and see
 * what it was for.
 */

/** What the operator takes as proof that the node rebooted into the new image. */
type Proof =
  /** The agent's report, and the Node Ready under another boot id than the one the report left. */
  | "report"
  /** The same report, but the boot id must differ from the one seen when Complete was first observed. */
  | "reportAndBootSinceComplete"
  /** The same report, but the boot id must differ from the one recorded at the claim. */
  | "reportAndBootSinceClaim"
  /** No report: Ready under another boot id than at the claim. */
  | "bootSinceClaim";

/** What the agent waits for, beside its sentinel, before it reboots. */
type Permission = "grant" | "jobComplete" | "nothing";

export interface Repairs {
  readonly proof: Proof;
  /** The sentinel carries the boot id under which the script ended, and stays until after the reboot. */
  readonly sentinelBoot: boolean;
  /** `grant`: the operator grants the reboot on the very Pod that will do it. */
  readonly permission: Permission;
  /** The agent's record is refused when its Pod is gone, replaced or being deleted. */
  readonly guardedRecord: boolean;
  /** A node ends early through `cancelling`, not by one write of its terminal status. */
  readonly cancelling: boolean;
  /** The release comes before the terminal status, not after it. */
  readonly releaseFirst: boolean;
  /** Evidence and status are read live before an irreversible write, not from a cache. */
  readonly liveReads: boolean;
  /** The Job is created suspended, its uid stored, and only that Job resumed. */
  readonly suspendedJob: boolean;
  /** A finalizer precedes the first claim. */
  readonly finalizer: boolean;
  /** A hold whose operation no longer exists is removed. */
  readonly sweep: boolean;
  /** The agent's attempts are counted, and `failed` is recorded when they are used up. */
  readonly countedAttempts: boolean;
  /** A reboot Pod that is gone or Failed is made and granted again while the reboot is unproven. */
  readonly recreate: boolean;
  /** A granted node that ends early goes through `settling`: it keeps its slot until no late reboot can follow. */
  readonly settle: boolean;
  /** Ours: `cancelling` writes to a Job that is suspended still, so that a resume under way is refused. */
  readonly fencedStop: boolean;
  /** Ours: a stopped Job keeps the slot until its Pod is gone. */
  readonly jobPodGone: boolean;
  /** Ours: the reboot Pod of a granted node that ends early is waited for even when its Node is gone. */
  readonly settleWhenGone: boolean;
}

/** The protocol of design.md §4. */
export const repaired: Repairs = {
  proof: "report",
  sentinelBoot: true,
  permission: "grant",
  guardedRecord: true,
  cancelling: true,
  releaseFirst: true,
  liveReads: true,
  suspendedJob: true,
  finalizer: true,
  sweep: true,
  countedAttempts: true,
  recreate: true,
  settle: true,
  fencedStop: true,
  jobPodGone: true,
  settleWhenGone: true,
};

export const repairNames = Object.keys(repaired);

/** The naive protocol, as the page suggests it at first reading: no repair at all. */
export const asWritten: Repairs = {
  proof: "bootSinceClaim",
  sentinelBoot: false,
  permission: "nothing",
  guardedRecord: false,
  cancelling: false,
  releaseFirst: false,
  liveReads: false,
  suspendedJob: false,
  finalizer: false,
  sweep: false,
  countedAttempts: false,
  recreate: false,
  settle: false,
  fencedStop: false,
  jobPodGone: false,
  settleWhenGone: false,
};

/** The world faults that draw from the budget. Crashes, lost and late writes are free and need no budget. */
export const faults = [
  "powerLoss",
  "silentReboot",
  "brokenReboot",
  "fallbackBoot",
  "deadHost",
  "rebootPodDeleted",
  "rebootPodForceDeleted",
  "rebootPodFailed",
  "nodeDeleted",
  "newMachine",
  "jobPodEvicted",
  "jobDeleted",
  "scriptFails",
  "sentinelReadOnly",
  "operationDeleted",
  "partition",
] as const;
export type Fault = (typeof faults)[number];

export interface Config {
  readonly repairs: Repairs;
  readonly nodes: number;
  readonly operators: number;
  /** How many world faults may happen in one history. */
  readonly faultBudget: number;
  /** Which of them; all by default. */
  readonly faults?: ReadonlyArray<Fault>;
  /** A deadline may pass at any time. */
  readonly deadlines?: boolean;
}

/** The safety laws. A state's `violation` is 1 + the index of the first law that it broke. */
export const laws = [
  "P1 two reboots by us",
  "P2 reboot before Job Complete",
  "P3 reboot issued after the node's end",
  "P4 reboot or upgrade work on a freed slot",
  "P5 Completed without a boot of the new image",
  "P6 second Job for the same node",
  "P7 Job before its reboot Pod",
  "P8 upgrade script works after the node's end",
  "P9 needless reboot: already rebooted since the script ended",
  "P10 upgrade script works on a node that is not held",
] as const;
export type Law = "P1" | "P2" | "P3" | "P4" | "P5" | "P6" | "P7" | "P8" | "P9" | "P10";

/** A law in words, as findings name it. */
export const lawText = (law: Law): string => laws[lawNumber(law) - 1] ?? law;

/** The byte that stands for a law in `OperationState.violation`. */
export const lawNumber = (law: Law): number => Number(law.slice(1));
