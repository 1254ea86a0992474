/** What one pass of the reconciler looks at: plain data, the time included. Nothing here says how it was obtained. */
import type { DrainProgress } from "../drain/progress.ts";
import type { NodeOp } from "../api/nodeop.ts";
import type { NodeStatus } from "../api/status.ts";
import type { Job } from "../kube/job.ts";
import type { Node } from "../kube/node.ts";
import type { ObjectRef } from "../kube/object.ts";
import type { Pod } from "../kube/pod.ts";
import type { Occupancy } from "../ceiling/occupancy.ts";
import type { OriginalChildren } from "../takeover/original.ts";
import type { Note } from "./decision.ts";

/** What an operation has on one node. Only objects whose controller is this very operation (by uid) count. */
export interface Children {
  readonly preflightPod?: Pod | undefined;
  readonly rebootPod?: Pod | undefined;
  readonly job?: Job | undefined;
  /** The Pods of `job`, the terminated ones included. */
  readonly jobPods: ReadonlyArray<Pod>;
  /** Why the Job controller could not create a Pod of `job` last, in its words; read live only (evidence `JobEvents`). */
  readonly podRefusal?: string | undefined;
  /** What the Go original made for this node, besides what is above; absent where it made nothing more. */
  readonly original?: OriginalChildren | undefined;
}

/** All Jobs and reboot Pods of one operation that the Go original left. */
export interface Leftovers {
  readonly jobs: ReadonlyArray<Job>;
  readonly rebootPods: ReadonlyArray<Pod>;
}

export const NO_CHILDREN: Children = { jobPods: [] };

/**
 * What a cache alone is not believed about: absence, and facts that decide something irrevocable. A piece of evidence
 * is in `Observed.live` when it was read from the API server itself in this pass.
 */
export type Evidence =
  | { readonly _tag: "Node"; readonly node: string }
  | { readonly _tag: "Job"; readonly node: string }
  | { readonly _tag: "JobPods"; readonly node: string }
  | { readonly _tag: "RebootPod"; readonly node: string }
  /** What the Job controller says about a Job without a Pod. */
  | { readonly _tag: "JobEvents"; readonly node: string }
  /** The Pods on a node, whoever they belong to. */
  | { readonly _tag: "NodePods"; readonly node: string }
  /** The VolumeAttachments of a node; `claims` are those of the Pods that stay there. */
  | {
      readonly _tag: "NodeVolumes";
      readonly node: string;
      readonly claims: ReadonlyArray<ObjectRef>;
    }
  /** Whether the cluster would take the children of this node, in this generation of the spec. */
  | { readonly _tag: "Rehearsal"; readonly node: string; readonly generation: number }
  | { readonly _tag: "Holder"; readonly holder: string }
  /** Everything that the Go original made for the operation. */
  | { readonly _tag: "Leftovers" };

/** The key under which a piece of evidence is remembered. */
export const evidenceKey = (evidence: Evidence): string => {
  switch (evidence._tag) {
    case "Holder":
      return `Holder ${evidence.holder}`;
    // Whichever node it is about: the next one would be refused the same.
    case "Rehearsal":
      return `Rehearsal ${evidence.generation}`;
    case "Leftovers":
      return evidence._tag;
    default:
      return `${evidence._tag} ${evidence.node}`;
  }
};

/** How the last dry run of an operation's children went: in which generation of its spec, and why not if refused. */
export interface Rehearsal {
  readonly generation: number;
  readonly refusal?: Note | undefined;
}

/** What the operator was told when it started: images, and where sentinels live on the hosts. */
export interface Settings {
  /** Image of the operator itself, which the reboot Pod runs (`OPERATOR_IMAGE`). */
  readonly operatorImage: string;
  /** Image of the container that writes the sentinel (`SENTINEL_IMAGE`); absent: the operation's own image. */
  readonly sentinelImage?: string | undefined;
  /** Image of a NodeOp that names none (`NODEOP_DEFAULT_IMAGE`). */
  readonly defaultImage: string;
  /** Directory on the host that survives a reboot. */
  readonly sentinelDir: string;
  /** The node on which the operator runs (`NODE_NAME`), which goes last in its group; absent where it does not know. */
  readonly ownNode?: string | undefined;
  /** The Pod that the operator runs in (`CONTROLLER_POD_NAME`), which no drain evicts. */
  readonly ownPod?: { readonly namespace: string; readonly name: string } | undefined;
}

export const DEFAULT_SETTINGS: Settings = {
  operatorImage: "quay.io/kairos/nodeop:latest",
  defaultImage: "busybox:latest",
  sentinelDir: "/usr/local/.kairos",
};

/** How far another operation is: a finished one holds nothing any more. */
export type OtherOperation = "live" | "finished";

/** Everything that `decide` may know. */
export interface Observed {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Since when the cluster has been followed without an outage worth the name; absent where that is not known. */
  readonly followedSince?: number | undefined;
  readonly operation: NodeOp;
  /** All Nodes by name. */
  readonly nodes: ReadonlyMap<string, Node>;
  /** Names of the nodes that match the selector now, in the order in which they start (`targetsOf`). */
  readonly targets: ReadonlyArray<string>;
  /** Names of all control planes of the cluster, targets or not, in their order (`controlPlanesOf`). */
  readonly controlPlanes: ReadonlyArray<string>;
  /** Children by node name; at least those of every node in flight. */
  readonly children: ReadonlyMap<string, Children>;
  /** Nodes that another live operation has claimed, with its `namespace/name`. */
  readonly claimedByOthers: ReadonlyMap<string, string>;
  /** Other operations by uid; one that is not here is unknown to the cache. */
  readonly otherOperations: ReadonlyMap<string, OtherOperation>;
  /** Evidence read live in this pass (`evidenceKey`). */
  readonly live: ReadonlySet<string>;
  /** The last dry run of its children; absent before the first. */
  readonly rehearsal?: Rehearsal | undefined;
  /** What goes wrong with the requests that a node needs, by node name. */
  readonly problems: ReadonlyMap<string, Note>;
  /** How far the drains are, by node name. */
  readonly drains: ReadonlyMap<string, DrainProgress>;
  readonly settings: Settings;
  /** How full the operator's ceiling is; absent where it has none. */
  readonly occupancy?: Occupancy | undefined;
  /** Only of an operation whose status is still the Go original's. */
  readonly leftovers?: Leftovers | undefined;
}

/** One node of an operation in the middle of its way, as the stages see it. */
export interface NodeInFlight {
  readonly observed: Observed;
  readonly operation: NodeOp;
  readonly name: string;
  readonly entry: NodeStatus;
  /** The Node of that name; `isSameNode` tells whether it is still the one that was claimed. */
  readonly node: Node | undefined;
  readonly children: Children;
  readonly now: number;
}

export const isLive = (observed: Observed, evidence: Evidence): boolean =>
  observed.live.has(evidenceKey(evidence));

/** Whether the Node that was claimed still exists: same name and same uid. */
export const isSameNode = (at: {
  readonly node: Node | undefined;
  readonly entry: NodeStatus;
}): boolean => at.node !== undefined && at.node.metadata.uid === at.entry.nodeUID;
