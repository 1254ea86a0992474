/**
 * What a history did to the workloads beside it, from its commits alone: budgets at every moment, not only where something
 * was evicted; Pods that are missing at the end; and who took those that went.
 */
import type { Commit } from "../../src/domain/history.ts";
import { makeMonitors } from "../../src/domain/invariants/makeMonitors.ts";
import type { MonitorOptions } from "../../src/domain/invariants/law.ts";
import {
  type BudgetRecord,
  concerns,
  projectWorkload,
  WorkloadRecords,
} from "../../src/domain/invariants/ledger/workloads.ts";
import { controllerOf, objectKey } from "../../src/domain/kube/object.ts";
import { Pods } from "../../src/domain/kube/resource.ts";

/** The laws about workloads. */
const LAWS = new Set(["NoBudgetBroken", "NoPodLost"]);

/** Controllers that may delete a Pod of theirs, by the kind of the owner. */
const OWNERS: Readonly<Record<string, string>> = {
  ReplicaSet: "replicaset-controller",
  StatefulSet: "statefulset-controller",
};

export interface WorkloadJudgement {
  readonly budgets: number;
  readonly evicted: number;
  /** The least number of healthy Pods that any budget ever had beyond what it asks for; negative where one was broken. */
  readonly leastSpare: number;
  /** Every Pod lost or budget broken, and every Pod of a workload that neither an eviction nor its owner took. */
  readonly problems: ReadonlyArray<string>;
}

/** Judges a whole history, in the order of its commits. */
export const judgeWorkloads = (
  commits: ReadonlyArray<Commit>,
  options: MonitorOptions = {},
): WorkloadJudgement => {
  const monitors = makeMonitors(options);
  const budgets = new BudgetWatch();
  const problems: Array<string> = [];
  let evicted = 0;
  for (const commit of commits) {
    monitors.commit(commit);
    budgets.see(commit);
    if (!takesPod(commit)) continue;
    if (commit.verb === "evict") evicted++;
    else if (!isTakenByOwner(commit))
      problems.push(`Pod ${objectKey(commit)} was deleted by ${commit.actor}`);
  }
  monitors.finish(commits.at(-1)?.at ?? 0);
  for (const { law, message } of monitors.violations)
    if (LAWS.has(law)) problems.push(`${law}: ${message}`);
  return {
    budgets: budgets.count,
    evicted,
    leastSpare: budgets.leastSpare,
    problems: [...problems, ...budgets.problems],
  };
};

/** Whether the commit begins the end of a workload's Pod that had not ended by itself. */
const takesPod = ({ resource, before, after }: Commit): boolean =>
  resource.plural === Pods.plural &&
  before !== undefined &&
  before.metadata.deletionTimestamp === undefined &&
  (after === undefined || after.metadata.deletionTimestamp !== undefined) &&
  OWNERS[controllerOf(before.metadata)?.kind ?? ""] !== undefined;

const isTakenByOwner = ({ actor, before }: Commit): boolean =>
  before !== undefined && actor === OWNERS[controllerOf(before.metadata)?.kind ?? ""];

/** Follows each budget from the moment at which it was first met. */
class BudgetWatch {
  readonly problems: Array<string> = [];
  leastSpare = Number.POSITIVE_INFINITY;
  readonly #records = new WorkloadRecords();
  readonly #met = new Set<string>();
  readonly #broken = new Set<string>();

  get count(): number {
    return this.#records.budgets.size;
  }

  see(commit: Commit): void {
    const uid = (commit.after ?? commit.before)?.metadata.uid ?? "";
    const was = this.#records.pods.get(uid);
    projectWorkload(this.#records, commit);
    const is = this.#records.pods.get(uid);
    if (was?.healthy === is?.healthy) return;
    for (const [budget, record] of this.#records.budgets)
      if ([was, is].some((pod) => pod !== undefined && concerns(record, pod)))
        this.#judge(budget, record, commit);
  }

  #judge(uid: string, budget: BudgetRecord, { name, verb, actor }: Commit): void {
    const pods = this.#records.podsOf(budget);
    const needed = this.#records.needs(budget, pods);
    const healthy = pods.filter((pod) => pod.healthy).length;
    if (needed > 0 && healthy >= needed) this.#met.add(uid);
    if (!this.#met.has(uid)) return;
    this.leastSpare = Math.min(this.leastSpare, healthy - needed);
    if (healthy >= needed) this.#broken.delete(uid);
    else if (!this.#broken.has(uid)) {
      this.#broken.add(uid);
      this.problems.push(
        `PodDisruptionBudget ${budget.key} had ${healthy} healthy Pods of ${needed} after ${verb} of Pod ${name} by ${actor}`,
      );
    }
  }
}
