/** Versions: conflicts, no-op writes, generation (reliability.md (c)3, 15, 16). */
import { Effect } from "effect";
import { Jobs, NodeOps, Nodes } from "../../../src/domain/kube/resource.ts";
import {
  type Body,
  type Group,
  JSON_PATCH,
  type Kit,
  outcome,
  told,
  view,
} from "../support/cell.ts";
import {
  configMap,
  ConfigMaps,
  foo,
  Foos,
  job,
  lease,
  Leases,
  node,
  nodeOp,
} from "../support/objects.ts";

const stale = (kit: Kit) =>
  Effect.gen(function* () {
    const first = yield* kit.create(Foos, foo("a"));
    const second = yield* kit.patch(Foos, "a", { metadata: { labels: { changed: "yes" } } });
    return { first, second };
  });

const generations = (kit: Kit, changes: ReadonlyArray<Body>) =>
  Effect.gen(function* () {
    const seen: Array<unknown> = [];
    for (const change of changes) {
      const { metadata } = yield* kit.patch(Foos, "a", change);
      seen.push([change, metadata.generation]);
    }
    return seen;
  });

export const versions: Group = {
  title: "versions",
  cells: {
    "update × stale resourceVersion": (kit) =>
      Effect.gen(function* () {
        const { first } = yield* stale(kit);
        const answer = yield* outcome(kit.put(Foos, { ...first, spec: { image: "xyz" } }));
        return [answer, view(yield* kit.get(Foos, "a"), "spec.image", "metadata.labels")];
      }),
    "update × current resourceVersion": (kit) =>
      Effect.gen(function* () {
        const { second } = yield* stale(kit);
        const updated = yield* kit.put(Foos, { ...second, spec: { image: "abc", tag: "t" } });
        return {
          moved: updated.metadata.resourceVersion !== second.metadata.resourceVersion,
          updated,
        };
      }),
    "update × no resourceVersion": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Foos, foo("a"));
        yield* kit.create(ConfigMaps, configMap("a"));
        yield* kit.create(Leases, lease("a"));
        yield* kit.create(Nodes, node(kit.named("a")));
        const put = (resource: Parameters<Kit["put"]>[0], body: Body) =>
          outcome(kit.put(resource, body as never));
        return [
          yield* put(Foos, foo("a")),
          view(yield* put(ConfigMaps, configMap("a", { data: { k: "w" } })), "data"),
          yield* put(Leases, lease("a")),
          view(
            yield* put(Nodes, node(kit.named("a"), { unschedulable: true })),
            "spec.unschedulable",
          ),
        ];
      }),
    "update × resourceVersion 0 counts as none": (kit) =>
      Effect.gen(function* () {
        const created = yield* kit.create(ConfigMaps, configMap("a"));
        const metadata = { ...created.metadata, resourceVersion: "0" };
        return yield* outcome(kit.put(ConfigMaps, { ...created, metadata }));
      }),
    "update × resourceVersion that is no number": (kit) =>
      Effect.gen(function* () {
        const created = yield* kit.create(ConfigMaps, configMap("a"));
        const metadata = { ...created.metadata, resourceVersion: "abc" };
        return yield* outcome(kit.put(ConfigMaps, { ...created, metadata }));
      }),
    "update × other uid": (kit) =>
      Effect.gen(function* () {
        const created = yield* kit.create(ConfigMaps, configMap("a"));
        const metadata = { ...created.metadata, uid: "00000000-0000-4000-8000-000000000000" };
        return yield* outcome(kit.put(ConfigMaps, { ...created, metadata }));
      }),
    "update × object that is not there": (kit) =>
      Effect.gen(function* () {
        const created = yield* kit.create(ConfigMaps, configMap("a"));
        const other = yield* kit.create(Foos, foo("a"));
        yield* kit.delete(ConfigMaps, "a");
        yield* kit.delete(Foos, "a");
        return [yield* outcome(kit.put(ConfigMaps, created)), yield* outcome(kit.put(Foos, other))];
      }),
    "update × object that was created again": (kit) =>
      Effect.gen(function* () {
        const first = yield* kit.create(ConfigMaps, configMap("a"));
        yield* kit.delete(ConfigMaps, "a");
        yield* kit.create(ConfigMaps, configMap("a"));
        return yield* outcome(kit.put(ConfigMaps, first));
      }),
    "update × name in the body differs": (kit) =>
      Effect.gen(function* () {
        const created = yield* kit.create(ConfigMaps, configMap("a"));
        yield* kit.create(ConfigMaps, configMap("b"));
        return yield* outcome(kit.put(ConfigMaps, created, { name: "b" }));
      }),
    "patch × stale resourceVersion in metadata": (kit) =>
      Effect.gen(function* () {
        const { first } = yield* stale(kit);
        const { resourceVersion } = first.metadata;
        return yield* outcome(
          kit.patch(Foos, "a", { metadata: { resourceVersion }, spec: { tag: "t" } }),
        );
      }),
    "patch × current resourceVersion in metadata": (kit) =>
      Effect.gen(function* () {
        const { second } = yield* stale(kit);
        const { resourceVersion } = second.metadata;
        const patched = yield* kit.patch(Foos, "a", {
          metadata: { resourceVersion },
          spec: { tag: "t" },
        });
        return view(patched, "spec.tag");
      }),
    "patch × other uid in metadata": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Foos, foo("a"));
        yield* kit.create(ConfigMaps, configMap("a"));
        yield* kit.create(Nodes, node(kit.named("a")));
        const patch = { metadata: { uid: "00000000-0000-4000-8000-000000000000" } };
        return [
          yield* outcome(kit.patch(Foos, "a", patch)),
          yield* outcome(kit.patch(ConfigMaps, "a", patch)),
          yield* outcome(kit.patch(Nodes, kit.named("a"), patch)),
        ];
      }),
    "patch × own uid and resourceVersion in metadata": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Nodes, node(kit.named("a")));
        const { metadata } = yield* kit.settled(Nodes, kit.named("a"));
        const { uid, resourceVersion } = metadata;
        const patched = yield* kit.patch(Nodes, kit.named("a"), {
          metadata: { uid, resourceVersion, annotations: { held: "by us" } },
          spec: { unschedulable: true },
        });
        return view(patched, "metadata.annotations.held", "spec.unschedulable");
      }),
    "patch × object that is not there": (kit) =>
      Effect.gen(function* () {
        return [
          yield* outcome(kit.patch(ConfigMaps, "a", { data: { k: "w" } })),
          yield* outcome(kit.patch(Foos, "a", { spec: { tag: "t" } })),
        ];
      }),
    "patch × name cannot change": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(ConfigMaps, configMap("a"));
        return yield* outcome(kit.patch(ConfigMaps, "a", { metadata: { name: "b" } }));
      }),
    "patch × JSON patch with a test that fails": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Foos, foo("a"));
        const operations = [
          { op: "test", path: "/spec/image", value: "other" },
          { op: "add", path: "/spec/tag", value: "t" },
        ];
        return yield* outcome(kit.patch(Foos, "a", operations, { patchType: JSON_PATCH }));
      }),
    "update × nothing changes: same version, nobody is told": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Foos, foo("a"));
        const status = { status: { phase: "x" } };
        const written = yield* kit.patch(Foos, "a", status, { subresource: "status" });
        const updated = yield* kit.put(Foos, written);
        yield* kit.create(Foos, foo("b"));
        const { resourceVersion } = written.metadata;
        const frames = yield* kit.frames(Foos, 1, { resourceVersion });
        return { same: updated.metadata.resourceVersion === resourceVersion, told: told(frames) };
      }),
    "update × nothing changes, but the default of status was never stored": (kit) =>
      Effect.gen(function* () {
        const created = yield* kit.create(Foos, foo("a"));
        const first = yield* kit.put(Foos, created);
        const second = yield* kit.put(Foos, first);
        const same = (a: typeof created, b: typeof created) =>
          a.metadata.resourceVersion === b.metadata.resourceVersion;
        return { first: same(created, first), second: same(first, second) };
      }),
    "patch × nothing changes: same version, nobody is told": (kit) =>
      Effect.gen(function* () {
        const created = yield* kit.create(ConfigMaps, configMap("a"));
        const { resourceVersion } = created.metadata;
        const patched = yield* kit.patch(ConfigMaps, "a", {
          data: { k: "v", gone: null },
          metadata: { labels: null },
        });
        yield* kit.create(ConfigMaps, configMap("b"));
        const frames = yield* kit.frames(ConfigMaps, 1, { resourceVersion });
        return { same: patched.metadata.resourceVersion === resourceVersion, told: told(frames) };
      }),
    "patch status × nothing changes: same version": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(NodeOps, nodeOp("a"));
        const status = { status: { phase: "Running" } };
        const first = yield* kit.patch(NodeOps, "a", status, { subresource: "status" });
        const second = yield* kit.patch(NodeOps, "a", status, { subresource: "status" });
        return first.metadata.resourceVersion === second.metadata.resourceVersion;
      }),
    "patch Node × uncordon what is not cordoned: same version": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Nodes, node(kit.named("a")));
        const created = yield* kit.settled(Nodes, kit.named("a"));
        const patch = { spec: { unschedulable: null }, metadata: { annotations: { x: null } } };
        const patched = yield* kit.patch(Nodes, kit.named("a"), patch);
        return patched.metadata.resourceVersion === created.metadata.resourceVersion;
      }),
    "patch Node × unschedulable false is absent": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Nodes, node(kit.named("a"), { unschedulable: true }));
        const patched = yield* kit.patch(Nodes, kit.named("a"), { spec: { unschedulable: false } });
        return view(patched, "spec.unschedulable");
      }),
    "generation × custom resource": (kit) =>
      Effect.gen(function* () {
        const created = yield* kit.create(Foos, foo("a"));
        return [
          created.metadata.generation,
          ...(yield* generations(kit, [
            { metadata: { labels: { a: "b" } } },
            { metadata: { annotations: { a: "b" } } },
            { metadata: { finalizers: ["example.com/f"] } },
            { spec: { tag: "t" } },
            { spec: { tag: "t" } },
            { status: { phase: "ignored" } },
            { spec: { unknown: "pruned" } },
            { spec: { concurrency: null } },
            { spec: { concurrency: 2 } },
          ])),
        ];
      }),
    "generation × status write": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(NodeOps, nodeOp("a"));
        const patched = yield* kit.patch(
          NodeOps,
          "a",
          { status: { phase: "Running" } },
          { subresource: "status" },
        );
        return patched.metadata.generation;
      }),
    "generation × Job": (kit) =>
      Effect.gen(function* () {
        const created = yield* kit.create(Jobs, job("a", { suspend: true }));
        const labelled = yield* kit.patch(Jobs, "a", { metadata: { labels: { a: "b" } } });
        const resumed = yield* kit.patch(Jobs, "a", { spec: { parallelism: 0 } });
        return [created, labelled, resumed].map(({ metadata }) => metadata.generation);
      }),
    "generation × kinds without": (kit) =>
      Effect.gen(function* () {
        const one = yield* kit.create(ConfigMaps, configMap("a"));
        const two = yield* kit.create(Nodes, node(kit.named("a")));
        const three = yield* kit.create(Leases, lease("a"));
        return [one, two, three].map(({ metadata }) => metadata.generation ?? null);
      }),
    "versions × of one kind grow": (kit) =>
      Effect.gen(function* () {
        const seen: Array<bigint> = [];
        for (const name of ["a", "b", "c"]) {
          const { metadata } = yield* kit.create(ConfigMaps, configMap(name));
          seen.push(BigInt(metadata.resourceVersion));
        }
        const changed = yield* kit.patch(ConfigMaps, "a", { data: { k: "w" } });
        seen.push(BigInt(changed.metadata.resourceVersion));
        return seen.every((one, index) => index === 0 || one > (seen[index - 1] ?? 0n));
      }),
  },
};
