/** The facts that the ledger derives from a commit or a host event: what laws are written about. */
import type { NodeStatus } from "../../api/status.ts";
import type { Commit, HostEvent } from "../../history.ts";
import type {
  Claim,
  HostRecord,
  JobRecord,
  NodeRecord,
  Operation,
  PodRecord,
  ScriptRecord,
} from "./records.ts";

/** One kind of host event, with the host it happened on. */
type OnHost<E extends HostEvent["event"]> = {
  readonly event: Extract<HostEvent, { readonly event: E }>;
  readonly host: HostRecord;
};

/** A reboot with what the log knows about the Pod that asked for it. */
interface RebootIssued extends OnHost<"rebootIssued"> {
  readonly pod: PodRecord | undefined;
  readonly operation: Operation | undefined;
  readonly claim: Claim | undefined;
}

/** What every law can be told. All facts of one commit come after the ledger has taken all of it in. */
export interface Facts {
  /** Virtual time moved on; the world stood still until `at`. */
  readonly Tick: { readonly at: number };
  /** Entries in flight appeared: all nodes that this commit claimed. */
  readonly Claimed: {
    readonly operation: Operation;
    readonly claims: ReadonlyArray<Claim>;
    readonly commit: Commit;
  };
  readonly EntryChanged: { readonly claim: Claim; readonly before: NodeStatus };
  readonly EntryRemoved: { readonly claim: Claim };
  /** An entry became terminal, or appeared as such. */
  readonly Released: { readonly claim: Claim };
  readonly PhaseChanged: {
    readonly operation: Operation;
    readonly before: string | undefined;
    /** The phase before was the Go original's. */
    readonly takenOver: boolean;
    readonly after: string | undefined;
    readonly commit: Commit;
  };
  /** Condition Completed became True. */
  readonly Completed: { readonly operation: Operation; readonly commit: Commit };
  /** Completed or Failed, nothing in flight, no finalizer: over for good. */
  readonly Ended: { readonly operation: Operation; readonly commit: Commit };
  readonly JobCreated: { readonly job: JobRecord; readonly commit: Commit };
  readonly JobResumed: { readonly job: JobRecord };
  readonly JobCompleted: { readonly job: JobRecord };
  readonly PodCreated: { readonly pod: PodRecord; readonly commit: Commit };
  readonly Granted: { readonly pod: PodRecord; readonly job: string; readonly commit: Commit };
  /** An operation signed a Node: `by` is the uid in the annotation. */
  readonly Held: { readonly node: NodeRecord; readonly by: string; readonly commit: Commit };
  /** A cordon appeared, or another signature on it: `signed` is the uid in `cordoned-by`. */
  readonly Cordoned: {
    readonly node: NodeRecord;
    readonly signed: string | undefined;
    readonly commit: Commit;
  };
  /** `cordonOf`: whose cordon of ours it was until now; `signed`: the uid in `cordoned-by` before. */
  readonly Uncordoned: {
    readonly node: NodeRecord;
    readonly cordonOf: string | undefined;
    readonly signed: string | undefined;
    readonly commit: Commit;
  };
  /** Any commit, after the facts above that follow from it. */
  readonly Committed: { readonly commit: Commit };
  readonly ScriptStarted: OnHost<"scriptStarted">;
  readonly SentinelWritten: OnHost<"sentinelWritten"> & { readonly script: ScriptRecord };
  readonly RebootIssued: RebootIssued;
  readonly WentDown: OnHost<"wentDown"> & { readonly reboot: HostRecord["reboot"] };
  /** The operator process came up or went down. */
  readonly Operator: { readonly up: boolean; readonly at: number };
  /** The history is over. */
  readonly Finished: { readonly at: number };
}

/** A fact with its name. */
export type Fact<Name extends keyof Facts = keyof Facts> = {
  readonly [N in Name]: { readonly is: N } & Facts[N];
}[Name];
