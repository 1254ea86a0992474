/**
 * What an operator process would write next: design.md §4 as an ordered list of rules per stage.
 *
 * A process keeps nothing between passes. Each rule sees one node and the objects around it, adds the writes
 * it wants, and says whether it holds the node here: then the rules after it have no say in this pass.
 */
import type { Config, Repairs } from "./protocol.ts";
import type { NodeState, State } from "./state.ts";
import {
  Host,
  isTerminal,
  Job,
  Operation,
  RebootPod,
  Record,
  Report,
  Script,
  Stage,
  Write,
} from "./state.ts";
import type { Decision } from "./writes.ts";
import { isClaimedNode, isLive } from "./writes.ts";

/** One node as one pass sees it. */
interface Case {
  readonly node: NodeState;
  readonly repairs: Repairs;
  readonly deadlines: boolean;
  readonly deleting: boolean;
  /** Boot ids that a read of the Node may return: with a lagging cache also every older one. */
  readonly boots: ReadonlyArray<number>;
  readonly write: (write: Write) => void;
  readonly commit: (stage: Stage, value?: number, next?: Write) => void;
}
type Verdict = "holds" | "passes";
type Rule = (of: Case) => Verdict;

/**
 * Ending early: first `cancelling`, or `settling` once the reboot was granted, which keep the slot. As written:
 * the end, and the reboot Pod goes afterwards.
 */
const endEarly = (of: Case, to: Stage = Stage.failed): Verdict => {
  const { commit, node, repairs } = of;
  const mayReboot = node.stage === Stage.rebooting && node.record !== Record.completed;
  if (!repairs.cancelling) commit(to, 0, Write.deleteRebootPod);
  else commit(mayReboot && repairs.settle ? Stage.settling : Stage.cancelling);
  return "holds";
};

const nodeGone: Rule = (of) => (isClaimedNode(of.node) ? "passes" : endEarly(of, Stage.released));

const operationDeleted: Rule = (of) => (of.deleting ? endEarly(of) : "passes");

/** A deadline may pass at any moment, so the pass may go either way. */
const deadlinePassed: Rule = (of) => {
  if (of.deadlines) endEarly(of);
  return "passes";
};

/** The reboot Pod is made first, and again when it is gone or Failed. */
const rebootPod: Rule = ({ node, repairs, write }) => {
  const missing = node.rebootPod === RebootPod.absent;
  const failed = node.rebootPod === RebootPod.failed && node.record !== Record.completed;
  if (missing && (repairs.recreate || node.stage === Stage.claimed)) write(Write.createRebootPod);
  else if (failed && repairs.recreate) write(Write.deleteRebootPod);
  else return "passes";
  return "holds";
};

/** Its image is on the node before anything there is disturbed. */
const rebootPodRuns: Rule = ({ node }) =>
  node.rebootPod === RebootPod.running ? "passes" : "holds";

const holdAndCordon: Rule = ({ node, write }) => {
  if (node.held === 1) return "passes";
  write(Write.hold);
  return "holds";
};

const createJob: Rule = ({ node, write }) => {
  if (node.job !== Job.absent) return "passes";
  write(Write.createJob);
  return "holds";
};

/** The uid of the suspended Job goes into the status before that Job, and no other, is resumed. */
const arm: Rule = ({ commit, node, repairs }) => {
  if (!repairs.suspendedJob) return "passes";
  commit(Stage.armed, node.jobUid);
  return "holds";
};

/** Missing or under another uid: a Job that may have worked is never made again. */
const jobGone: Rule = (of) => {
  const { armedJob, job, jobUid } = of.node;
  return job === Job.absent || jobUid !== armedJob ? endEarly(of) : "passes";
};

const resume: Rule = ({ node, write }) => {
  if (node.job !== Job.suspended) return "passes";
  write(Write.resumeJob);
  return "holds";
};

const jobEnded: Rule = (of) => {
  const { boots, commit, node, repairs } = of;
  if (node.job === Job.failed || node.job === Job.stopped) return endEarly(of);
  if (node.job !== Job.complete) return "holds";
  if (repairs.proof === "reportAndBootSinceComplete")
    for (const boot of boots) commit(Stage.rebooting, 1 + boot);
  else commit(Stage.rebooting);
  return "holds";
};

const grant: Rule = ({ node, repairs, write }) => {
  const wanted = repairs.permission === "grant" && node.granted === 0;
  if (wanted && isLive(node) && node.record !== Record.completed) write(Write.grant);
  return "passes";
};

const agentGaveUp: Rule = (of) => (of.node.record === Record.failed ? endEarly(of) : "passes");

/** The verdict on a reboot: new boot and Ready, and what the agent's report says about it. */
const verify: Rule = (of) => {
  const { boots, node, repairs } = of;
  const reported = node.record === Record.completed;
  if (node.ready === 0 || !(reported || repairs.proof === "bootSinceClaim")) return "holds";
  const before = repairs.proof === "report" ? node.recordedBoot : node.baseline - 1;
  if (!boots.some((boot) => boot !== before)) return "holds";
  const fellBack = node.report !== Report.new && repairs.proof !== "bootSinceClaim";
  return fellBack ? endEarly(of) : complete(of);
};

/** Uncordon and give up the hold; only when that is seen is Completed stored, and the slot free. */
const complete = ({ commit, node, repairs, write }: Case): Verdict => {
  if (!repairs.releaseFirst) commit(Stage.completed, 0, Write.release);
  else if (node.held === 1) write(Write.release);
  else commit(Stage.completed);
  return "holds";
};

/**
 * Suspends the Job. One that was never resumed is suspended already, and a PATCH that changes nothing leaves
 * its resourceVersion: the write must change something, or a resume under way would still be applied.
 */
const stopJob: Rule = ({ node, repairs, write }) => {
  const resumable = node.job === Job.suspended && repairs.fencedStop;
  if (!resumable && node.job !== Job.active) return "passes";
  write(Write.stopJob);
  return "holds";
};

const deleteRebootPod: Rule = ({ node, write }) => {
  if (!isLive(node) && node.rebootPod !== RebootPod.failed) return "passes";
  write(Write.deleteRebootPod);
  return "holds";
};

/** Suspending is not stopping: the slot stays taken while the Job's Pod lives on the claimed Node. */
const jobPodGone: Rule = ({ deadlines, node, repairs }) => {
  if (!repairs.jobPodGone || deadlines || !isClaimedNode(node)) return "passes";
  return node.script === Script.none ? "passes" : "holds";
};

/** A report says that the reboot is over. It goes with its Pod, so that is stored before the Pod is deleted. */
const reported: Rule = ({ commit, node }) => {
  if (node.record !== Record.completed) return "passes";
  commit(Stage.cancelling);
  return "holds";
};

/**
 * Over when the Pod is gone, even from a Node that is gone, and the Node stayed in one boot: five Ready minutes
 * are abstracted to "no reboot is pending and no agent is left".
 */
const settled: Rule = ({ deadlines, node, repairs }) => {
  if (deadlines || (!repairs.settleWhenGone && !isClaimedNode(node))) return "passes";
  if (node.rebootPod !== RebootPod.absent) return "holds";
  const isQuiet = node.host === Host.up && node.rebootPending === 0 && node.orphan === 0;
  return isQuiet || !isClaimedNode(node) ? "passes" : "holds";
};

const releaseOnDeletion: Rule = ({ deleting, node, write }) => {
  if (!deleting || node.held === 0 || node.exists === 0) return "passes";
  write(Write.release);
  return "holds";
};

const end: Rule = ({ commit, node }) => {
  commit(isClaimedNode(node) ? Stage.failed : Stage.released);
  return "holds";
};

/** As written, what the crash of a pass left behind its terminal status is looked after again. */
const releaseCompleted: Rule = ({ node, repairs, write }) => {
  if (!repairs.releaseFirst && node.held === 1) write(Write.release);
  return "holds";
};
const removeRebootPod: Rule = (of) => (of.repairs.cancelling ? "passes" : deleteRebootPod(of));

const early = [nodeGone, operationDeleted, deadlinePassed];
const rules: Record<Stage, ReadonlyArray<Rule>> = {
  [Stage.waiting]: [],
  [Stage.claimed]: [...early, rebootPod, rebootPodRuns, holdAndCordon, createJob, arm, jobEnded],
  [Stage.armed]: [...early, jobGone, resume, jobEnded],
  [Stage.rebooting]: [...early, rebootPod, grant, agentGaveUp, verify],
  [Stage.cancelling]: [stopJob, deleteRebootPod, jobPodGone, releaseOnDeletion, end],
  [Stage.settling]: [reported, stopJob, deleteRebootPod, settled, releaseOnDeletion, end],
  [Stage.completed]: [releaseCompleted],
  [Stage.failed]: [removeRebootPod, releaseOnDeletion],
  [Stage.released]: [removeRebootPod, releaseOnDeletion],
};

/** One at a time, stop on failure, in order: the node that may be claimed next, or -1. */
const admitted = (view: State): number => {
  for (const { stage } of view.nodes)
    if (stage === Stage.failed || (stage !== Stage.waiting && !isTerminal(stage))) return -1;
  return view.nodes.findIndex(
    (node) => node.stage === Stage.waiting && isClaimedNode(node) && node.ready === 1,
  );
};

/** The operation has a node between its claim and its end. */
const inFlight = (view: State): boolean =>
  view.nodes.some(({ stage }) => stage !== Stage.waiting && !isTerminal(stage));

/** A hold whose operation no longer exists is removed. */
const sweep = (state: State, out: Array<Decision>): void =>
  state.nodes.forEach(({ exists, held }, node) => {
    if (held === 1 && exists === 1) out.push({ write: Write.release, node });
  });

/** The finalizer stands before the first claim and goes when nothing is in flight or about to be. */
const finalizer = (view: State): Write => {
  const { finalizer: present, phase } = view.operation;
  if (phase === Operation.deleting) {
    const clean = view.nodes.every(({ exists, held }) => held === 0 || exists === 0);
    return !inFlight(view) && clean ? Write.removeFinalizer : Write.none;
  }
  const wanted = inFlight(view) || admitted(view) >= 0;
  if (wanted) return present === 1 ? Write.none : Write.addFinalizer;
  return present === 1 ? Write.removeFinalizer : Write.none;
};

/** The decisions of one pass over one view of the status. A stale view's status writes would be refused: 409. */
const decideView = (view: State, config: Config, isStale: boolean, out: Array<Decision>): void => {
  const { repairs } = config;
  const { phase } = view.operation;
  const deleting = phase === Operation.deleting;
  const next = phase === Operation.live ? admitted(view) : -1;
  if (repairs.finalizer || deleting) {
    const write = finalizer(view);
    if (write !== Write.none && !isStale) out.push({ write, node: 0 });
    if (write === Write.addFinalizer) return;
  }
  // Terminal operations are absorbing: no write ever after.
  if (!deleting && view.nodes.every(({ stage }) => isTerminal(stage))) return;
  view.nodes.forEach((node, n) => {
    const boots = [node.postedBoot];
    if (!repairs.liveReads) for (let boot = 0; boot < node.postedBoot; boot++) boots.push(boot);
    const commit: Case["commit"] = (stage, value = 0, followUp = Write.none) => {
      if (!isStale) out.push({ write: Write.commit, node: n, stage, value, next: followUp });
    };
    const write = (kind: Write) => void out.push({ write: kind, node: n });
    if (n === next) claim(boots, repairs, commit);
    const deadlines = config.deadlines === true;
    const of: Case = { node, repairs, deadlines, deleting, boots, write, commit };
    for (const rule of rules[node.stage]) if (rule(of) === "holds") return;
  });
};

/** The slot is taken by a status write before anything else happens. */
const claim = (boots: ReadonlyArray<number>, repairs: Repairs, commit: Case["commit"]): void => {
  const recordsBoot =
    repairs.proof === "bootSinceClaim" || repairs.proof === "reportAndBootSinceClaim";
  if (recordsBoot) for (const boot of boots) commit(Stage.claimed, 1 + boot);
  else commit(Stage.claimed);
};

/**
 * Everything that an operator process might write next in this state: one decision per possible reading of
 * its caches. `scratch` is overwritten.
 */
export const decide = (state: State, scratch: State, config: Config): ReadonlyArray<Decision> => {
  const out: Array<Decision> = [];
  if (state.operation.phase === Operation.gone) {
    if (config.repairs.sweep) sweep(state, out);
    return out;
  }
  decideView(state, config, false, out);
  if (config.repairs.liveReads) return out;
  // A lagging cache shows the previous status of a node.
  state.nodes.forEach(({ previousStage, stage }, n) => {
    if (previousStage === stage) return;
    scratch.copyFrom(state);
    scratch.node(n).stage = previousStage;
    decideView(scratch, config, true, out);
  });
  return out;
};
