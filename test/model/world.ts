/**
 * Everything else on a node: kubelet, host, Job and its Pod, garbage collection, and the faults of the world.
 */
import type { Change, Step } from "./step.ts";
import type { NodeState, State } from "./state.ts";
import {
  Agent,
  Host,
  Image,
  isTerminal,
  Job,
  Operation,
  RebootPod,
  Script,
  Stage,
} from "./state.ts";
import {
  changed,
  Fresh,
  isClaimedNode,
  isLive,
  rebootPodChanged,
  rebootPodGone,
  rebootPodTerminates,
  violate,
} from "./writes.ts";

/** Boot ids are small numbers: a bound that no history within the fault budgets reaches by itself. */
const maxBoot = 6;

/** What the laws say about a reboot that we caused, at the moment the host goes down. */
const judgeReboot = (node: NodeState, state: State): void => {
  node.ourReboots = Math.min(3, node.ourReboots + 1);
  if (node.ourReboots > 1) violate(state, "P1");
  if (node.everComplete === 0) violate(state, "P2");
  if (node.everNew === 1) violate(state, "P9");
  const over = isTerminal(node.stage) || state.operation.phase === Operation.gone;
  const released = node.stage === Stage.rebooting && node.held === 0 && isClaimedNode(node);
  const late = over && node.excusedReboot === 0;
  if (late || released || node.stage === Stage.completed) violate(state, "P4");
};

/** The host goes down: processes end, a script in the middle of its work has failed. */
const hostDown =
  (n: number, byUs: boolean): Change =>
  (node, state) => {
    if (byUs) judgeReboot(node, state);
    node.host = Host.down;
    node.rebootPending = 0;
    node.agent = Agent.absent;
    node.orphan = 0;
    node.downByUs = byUs ? 1 : 0;
    // Its container does not start again; that the kubelet finishes the deletion on return is left out.
    if (node.rebootPod === RebootPod.terminating) rebootPodGone(state, n);
    if (node.script >= Script.running && node.script <= Script.sentinelWritten)
      node.script = Script.broke;
  };

/** A container that had exited may be reported by what the kubelet finds after the boot: success or failure. */
const alsoUnreported =
  (change: Change): Change =>
  (node, state) => {
    change(node, state);
    node.script = Script.broke;
  };

/** A boot of the host: another boot id, the image that was written or the one before. */
const boots =
  (image: NodeState["image"]): Change =>
  (node) => {
    node.host = Host.up;
    node.boot++;
    node.image = image;
    if (image === Image.new) node.everNew = 1;
  };

const host = (of: Step): void => {
  const { fault, n, node, step } = of;
  if (node.host === Host.down && node.boot < maxBoot) {
    step("host boots", boots(node.imageWritten === 1 ? Image.new : Image.old));
    if (node.imageWritten === 1)
      fault("fallbackBoot", "host boots the fallback", boots(Image.fallback));
    fault("deadHost", "host never returns", (t) => void (t.host = Host.dead));
  }
  if (node.host !== Host.up) return;
  const unreported = node.script === Script.exited;
  const ours = hostDown(n, true);
  const power = hostDown(n, false);
  fault("powerLoss", "power loss", power);
  if (unreported) fault("powerLoss", "power loss", alsoUnreported(power));
  fault("brokenReboot", "reboot command is broken from now on", (t) => void (t.rebootBroken = 1));
  if (node.rebootPending === 0) return;
  step("host goes down (our reboot)", ours);
  if (unreported) step("host goes down (our reboot)", alsoUnreported(ours));
  fault(
    "rebootPodFailed",
    "shutdown marks the reboot Pod Failed; host goes down (our reboot)",
    (t, state) => {
      if (isLive(t)) {
        t.rebootPod = RebootPod.failed;
        rebootPodChanged(state, n);
      }
      ours(t, state);
    },
  );
};

const becomes =
  (n: number, ready: 0 | 1): Change =>
  (node, state) => {
    if (ready === 1) node.postedBoot = node.boot;
    node.ready = ready;
    changed(state, Fresh.node, n);
  };

/** A Node object comes (back) under the name, with another uid: neither held nor cordoned. */
const registers = (n: number, node: NodeState, state: State): void => {
  node.exists = 1;
  node.replaced = 1;
  node.held = 0;
  becomes(n, 1)(node, state);
};

/** A reinstalled machine: another boot, an empty disk, no containers. */
const newMachine =
  (n: number): Change =>
  (node, state) => {
    node.host = Host.up;
    node.boot++;
    node.agent = Agent.absent;
    node.orphan = 0;
    node.rebootPending = 0;
    node.imageWritten = 0;
    node.image = Image.old;
    node.sentinel = 0;
    node.script = Script.none;
    registers(n, node, state);
  };

const nodeObject = ({ fault, n, node, state, step }: Step): void => {
  const up = node.host === Host.up;
  if (node.exists === 0) {
    if (node.rebootPod !== RebootPod.absent)
      step("PodGC removes the reboot Pod", (_, to) => rebootPodGone(to, n));
    if (up) step("Node registers again", (t, to) => registers(n, t, to));
    if (node.boot < maxBoot && state.operation.faultsLeft > 0)
      fault("newMachine", "a new machine registers under the name", newMachine(n));
    return;
  }
  if (up && (node.postedBoot !== node.boot || node.ready === 0))
    step(`kubelet posts boot id b${node.boot}, Ready`, becomes(n, 1));
  if (!up && node.ready === 1) step("node lifecycle: NotReady", becomes(n, 0));
  if (up && node.ready === 1) fault("partition", "node partitioned: NotReady", becomes(n, 0));
  if (node.replaced === 0)
    fault("nodeDeleted", "Node deleted", (t, to) => {
      t.exists = 0;
      t.held = 0;
      changed(to, Fresh.node, n);
    });
};

const rebootPod = ({ fault, n, node, step }: Step): void => {
  const up = node.host === Host.up;
  const terminates: Change = (_, state) => rebootPodTerminates(state, n);
  if (isLive(node)) fault("rebootPodDeleted", "reboot Pod evicted", terminates);
  if (isLive(node) || node.rebootPod === RebootPod.terminating)
    fault("rebootPodForceDeleted", "reboot Pod force-deleted", (_, state) =>
      rebootPodGone(state, n),
    );
  if (node.rebootPod === RebootPod.terminating && (up || node.exists === 0))
    step("kubelet ends the reboot Pod", (t, state) => {
      t.agent = Agent.absent;
      rebootPodGone(state, n);
      t.orphan = 0;
    });
  if (node.orphan === 1 && up)
    step("kubelet kills the orphaned agent", (t) => {
      t.agent = Agent.absent;
      t.orphan = 0;
    });
};

const breaks: Change = (node) => void (node.script = Script.broke);

/** The upgrade script and the sentinel after it, one transition per effect on the host. */
const script = (of: Step): void => {
  const { fault, node, step } = of;
  if (node.job === Job.active && node.script === Script.none && node.attemptsLeft > 0)
    step("Job Pod starts the script", (t, state) => {
      t.script = Script.running;
      t.attemptsLeft--;
      if (isTerminal(t.stage) || state.operation.phase === Operation.gone) violate(state, "P8");
      if (isClaimedNode(t) && t.held === 0) violate(state, "P10");
    });
  if (node.script === Script.running) {
    step("script ends 0", (t) => {
      t.script = Script.ended;
      t.imageWritten = 1;
      t.everNew = 0;
    });
    fault("scriptFails", "script fails", breaks);
  }
  if (node.script === Script.ended) {
    step(`sentinel written (b${node.boot})`, (t) => {
      t.script = Script.sentinelWritten;
      t.sentinel = 1 + t.boot;
    });
    fault("sentinelReadOnly", "sentinel directory full or read-only", breaks);
  }
  if (node.script === Script.sentinelWritten)
    step("Job container exits 0", (t) => void (t.script = Script.exited));
};

/** Kubelet and Job controller: the Pod's end becomes the Job's, unless the Job was stopped meanwhile. */
const jobStatus = ({ n, node, step }: Step): void => {
  const ends =
    (to: NodeState["job"]): Change =>
    (t, state) => {
      t.script = Script.none;
      if (t.job !== Job.active) return;
      t.job = to;
      if (to === Job.complete) t.everComplete = 1;
      if (to !== Job.active) changed(state, Fresh.job, n);
    };
  if (node.script === Script.exited)
    step("kubelet reports success: Job Complete", ends(Job.complete));
  if (node.script === Script.broke)
    step("kubelet reports failure", ends(node.attemptsLeft === 0 ? Job.failed : Job.active));
  // A Job that is stopped or gone has no use for its Pod, whatever its script has done by then.
  const unwanted = node.job === Job.stopped || node.job === Job.absent;
  if (unwanted && node.script !== Script.none)
    step("kubelet ends the Job Pod", (t) => void (t.script = Script.none));
};

const jobFaults = ({ fault, n, node }: Step): void => {
  if (node.script !== Script.none && node.attemptsLeft > 0)
    fault("jobPodEvicted", "Job Pod evicted", (t) => void (t.script = Script.none));
  if (node.job !== Job.absent && node.job !== Job.suspended)
    fault("jobDeleted", "a person deletes the Job", (t, state) => {
      t.job = Job.absent;
      changed(state, Fresh.job, n);
    });
};

/** Owner references: what belongs to an operation that is gone is deleted, whenever. */
const garbageCollection = ({ n, node, step }: Step): void => {
  if (isLive(node)) step("GC deletes the reboot Pod", (_, state) => rebootPodTerminates(state, n));
  if (node.rebootPod === RebootPod.failed)
    step("GC deletes the reboot Pod", (_, state) => rebootPodGone(state, n));
  if (node.job !== Job.absent)
    step("GC deletes the Job", (t, state) => {
      t.job = Job.absent;
      changed(state, Fresh.job, n);
    });
};

/** All transitions of the world around one node. */
export const world = (of: Step): void => {
  if (of.state.operation.phase === Operation.gone) garbageCollection(of);
  nodeObject(of);
  host(of);
  rebootPod(of);
  if (of.node.host === Host.up) {
    script(of);
    jobStatus(of);
  }
  jobFaults(of);
};
