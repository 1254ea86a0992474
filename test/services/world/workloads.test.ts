/** Ordinary workloads in a simulated cluster: Pods that are evicted, or lose their node, come back elsewhere. */
import { describe, expect, it } from "@effect/vitest";
import type { NewKubeObject } from "../../../src/domain/kube/object.ts";
import {
  Nodes,
  PodDisruptionBudgets,
  Pods,
  ReplicaSets,
  StatefulSets,
} from "../../../src/domain/kube/resource.ts";
import type { Answer } from "../../../src/services/ApiServer.ts";
import { isActive, isPodReady, type Pod } from "../../../src/services/world/pod.ts";
import { NAMESPACE, town, type Town, type TownOptions } from "./support/cluster.ts";
import { SERVER } from "./support/objects.ts";

const labels = { app: "a" };

const set = (kind: string, replicas: number, pod: object = {}): NewKubeObject => ({
  apiVersion: "apps/v1",
  kind,
  metadata: { name: "a", namespace: NAMESPACE },
  spec: {
    replicas,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [SERVER], ...pod } },
  },
});

const budget = (spec: object): NewKubeObject => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name: "b", namespace: NAMESPACE },
  spec: { selector: { matchLabels: labels }, ...spec },
});

const city = (options: TownOptions = {}) => town({ workers: 2, workloads: true, ...options });

const running = (at: Town): ReadonlyArray<Pod> =>
  at.pods().filter((pod) => isActive(pod) && isPodReady(pod));

const nodesOf = (pods: ReadonlyArray<Pod>) =>
  pods.map(({ spec }) => spec.nodeName ?? "").toSorted();

const evict = (at: Town, name: string): Answer =>
  at.fake.handle("user", {
    verb: "create",
    resource: Pods,
    namespace: NAMESPACE,
    name,
    subresource: "eviction",
    body: { apiVersion: "policy/v1", kind: "Eviction", metadata: { name } },
  });

/** A cluster in which all Pods of a ReplicaSet run. */
const withReplicaSet = (replicas: number, options: TownOptions = {}, pod: object = {}): Town => {
  const at = city(options);
  at.create(ReplicaSets, set("ReplicaSet", replicas, pod));
  at.until("all run", () => running(at).length === replicas, 120);
  return at;
};

const taintsOf = (at: Town, node: string) => {
  const spec = at.fake.object(Nodes, { name: node })?.["spec"];
  const taints = (spec as { taints?: ReadonlyArray<{ key: string; effect: string }> })?.taints;
  return taints?.map(({ key, effect }) => `${key}:${effect}`) ?? [];
};

describe("the scheduler", () => {
  it("spreads Pods over the nodes, fewest first", () => {
    expect(nodesOf(running(withReplicaSet(6)))).toEqual([
      "cp-1",
      "cp-1",
      "worker-1",
      "worker-1",
      "worker-2",
      "worker-2",
    ]);
  });

  it("passes cordoned and tainted nodes, and those whose labels do not match", () => {
    const at = city();
    at.patch(Nodes, "cp-1", {
      spec: { taints: [{ key: "x", value: "y", effect: "NoSchedule" }] },
    });
    at.patch(Nodes, "worker-1", { spec: { unschedulable: true } });
    at.create(ReplicaSets, set("ReplicaSet", 3, { nodeSelector: { "kubernetes.io/os": "linux" } }));
    at.until("all run", () => running(at).length === 3, 120);
    expect(new Set(nodesOf(running(at)))).toEqual(new Set(["worker-2"]));
  });

  it("says why a Pod waits, and assigns it when the reason goes", () => {
    const at = city({ workers: 0 });
    at.patch(Nodes, "cp-1", { spec: { unschedulable: true } });
    at.create(ReplicaSets, set("ReplicaSet", 1));
    const said = () => at.pods()[0]?.status?.conditions?.[0];
    at.until("it says", () => said()?.reason === "Unschedulable", 10);
    expect(said()?.message).toBe("0/1 nodes are available: 1 node(s) were unschedulable.");
    at.patch(Nodes, "cp-1", { spec: { unschedulable: null } });
    at.until("it runs", () => running(at).length === 1, 60);
  });
});

describe("evictions", () => {
  it("an evicted Pod comes back on another node; until then its budget refuses more", () => {
    const at = withReplicaSet(3);
    at.create(PodDisruptionBudgets, budget({ maxUnavailable: 1 }));
    at.pass(5);
    const [first, second] = at.pods().map(({ metadata }) => metadata.name);
    const node = at.pod(first ?? "")?.spec.nodeName ?? "";
    at.patch(Nodes, node, { spec: { unschedulable: true } });
    expect(evict(at, first ?? "").ok).toBe(true);
    expect(evict(at, second ?? "")).toMatchObject({ ok: false, status: { code: 429 } });
    at.pass(1);
    expect(evict(at, second ?? "")).toMatchObject({ ok: false, status: { code: 429 } });
    at.until("it is back", () => running(at).length === 3, 60);
    expect(nodesOf(running(at))).not.toContain(node);
    at.pass(1);
    expect(evict(at, second ?? "").ok).toBe(true);
  });

  it("a StatefulSet's Pod comes back under its name, when the one before it is gone", () => {
    const at = city();
    at.create(StatefulSets, set("StatefulSet", 3));
    at.until("all run", () => running(at).length === 3, 120);
    const created = at.commits
      .filter(({ resource, before }) => resource.kind === "Pod" && before === undefined)
      .map(({ name }) => name);
    expect(created).toEqual(["a-0", "a-1", "a-2"]);
    const before = at.pod("a-1")?.metadata.uid;
    evict(at, "a-1");
    at.until(
      "another a-1 runs",
      () => running(at).some(({ metadata }) => metadata.uid !== before && metadata.name === "a-1"),
      60,
    );
    const story = at.commits
      .filter(({ name, before: old, after }) => name === "a-1" && (!old || !after))
      .map(({ after }) => (after === undefined ? "gone" : "made"));
    expect(story).toEqual(["made", "gone", "made"]);
  });
});

describe("nodes that are not ready", () => {
  it("a silent node is Unknown and tainted within a minute; its Pods leave after five, and come back elsewhere", () => {
    const at = withReplicaSet(3, { behaviour: { reboot: "never-returns" } });
    at.cluster.powerLoss("worker-1");
    at.pass(40);
    expect(taintsOf(at, "worker-1")).toEqual([]);
    at.pass(20);
    expect(taintsOf(at, "worker-1")).toEqual([
      "node.kubernetes.io/unreachable:NoSchedule",
      "node.kubernetes.io/unreachable:NoExecute",
    ]);
    at.pass(280);
    expect(at.pods()).toHaveLength(3);
    at.until(
      "three run",
      () => running(at).filter(({ spec }) => spec.nodeName !== "worker-1").length === 3,
      60,
    );
    const [left] = at.pods().filter(({ spec }) => spec.nodeName === "worker-1");
    expect(left?.metadata.deletionTimestamp).toBeDefined();
    expect(left?.status?.conditions).toContainEqual(
      expect.objectContaining({ type: "DisruptionTarget", reason: "DeletionByTaintManager" }),
    );
  });

  it("a node that reboots is tainted while it is down, and keeps its Pods", () => {
    const at = withReplicaSet(3);
    const uids = () => at.pods().map(({ metadata }) => metadata.uid);
    const before = uids();
    at.cluster.host("worker-1").reboot({ cause: "other" });
    at.pass(20);
    expect(taintsOf(at, "worker-1")).toContain("node.kubernetes.io/not-ready:NoExecute");
    expect(nodesOf(running(at))).toEqual(["cp-1", "worker-2"]);
    at.pass(200);
    expect(taintsOf(at, "worker-1")).toEqual([]);
    expect(uids()).toEqual(before);
    expect(running(at)).toHaveLength(3);
  });

  it("a Pod stays as long as it tolerates a NoExecute taint, and not at all without", () => {
    const at = city();
    const toleration = { key: "x", operator: "Exists", effect: "NoExecute" };
    const pods = { none: [], some: [{ ...toleration, tolerationSeconds: 30 }], all: [toleration] };
    for (const [name, tolerations] of Object.entries(pods))
      at.create(Pods, {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name, namespace: NAMESPACE },
        spec: { nodeName: "worker-1", containers: [SERVER], tolerations },
      });
    at.until("all run", () => running(at).length === 3, 60);
    at.patch(Nodes, "worker-1", { spec: { taints: [{ key: "x", effect: "NoExecute" }] } });
    const names = () =>
      at
        .pods()
        .map(({ metadata }) => metadata.name)
        .toSorted();
    at.pass(10);
    expect(names()).toEqual(["all", "some"]);
    at.pass(30);
    expect(names()).toEqual(["all"]);
  });

  it("Pods of a Node that is deleted are ended by the Pod garbage collector, and come back elsewhere", () => {
    const at = withReplicaSet(3, { behaviour: { reboot: "never-returns" } });
    at.cluster.powerLoss("worker-1");
    at.remove(Nodes, "worker-1");
    at.pass(30);
    expect(at.pods()).toHaveLength(3);
    at.until(
      "three run elsewhere",
      () => !nodesOf(running(at)).includes("worker-1") && running(at).length === 3,
      120,
    );
    expect(at.pods()).toHaveLength(3);
    const ended = at.commits.findLast(({ actor }) => actor === "pod-garbage-collector")?.before;
    expect(ended?.["status"]).toMatchObject({ phase: "Failed" });
  });
});

it("without workloads nobody keeps Pods and nodes: the simulations of operations alone stay as they were", () => {
  const at = town();
  expect(at.cluster.workloadControllers.size).toBe(0);
});
