/** The faults that were asked for and did not happen, each with the reason: silence would pass for robustness. */
import type { Commit, HostEvent } from "../../domain/history.ts";
import { LABEL_NODE, LABEL_PREFLIGHT, labelValue } from "../../domain/labels.ts";
import { VolumeAttachments } from "../../domain/kube/resource.ts";
import { isAttachment } from "../../services/world/volume.ts";
import { describeFault, type Fault, type NodeCondition } from "./fault.ts";
import { NOT_STARTED, type SimulatedNodeResult } from "./result.ts";

/** What is known at the end of a simulation. */
export interface Happened {
  /** Faults whose commit or call never came. */
  readonly missed: ReadonlyArray<Fault>;
  /** Faults whose moment came and found nothing to disturb. */
  readonly vain: ReadonlyArray<Fault>;
  readonly commits: number;
  readonly calls: number;
  readonly nodes: ReadonlyArray<SimulatedNodeResult>;
  readonly history: ReadonlyArray<Commit>;
  readonly hostEvents: ReadonlyArray<HostEvent>;
}

/** A sentence for each fault that did not happen. */
export const missedFaults = (
  faults: ReadonlyArray<Fault>,
  happened: Happened,
): ReadonlyArray<string> =>
  faults.flatMap((fault) => {
    const why = whyMissed(fault, happened);
    return why === undefined ? [] : [`${describeFault(fault)}: ${why}`];
  });

const whyMissed = (fault: Fault, happened: Happened): string | undefined => {
  switch (fault._tag) {
    case "Condition":
      return whyWithoutEffect(fault.node, fault.kind, happened);
    case "SlowReboot":
      return whyWithoutEffect(fault.node, "slow-reboot", happened);
    case "Operator":
      return happened.missed.includes(fault)
        ? `the operator made ${happened.calls} calls; write K from 1 to ${happened.calls}`
        : undefined;
    default:
      if (happened.missed.includes(fault))
        return `there were ${happened.commits} commits; write K from 1 to ${happened.commits}`;
      return happened.vain.includes(fault)
        ? "there was none after that commit; try another K"
        : undefined;
  }
};

/** What must have come to a node for a condition of it to show. */
const STAGES: Readonly<
  Record<
    NodeCondition | "slow-reboot",
    "target" | "start" | "preflight" | "volumes" | "script" | "reboot"
  >
> = {
  "script-fails": "script",
  "script-hangs": "script",
  "image-pull-fails": "start",
  "pods-refused": "start",
  "preflight-skips": "preflight",
  "preflight-fails": "preflight",
  "never-returns": "reboot",
  "falls-back": "reboot",
  "reboot-silently-fails": "reboot",
  "slow-reboot": "reboot",
  "not-ready": "target",
  "volumes-stay": "volumes",
};

const whyWithoutEffect = (
  node: string,
  kind: NodeCondition | "slow-reboot",
  { nodes, history, hostEvents }: Happened,
): string | undefined => {
  const entries = nodes.filter(({ name }) => name === node);
  if (entries.length === 0) return `no operation selects ${node}`;
  if (STAGES[kind] === "target") return undefined;
  if (entries.every(({ phase }) => phase === NOT_STARTED)) return `${node} was never started`;
  const saw = (event: HostEvent["event"]): boolean =>
    hostEvents.some((one) => one.node === node && one.event === event);
  switch (STAGES[kind]) {
    case "start":
      return undefined;
    case "preflight":
      return history.some((commit) => isPreflightOf(commit, node))
        ? undefined
        : `no preflight ran on ${node}`;
    case "volumes":
      return history.some((commit) => isAttachmentTo(commit, node))
        ? undefined
        : `nothing was to be detached from ${node}`;
    case "script":
      return saw("scriptStarted") ? undefined : `the command never ran on ${node}`;
    case "reboot":
      return saw("rebootIssued") ? undefined : `the operator never rebooted ${node}`;
  }
};

const isPreflightOf = ({ after }: Commit, node: string): boolean => {
  const labels = after?.kind === "Pod" ? after.metadata.labels : undefined;
  return labels?.[LABEL_PREFLIGHT] === "true" && labels[LABEL_NODE] === labelValue(node);
};

/** An attachment that was told to go. */
const isAttachmentTo = ({ after }: Commit, node: string): boolean =>
  after !== undefined &&
  after.kind === VolumeAttachments.kind &&
  after.metadata.deletionTimestamp !== undefined &&
  isAttachment(after) &&
  after.spec.nodeName === node;
