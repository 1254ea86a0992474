/** What the ledger remembers of each operation, claim, Node, Job, Pod, script and host: facts from the two logs, nothing else. */
import type { NodeStatus } from "../../api/status.ts";
import type { BootState } from "../../history.ts";
import type { Taint } from "../../kube/taint.ts";
import type { NodeOpView } from "./view.ts";

/** A point in the history. `seq` orders commits and host events among each other; `rv` is absent for host events. */
export interface Moment {
  readonly at: number;
  readonly seq: number;
  readonly rv?: number | undefined;
}

/** One node's way through one operation: it starts with the commit that first gives the node an entry. */
export interface Claim {
  readonly operation: Operation;
  readonly node: string;
  readonly nodeUID: string | undefined;
  readonly started: Moment;
  /** Whether the node matched the operation's selector when it was claimed. */
  readonly matched: boolean;
  /** The entry as last stored. */
  entry: NodeStatus;
  /** The Job that the entry named; kept after the terminal entry no longer does. */
  jobUID: string | undefined;
  /** When each stage was first stored. */
  readonly stages: Map<string, Moment>;
  /** When the entry became terminal. */
  released: Moment | undefined;
  /** A boot after the script's success, into the installed version, in which the Node was Ready. */
  proof: Boot | undefined;
}

/** Since when a node could have been started. */
export interface Eligible {
  readonly since: Moment;
  readonly controlPlane: boolean;
}

/** One NodeOp from its creation to its removal, whatever became of others of its name. */
export interface Operation {
  readonly uid: string;
  /** `namespace/name` */
  readonly key: string;
  readonly created: Moment;
  /** As last stored; after its removal the last state before. */
  object: NodeOpView;
  /** Every entry that its status ever had, by node name. */
  readonly claims: Map<string, Claim>;
  /** Nodes whose entry has a stage. */
  readonly inFlight: Set<string>;
  /** Nodes that could be started now. */
  readonly eligible: Map<string, Eligible>;
  /** Nodes that carry a cordon of this operation. */
  readonly cordons: Set<string>;
  /** Nodes on which a script of it runs or a reboot by it is under way. */
  readonly working: Set<string>;
  /** Whether its selector matches, remembered per labels object. */
  readonly matches: Map<string, { readonly labels: unknown; readonly matches: boolean }>;
  /** Whether its status was last written by the Go original. */
  original: boolean;
  deleting: Moment | undefined;
  gone: Moment | undefined;
  ended: Moment | undefined;
  /** The first entry that failed in a way that counts for stopOnFailure. */
  tripped: (Moment & { readonly node: string }) | undefined;
  /** The first Failed or FailureTarget condition of one of its Jobs. */
  jobFailed: (Moment & { readonly job: string }) | undefined;
}

/** A Node object, by name; `uid` tells a re-created one. */
export interface NodeRecord {
  readonly name: string;
  uid: string;
  labels: Readonly<Record<string, string>> | undefined;
  labelsBefore: Readonly<Record<string, string>> | undefined;
  labelsChanged: Moment;
  exists: boolean;
  ready: boolean;
  /** Since when it has been Ready, or not. */
  readyChanged: Moment;
  unschedulable: boolean;
  /** Since when it has been cordoned, or not. */
  cordonChanged: Moment;
  taints: ReadonlyArray<Taint>;
  /** Since when it has had these taints. */
  taintsChanged: Moment;
  bootID: string | undefined;
  /** uid of the operation named by the `held-by` annotation. */
  heldBy: string | undefined;
  /** Since when that is so. */
  heldChanged: Moment;
  /** Whether the cordon on it is ours, and of which operation (uid): set by our own cordon, lost with its annotation. */
  cordonOf: string | undefined;
  /** The last commit that put a hold or a signed cordon on it. */
  signed: (Moment & { readonly actor: string }) | undefined;
}

/** A Job that a NodeOp controls. */
export interface JobRecord {
  readonly uid: string;
  readonly name: string;
  readonly operation: string;
  readonly node: string | undefined;
  readonly created: Moment;
  /** The Go original made it, and runs it unasked. */
  readonly original: boolean;
  suspended: boolean;
  resumed: Moment | undefined;
  complete: Moment | undefined;
  failed: Moment | undefined;
  gone: Moment | undefined;
  readonly pods: Array<PodRecord>;
}

/** A Pod of an operation: its preflight Pod, its reboot Pod, or a Pod of its Job. */
export interface PodRecord {
  readonly uid: string;
  readonly name: string;
  readonly role: "preflight" | "reboot" | "job" | "other";
  readonly operation: string;
  readonly job: string | undefined;
  readonly node: string | undefined;
  readonly created: Moment;
  /** The Go original made it: a reboot Pod acts without a grant. */
  readonly original: boolean;
  readonly initContainers: number;
  readonly containers: number;
  gone: (Moment & { readonly actor: string }) | undefined;
  /** `kairos.io/reboot-state`, `-boot-id` as last stored. */
  rebootState: string | undefined;
  recordedBoot: string | undefined;
  /** When it said `completed` or `failed`. */
  reported: Moment | undefined;
  /** Grants by the uid of the Job they name. */
  readonly grants: Map<string, Moment>;
  /** What the succeeded init container said it installed. */
  installed: string | undefined;
}

/** What the hosts ran for one Job, by the Job's uid. */
export interface ScriptRecord {
  starts: number;
  /** How its last run ended, in which boot of which host (`boots` counts them). */
  ended: (Moment & { readonly exitCode: number; readonly boots: number }) | undefined;
  sentinel: (Moment & { readonly node: string; readonly bootID: string }) | undefined;
}

/** One boot of a host. */
export interface Boot extends Moment {
  readonly bootID: string;
  readonly bootState: BootState;
  readonly version: string;
}

/** A reboot that an agent asked for. */
export interface IssuedReboot extends Moment {
  readonly pod: string;
  readonly operation: string | undefined;
  readonly bootID: string;
}

/** A machine, by the name of its Node. */
export interface HostRecord {
  readonly name: string;
  /** How often it booted since the history began. */
  boots: number;
  boot: Boot | undefined;
  down: boolean;
  /** Scripts that run on it, by the uid of their Pod. */
  readonly scripts: Map<string, { readonly job: string; readonly operation: string | undefined }>;
  /** The reboot that was last issued and has not led to a boot yet. */
  reboot: IssuedReboot | undefined;
}
