/** Creation: names, what the server fills in, what it refuses (reliability.md (c)3, 5, 16, 22, 24). */
import { Effect } from "effect";
import { Namespaces, Nodes } from "../../../src/domain/kube/resource.ts";
import { at, type Group, outcome, view } from "../support/cell.ts";
import { configMap, ConfigMaps, foo, Foos, node } from "../support/objects.ts";

export const creating: Group = {
  title: "create",
  cells: {
    "create ConfigMap × answer is the stored object": (kit) =>
      Effect.gen(function* () {
        const created = yield* kit.create(ConfigMaps, configMap("a"));
        return { created, stored: yield* kit.get(ConfigMaps, "a") };
      }),
    "create custom resource × answer is the stored object": (kit) =>
      Effect.gen(function* () {
        const created = yield* kit.create(Foos, foo("a"));
        return { created, stored: yield* kit.get(Foos, "a") };
      }),
    "create Node × answer": (kit) => kit.create(Nodes, node(kit.named("n"))),
    "create Namespace × label with its name": (kit) =>
      Effect.map(
        kit.create(Namespaces, {
          apiVersion: "v1",
          kind: "Namespace",
          metadata: { name: kit.named("b"), labels: { team: "x" } },
        }),
        (created) => view(created, "metadata.labels", "status.phase"),
      ),
    "create × name taken": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(ConfigMaps, configMap("a"));
        yield* kit.create(Foos, foo("a"));
        return [
          yield* outcome(kit.create(ConfigMaps, configMap("a", { data: { k: "other" } }))),
          yield* outcome(kit.create(Foos, foo("a"))),
          at(yield* kit.get(ConfigMaps, "a"), "data"),
        ];
      }),
    "create × name of another kind is free": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(ConfigMaps, configMap("a"));
        return view(yield* outcome(kit.create(Foos, foo("a"))), "metadata.name");
      }),
    "create × again after delete has another uid": (kit) =>
      Effect.gen(function* () {
        const first = yield* kit.create(ConfigMaps, configMap("a"));
        yield* kit.delete(ConfigMaps, "a");
        const second = yield* kit.create(ConfigMaps, configMap("a"));
        return first.metadata.uid === second.metadata.uid;
      }),
    "create × generateName": (kit) =>
      Effect.gen(function* () {
        const body = configMap("", {}, { generateName: "made-" });
        const { metadata } = yield* kit.create(ConfigMaps, body);
        const { metadata: other } = yield* kit.create(ConfigMaps, body);
        return [
          /^made-[bcdfghjklmnpqrstvwxz2456789]{5}$/u.test(metadata.name),
          metadata.generateName,
          metadata.name === other.name,
        ];
      }),
    "create × generateName is cut to 58 characters": (kit) =>
      Effect.map(
        kit.create(ConfigMaps, configMap("", {}, { generateName: "x".repeat(70) })),
        ({ metadata }) => [metadata.name.length, metadata.name.startsWith("x".repeat(58))],
      ),
    "create × name beside generateName wins": (kit) =>
      Effect.map(kit.create(ConfigMaps, configMap("a", {}, { generateName: "made-" })), (created) =>
        view(created, "metadata.name", "metadata.generateName"),
      ),
    "create × no name": (kit) =>
      Effect.gen(function* () {
        return [
          yield* outcome(kit.create(ConfigMaps, { apiVersion: "v1", kind: "ConfigMap" })),
          at(
            yield* outcome(
              kit.create(Foos, {
                apiVersion: "example.com/v1",
                kind: "Foo",
                spec: { image: "abc" },
              }),
            ),
            "error",
          ),
        ];
      }),
    "create × name with forbidden characters": (kit) =>
      Effect.gen(function* () {
        return [
          yield* outcome(kit.create(ConfigMaps, configMap("A_b"))),
          yield* outcome(kit.create(Foos, foo("-a"))),
          yield* outcome(kit.create(Nodes, node("A/b"))),
        ];
      }),
    "create × name of more than 253 characters": (kit) =>
      outcome(kit.create(ConfigMaps, configMap("x".repeat(254)))),
    "create × resourceVersion in the body": (kit) =>
      Effect.gen(function* () {
        return [
          yield* outcome(kit.create(ConfigMaps, configMap("a", {}, { resourceVersion: "1" }))),
          yield* outcome(kit.create(Foos, foo("a", {}, { resourceVersion: "1" }))),
        ];
      }),
    "create × uid, times and generation in the body are ignored": (kit) =>
      Effect.gen(function* () {
        const body = foo(
          "a",
          {},
          {
            uid: "mine",
            creationTimestamp: "2001-01-01T00:00:00Z",
            deletionTimestamp: "2001-01-01T00:00:00Z",
            deletionGracePeriodSeconds: 5,
            generation: 7,
          },
        );
        const { metadata } = yield* kit.create(Foos, body);
        return {
          uidIsMine: metadata.uid === "mine",
          timeIsMine: metadata.creationTimestamp.startsWith("2001"),
          ...view({ metadata }, "metadata.generation", "metadata.deletionTimestamp"),
        };
      }),
    "create × wrong metadata: labels, annotations, owners, finalizers": (kit) =>
      Effect.forEach(
        [
          { labels: { k: "x".repeat(64) } },
          { labels: { "a/b/c": "x" } },
          { labels: { "": "x" } },
          { labels: { k: 1 } },
          { annotations: { "a/b/c": "x" } },
          { annotations: { k: "x".repeat(256 * 1024) } },
          { ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "x", uid: "" }] },
          {
            ownerReferences: [1, 2].map((one) => ({
              apiVersion: "v1",
              kind: "ConfigMap",
              name: `o${one}`,
              uid: `u${one}`,
              controller: true,
            })),
          },
          { finalizers: ["bare"] },
          { finalizers: ["example.com/a", "orphan", "foregroundDeletion"] },
        ],
        (meta) => outcome(kit.create(ConfigMaps, configMap("a", {}, meta))),
      ),
    "create custom resource × finalizer without domain is allowed": (kit) =>
      Effect.map(outcome(kit.create(Foos, foo("a", {}, { finalizers: ["bare"] }))), (created) =>
        view(created, "metadata.finalizers"),
      ),
    "create × other namespace in the body": (kit) =>
      outcome(kit.create(ConfigMaps, configMap("a", {}, { namespace: "elsewhere" }))),
    "create × namespace that does not exist": (kit) =>
      outcome(
        kit.request({
          verb: "create",
          resource: ConfigMaps,
          namespace: "nowhere",
          body: configMap("a"),
        }),
      ),
    "create × body of another kind or version": (kit) =>
      Effect.gen(function* () {
        const full = foo("a", { concurrency: 1, count: 1 });
        return [
          at(yield* outcome(kit.create(ConfigMaps, { ...configMap("a"), kind: "Pod" })), "error"),
          at(
            yield* outcome(kit.create(ConfigMaps, { ...configMap("a"), apiVersion: "v2" })),
            "error",
          ),
          yield* outcome(kit.create(Foos, { ...full, kind: "Bar" })),
          yield* outcome(kit.create(Foos, { ...full, apiVersion: "example.com/v2" })),
        ];
      }),
    "create × body without kind and version": (kit) =>
      Effect.gen(function* () {
        return [
          view(
            yield* outcome(kit.create(ConfigMaps, { metadata: { name: "a" }, data: {} })),
            "kind",
            "apiVersion",
          ),
          at(
            yield* outcome(kit.create(Foos, { metadata: { name: "a" }, spec: { image: "abc" } })),
            "error",
          ),
        ];
      }),
    "create × owner in the same namespace need not exist": (kit) =>
      Effect.map(
        kit.create(
          Foos,
          foo(
            "a",
            {},
            {
              ownerReferences: [
                {
                  apiVersion: "v1",
                  kind: "ConfigMap",
                  name: "a",
                  uid: "00000000-0000-4000-8000-000000000000",
                  blockOwnerDeletion: true,
                  controller: true,
                },
              ],
            },
          ),
        ),
        (created) => view(created, "metadata.ownerReferences"),
      ),
    "create × empty labels and annotations are absent": (kit) =>
      Effect.map(
        kit.create(ConfigMaps, configMap("a", {}, { labels: {}, annotations: {}, finalizers: [] })),
        (created) =>
          view(created, "metadata.labels", "metadata.annotations", "metadata.finalizers"),
      ),
  },
};
