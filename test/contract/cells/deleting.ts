/** Deletion: answers, preconditions, finalizers, grace, propagation (reliability.md (c)7, 10, 11). */
import { Effect } from "effect";
import { Jobs, NodeOps, Nodes, Pods } from "../../../src/domain/kube/resource.ts";
import { type Body, type Group, type Kit, outcome, told, view } from "../support/cell.ts";
import {
  boundPod,
  configMap,
  ConfigMaps,
  foo,
  Foos,
  job,
  node,
  nodeOp,
  pod,
} from "../support/objects.ts";

const MARKS = [
  "metadata.deletionTimestamp",
  "metadata.deletionGracePeriodSeconds",
  "metadata.generation",
  "metadata.finalizers",
] as const;

const held = (kit: Kit) => kit.create(Foos, foo("a", {}, { finalizers: ["example.com/f"] }));

const policies = (kit: Kit, body: Body) =>
  Effect.map(outcome(kit.delete(Jobs, "a", body)), (answer) =>
    view(answer, "kind", "metadata.finalizers", "metadata.deletionGracePeriodSeconds"),
  );

const suspended = (meta: Body = {}) => job("a", { suspend: true }, {}, meta);

export const deleting: Group = {
  title: "delete",
  cells: {
    "delete × answer is a Status": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(ConfigMaps, configMap("a"));
        yield* kit.create(Foos, foo("a"));
        yield* kit.create(Nodes, node(kit.named("a")));
        return [
          yield* kit.delete(ConfigMaps, "a"),
          yield* kit.delete(Foos, "a"),
          yield* kit.delete(Nodes, kit.named("a")),
        ];
      }),
    "delete Pod × answer is the Pod": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Pods, pod("a"));
        return view(yield* kit.delete(Pods, "a"), "kind", "metadata.name", ...MARKS);
      }),
    "delete × what is not there": (kit) =>
      Effect.gen(function* () {
        return [
          yield* outcome(kit.delete(ConfigMaps, "a")),
          yield* outcome(kit.delete(Foos, "a")),
          yield* outcome(kit.delete(Jobs, "a")),
        ];
      }),
    "delete × then it is gone": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(ConfigMaps, configMap("a"));
        yield* kit.delete(ConfigMaps, "a");
        return [
          yield* outcome(kit.get(ConfigMaps, "a")),
          yield* outcome(kit.delete(ConfigMaps, "a")),
        ];
      }),
    "delete × uid precondition": (kit) =>
      Effect.gen(function* () {
        const { metadata } = yield* kit.create(Foos, foo("a"));
        const wrong = yield* outcome(
          kit.delete(Foos, "a", { preconditions: { uid: "00000000-0000-4000-8000-000000000000" } }),
        );
        const right = yield* outcome(
          kit.delete(Foos, "a", { preconditions: { uid: metadata.uid } }),
        );
        return [wrong, view(right, "status")];
      }),
    "delete Job × uid precondition": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Jobs, suspended());
        return yield* outcome(
          kit.delete(Jobs, "a", { preconditions: { uid: "00000000-0000-4000-8000-000000000000" } }),
        );
      }),
    "delete Pod × uid precondition": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Pods, boundPod("a"));
        return yield* outcome(
          kit.delete(Pods, "a", { preconditions: { uid: "00000000-0000-4000-8000-000000000000" } }),
        );
      }),
    "delete × resourceVersion precondition": (kit) =>
      Effect.gen(function* () {
        const { metadata } = yield* kit.create(ConfigMaps, configMap("a"));
        const { resourceVersion } = metadata;
        yield* kit.patch(ConfigMaps, "a", { data: { k: "w" } });
        return yield* outcome(kit.delete(ConfigMaps, "a", { preconditions: { resourceVersion } }));
      }),
    "delete × with a finalizer it is marked": (kit) =>
      Effect.gen(function* () {
        yield* held(kit);
        const deleted = yield* kit.delete(Foos, "a");
        return [view(deleted, "kind", ...MARKS), view(yield* kit.get(Foos, "a"), "kind", ...MARKS)];
      }),
    "delete × again while marked changes nothing": (kit) =>
      Effect.gen(function* () {
        yield* held(kit);
        yield* kit.delete(Foos, "a");
        const first = yield* kit.get(Foos, "a");
        const answer = yield* kit.delete(Foos, "a");
        const second = yield* kit.get(Foos, "a");
        return [
          first.metadata.resourceVersion === second.metadata.resourceVersion,
          view(answer, "kind", ...MARKS),
        ];
      }),
    "patch × the last finalizer goes: the object goes in the same write": (kit) =>
      Effect.gen(function* () {
        const created = yield* held(kit);
        yield* kit.delete(Foos, "a");
        const patched = yield* kit.patch(Foos, "a", { metadata: { finalizers: null } });
        const { resourceVersion } = created.metadata;
        return [
          view(patched, "kind", "metadata.name", ...MARKS),
          yield* outcome(kit.get(Foos, "a")),
          told(yield* kit.frames(Foos, 2, { resourceVersion }), ...MARKS),
        ];
      }),
    "update × the last finalizer goes": (kit) =>
      Effect.gen(function* () {
        yield* held(kit);
        const marked = yield* kit.delete(Foos, "a");
        const { finalizers: _, ...metadata } = marked.metadata;
        const updated = yield* kit.put(Foos, { ...marked, metadata });
        return [view(updated, "kind", ...MARKS), yield* outcome(kit.get(Foos, "a"))];
      }),
    "patch × finalizer goes without deletion: object stays": (kit) =>
      Effect.gen(function* () {
        yield* held(kit);
        yield* kit.patch(Foos, "a", { metadata: { finalizers: null } });
        return view(yield* kit.get(Foos, "a"), ...MARKS);
      }),
    "patch × marked object still changes": (kit) =>
      Effect.gen(function* () {
        yield* held(kit);
        yield* kit.delete(Foos, "a");
        const main = yield* kit.patch(Foos, "a", { spec: { tag: "t" } });
        const status = yield* kit.patch(
          Foos,
          "a",
          { status: { phase: "x" } },
          { subresource: "status" },
        );
        return [main, status].map((one) => view(one, "spec.tag", "status.phase", ...MARKS));
      }),
    "patch × no finalizer is added to a marked object": (kit) =>
      Effect.gen(function* () {
        yield* held(kit);
        yield* kit.delete(Foos, "a");
        return yield* outcome(
          kit.patch(Foos, "a", {
            metadata: { finalizers: ["example.com/f", "example.com/g"] },
          }),
        );
      }),
    "patch × a marked object cannot be brought back": (kit) =>
      Effect.gen(function* () {
        yield* held(kit);
        yield* kit.delete(Foos, "a");
        const answer = yield* outcome(
          kit.patch(Foos, "a", {
            metadata: { deletionTimestamp: null, deletionGracePeriodSeconds: null },
          }),
        );
        return view(answer, ...MARKS);
      }),
    "create × name of a marked object": (kit) =>
      Effect.gen(function* () {
        yield* held(kit);
        yield* kit.delete(Foos, "a");
        return yield* outcome(kit.create(Foos, foo("a")));
      }),
    "delete Job × no policy orphans": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Jobs, suspended({ finalizers: ["example.com/f"] }));
        return yield* policies(kit, {});
      }),
    "delete Job × Background": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Jobs, suspended());
        return yield* policies(kit, { propagationPolicy: "Background" });
      }),
    "delete Job × Background with finalizer": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Jobs, suspended({ finalizers: ["example.com/f"] }));
        return yield* policies(kit, { propagationPolicy: "Background" });
      }),
    "delete Job × Foreground with finalizer": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Jobs, suspended({ finalizers: ["example.com/f"] }));
        return yield* policies(kit, { propagationPolicy: "Foreground" });
      }),
    "delete Job × Orphan with finalizer": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Jobs, suspended({ finalizers: ["example.com/f"] }));
        return yield* policies(kit, { propagationPolicy: "Orphan" });
      }),
    "delete custom resource × no policy is Background": (kit) =>
      Effect.gen(function* () {
        yield* held(kit);
        return view(yield* kit.delete(Foos, "a", {}), ...MARKS);
      }),
    "delete × unknown policy": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(ConfigMaps, configMap("a"));
        return yield* outcome(kit.delete(ConfigMaps, "a", { propagationPolicy: "Sideways" }));
      }),
    "delete × policy and orphanDependents both": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(ConfigMaps, configMap("a"));
        return yield* outcome(
          kit.delete(ConfigMaps, "a", { propagationPolicy: "Background", orphanDependents: true }),
        );
      }),
    "delete × dry run": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(ConfigMaps, configMap("a"));
        const answer = yield* kit.delete(ConfigMaps, "a", { dryRun: ["All"] });
        return [view(answer, "status"), view(yield* kit.get(ConfigMaps, "a"), "metadata.name")];
      }),
    "delete Pod × bound: grace of the Pod": (kit) =>
      Effect.gen(function* () {
        const { metadata } = yield* kit.create(Pods, boundPod("a"));
        const deleted = yield* kit.delete(Pods, "a");
        const { resourceVersion } = metadata;
        return [
          view(deleted, ...MARKS),
          told(yield* kit.frames(Pods, 1, { resourceVersion }), ...MARKS),
        ];
      }),
    "delete Pod × bound: grace asked for": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Pods, boundPod("a", { terminationGracePeriodSeconds: 20 }));
        const first = yield* kit.delete(Pods, "a", { gracePeriodSeconds: 60 });
        const shorter = yield* kit.delete(Pods, "a", { gracePeriodSeconds: 10 });
        const longer = yield* kit.delete(Pods, "a", { gracePeriodSeconds: 50 });
        const unsaid = yield* kit.delete(Pods, "a");
        return [first, shorter, longer, unsaid].map((one) => view(one, ...MARKS));
      }),
    "delete Pod × bound: grace 0 removes at once": (kit) =>
      Effect.gen(function* () {
        const { metadata } = yield* kit.create(Pods, boundPod("a"));
        yield* kit.delete(Pods, "a", { gracePeriodSeconds: 0 });
        const { resourceVersion } = metadata;
        return [
          yield* outcome(kit.get(Pods, "a")),
          told(yield* kit.frames(Pods, 2, { resourceVersion }), ...MARKS),
        ];
      }),
    "delete Pod × terminating: grace 0 removes": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Pods, boundPod("a"));
        yield* kit.delete(Pods, "a");
        const { metadata } = yield* kit.get(Pods, "a");
        const { resourceVersion } = metadata;
        yield* kit.delete(Pods, "a", { gracePeriodSeconds: 0 });
        return told(yield* kit.frames(Pods, 2, { resourceVersion }), ...MARKS);
      }),
    "delete Pod × unbound goes at once": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Pods, pod("a"));
        yield* kit.delete(Pods, "a");
        return yield* outcome(kit.get(Pods, "a"));
      }),
    "delete Pod × ended goes at once": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Pods, boundPod("a"));
        yield* kit.patch(Pods, "a", { status: { phase: "Succeeded" } }, { subresource: "status" });
        yield* kit.delete(Pods, "a");
        return yield* outcome(kit.get(Pods, "a"));
      }),
    "delete Pod × with finalizer and grace": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Pods, boundPod("a", {}, { finalizers: ["example.com/f"] }));
        const first = yield* kit.delete(Pods, "a");
        const forced = yield* kit.delete(Pods, "a", { gracePeriodSeconds: 0 });
        const gone = yield* kit.patch(Pods, "a", { metadata: { finalizers: null } });
        return [
          ...[first, forced, gone].map((one) => view(one, ...MARKS)),
          yield* outcome(kit.get(Pods, "a")),
        ];
      }),
    "patch × a terminating Pod can be annotated": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Pods, boundPod("a"));
        yield* kit.delete(Pods, "a");
        const { metadata } = yield* kit.get(Pods, "a");
        const { uid, resourceVersion } = metadata;
        return view(
          yield* outcome(
            kit.patch(Pods, "a", {
              metadata: { uid, resourceVersion, annotations: { granted: "x" } },
            }),
          ),
          "metadata.annotations",
          ...MARKS,
        );
      }),
    "delete Pod × negative grace": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Pods, boundPod("a"));
        return view(yield* outcome(kit.delete(Pods, "a", { gracePeriodSeconds: -5 })), ...MARKS);
      }),
    "delete NodeOp × our finalizer holds it": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(NodeOps, nodeOp("a", {}, { finalizers: ["operator.kairos.io/nodeop"] }));
        const deleted = yield* kit.delete(NodeOps, "a", { propagationPolicy: "Background" });
        return view(deleted, ...MARKS);
      }),
    "delete NodeOp × Foreground marks and waits": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(NodeOps, nodeOp("a", {}, { finalizers: ["operator.kairos.io/nodeop"] }));
        const deleted = yield* kit.delete(NodeOps, "a", { propagationPolicy: "Foreground" });
        return view(deleted, ...MARKS);
      }),
  },
};
