/**
 * The operator's writes, and what the API server does when one arrives.
 *
 * Every write travels alone: decided now, applied at any later time or never. `Fresh` bits stand for the
 * resourceVersions and uids it carries: whatever else is written to an object first clears the bit, and the
 * write is then refused with 409.
 */
import type { Law, Repairs } from "./protocol.ts";
import { lawNumber } from "./protocol.ts";
import type { NodeState, Slot, State } from "./state.ts";
import { Agent, Job, Operation, RebootPod, Script, Stage, stageNames, Write } from "./state.ts";

const writeNames = Object.keys(Write);

/** A write as the operator decides it. */
export interface Decision {
  readonly write: Write;
  readonly node: number;
  readonly stage?: Stage;
  readonly value?: number;
  readonly next?: Write;
}

/** Objects whose version a pending write may have read. */
export const Fresh = { operation: 1, node: 2, rebootPod: 4, rebootPodUid: 8, job: 16 } as const;
const allFresh = 31;

/** A pending write or a decision in words: `CAS armed n0`. */
export const describeWrite = (write: Write, node: number, stage: number): string =>
  `${write === Write.commit ? `CAS ${stageNames[stage]}` : writeNames[write]} n${node}`;

/** Puts a decision into an idle process: everything it has read is current at this moment. */
export const send = (slot: Slot, decision: Decision): void => {
  slot.write = decision.write;
  slot.node = decision.node;
  slot.stage = decision.stage ?? Stage.waiting;
  slot.value = decision.value ?? 0;
  slot.next = decision.next ?? Write.none;
  slot.fresh = allFresh;
};

/** Empties a process: a crash before the request, a lost request, or the end of a delivery. */
export const forget = (slot: Slot): void => {
  slot.write = 0;
  slot.node = 0;
  slot.stage = 0;
  slot.value = 0;
  slot.next = 0;
  slot.fresh = 0;
};

/** An object got a new resourceVersion: pending writes that read it before are no longer fresh. */
export const changed = (state: State, object: number, n: number): void => {
  for (const slot of state.slots)
    if (slot.write !== 0 && (object === Fresh.operation || slot.node === n)) slot.fresh &= ~object;
};

/** As `changed`, for the reboot Pod, whose agent may have a PATCH under way too. */
export const rebootPodChanged = (state: State, n: number): void => {
  changed(state, Fresh.rebootPod, n);
  state.node(n).latePatchFresh = 0;
};

/** The reboot Pod's object disappears; a process of it that still runs is an orphan. */
export const rebootPodGone = (state: State, n: number): void => {
  const node = state.node(n);
  rebootPodChanged(state, n);
  changed(state, Fresh.rebootPodUid, n);
  node.rebootPod = RebootPod.absent;
  node.record = 0;
  node.recordedBoot = 0;
  node.granted = 0;
  node.report = 0;
  if (node.agent !== Agent.absent) node.orphan = 1;
};

/** The reboot Pod gets a deletionTimestamp: its container runs on until the kubelet ends it. */
export const rebootPodTerminates = (state: State, n: number): void => {
  state.node(n).rebootPod = RebootPod.terminating;
  rebootPodChanged(state, n);
};

export const isLive = (node: NodeState): boolean =>
  node.rebootPod === RebootPod.pending || node.rebootPod === RebootPod.running;

/** Remembers the first law that broke. */
export const violate = (state: State, law: Law): void => {
  if (state.operation.violation === 0) state.operation.violation = lawNumber(law);
};

export const scriptWorks = (node: NodeState): boolean =>
  node.script >= Script.running && node.script <= Script.sentinelWritten;

/** The Node that was claimed is still there under its uid. */
export const isClaimedNode = (node: NodeState): boolean => node.exists === 1 && node.replaced === 0;

/** A write as it arrives: copied out of its slot, which is free again. */
interface Arrival extends Readonly<Slot> {
  readonly state: State;
  readonly target: NodeState;
  readonly slot: Slot;
  readonly repairs: Repairs;
  readonly deadlines: boolean;
}
const isFresh = ({ fresh }: Arrival, object: number): boolean => (fresh & object) !== 0;

/** What the laws say about the moment at which a stage is committed. */
const judgeCommit = ({ deadlines, stage, state, target }: Arrival): void => {
  if (stage === Stage.completed && target.everNew === 0) violate(state, "P5");
  if (stage !== Stage.failed && stage !== Stage.released) return;
  // Not closable, documented for users: what goes on at a deleted Node, or after a deadline.
  const issues = target.agent === Agent.reboots || target.agent === Agent.hasIssued;
  const released = stage === Stage.released;
  const mayReboot = (released && target.orphan === 1) || (deadlines && issues);
  const mayWork = released || deadlines;
  if (mayReboot || (mayWork && target.rebootPending === 1)) target.excusedReboot = 1;
  if (!scriptWorks(target)) return;
  if (mayWork) target.excusedScript = 1;
  else violate(state, "P8");
};

const commit = (arrival: Arrival): void => {
  const { next, node, slot, stage, state, target, value } = arrival;
  if (!isFresh(arrival, Fresh.operation) || state.operation.phase === Operation.gone) return;
  judgeCommit(arrival);
  if (!arrival.repairs.liveReads) target.previousStage = target.stage;
  target.stage = stage;
  if (stage === Stage.armed) target.armedJob = value;
  else if (value !== 0) target.baseline = value;
  changed(state, Fresh.operation, 0);
  if (next !== Write.none) send(slot, { write: next, node });
};

const hold = (arrival: Arrival): void => {
  const { node, state, target } = arrival;
  if (!isFresh(arrival, Fresh.node) || target.exists === 0 || target.held === 1) return;
  target.held = 1;
  changed(state, Fresh.node, node);
};

const createRebootPod = ({ node, state, target }: Arrival): void => {
  if (target.rebootPod !== RebootPod.absent) return;
  target.rebootPod = RebootPod.pending;
  target.everRebootPod = 1;
  rebootPodChanged(state, node);
};

const createJob = ({ node, repairs, state, target }: Arrival): void => {
  if (target.job !== Job.absent) return;
  if (target.everRebootPod === 0) violate(state, "P7");
  target.job = Job.suspended;
  target.jobUid = Math.min(3, target.jobUid + 1);
  if (!repairs.suspendedJob) startJob(state, target);
  changed(state, Fresh.job, node);
};

const resumeJob = (arrival: Arrival): void => {
  const { node, state, target } = arrival;
  if (!isFresh(arrival, Fresh.job) || target.job !== Job.suspended) return;
  startJob(state, target);
  changed(state, Fresh.job, node);
};

const startJob = (state: State, target: NodeState): void => {
  if (target.everResumed === 1) violate(state, "P6");
  target.everResumed = 1;
  target.job = Job.active;
};

const grant = (arrival: Arrival): void => {
  const { node, state, target } = arrival;
  if (!isFresh(arrival, Fresh.rebootPod) || !isLive(target)) return;
  target.granted = 1;
  rebootPodChanged(state, node);
};

/** DELETE with the Pod's uid; a Failed Pod has no container to wait for and disappears at once. */
const deleteRebootPod = (arrival: Arrival): void => {
  const { node, state, target } = arrival;
  if (!isFresh(arrival, Fresh.rebootPodUid)) return;
  if (isLive(target)) rebootPodTerminates(state, node);
  else if (target.rebootPod === RebootPod.failed) rebootPodGone(state, node);
};

/** Fenced by what it takes off (a JSON patch that tests uid and holder), so other writers of the Node do not refuse it. */
const release = ({ node, state, target }: Arrival): void => {
  if (target.exists === 0 || target.held === 0) return;
  const verified = target.stage === Stage.rebooting && state.operation.phase === Operation.live;
  if (verified && target.everNew === 0) violate(state, "P5");
  target.held = 0;
  changed(state, Fresh.node, node);
};

/** Suspends the Job by a write that gives it a new resourceVersion even when it is suspended already. */
const stopJob = ({ node, state, target }: Arrival): void => {
  if (target.job !== Job.suspended && target.job !== Job.active) return;
  target.job = Job.stopped;
  changed(state, Fresh.job, node);
};

const addFinalizer = (arrival: Arrival): void => {
  const { operation } = arrival.state;
  if (!isFresh(arrival, Fresh.operation) || operation.phase !== Operation.live) return;
  operation.finalizer = 1;
  changed(arrival.state, Fresh.operation, 0);
};

const removeFinalizer = (arrival: Arrival): void => {
  const { operation } = arrival.state;
  if (!isFresh(arrival, Fresh.operation) || operation.phase === Operation.gone) return;
  operation.finalizer = 0;
  if (operation.phase === Operation.deleting) operation.phase = Operation.gone;
  changed(arrival.state, Fresh.operation, 0);
};

const handlers: Record<Write, (arrival: Arrival) => void> = {
  [Write.none]: () => undefined,
  [Write.commit]: commit,
  [Write.hold]: hold,
  [Write.createRebootPod]: createRebootPod,
  [Write.createJob]: createJob,
  [Write.resumeJob]: resumeJob,
  [Write.grant]: grant,
  [Write.deleteRebootPod]: deleteRebootPod,
  [Write.release]: release,
  [Write.stopJob]: stopJob,
  [Write.addFinalizer]: addFinalizer,
  [Write.removeFinalizer]: removeFinalizer,
};

/** A pending write reaches the API server: applied when its preconditions hold, refused otherwise. */
export const deliver = (state: State, slot: Slot, repairs: Repairs, deadlines: boolean): void => {
  const { fresh, next, node, stage, value, write } = slot;
  const target = state.node(node);
  forget(slot);
  const arrival = {
    state,
    target,
    slot,
    repairs,
    deadlines,
    fresh,
    next,
    node,
    stage,
    value,
    write,
  };
  handlers[write](arrival);
};
