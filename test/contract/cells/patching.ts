/** The kinds of patches (reliability.md (c)18). */
import { Effect } from "effect";
import { Nodes } from "../../../src/domain/kube/resource.ts";
import {
  at,
  type Body,
  type Group,
  JSON_PATCH,
  outcome,
  STRATEGIC,
  view,
} from "../support/cell.ts";
import { configMap, ConfigMaps, foo, Foos, node } from "../support/objects.ts";

const owner = (name: string, more: Body = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  name,
  uid: `uid-of-${name}`,
  ...more,
});

const annotationsOf = ({ metadata }: Body): object =>
  (metadata as { readonly annotations?: object }).annotations ?? {};

const taint = (key: string) => ({ key, effect: "NoSchedule" });

export const patching: Group = {
  title: "patch",
  cells: {
    "merge patch × null deletes, arrays are replaced, objects are merged": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(
          Foos,
          foo("a", {
            tag: "t",
            set: ["x", "y"],
            m: { a: "x", b: "2" },
            items: [{ name: "i", v: 5 }],
          }),
        );
        const patched = yield* kit.patch(Foos, "a", {
          spec: { tag: null, set: ["z"], m: { b: "3" }, items: [{ name: "i" }], nothing: null },
        });
        return view(patched, "spec");
      }),
    "merge patch × must be an object": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(ConfigMaps, configMap("a"));
        yield* kit.create(Foos, foo("a"));
        return yield* Effect.forEach([[], "text", 1], (body) =>
          Effect.all([
            outcome(kit.patch(ConfigMaps, "a", body)),
            outcome(kit.patch(Foos, "a", body)),
          ]),
        );
      }),
    "merge patch × finalizers are replaced": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Foos, foo("a", {}, { finalizers: ["example.com/a"] }));
        const patched = yield* kit.patch(Foos, "a", {
          metadata: { finalizers: ["example.com/b"] },
        });
        return view(patched, "metadata.finalizers");
      }),
    "JSON patch × operations": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Foos, foo("a", { tag: "t", set: ["x", "y"], m: { a: "x" }, n: "A" }));
        const patched = yield* kit.patch(
          Foos,
          "a",
          [
            { op: "test", path: "/spec/tag", value: "t" },
            { op: "replace", path: "/spec/tag", value: "u" },
            { op: "add", path: "/spec/set/1", value: "between" },
            { op: "add", path: "/spec/set/-", value: "last" },
            { op: "remove", path: "/spec/set/0" },
            { op: "copy", from: "/spec/tag", path: "/spec/m/b" },
            { op: "move", from: "/spec/n", path: "/spec/mode" },
            { op: "replace", path: "/spec/mode", value: "A" },
            { op: "add", path: "/metadata/labels", value: { "a/b": "c" } },
            { op: "replace", path: "/metadata/labels/a~1b", value: "d" },
          ],
          { patchType: JSON_PATCH },
        );
        return view(patched, "spec", "metadata.labels");
      }),
    "JSON patch × what does not apply": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Foos, foo("a", { set: ["x"] }));
        const one = (operation: Body) =>
          outcome(kit.patch(Foos, "a", [operation], { patchType: JSON_PATCH }));
        return [
          yield* one({ op: "remove", path: "/spec/tag" }),
          yield* one({ op: "replace", path: "/spec/tag", value: "t" }),
          yield* one({ op: "add", path: "/spec/deep/er", value: 1 }),
          yield* one({ op: "test", path: "/spec/image", value: "x" }),
          yield* one({ op: "nonsense", path: "/spec/tag" }),
          yield* outcome(kit.patch(Foos, "a", { op: "add" }, { patchType: JSON_PATCH })),
        ];
      }),
    "JSON patch × marks come off a Node, fenced by who it is and whose they are": (kit) =>
      Effect.gen(function* () {
        const name = kit.named("a");
        const { metadata } = yield* kit.create(
          Nodes,
          node(name, { unschedulable: true }, { annotations: { "x/held": "us", "x/own": "y" } }),
        );
        const release = (uid: unknown, holder: string) =>
          kit.patch(
            Nodes,
            name,
            [
              { op: "test", path: "/metadata/uid", value: uid },
              { op: "test", path: "/metadata/annotations/x~1held", value: holder },
              { op: "remove", path: "/metadata/annotations/x~1held" },
              { op: "add", path: "/spec/unschedulable", value: false },
            ],
            { patchType: JSON_PATCH },
          );
        const { uid } = metadata as { readonly uid: string };
        const refused = [
          yield* outcome(release("another", "us")),
          yield* outcome(release(uid, "them")),
        ];
        const released = yield* release(uid, "us");
        return [
          refused,
          view(released, "spec.unschedulable"),
          // Others annotate Nodes too.
          Object.keys(annotationsOf(released)).filter((key) => key.startsWith("x/")),
          yield* outcome(release(uid, "us")),
        ];
      }),
    "strategic merge patch × custom resources do not take it": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Foos, foo("a"));
        return at(
          yield* outcome(kit.patch(Foos, "a", { spec: { tag: "t" } }, { patchType: STRATEGIC })),
          "code",
        );
      }),
    "strategic merge patch × finalizers are merged": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(ConfigMaps, configMap("a", {}, { finalizers: ["example.com/a"] }));
        const add = yield* kit.patch(
          ConfigMaps,
          "a",
          { metadata: { finalizers: ["example.com/b", "example.com/a"] } },
          { patchType: STRATEGIC },
        );
        const remove = yield* kit.patch(
          ConfigMaps,
          "a",
          { metadata: { "$deleteFromPrimitiveList/finalizers": ["example.com/a"] } },
          { patchType: STRATEGIC },
        );
        return [add, remove].map((one) => view(one, "metadata.finalizers"));
      }),
    "strategic merge patch × owners are merged by uid": (kit) =>
      Effect.gen(function* () {
        // A finalizer, because the garbage collector deletes what has no living owner.
        yield* kit.create(
          ConfigMaps,
          configMap(
            "a",
            {},
            {
              finalizers: ["example.com/f"],
              ownerReferences: [owner("x"), owner("y", { controller: true })],
            },
          ),
        );
        const patch = (ownerReferences: ReadonlyArray<object>) =>
          kit.patch(ConfigMaps, "a", { metadata: { ownerReferences } }, { patchType: STRATEGIC });
        const added = yield* patch([owner("z")]);
        const removed = yield* patch([{ $patch: "delete", uid: "uid-of-x" }]);
        return [added, removed].map((one) => view(one, "metadata.ownerReferences"));
      }),
    "strategic merge patch × taints are replaced": (kit) =>
      Effect.gen(function* () {
        const name = kit.named("a");
        yield* kit.create(Nodes, node(name, { taints: [taint("a"), taint("b")] }));
        const patched = yield* kit.patch(
          Nodes,
          name,
          { spec: { taints: [taint("c")] } },
          { patchType: STRATEGIC },
        );
        return view(patched, "spec.taints");
      }),
    "patch × unknown type": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(ConfigMaps, configMap("a"));
        return at(
          yield* outcome(
            kit.patch(ConfigMaps, "a", {}, { patchType: "application/json" as never }),
          ),
          "code",
        );
      }),
    "patch × labels and annotations": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(ConfigMaps, configMap("a", {}, { labels: { a: "1", b: "2" } }));
        const patched = yield* kit.patch(ConfigMaps, "a", {
          metadata: { labels: { a: null, c: "3" }, annotations: { "example.com/x": "y" } },
        });
        return view(patched, "metadata.labels", "metadata.annotations");
      }),
    "patch × a label that is no string": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(ConfigMaps, configMap("a"));
        yield* kit.create(Foos, foo("a"));
        const patch = { metadata: { labels: { a: 1 } } };
        return [
          at(yield* outcome(kit.patch(ConfigMaps, "a", patch)), "error"),
          at(yield* outcome(kit.patch(Foos, "a", patch)), "error"),
        ];
      }),
  },
};
