/** Requests that make no sense, dry runs, evictions (reliability.md (c)19, 22, 25). */
import { Effect } from "effect";
import { Jobs, NodeOps, Nodes, Pods, type Resource } from "../../../src/domain/kube/resource.ts";
import { at, type Group, outcome, view } from "../support/cell.ts";
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

const unknown: Resource = {
  group: "example.com",
  version: "v1",
  plural: "bars",
  kind: "Bar",
  namespaced: true,
};

const DRY = { query: { dryRun: true } } as const;

export const requests: Group = {
  title: "requests",
  cells: {
    "any verb × resource that is not served": (kit) =>
      Effect.gen(function* () {
        const answers = [
          yield* outcome(kit.get(unknown, "a")),
          yield* outcome(kit.list(unknown)),
          yield* outcome(kit.create(unknown, { ...foo("a"), kind: "Bar" })),
          yield* outcome(kit.get({ ...unknown, group: "nowhere.example.com" }, "a")),
          yield* outcome(kit.get({ ...Foos, version: "v2" }, "a")),
          yield* outcome(kit.frames(unknown, 1)),
        ];
        // The live layer says it in words of its own.
        return answers.map((answer) => at(answer, "error"));
      }),
    "get × not there": (kit) =>
      Effect.gen(function* () {
        return [
          yield* outcome(kit.get(Pods, "a")),
          yield* outcome(kit.get(Jobs, "a")),
          yield* outcome(kit.get(NodeOps, "a")),
          yield* outcome(kit.get(Nodes, "a")),
        ];
      }),
    "get × in a namespace that does not exist": (kit) =>
      outcome(kit.request({ verb: "get", resource: Pods, namespace: "nowhere", name: "a" })),
    "list × in a namespace that does not exist": (kit) =>
      Effect.map(
        outcome(kit.request({ verb: "list", resource: Foos, namespace: "nowhere" })),
        (list) => view(list, "items"),
      ),
    "create × without namespace": (kit) =>
      Effect.map(
        outcome(kit.request({ verb: "create", resource: Foos, body: foo("a") })),
        (answer) => at(answer, "error"),
      ),
    "create × body is no object": (kit) =>
      Effect.gen(function* () {
        return [
          at(yield* outcome(kit.create(ConfigMaps, "text")), "error"),
          at(yield* outcome(kit.create(Foos, [])), "error"),
        ];
      }),
    "create × wrong types in built-in kinds": (kit) =>
      Effect.gen(function* () {
        return [
          view(
            yield* outcome(kit.create(Pods, { ...pod("a"), metadata: { name: 1 } })),
            "error",
            "detail",
          ),
        ];
      }),
    "create × dry run: answer, and nothing is stored": (kit) =>
      Effect.gen(function* () {
        const answer = yield* kit.create(NodeOps, nodeOp("a"), DRY);
        return [answer, yield* outcome(kit.get(NodeOps, "a"))];
      }),
    "create × dry run of our children": (kit) =>
      Effect.gen(function* () {
        const one = yield* kit.create(Pods, boundPod("a"), DRY);
        const two = yield* kit.create(Jobs, job("a", { suspend: true }), DRY);
        return [
          view(one, "metadata.name", "metadata.resourceVersion", "status.phase"),
          view(two, "metadata.name", "metadata.resourceVersion", "spec.suspend"),
        ];
      }),
    "create × dry run is refused like the real thing": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Foos, foo("a"));
        return [
          yield* outcome(kit.create(Foos, foo("a"), DRY)),
          yield* outcome(kit.create(Foos, foo("b", { image: "A" }), DRY)),
          yield* outcome(kit.create(Pods, pod("a", { containers: [] }), DRY)),
        ];
      }),
    "patch × dry run: answer shows the change, nothing is stored": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Foos, foo("a"));
        const answer = yield* kit.patch(Foos, "a", { spec: { tag: "t" } }, DRY);
        return [
          view(answer, "spec.tag", "metadata.generation"),
          view(yield* kit.get(Foos, "a"), "spec.tag", "metadata.generation"),
        ];
      }),
    "update × dry run under a stale version": (kit) =>
      Effect.gen(function* () {
        const created = yield* kit.create(Foos, foo("a"));
        yield* kit.patch(Foos, "a", { spec: { tag: "t" } });
        return yield* outcome(kit.put(Foos, created, DRY));
      }),
    "evict × Pod with grace": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Pods, boundPod("a"));
        yield* kit.patch(Pods, "a", { status: { phase: "Running" } }, { subresource: "status" });
        const answer = yield* outcome(kit.evict("a"));
        return [
          answer,
          view(
            yield* kit.get(Pods, "a"),
            "metadata.deletionTimestamp",
            "metadata.deletionGracePeriodSeconds",
            "status.conditions",
          ),
        ];
      }),
    "evict × grace asked for": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Pods, boundPod("a"));
        yield* kit.evict("a", { gracePeriodSeconds: 7 });
        return view(yield* kit.get(Pods, "a"), "metadata.deletionGracePeriodSeconds");
      }),
    "evict × unbound Pod goes at once": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Pods, pod("a"));
        yield* kit.evict("a");
        return yield* outcome(kit.get(Pods, "a"));
      }),
    "evict × ended Pod goes at once": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Pods, boundPod("a"));
        yield* kit.patch(Pods, "a", { status: { phase: "Failed" } }, { subresource: "status" });
        yield* kit.evict("a");
        return yield* outcome(kit.get(Pods, "a"));
      }),
    "evict × not there": (kit) => outcome(kit.evict("a")),
    "evict × already terminating": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Pods, boundPod("a"));
        yield* kit.evict("a");
        return yield* outcome(kit.evict("a"));
      }),
    "evict × other name in the body": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Pods, boundPod("a"));
        const body = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "b" } };
        return yield* outcome(
          kit.request({
            verb: "create",
            resource: Pods,
            namespace: kit.ns,
            name: "a",
            subresource: "eviction",
            body,
          }),
        );
      }),
    "evict × dry run": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Pods, boundPod("a"));
        yield* kit.evict("a", { dryRun: ["All"] });
        return view(yield* kit.get(Pods, "a"), "metadata.deletionTimestamp");
      }),
    "evict × of a kind without": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(ConfigMaps, configMap("a"));
        return yield* outcome(kit.evict("a", undefined, ConfigMaps));
      }),
    "create Node × taken name, cluster-scoped": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Nodes, node(kit.named("n")));
        return yield* outcome(kit.create(Nodes, node(kit.named("n"))));
      }),
  },
};
