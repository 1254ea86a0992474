/**
 * ReplicaSets and StatefulSets, and the controllers by which Pods lose their place: taint eviction, Pod garbage collection
 * (reliability.md (c)9). There are no kubelets and no scheduler: Pods are bound, scripts say that they are ready.
 */
import { Effect } from "effect";
import type { KubeObject } from "../../../src/domain/kube/object.ts";
import { Nodes, Pods, ReplicaSets, StatefulSets } from "../../../src/domain/kube/resource.ts";
import { at, type Body, type Group, type Kit, outcome, view } from "../support/cell.ts";
import { boundPod, node, pod, replicaSet, statefulSet } from "../support/objects.ts";

const STATUS = { subresource: "status" } as const;

const itemsOf = (list: unknown) => at(list, "items") as ReadonlyArray<KubeObject>;

const podsOf = (kit: Kit) => Effect.map(kit.list(Pods, { labelSelector: "app=a" }), itemsOf);

/** The Pods of the app once there are so many that are not on their way out. */
const count = (kit: Kit, wanted: number) =>
  kit.until(
    Effect.map(podsOf(kit), (pods) =>
      pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined),
    ),
    (pods) => pods.length === wanted,
  );

const ready = (kit: Kit, name: string) =>
  kit.patch(
    Pods,
    name,
    { status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] } },
    STATUS,
  );

const removeAtOnce = (kit: Kit, name: string) => kit.delete(Pods, name, { gracePeriodSeconds: 0 });

const set = [
  "metadata.generation",
  "status.replicas",
  "status.readyReplicas",
  "status.observedGeneration",
];

const named = (pods: ReadonlyArray<KubeObject>) => pods.map(({ metadata }) => metadata.name);

/** What stays when so much time has passed that a controller would have acted. */
const after = (kit: Kit, name: string) =>
  Effect.andThen(
    Effect.sleep("2 seconds"),
    Effect.map(outcome(kit.get(Pods, name)), (found) =>
      view(found, "metadata.name", "metadata.deletionTimestamp"),
    ),
  );

const tolerating = (seconds?: number): Body => ({
  tolerations: [
    {
      key: "x",
      operator: "Exists",
      effect: "NoExecute",
      ...(seconds === undefined ? {} : { tolerationSeconds: seconds }),
    },
  ],
});

export const workloads: Group = {
  title: "workloads",
  controllers: true,
  cells: {
    ...Object.fromEntries(
      (
        [
          ["negative replicas", replicaSet("r", -1)],
          ["no selector", replicaSet("r", 1, { selector: null })],
          ["empty selector", replicaSet("r", 1, { selector: {} })],
          ["selector of others", replicaSet("r", 1, { selector: { matchLabels: { app: "b" } } })],
          ["no template", replicaSet("r", 1, { template: null })],
        ] as const
      ).map(([what, body]) => [
        `create ReplicaSet × refused: ${what}`,
        (kit: Kit) => outcome(kit.create(ReplicaSets, body)),
      ]),
    ),
    "patch ReplicaSet × its selector is fixed": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(ReplicaSets, replicaSet("r", 0));
        const labels = { app: "b" };
        const spec = { selector: { matchLabels: labels }, template: { metadata: { labels } } };
        return yield* outcome(kit.patch(ReplicaSets, "r", { spec }));
      }),
    "ReplicaSet × its Pods": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(ReplicaSets, replicaSet("r", 1));
        const [one] = yield* count(kit, 1);
        return view(one, "metadata.labels", "metadata.ownerReferences", "metadata.generateName");
      }),
    "ReplicaSet × counts": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(ReplicaSets, replicaSet("r", 2));
        const [one] = yield* count(kit, 2);
        yield* ready(kit, one?.metadata.name ?? "");
        const found = yield* kit.until(
          kit.get(ReplicaSets, "r"),
          (it) => at(it, "status.readyReplicas") === 1,
        );
        return view(found, ...set);
      }),
    "ReplicaSet × a Pod that is deleted is replaced at once": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(ReplicaSets, replicaSet("r", 1));
        const [one] = yield* count(kit, 1);
        yield* kit.delete(Pods, one?.metadata.name ?? "");
        yield* kit.until(podsOf(kit), (pods) => pods.length === 2);
        return (yield* podsOf(kit)).length;
      }),
    "ReplicaSet × a Pod that failed is replaced and stays": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(ReplicaSets, replicaSet("r", 1));
        const [one] = yield* count(kit, 1);
        yield* kit.patch(Pods, one?.metadata.name ?? "", { status: { phase: "Failed" } }, STATUS);
        return (yield* count(kit, 2))
          .map((found) => String(at(found, "status.phase")))
          .toSorted((a, b) => (a < b ? -1 : 1));
      }),
    "ReplicaSet × scaled down": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(ReplicaSets, replicaSet("r", 2));
        const [one, two] = named(yield* count(kit, 2));
        yield* ready(kit, one ?? "");
        yield* kit.until(kit.get(ReplicaSets, "r"), (it) => at(it, "status.readyReplicas") === 1);
        yield* kit.patch(ReplicaSets, "r", { spec: { replicas: 1 } });
        const left = named(yield* count(kit, 1));
        return { left: left.length, ready: left[0] === one, unready: left[0] === two };
      }),
    "StatefulSet × one Pod after the other": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(StatefulSets, statefulSet("s", 3));
        const first = named(yield* count(kit, 1));
        yield* ready(kit, "s-0");
        const second = named(yield* count(kit, 2));
        yield* ready(kit, "s-1");
        return [first, second, named(yield* count(kit, 3))];
      }),
    "StatefulSet × Parallel": (kit) =>
      Effect.gen(function* () {
        const spec = { podManagementPolicy: "Parallel" };
        yield* kit.create(StatefulSets, statefulSet("s", 3, spec));
        return named(yield* count(kit, 3));
      }),
    "StatefulSet × its Pods say which they are": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(StatefulSets, statefulSet("s", 1));
        const [one] = yield* count(kit, 1);
        const labels = one?.metadata.labels ?? {};
        return [
          labels["apps.kubernetes.io/pod-index"],
          labels["statefulset.kubernetes.io/pod-name"],
          one?.metadata.ownerReferences,
        ];
      }),
    "StatefulSet × a Pod is made again when the one before it is gone": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(StatefulSets, statefulSet("s", 1));
        const [one] = yield* count(kit, 1);
        yield* kit.delete(Pods, "s-0");
        const waits = yield* after(kit, "s-0");
        yield* removeAtOnce(kit, "s-0");
        const [two] = yield* count(kit, 1);
        return [waits, one?.metadata.uid === two?.metadata.uid, two?.metadata.name];
      }),
    "StatefulSet × a Pod that failed is made again": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(StatefulSets, statefulSet("s", 1));
        const [one] = yield* count(kit, 1);
        yield* kit.patch(Pods, "s-0", { status: { phase: "Failed" } }, STATUS);
        const again = yield* kit.until(outcome(kit.get(Pods, "s-0")), (found) => {
          const uid = at(found, "metadata.uid");
          return uid !== undefined && uid !== one?.metadata.uid;
        });
        return view(again, "metadata.name", "status.phase");
      }),
    "StatefulSet × scaled down: the last goes first": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(StatefulSets, statefulSet("s", 2));
        yield* count(kit, 1);
        yield* ready(kit, "s-0");
        yield* count(kit, 2);
        yield* ready(kit, "s-1");
        yield* kit.patch(StatefulSets, "s", { spec: { replicas: 0 } });
        const left = named(yield* count(kit, 1));
        yield* removeAtOnce(kit, "s-1");
        return [left, named(yield* count(kit, 0))];
      }),
    "bind × a Pod is assigned once": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Pods, pod("p"));
        const bind = () =>
          outcome(
            kit.request({
              verb: "create",
              resource: Pods,
              namespace: kit.ns,
              name: "p",
              subresource: "binding",
              body: {
                apiVersion: "v1",
                kind: "Binding",
                metadata: { name: "p" },
                target: { kind: "Node", name: "other-node" },
              },
            }),
          );
        const answer = yield* bind();
        const bound = view(yield* kit.get(Pods, "p"), "spec.nodeName", "status.conditions");
        return [answer, bound, yield* bind()];
      }),
    "taint × NoExecute: Pods go at once, after their time, or stay": (kit) =>
      Effect.gen(function* () {
        const nodeName = kit.named("n");
        yield* kit.create(Nodes, node(nodeName));
        yield* kit.create(Pods, boundPod("none", { nodeName }, { finalizers: ["example.com/f"] }));
        yield* kit.create(Pods, boundPod("some", { nodeName, ...tolerating(3) }));
        yield* kit.create(Pods, boundPod("all", { nodeName, ...tolerating() }));
        const { spec } = yield* kit.get(Nodes, nodeName);
        const others = (at(spec, "taints") ?? []) as ReadonlyArray<unknown>;
        const taints = [...others, { key: "x", effect: "NoExecute" }];
        yield* kit.patch(Nodes, nodeName, { spec: { taints } });
        const gone = yield* kit.until(
          kit.get(Pods, "none"),
          ({ metadata }) => metadata.deletionTimestamp !== undefined,
        );
        const early = yield* kit.get(Pods, "some");
        yield* kit.until(
          kit.get(Pods, "some"),
          ({ metadata }) => metadata.deletionTimestamp !== undefined,
        );
        const late = yield* kit.get(Pods, "some");
        return [
          view(gone, "status.conditions"),
          [early, late].map(({ metadata }) => metadata.deletionTimestamp !== undefined),
          yield* after(kit, "all"),
        ];
      }),
    "PodGC × a Pod that is to go and never had a node": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Pods, pod("p", {}, { finalizers: ["example.com/f"] }));
        yield* kit.delete(Pods, "p");
        yield* Effect.sleep("10 seconds");
        const ended = yield* kit.until(
          kit.get(Pods, "p"),
          (found) => at(found, "status.phase") === "Failed",
        );
        return view(ended, "status.phase", "status.conditions");
      }),
    "PodGC × the node is gone: the Pod fails and goes": (kit) =>
      Effect.gen(function* () {
        const nodeName = kit.named("gone");
        yield* kit.create(Pods, boundPod("p", { nodeName }, { finalizers: ["example.com/f"] }));
        yield* Effect.sleep("30 seconds");
        const before = yield* kit.get(Pods, "p");
        yield* Effect.sleep("45 seconds");
        const ended = yield* kit.until(
          kit.get(Pods, "p"),
          (found) => at(found, "status.phase") === "Failed",
        );
        return [
          view(before, "metadata.deletionTimestamp"),
          view(ended, "metadata.deletionGracePeriodSeconds", "status.phase", "status.conditions"),
        ];
      }),
  },
};
