/**
 * The takeover of an operation that the original left unfinished: one status write gives every node that it was working
 * on a stage of ours. Before it the operation is the original's, after it ours, whenever a process dies.
 */
import type { NodeOp } from "../api/nodeop.ts";
import type { NodeStatus } from "../api/status.ts";
import type { Job } from "../kube/job.ts";
import { kubeTime } from "../kube/object.ts";
import { bootIDOf, type Node } from "../kube/node.ts";
import { censusOf, NO_ENTRIES } from "../rollout/census.ts";
import { sentenceOf } from "../rollout/entry.ts";
import type { Observed } from "../rollout/observed.ts";
import { hasRecorded, isOriginals, nodeOf } from "./original.ts";

/**
 * Whether an operation has to be taken over before anything else is done about it: its status is the original's, or has
 * entries of the original, for instance because it was told only that its spec is invalid.
 */
export const needsTakeover = ({ status }: Pick<NodeOp, "status">): boolean =>
  isOriginals(status) || censusOf(status.nodeStatuses ?? NO_ENTRIES).hasUnstaged;

/** The Jobs that the original made on nodes of which its status says nothing: it died in between (kairos.md, defect 12). */
export const unrecordedNodes = ({ operation, leftovers }: Observed): ReadonlyArray<string> => {
  const entries = operation.status.nodeStatuses ?? NO_ENTRIES;
  const nodes = new Set(leftovers?.jobs.map(nodeOf));
  return [...nodes].filter((name) => name !== "" && entries[name] === undefined);
};

/** The new entries of all nodes that the original was working on; what it has finished stays as it is. */
export const takenOver = (observed: Observed): ReadonlyMap<string, NodeStatus> => {
  const entries = observed.operation.status.nodeStatuses ?? NO_ENTRIES;
  const names = [...censusOf(entries).inFlight, ...unrecordedNodes(observed)];
  return new Map(names.map((name) => [name, entryOf(observed, name, entries[name])]));
};

const entryOf = (observed: Observed, name: string, entry: NodeStatus | undefined): NodeStatus => {
  const { leftovers, nodes, operation, now } = observed;
  const jobs = leftovers?.jobs.filter((job) => nodeOf(job) === name) ?? [];
  const job = jobs.find(({ metadata }) => metadata.name === entry?.jobName) ?? jobs[0];
  const node = nodes.get(name);
  const jobName = job?.metadata.name ?? entry?.jobName;
  const time = kubeTime(now);
  const common = {
    rebootStatus: operation.spec.rebootOnSuccess ? "pending" : "not-requested",
    startedAt: entry?.lastUpdated ?? time,
    stageStartedAt: time,
    lastUpdated: time,
    ...(node === undefined ? {} : { nodeUID: node.metadata.uid }),
  } as const;
  return jobName === undefined
    ? { ...restarted(observed, entry), ...common }
    : { ...followed(entry, jobName, job), ...common, ...bootBefore(observed, name, node) };
};

/** No Job was made: nothing has been done that could not be done again, so the node goes our way from the beginning. */
const restarted = ({ operation }: Observed, entry: NodeStatus | undefined) => {
  const looks = entry?.phase === "Preflight" && operation.spec.preflight !== undefined;
  const stage = looks ? "Claimed" : "Preparing";
  return { phase: looks ? "Preflight" : "Pending", stage, message: sentenceOf(stage) } as const;
};

/** A Job was made: it is followed, and never made again. */
const followed = (entry: NodeStatus | undefined, jobName: string, job: Job | undefined) =>
  ({
    phase: entry === undefined || entry.phase === "Preflight" ? "Pending" : entry.phase,
    stage: "Followed",
    message: sentenceOf("Followed"),
    jobName,
    ...(job === undefined ? {} : { jobUID: job.metadata.uid }),
  }) as const;

/**
 * The boot that the node is in, where no reboot has been recorded yet: another one then proves the reboot, which the
 * original's own record does not (kairos.md, defect 1).
 */
const bootBefore = ({ leftovers }: Observed, name: string, node: Node | undefined) => {
  const bootID = node === undefined ? undefined : bootIDOf(node);
  const isRecorded = leftovers?.rebootPods.some((pod) => nodeOf(pod) === name && hasRecorded(pod));
  return bootID === undefined || isRecorded === true ? {} : { bootID };
};
