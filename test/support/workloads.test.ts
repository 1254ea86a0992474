/** The judgement of workloads catches a budget that is broken for a moment, a Pod that is missing, and one that somebody deletes. */
import { describe, expect, it } from "@effect/vitest";
import type { Commit } from "../../src/domain/history.ts";
import { PodDisruptionBudgets, Pods, ReplicaSets } from "../../src/domain/kube/resource.ts";
import { type Ref, Store, type Write } from "../domain/invariants/store.ts";
import { judgeWorkloads } from "./workloads.ts";

const labels = { app: "a" };
const KUBELET: Write = { actor: "kubelet/n" };
const CONTROLLER: Write = { actor: "replicaset-controller" };
const EVICT: Write = { verb: "evict" };

const status = (ready: boolean) => ({
  status: { phase: "Running", conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
});

/** A ReplicaSet of three Pods, two of which must be healthy, and everything that happens to it. */
class Shop extends Store {
  readonly commits: ReadonlyArray<Commit>;
  readonly set: Ref;
  readonly pods: ReadonlyArray<Ref>;

  constructor() {
    const commits: Array<Commit> = [];
    super(
      {},
      {
        commit: (commit) => void commits.push(commit),
        host: () => {},
        operator: () => {},
        finish: () => {},
        violations: [],
        laws: 0,
      },
    );
    this.commits = commits;
    const spec = { replicas: 3, selector: { matchLabels: labels } };
    this.set = this.create(ReplicaSets, "a", {}, { spec }, { actor: "user" });
    const budget = { minAvailable: 2, selector: { matchLabels: labels } };
    this.create(PodDisruptionBudgets, "b", {}, { spec: budget }, { actor: "user" });
    this.pods = ["a-1", "a-2", "a-3"].map((name) => this.starts(name));
    this.wait(60_000);
  }

  starts(name: string): Ref {
    const { uid } = this.set;
    const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "a", uid, controller: true };
    const body = { spec: { nodeName: "n" }, ...status(false) };
    const pod = this.create(Pods, name, { labels, ownerReferences: [owner] }, body, CONTROLLER);
    this.update(pod, status(true), {}, KUBELET);
    return pod;
  }

  /** Evicted, and gone. */
  evicts(pod: Ref): void {
    this.mark(pod, EVICT);
    this.remove(pod, KUBELET);
  }

  get problems(): ReadonlyArray<string> {
    return judgeWorkloads(this.commits).problems;
  }
}

const pod = ({ pods }: Shop, index: number): Ref => pods[index]!;

describe("what happened to workloads", () => {
  it("nothing is wrong where Pods are evicted one after the other and all come back", () => {
    const shop = new Shop();
    for (const index of [0, 1, 2]) {
      shop.evicts(pod(shop, index));
      shop.starts(`b-${index}`);
    }
    expect(judgeWorkloads(shop.commits)).toEqual({
      budgets: 1,
      evicted: 3,
      leastSpare: 0,
      problems: [],
    });
  });

  it("a budget is broken by an eviction too many, though its Pods come back", () => {
    const shop = new Shop();
    shop.evicts(pod(shop, 0));
    shop.evicts(pod(shop, 1));
    shop.starts("b-1");
    shop.starts("b-2");
    expect(judgeWorkloads(shop.commits).leastSpare).toBe(-1);
    expect(shop.problems).toEqual([
      "NoBudgetBroken: the end of Pod default/a-2 leaves 1 healthy Pods, PodDisruptionBudget default/b asks for 2",
      "PodDisruptionBudget default/b had 1 healthy Pods of 2 after evict of Pod a-2 by operator",
    ]);
  });

  it("a budget is broken, too, by Pods that fall ill without an eviction", () => {
    const shop = new Shop();
    for (const index of [0, 1]) shop.update(pod(shop, index), status(false), {}, KUBELET);
    for (const index of [0, 1]) shop.update(pod(shop, index), status(true), {}, KUBELET);
    expect(shop.problems).toEqual([
      "PodDisruptionBudget default/b had 1 healthy Pods of 2 after patch of Pod a-2 by kubelet/n",
    ]);
  });

  it("a Pod is lost that does not come back", () => {
    const shop = new Shop();
    shop.evicts(pod(shop, 0));
    expect(shop.problems).toEqual(["NoPodLost: ReplicaSet default/a has 2 healthy Pods of 3"]);
  });

  it("its owner may delete a Pod, and nobody else", () => {
    const shop = new Shop();
    shop.mark(pod(shop, 0), CONTROLLER);
    shop.starts("b-1");
    expect(shop.problems).toEqual([]);
    shop.mark(pod(shop, 1), { actor: "pod-garbage-collector" });
    shop.starts("b-2");
    expect(shop.problems).toEqual(["Pod default/a-2 was deleted by pod-garbage-collector"]);
  });
});
