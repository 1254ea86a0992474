/** Laws about what else runs in the cluster: budgets bind evictions, and no workload is left with fewer Pods. */
import { describe, expect, it } from "@effect/vitest";
import { PodDisruptionBudgets, Pods, ReplicaSets } from "../../../src/domain/kube/resource.ts";
import { Cluster } from "./cluster.ts";
import type { Json, Ref, Write } from "./store.ts";

const labels = { app: "a" };
const EVICT: Write = { verb: "evict", actor: "operator" };

const status = (ready: boolean): Json => ({
  status: { phase: "Running", conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
});

class Town extends Cluster {
  readonly set: Ref;

  constructor(replicas: number) {
    super();
    this.node("n");
    const spec = { replicas, selector: { matchLabels: labels } };
    this.set = this.create(ReplicaSets, "a", {}, { spec }, { actor: "user" });
  }

  member(name: string, ready = true, body: Json = {}): Ref {
    const { resource, uid } = this.set;
    const { kind } = resource;
    const owner = { apiVersion: "apps/v1", kind, name: "a", uid, controller: true };
    return this.create(
      Pods,
      name,
      { labels, ownerReferences: [owner] },
      { spec: { nodeName: "n" }, ...status(ready), ...body },
      { actor: "replicaset-controller" },
    );
  }

  budget(spec: Json): Ref {
    const all = { selector: { matchLabels: labels }, ...spec };
    return this.create(PodDisruptionBudgets, "b", {}, { spec: all }, { actor: "user" });
  }

  report(pod: Ref, ready: boolean): void {
    this.update(pod, status(ready), {}, { actor: "kubelet/n", subresource: "status" });
  }
}

/** Three ready Pods under a budget, some while ago. */
const shop = (spec: Json) => {
  const town = new Town(3);
  const pods = ["a-1", "a-2", "a-3"].map((name) => town.member(name));
  town.budget(spec);
  town.wait(60_000);
  const [one, two, three] = pods;
  return { town, one: one!, two: two!, three: three! };
};

describe("NoBudgetBroken", () => {
  it.each([
    { spec: { minAvailable: 2 }, spare: 1 },
    { spec: { minAvailable: "67%" }, spare: 0 },
    { spec: { maxUnavailable: 1 }, spare: 1 },
    { spec: { maxUnavailable: "10%" }, spare: 1 },
    { spec: { maxUnavailable: 0 }, spare: 0 },
  ])(
    "$spec: of three Pods $spare may be evicted; with one more it is broken",
    ({ spec, spare }) => {
      const { town, one, two } = shop(spec);
      const pods = [one, two];
      for (const pod of pods.slice(0, spare)) town.mark(pod, EVICT);
      expect(town.broken()).toEqual([]);
      for (const pod of pods.slice(spare, spare + 1)) town.mark(pod, EVICT);
      expect(town.broken()).toEqual(["NoBudgetBroken"]);
    },
  );

  it("names Pod, budget and counts", () => {
    const { town, one } = shop({ minAvailable: 3 });
    town.mark(one, EVICT);
    expect(town.messages("NoBudgetBroken")).toEqual([
      "the end of Pod default/a-1 leaves 2 healthy Pods, PodDisruptionBudget default/b asks for 3",
    ]);
  });

  it("a deletion by the operator counts as an eviction, one by a user does not", () => {
    const theirs = shop({ minAvailable: 3 });
    theirs.town.mark(theirs.one, { actor: "user" });
    expect(theirs.town.broken()).toEqual([]);
    const ours = shop({ minAvailable: 3 });
    ours.town.mark(ours.one, { actor: "operator" });
    expect(ours.town.broken()).toContain("NoBudgetBroken");
  });

  it("a Pod that is not ready may always go, and so may Pods of no budget", () => {
    const { town, one } = shop({ minAvailable: 3 });
    town.report(one, false);
    town.wait(60_000);
    town.mark(one, EVICT);
    expect(town.broken()).toEqual([]);
    const other = shop({ minAvailable: 3, selector: { matchLabels: { app: "other" } } });
    other.town.mark(other.one, EVICT);
    expect(other.town.broken()).toEqual([]);
  });

  it("what fell ill in this very moment is not counted yet by those who grant evictions", () => {
    const { town, one, two } = shop({ minAvailable: 2 });
    town.report(one, false);
    town.wait(500);
    town.mark(two, EVICT);
    expect(town.broken()).toEqual([]);
    const later = shop({ minAvailable: 2 });
    later.town.report(later.one, false);
    later.town.wait(5000);
    later.town.mark(later.two, EVICT);
    expect(later.town.broken()).toEqual(["NoBudgetBroken"]);
  });
});

describe("NoPodLost", () => {
  it("a workload with all its Pods ready has lost none", () => {
    expect(shop({ minAvailable: 1 }).town.finish().broken()).toEqual([]);
  });

  it.each([
    ["is gone", ({ town, one }) => town.remove(one, EVICT)],
    ["is not ready", ({ town, one }) => town.report(one, false)],
    [
      "waits for a node that has room",
      ({ town, one }) => {
        town.remove(one, EVICT);
        town.member("a-4", false, { spec: {} });
      },
    ],
  ] satisfies ReadonlyArray<[string, (given: ReturnType<typeof shop>) => void]>)(
    "is broken by a Pod that %s at the end",
    (_, happens) => {
      const given = shop({ minAvailable: 1 });
      happens(given);
      expect(given.town.finish().messages("NoPodLost")).toEqual([
        "ReplicaSet default/a has 2 healthy Pods of 3",
      ]);
    },
  );

  it("a Pod is not lost whose node is not Ready, nor one that no node has room for", () => {
    const down = shop({ minAvailable: 1 });
    down.town.report(down.one, false);
    down.town.report(down.two, false);
    down.town.report(down.three, false);
    down.town.ready("n", false);
    expect(down.town.finish().broken()).toEqual([]);
    const full = shop({ minAvailable: 1 });
    full.town.remove(full.one, EVICT);
    const conditions = [{ type: "PodScheduled", status: "False", reason: "Unschedulable" }];
    full.town.member("a-4", false, { spec: {}, status: { phase: "Pending", conditions } });
    expect(full.town.finish().broken()).toEqual([]);
  });

  it("a workload that is deleted has no Pods to lose", () => {
    const { town, one } = shop({ minAvailable: 1 });
    town.remove(one, EVICT);
    town.remove(town.set, { actor: "user" });
    expect(town.finish().broken()).toEqual([]);
  });
});
