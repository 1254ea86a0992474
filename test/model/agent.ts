/**
 * The reboot agent's process, one transition per API request or system call.
 *
 * It may crash between any two of them and forget where it was; a PATCH that is under way then may still be
 * applied later. The numbers are those of design.md §4, "Reboot agent".
 */
import type { Change, Step } from "./step.ts";
import type { NodeState } from "./state.ts";
import { Agent, Image, isTerminal, Job, Operation, RebootPod, Record, Report } from "./state.ts";
import { isLive, rebootPodChanged, violate } from "./writes.ts";

/** The Pod object in the API is still the agent's own. */
const isOwn = (node: NodeState): boolean =>
  node.orphan === 0 && (isLive(node) || node.rebootPod === RebootPod.terminating);

/** The agent's PATCH carries its own uid and resourceVersion, so a terminating Pod refuses it. */
const refuses = (node: NodeState, guarded: boolean): boolean =>
  !isOwn(node) || (guarded && node.rebootPod === RebootPod.terminating);

const exit = (node: NodeState): void => {
  node.agent = Agent.absent;
  node.orphan = 0;
};

/** 1. What the own Pod and its annotations say: settled, or which of the following steps is due. */
const reads = ({ node, repairs, step }: Step): void => {
  if (!isOwn(node)) {
    if (repairs.guardedRecord || node.rebootPod === RebootPod.absent)
      step("agent: own Pod gone, exits", exit);
    return;
  }
  if (refuses(node, repairs.guardedRecord)) return step("agent: own Pod terminating, exits", exit);
  if (node.record === Record.completed || node.record === Record.failed)
    return step("agent: already settled, exits", exit);
  if (repairs.sentinelBoot || node.record === Record.none)
    return step("agent waits for its sentinel", (t) => void (t.agent = Agent.waits));
  if (node.recordedBoot !== node.boot)
    return step(
      "agent: recorded in an earlier boot: rebooted",
      (t) => void (t.agent = Agent.reports),
    );
  step("agent: recorded, not rebooted: again", (t) => void (t.agent = Agent.reboots));
};

/** 1.–2. Waits for grant and sentinel; the boot id in the sentinel tells whether the reboot has happened. */
const waits = ({ node, repairs, step }: Step): void => {
  if (repairs.permission === "grant" && !isOwn(node))
    return step("agent: own Pod gone, exits", exit);
  const permitted =
    repairs.permission === "nothing" ||
    (repairs.permission === "grant" ? node.granted === 1 : node.job === Job.complete);
  if (node.sentinel === 0 || !permitted) return;
  if (!repairs.sentinelBoot)
    return step("agent finds a sentinel", (t) => void (t.agent = Agent.records));
  if (node.sentinel - 1 === node.boot)
    return step("agent: sentinel of this boot", (t) => void (t.agent = Agent.records));
  step("agent: sentinel of an earlier boot: rebooted", (t) => void (t.agent = Agent.reports));
};

/** 3. The attempt is on record before the reboot; refused means start over, no reboot. */
const records = ({ n, node, repairs, step }: Step): void => {
  if (refuses(node, repairs.guardedRecord)) return step("agent's record refused, exits", exit);
  step("agent records rebooting", (t, state) => {
    t.record = Record.rebooting;
    t.recordedBoot = t.boot;
    t.agent = repairs.sentinelBoot ? Agent.reboots : Agent.removesSentinel;
    rebootPodChanged(state, n);
  });
};

const issue =
  (silent: boolean): Change =>
  (node, state) => {
    const over = isTerminal(node.stage) || state.operation.phase === Operation.gone;
    if (over && node.excusedReboot === 0) violate(state, "P3");
    if (!silent && node.rebootBroken === 0) node.rebootPending = 1;
    node.agent = Agent.hasIssued;
  };

/** 3. The reboot call itself, which may fail silently. */
const reboots = (of: Step): void => {
  of.step("agent issues reboot", issue(false));
  of.fault("silentReboot", "reboot command fails silently", issue(true));
};

/** 3. Still up: again, until the attempts are used up. A slow reboot may still be pending. */
const hasIssued = ({ n, node, repairs, step }: Step): void => {
  step("agent: still up, tries again", (t) => {
    t.agent = repairs.guardedRecord ? Agent.reads : Agent.reboots;
  });
  if (!repairs.countedAttempts)
    return step("agent: attempts used up, exits 1", (t) => void (t.agent = Agent.absent));
  if (refuses(node, repairs.guardedRecord)) return;
  step("agent: attempts used up, records failed", (t, state) => {
    t.record = Record.failed;
    t.agent = Agent.absent;
    rebootPodChanged(state, n);
  });
};

/** What the report says about the image that is running now. */
const reportOf = (node: NodeState): NodeState["report"] =>
  node.image === Image.new ? Report.new : Report.other;

const writeReport = (node: NodeState, report: NodeState["report"], sentinelBoot: boolean): void => {
  node.record = Record.completed;
  node.report = report;
  if (sentinelBoot) node.recordedBoot = node.sentinel - 1;
};

/** 2. One PATCH: the report and `completed`. */
const reports = ({ n, node, repairs, step }: Step): void => {
  if (!isOwn(node)) return step("agent's report refused, exits", exit);
  step("agent reports", (t, state) => {
    writeReport(t, reportOf(t), repairs.sentinelBoot);
    t.agent = Agent.absent;
    rebootPodChanged(state, n);
  });
};

const removesSentinel = ({ step }: Step): void =>
  step("agent removes sentinel", (t) => {
    t.sentinel = 0;
    t.agent = Agent.reboots;
  });

/** Crashes are free: any number, between any two steps, with or without a PATCH under way. */
const crashes = ({ free, node }: Step): void => {
  if (node.orphan === 0) free("agent crashes", (t) => void (t.agent = Agent.absent));
  const patches = node.agent === Agent.records || node.agent === Agent.reports;
  if (!patches || node.latePatch !== 0) return;
  free("agent crashes, its PATCH still under way", (t) => {
    t.latePatch = t.agent === Agent.records ? Record.rebooting : Record.completed;
    if (t.agent === Agent.records) t.latePatchBoot = t.boot;
    else t.latePatchReport = reportOf(t);
    t.latePatchFresh = t.orphan === 1 ? 0 : 1;
    t.agent = Agent.absent;
  });
};

const latePatchOver = (node: NodeState): void => {
  node.latePatch = 0;
  node.latePatchBoot = 0;
  node.latePatchReport = 0;
  node.latePatchFresh = 0;
};

const latePatch = ({ free, n, node, repairs }: Step): void => {
  if (node.latePatch === 0) return;
  free("late PATCH of the agent is lost", latePatchOver);
  free("late PATCH of the agent is applied", (t, state) => {
    const exists = isLive(t) || t.rebootPod === RebootPod.terminating;
    if (exists && (!repairs.guardedRecord || t.latePatchFresh === 1)) {
      if (t.latePatch === Record.rebooting) {
        t.record = Record.rebooting;
        t.recordedBoot = t.latePatchBoot;
      } else writeReport(t, t.latePatchReport, repairs.sentinelBoot);
      rebootPodChanged(state, n);
    }
    latePatchOver(t);
  });
};

const steps: Record<NodeState["agent"], (of: Step) => void> = {
  [Agent.absent]: () => undefined,
  [Agent.reads]: reads,
  [Agent.waits]: waits,
  [Agent.records]: records,
  [Agent.removesSentinel]: removesSentinel,
  [Agent.reboots]: reboots,
  [Agent.hasIssued]: hasIssued,
  [Agent.reports]: reports,
};

/** The agent's transitions: start, the next step of its process, a crash, and a PATCH that arrives late. */
export const agent = (of: Step): void => {
  const { node, step } = of;
  if (node.host === 1) {
    const settled = node.record === Record.completed || node.record === Record.failed;
    if (node.agent === Agent.absent && isLive(node) && node.orphan === 0 && !settled)
      step("agent container starts", (t, state) => {
        t.agent = Agent.reads;
        if (t.rebootPod === RebootPod.running) return;
        t.rebootPod = RebootPod.running;
        rebootPodChanged(state, of.n);
      });
    if (node.agent !== Agent.absent) {
      crashes(of);
      steps[node.agent](of);
    }
  }
  latePatch(of);
};
