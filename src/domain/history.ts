/** What happened, as facts that nobody's opinion colours: the cluster's commit log and the hosts' log. */
import type { KubeObject } from "./kube/object.ts";
import type { Resource } from "./kube/resource.ts";

/** What kind of request made a commit; `delete` covers both marking for deletion and removal. */
export type CommitVerb = "create" | "update" | "patch" | "delete" | "evict";

/**
 * One change of the cluster's store. Commits are totally ordered by `rv`; several may share `at`.
 * `after` is absent when the object left the store, `before` when it entered it.
 */
export interface Commit {
  /** The resourceVersion that this change created, 1, 2, 3, … */
  readonly rv: number;
  /** Milliseconds of the cluster's clock. */
  readonly at: number;
  /** Who asked: `operator`, `agent/<node>`, `kubelet/<node>`, `job-controller`, `garbage-collector`, `user`, … */
  readonly actor: string;
  /** When the actor sent the request, on the same clock; earlier than `at` when the write was held back. */
  readonly sentAt: number;
  readonly verb: CommitVerb;
  readonly subresource?: string | undefined;
  readonly resource: Resource;
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly before?: KubeObject | undefined;
  readonly after?: KubeObject | undefined;
}

/** Why a host went down: our reboot agent asked for it, or something else did. */
export type RebootCause = "agent" | "other";

/** One event in the life of a machine, on the cluster's clock. `job` and `pod` are uids. */
export type HostEvent = { readonly at: number; readonly node: string; readonly nodeUID: string } & (
  | { readonly event: "scriptStarted"; readonly pod: string; readonly job: string }
  | {
      readonly event: "scriptEnded";
      readonly pod: string;
      readonly job: string;
      readonly exitCode: number;
    }
  | { readonly event: "sentinelWritten"; readonly job: string; readonly bootID: string }
  | { readonly event: "rebootIssued"; readonly pod: string; readonly bootID: string }
  | { readonly event: "wentDown"; readonly cause: RebootCause; readonly bootID: string }
  | {
      readonly event: "booted";
      readonly bootID: string;
      readonly bootState: BootState;
      readonly version: string;
    }
);

/** Which of a Kairos node's systems is running. `unknown` where the host does not tell. */
export type BootState = "active" | "passive" | "recovery" | "livecd" | "unknown";
