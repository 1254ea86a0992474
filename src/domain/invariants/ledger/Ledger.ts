/**
 * The ledger: what both logs say happened, in a form that laws can ask. It is an incremental projection: each commit costs
 * what it changed. Laws read it; only the projections in this folder write it.
 */
import type { Fact } from "./facts.ts";
import type {
  HostRecord,
  JobRecord,
  Moment,
  NodeRecord,
  Operation,
  PodRecord,
  ScriptRecord,
} from "./records.ts";
import { WorkloadRecords } from "./workloads.ts";

/** Whether an actor of the commit log is the operator: `operator`, and `operator-2`, `operator/2` where several run. */
export const isOperator = (actor: string): boolean => /^operator(?:[-/]|$)/u.test(actor);

/** Whether an actor is the Go original, in histories in which nodeop takes over from it: what it does is not ours. */
export const isOriginal = (actor: string): boolean => actor === "original";

/** Operations by uid, Nodes by name, Jobs and Pods and scripts by uid, hosts by the name of their Node. */
export class Ledger {
  readonly operations = new Map<string, Operation>();
  readonly nodes = new Map<string, NodeRecord>();
  readonly jobs = new Map<string, JobRecord>();
  readonly pods = new Map<string, PodRecord>();
  readonly scripts = new Map<string, ScriptRecord>();
  readonly hosts = new Map<string, HostRecord>();
  /** Ordinary workloads, and the Pods of operations among them. */
  readonly workloads = new WorkloadRecords();
  /** Operations that may still claim or hold nodes: neither ended nor gone. */
  readonly live = new Set<Operation>();
  /** The facts of the last commit or host event. */
  facts: Array<Fact> = [];
  #seq = 0;

  /** The next point in the history, with no facts yet. */
  next(at: number, rv?: number): Moment {
    this.facts = [];
    return { at, seq: ++this.#seq, rv };
  }

  /** What the hosts ran for a Job; remembered from the first event on. */
  script(job: string): ScriptRecord {
    let script = this.scripts.get(job);
    if (script === undefined) {
      script = { starts: 0, ended: undefined, sentinel: undefined };
      this.scripts.set(job, script);
    }
    return script;
  }

  /** The Job's name, or its uid when the log never had it. */
  nameOfJob(uid: string | undefined): string {
    return this.jobs.get(uid ?? "")?.name ?? uid ?? "(none)";
  }

  /** The operation by the name that people know; by its uid when the log never had it. */
  nameOf(operation: string | undefined): string {
    if (operation === undefined) return "no operation";
    const known = this.operations.get(operation);
    return known === undefined ? `unknown operation ${operation}` : `NodeOp ${known.key}`;
  }
}
