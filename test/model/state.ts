/**
 * The state of the protocol model: what every object, process and host may be in, one named byte per variable.
 */
import { at, ByteState, layout } from "./bytes.ts";

/** Where a node is in the operation: the `stage` of its status entry (design.md §4). */
export const Stage = {
  waiting: 0,
  claimed: 1,
  armed: 2,
  rebooting: 3,
  /** Ending early, never granted. */
  cancelling: 4,
  /** Ending early after a grant: the agent may have acted. */
  settling: 5,
  completed: 6,
  failed: 7,
  /** Failed because its Node is gone or was replaced: nothing there can be waited for or undone. */
  released: 8,
} as const;
export type Stage = (typeof Stage)[keyof typeof Stage];
export const stageNames = Object.keys(Stage);

/** Terminal stages are absorbing: they free the slot and nothing may follow them. */
export const isTerminal = (stage: Stage): boolean => stage >= Stage.completed;

/** The NodeOp object itself. */
export const Operation = { live: 0, deleting: 1, gone: 2 } as const;
/** The reboot Pod as the API shows it. A terminating Pod may still run its container. */
export const RebootPod = { absent: 0, pending: 1, running: 2, terminating: 3, failed: 4 } as const;
/** What the agent wrote into its Pod's annotation. */
export const Record = { none: 0, rebooting: 1, completed: 2, failed: 3 } as const;
/** The Job object. `stopped` is suspended again by `cancelling`, under a new resourceVersion. */
export const Job = {
  absent: 0,
  suspended: 1,
  active: 2,
  complete: 3,
  failed: 4,
  stopped: 5,
} as const;
/** The Job's Pod on the host; `exited` and `broke` are not yet reported by the kubelet. */
export const Script = {
  none: 0,
  running: 1,
  ended: 2,
  sentinelWritten: 3,
  exited: 4,
  broke: 5,
} as const;
/** Where the reboot agent's process stands: what it does next. */
export const Agent = {
  absent: 0,
  reads: 1,
  waits: 2,
  records: 3,
  removesSentinel: 4,
  reboots: 5,
  hasIssued: 6,
  reports: 7,
} as const;
export const Host = { down: 0, up: 1, dead: 2 } as const;
/** What the host booted: the image before the upgrade, the new one, or the fallback partition. */
export const Image = { old: 0, new: 1, fallback: 2 } as const;
/** What the agent's report says about the image. */
export const Report = { none: 0, new: 1, other: 2 } as const;

/** The kinds of write that an operator process may have under way. */
export const Write = {
  none: 0,
  /** Status of the NodeOp under its resourceVersion: one node's entry moves to `stage`. */
  commit: 1,
  hold: 2,
  createRebootPod: 3,
  createJob: 4,
  resumeJob: 5,
  grant: 6,
  deleteRebootPod: 7,
  release: 8,
  stopJob: 9,
  addFinalizer: 10,
  removeFinalizer: 11,
} as const;
export type Write = (typeof Write)[keyof typeof Write];

type Bit = 0 | 1;
type ValueOf<A> = A[keyof A];

/** The operation and the search's own counters. */
export interface OperationState {
  phase: ValueOf<typeof Operation>;
  finalizer: Bit;
  /** World faults that may still happen. */
  faultsLeft: number;
  /** Number of the first broken law, 0 while all hold. */
  violation: number;
}
const operationAtFirst: OperationState = { phase: 0, finalizer: 0, faultsLeft: 0, violation: 0 };

/** One pending write of an operator process: decided, not yet applied, never remembered by the process. */
export interface Slot {
  /** None is an idle process. */
  write: Write;
  node: number;
  stage: Stage;
  /** Job uid (to `armed`) or 1 + boot id (a recorded baseline), 0 for none. */
  value: number;
  /** Preconditions that still hold, bits of `Fresh`. */
  fresh: number;
  /** The write that the same pass sends next. */
  next: Write;
}
const idleSlot: Slot = { write: 0, node: 0, stage: 0, value: 0, fresh: 0, next: 0 };

/** One node: its status entry, its Node, reboot Pod and Job objects, its host, and what history must remember. */
export interface NodeState {
  // Status entry of the NodeOp.
  stage: Stage;
  /** The stage before, as a lagging cache shows it; not kept where all reads are live. */
  previousStage: Stage;
  /** 1 + boot id recorded in the status (naive protocol only). */
  baseline: number;
  /** Uid of the Job that was armed, 0 for none. */
  armedJob: number;
  // Node object.
  exists: Bit;
  /** The Node has another uid than the one that was claimed. */
  replaced: Bit;
  postedBoot: number;
  ready: Bit;
  /** Held and cordoned by us: one PATCH sets both, one removes both. */
  held: Bit;
  // Reboot Pod and its annotations.
  rebootPod: ValueOf<typeof RebootPod>;
  record: ValueOf<typeof Record>;
  recordedBoot: number;
  granted: Bit;
  report: ValueOf<typeof Report>;
  // Reboot agent.
  agent: ValueOf<typeof Agent>;
  /** The agent's process outlives its Pod object. */
  orphan: Bit;
  /** A PATCH of a crashed agent that is still under way (Record.rebooting or .completed), 0 for none. */
  latePatch: number;
  latePatchBoot: number;
  latePatchReport: ValueOf<typeof Report>;
  latePatchFresh: Bit;
  // Host.
  host: ValueOf<typeof Host>;
  boot: number;
  rebootPending: Bit;
  imageWritten: Bit;
  image: ValueOf<typeof Image>;
  /** 1 + boot id that the sentinel file holds, 0 for no file. */
  sentinel: number;
  rebootBroken: Bit;
  // Job object and its Pod.
  job: ValueOf<typeof Job>;
  jobUid: number;
  script: ValueOf<typeof Script>;
  attemptsLeft: number;
  // History, invisible to the protocol, for the laws alone.
  everRebootPod: Bit;
  everResumed: Bit;
  everComplete: Bit;
  /** The node booted the new image since the script last ended. */
  everNew: Bit;
  ourReboots: number;
  downByUs: Bit;
  /** A late reboot is the documented exception here: the node is gone, or a deadline passed. */
  excusedReboot: Bit;
  /** So is an upgrade script that a stopped Job or a deleted Node has left running. */
  excusedScript: Bit;
}
const nodeAtFirst: NodeState = {
  stage: 0,
  previousStage: 0,
  baseline: 0,
  armedJob: 0,
  exists: 1,
  replaced: 0,
  postedBoot: 0,
  ready: 1,
  held: 0,
  rebootPod: 0,
  record: 0,
  recordedBoot: 0,
  granted: 0,
  report: 0,
  agent: 0,
  orphan: 0,
  latePatch: 0,
  latePatchBoot: 0,
  latePatchReport: 0,
  latePatchFresh: 0,
  host: Host.up,
  boot: 0,
  rebootPending: 0,
  imageWritten: 0,
  image: 0,
  sentinel: 0,
  rebootBroken: 0,
  job: 0,
  jobUid: 0,
  script: 0,
  attemptsLeft: 2,
  everRebootPod: 0,
  everResumed: 0,
  everComplete: 0,
  everNew: 0,
  ourReboots: 0,
  downByUs: 0,
  excusedReboot: 0,
  excusedScript: 0,
};

const operationLayout = layout(operationAtFirst);
const slotLayout = layout(idleSlot);
const nodeLayout = layout(nodeAtFirst);

/** A node in words: every variable that is not zero. */
const describeNode = (node: NodeState): string =>
  nodeLayout.fields
    .map((field) => [field, Reflect.get(node, field)] as const)
    .filter(([, value]) => value !== 0)
    .map(([field, value]) => `${field}=${/stage/i.test(field) ? stageNames[value] : value}`)
    .join(" ");

/** One state of the model. */
export class State extends ByteState {
  readonly slots: ReadonlyArray<Slot>;
  readonly operation: OperationState;
  readonly nodes: ReadonlyArray<NodeState>;

  /** The initial state: nodes Ready, up and unclaimed, operators idle, `faults` world faults to come. */
  constructor(nodes: number, operators: number, faults: number) {
    super(operators * slotLayout.size + operationLayout.size + nodes * nodeLayout.size);
    this.slots = this.groups(slotLayout, operators);
    this.operation = at(this.groups(operationLayout, 1), 0);
    this.operation.faultsLeft = faults;
    this.nodes = this.groups(nodeLayout, nodes);
  }

  node(index: number): NodeState {
    return at(this.nodes, index);
  }
  slot(index: number): Slot {
    return at(this.slots, index);
  }

  /** Operator processes are interchangeable. */
  sortSlots(): void {
    this.sort(slotLayout.size, this.slots.length);
  }

  /** The state in words. */
  describe(): string {
    const phase = Object.keys(Operation)[this.operation.phase];
    return [`NodeOp ${phase}`, ...this.nodes.map((node, i) => `n${i} ${describeNode(node)}`)].join(
      " | ",
    );
  }
}
