/** The status subresource: what either side of it writes, and what it leaves alone (reliability.md (c)4). */
import { Effect } from "effect";
import { NodeOps, NodeOpUpgrades, Nodes, Pods } from "../../../src/domain/kube/resource.ts";
import { type Group, JSON_PATCH, outcome, STRATEGIC, view } from "../support/cell.ts";
import {
  configMap,
  ConfigMaps,
  foo,
  Foos,
  node,
  nodeOp,
  nodeOpUpgrade,
  pod,
} from "../support/objects.ts";

const STATUS = { subresource: "status" } as const;

const condition = (type: string, value: string) => ({
  type,
  status: value,
  reason: "R",
  message: "m",
  lastHeartbeatTime: "2026-01-01T00:00:00Z",
  lastTransitionTime: "2026-01-01T00:00:00Z",
});

export const status: Group = {
  title: "status",
  cells: {
    "create × status is dropped": (kit) =>
      Effect.gen(function* () {
        const created = yield* kit.create(NodeOps, {
          ...nodeOp("a"),
          status: { phase: "Completed" },
        });
        const cm = yield* kit.create(Pods, { ...pod("a"), status: { phase: "Running" } });
        return [view(created, "status"), view(cm, "status.phase")];
      }),
    "update × main keeps status": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Foos, foo("a"));
        const written = yield* kit.patch(Foos, "a", { status: { phase: "x" } }, STATUS);
        const updated = yield* kit.put(Foos, {
          ...written,
          spec: { image: "abc", tag: "t" },
          status: { phase: "y" },
        });
        return view(updated, "spec.tag", "status");
      }),
    "update status × keeps spec and metadata": (kit) =>
      Effect.gen(function* () {
        const created = yield* kit.create(Foos, foo("a", {}, { labels: { l: "1" } }));
        const updated = yield* kit.put(
          Foos,
          {
            ...created,
            metadata: {
              ...created.metadata,
              labels: { l: "2" },
              annotations: { a: "b" },
              finalizers: ["example.com/f"],
            },
            spec: { image: "xyz" },
            status: { phase: "x" },
          },
          STATUS,
        );
        return view(updated, "metadata", "spec", "status");
      }),
    "update status × absent status is empty": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Foos, foo("a"));
        const written = yield* kit.patch(Foos, "a", { status: { phase: "x" } }, STATUS);
        const { status: _, ...rest } = written;
        return view(yield* kit.put(Foos, rest, STATUS), "status");
      }),
    "update status × stale resourceVersion": (kit) =>
      Effect.gen(function* () {
        const created = yield* kit.create(Foos, foo("a"));
        yield* kit.patch(Foos, "a", { spec: { tag: "t" } });
        return yield* outcome(kit.put(Foos, { ...created, status: { phase: "x" } }, STATUS));
      }),
    "update status × no resourceVersion": (kit) =>
      Effect.gen(function* () {
        const created = yield* kit.create(Foos, foo("a"));
        const { resourceVersion: _, ...metadata } = created.metadata;
        const body = { ...created, metadata, status: { phase: "x" } } as unknown as typeof created;
        return yield* outcome(kit.put(Foos, body, STATUS));
      }),
    "patch status × merge patch of nested entries": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Foos, foo("a"));
        const patch = (nodes: object) => kit.patch(Foos, "a", { status: { nodes } }, STATUS);
        yield* patch({ one: { phase: "Pending", n: 1 }, two: { phase: "Pending" } });
        const after = yield* patch({ one: { phase: "Done" }, two: null, three: { n: 3 } });
        return view(after, "status");
      }),
    "patch status × resourceVersion and uid are preconditions": (kit) =>
      Effect.gen(function* () {
        const { metadata } = yield* kit.create(Foos, foo("a"));
        const { uid, resourceVersion } = metadata;
        const patch = { metadata: { uid, resourceVersion }, status: { phase: "x" } };
        const first = yield* outcome(kit.patch(Foos, "a", patch, STATUS));
        const second = yield* outcome(kit.patch(Foos, "a", patch, STATUS));
        const third = yield* outcome(
          kit.patch(
            Foos,
            "a",
            { metadata: { uid: "00000000-0000-4000-8000-000000000000" }, status: { phase: "y" } },
            STATUS,
          ),
        );
        return [view(first, "status.phase"), second, third];
      }),
    "patch status × changes nothing else": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Foos, foo("a"));
        const patched = yield* kit.patch(
          Foos,
          "a",
          { metadata: { labels: { a: "b" } }, spec: { tag: "t" }, status: { phase: "x" } },
          STATUS,
        );
        return view(patched, "metadata.labels", "spec.tag", "status");
      }),
    "patch status × JSON patch": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(NodeOps, nodeOp("a"));
        const operations = [{ op: "add", path: "/status", value: { phase: "Running" } }];
        const patched = yield* outcome(
          kit.patch(NodeOps, "a", operations, { ...STATUS, patchType: JSON_PATCH }),
        );
        return view(patched, "status");
      }),
    "patch status × invalid": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Foos, foo("a"));
        const patch = { status: { nodes: { one: { phase: "Lost", n: -1 } }, observed: "x" } };
        return yield* outcome(kit.patch(Foos, "a", patch, STATUS));
      }),
    "patch status × unknown fields are pruned": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Foos, foo("a"));
        return view(
          yield* kit.patch(Foos, "a", { status: { phase: "x", nonsense: 1 } }, STATUS),
          "status",
        );
      }),
    "patch × main does not write status": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Foos, foo("a"));
        const created = yield* kit.patch(Foos, "a", { status: { phase: "w" } }, STATUS);
        const patched = yield* kit.patch(Foos, "a", { status: { phase: "x" } });
        return {
          same: patched.metadata.resourceVersion === created.metadata.resourceVersion,
          ...view(patched, "status"),
        };
      }),
    "get status": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Foos, foo("a"));
        yield* kit.create(ConfigMaps, configMap("a"));
        return [
          view(yield* kit.get(Foos, "a", STATUS), "metadata.name", "spec.image", "status"),
          yield* outcome(kit.get(ConfigMaps, "a", STATUS)),
          yield* outcome(kit.get(Foos, "b", STATUS)),
        ];
      }),
    "patch status × of a kind without": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(ConfigMaps, configMap("a"));
        return yield* outcome(kit.patch(ConfigMaps, "a", { status: { x: 1 } }, STATUS));
      }),
    "patch Node status × conditions by type": (kit) =>
      Effect.gen(function* () {
        const name = kit.named("a");
        yield* kit.create(Nodes, node(name));
        const patch = (...conditions: ReadonlyArray<object>) =>
          kit.patch(
            Nodes,
            name,
            { status: { conditions, nodeInfo: { bootID: "b", osImage: "o" } } },
            { ...STATUS, patchType: STRATEGIC },
          );
        yield* patch(condition("Ready", "False"), condition("DiskPressure", "False"));
        const patched = yield* patch(condition("Ready", "True"));
        return view(
          patched,
          "status.conditions",
          "status.nodeInfo.bootID",
          "status.nodeInfo.osImage",
        );
      }),
    "patch Node status × labels and annotations too, spec never": (kit) =>
      Effect.gen(function* () {
        const name = kit.named("a");
        yield* kit.create(Nodes, node(name));
        const patched = yield* kit.patch(
          Nodes,
          name,
          {
            metadata: { labels: { a: "b" }, annotations: { a: "b" } },
            spec: { unschedulable: true },
            status: { phase: "Running" },
          },
          STATUS,
        );
        return view(
          patched,
          "metadata.labels",
          "metadata.annotations.a",
          "spec.unschedulable",
          "status.phase",
        );
      }),
    "patch Pod status × main keeps it, status keeps the rest": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Pods, pod("a"));
        const written = yield* kit.patch(
          Pods,
          "a",
          { metadata: { labels: { a: "b" } }, status: { phase: "Running" } },
          STATUS,
        );
        const main = yield* kit.patch(Pods, "a", { status: { phase: "Failed" } });
        return [written, main].map((one) => view(one, "metadata.labels", "status.phase"));
      }),
    "patch status × NodeOpUpgrade": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(NodeOpUpgrades, nodeOpUpgrade("a"));
        return view(
          yield* outcome(
            kit.patch(NodeOpUpgrades, "a", { status: { phase: "Running", message: "m" } }, STATUS),
          ),
          "status",
        );
      }),
    "delete status": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Foos, foo("a"));
        return yield* outcome(kit.delete(Foos, "a", undefined, STATUS));
      }),
  },
};
