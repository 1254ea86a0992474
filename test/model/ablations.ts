/**
 * What each repair is for: the cheapest configuration in which the protocol without it breaks, and how soon.
 *
 * Searches are narrowed to the fault classes that matter, so that each takes a fraction of a second. Lengths
 * are those of the shortest history in transitions; a change of the protocol or the model shows in them.
 */
import type { Config, Fault, Law, Repairs } from "./protocol.ts";
import { lawText, repaired } from "./protocol.ts";
import { makeModel } from "./model.ts";
import type { Findings } from "./search.ts";
import { explore } from "./search.ts";

export interface Ablation {
  /** What is taken out, in a few words that name the history found. */
  readonly name: string;
  readonly without: Partial<Repairs>;
  /** World faults allowed, one of them per history; none when absent. */
  readonly fault?: Fault;
  readonly operators?: number;
  readonly deadlines?: boolean;
  /** The law that breaks, or that a state is stuck. */
  readonly breaks: Law | "stuck";
  /** Length of the shortest history. */
  readonly length: number;
}

export const ablations: ReadonlyArray<Ablation> = [
  {
    name: "proof: a power loss between claim and script passes for the reboot",
    without: { proof: "bootSinceClaim" },
    fault: "powerLoss",
    breaks: "P5",
    length: 27,
  },
  {
    name: "proof: a power loss before Complete was observed hides the only new boot",
    without: { proof: "reportAndBootSinceComplete" },
    fault: "powerLoss",
    breaks: "stuck",
    length: 22,
  },
  {
    name: "sentinelBoot: the agent cannot tell that the node has rebooted already",
    without: { sentinelBoot: false },
    fault: "powerLoss",
    breaks: "P9",
    length: 33,
  },
  {
    name: "permission: an agent that looks at the Job itself reboots a released node",
    without: { permission: "jobComplete" },
    fault: "nodeDeleted",
    breaks: "P3",
    length: 31,
  },
  {
    name: "permission: an agent that looks at the sentinel alone reboots too early",
    without: { permission: "nothing" },
    breaks: "P2",
    length: 23,
  },
  {
    name: "guardedRecord: an agent whose Pod is being deleted still reboots",
    without: { guardedRecord: false },
    deadlines: true,
    breaks: "P3",
    length: 34,
  },
  {
    name: "cancelling: a slow reboot hits a slot that was freed at once",
    without: { cancelling: false },
    breaks: "P4",
    length: 32,
  },
  {
    name: "cancelling: the Job of a deleted operation works on",
    without: { cancelling: false },
    fault: "operationDeleted",
    breaks: "P8",
    length: 19,
  },
  {
    name: "releaseFirst: a crash after Completed leaves the node cordoned for ever",
    without: { releaseFirst: false },
    breaks: "stuck",
    length: 38,
  },
  {
    name: "liveReads: a lagging operator makes and grants the reboot Pod again",
    without: { liveReads: false },
    operators: 2,
    deadlines: true,
    breaks: "P3",
    length: 38,
  },
  {
    name: "suspendedJob: a Job that a person deleted is created a second time",
    without: { suspendedJob: false },
    fault: "jobDeleted",
    breaks: "P6",
    length: 14,
  },
  {
    name: "finalizer: a deleted operation's Job works on",
    without: { finalizer: false },
    fault: "operationDeleted",
    breaks: "P8",
    length: 15,
  },
  {
    name: "sweep: a hold that arrives after the end stays",
    without: { sweep: false },
    operators: 2,
    fault: "operationDeleted",
    breaks: "stuck",
    length: 18,
  },
  {
    name: "countedAttempts: a broken reboot command is tried for ever",
    without: { countedAttempts: false },
    fault: "brokenReboot",
    breaks: "stuck",
    length: 1,
  },
  {
    name: "recreate: an evicted reboot Pod is waited for in vain",
    without: { recreate: false },
    fault: "rebootPodDeleted",
    breaks: "stuck",
    length: 13,
  },
  {
    name: "settle: a slow reboot comes after the agent gave up",
    without: { settle: false },
    breaks: "P4",
    length: 36,
  },
  {
    name: "fencedStop: a late resume starts the script after the node's end",
    without: { fencedStop: false },
    operators: 2,
    deadlines: true,
    breaks: "P8",
    length: 22,
  },
  {
    name: "fencedStop: a late resume starts the script on a node that is being released",
    without: { fencedStop: false },
    operators: 2,
    fault: "operationDeleted",
    breaks: "P10",
    length: 23,
  },
  {
    name: "jobPodGone: the script still works when the slot is freed",
    without: { jobPodGone: false },
    fault: "jobDeleted",
    breaks: "P8",
    length: 23,
  },
  {
    name: "settleWhenGone: the agent of a deleted Node reboots after its slot is free",
    without: { settleWhenGone: false },
    fault: "nodeDeleted",
    breaks: "P3",
    length: 35,
  },
];

/** The configuration in which an ablation is searched. */
export const configOf = ({ deadlines, fault, operators, without }: Ablation): Config => ({
  repairs: { ...repaired, ...without },
  nodes: 1,
  operators: operators ?? 1,
  faultBudget: fault === undefined ? 0 : 1,
  faults: fault === undefined ? [] : [fault],
  deadlines: deadlines === true,
});

/** Searches an ablation as far as its shortest history; for a stuck state that is everywhere. */
export const search = (ablation: Ablation): Findings =>
  explore(
    makeModel(configOf(ablation)),
    ablation.breaks === "stuck" ? {} : { until: [lawText(ablation.breaks)] },
  );
