/** Lists: order, pages, selectors, versions (reliability.md (c)14, 23). */
import { Effect } from "effect";
import { Jobs, Nodes, Pods } from "../../../src/domain/kube/resource.ts";
import type { KubeQuery } from "../../../src/services/KubeTransport.ts";
import { at, type Group, type Kit, names, outcome, view } from "../support/cell.ts";
import { boundPod, configMap, ConfigMaps, foo, Foos, job, node, pod } from "../support/objects.ts";

/** ConfigMaps a to e, of which some carry labels. */
const five = (kit: Kit) =>
  Effect.forEach(
    [
      ["b", { color: "red" }],
      ["a", { color: "red", size: "1" }],
      ["c", { color: "blue" }],
      ["e", {}],
      ["d", { size: "2" }],
    ] as const,
    ([name, labels]) => kit.create(ConfigMaps, configMap(name, {}, { labels })),
  );

const selected = (kit: Kit, query: KubeQuery) =>
  Effect.map(outcome(kit.list(ConfigMaps, { labelSelector: "!kube", ...query })), (list) =>
    "error" in list ? list : names(list).filter((name) => name !== "kube-root-ca.crt"),
  );

const byLabels = (kit: Kit, selectors: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    yield* five(kit);
    return yield* Effect.forEach(selectors, (labelSelector) =>
      Effect.map(selected(kit, { labelSelector }), (found) => [labelSelector, found]),
    );
  });

const page = (list: object) => ({
  names: names(list),
  more: tokenOf(list) !== "",
  remaining: at(list, "metadata.remainingItemCount") ?? null,
});

const tokenOf = (list: object) => {
  const token = at(list, "metadata.continue");
  return typeof token === "string" ? token : "";
};

const foos = (kit: Kit) =>
  Effect.forEach(["a", "b", "c", "d", "e"], (n) => kit.create(Foos, foo(n)));

export const lists: Group = {
  title: "list",
  cells: {
    "list × in order of names, with a version": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Foos, foo("b"));
        yield* kit.create(Foos, foo("a"));
        const list = yield* kit.list(Foos);
        return [view(list, "kind", "apiVersion", "metadata"), names(list)];
      }),
    "list × items have what they have alone": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Foos, foo("a"));
        return view(yield* kit.list(Foos), "items");
      }),
    "list × built-in kinds: items have no kind and version": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Pods, pod("a"));
        const list = yield* kit.list(Pods);
        const [first] = at(list, "items") as ReadonlyArray<unknown>;
        return [view(list, "kind", "apiVersion"), view(first, "kind", "apiVersion")];
      }),
    "list × nothing there": (kit) => kit.list(Foos),
    "list × version is at least that of the last write": (kit) =>
      Effect.gen(function* () {
        const { metadata } = yield* kit.create(Foos, foo("a"));
        const list = yield* kit.list(Foos);
        return BigInt(list.metadata.resourceVersion) >= BigInt(metadata.resourceVersion);
      }),
    "list × limit and continue": (kit) =>
      Effect.gen(function* () {
        yield* foos(kit);
        const first = yield* kit.list(Foos, { limit: 2 });
        const second = yield* kit.list(Foos, { limit: 2, continue: tokenOf(first) });
        const third = yield* kit.list(Foos, { limit: 2, continue: tokenOf(second) });
        return [
          ...[first, second, third].map(page),
          first.metadata.resourceVersion === third.metadata.resourceVersion,
        ];
      }),
    "list × pages are of one moment": (kit) =>
      Effect.gen(function* () {
        yield* foos(kit);
        const first = yield* kit.list(Foos, { limit: 2 });
        yield* kit.delete(Foos, "d");
        yield* kit.create(Foos, foo("cc"));
        yield* kit.patch(Foos, "e", { spec: { tag: "new" } });
        const rest = yield* kit.list(Foos, { continue: tokenOf(first) });
        const items = at(rest, "items") as ReadonlyArray<unknown>;
        return [page(rest), at(items.at(-1), "spec.tag") ?? null];
      }),
    "list × limit with a selector does not say how many remain": (kit) =>
      Effect.gen(function* () {
        yield* five(kit);
        return page(yield* kit.list(ConfigMaps, { limit: 1, labelSelector: "color" }));
      }),
    "list × limit larger than what is there": (kit) =>
      Effect.gen(function* () {
        yield* foos(kit);
        return page(yield* kit.list(Foos, { limit: 5 }));
      }),
    "list × continue that is no token": (kit) =>
      Effect.map(outcome(kit.list(Foos, { limit: 1, continue: "nonsense" })), (answer) =>
        at(answer, "error"),
      ),
    "list × continue together with a version": (kit) =>
      Effect.gen(function* () {
        yield* foos(kit);
        const first = yield* kit.list(Foos, { limit: 2 });
        return yield* outcome(
          kit.list(Foos, {
            limit: 2,
            continue: tokenOf(first),
            resourceVersion: first.metadata.resourceVersion,
          }),
        );
      }),
    "list × label selectors: equality": (kit) =>
      byLabels(kit, ["color=red", "color==red", "color!=red", "color=red,size=1", "color=green"]),
    "list × label selectors: sets": (kit) =>
      byLabels(kit, [
        "color in (red, blue)",
        "color notin (red)",
        "color",
        "!color",
        "color,!size",
        "color in ()",
      ]),
    "list × label selectors: comparisons": (kit) => byLabels(kit, ["size>1", "size<2", "size>x"]),
    "list × label selectors that do not parse": (kit) =>
      Effect.forEach(
        ["a b", "=x", "color in red", "a=b=c", "a/b/c=d", `a=${"x".repeat(64)}`],
        (labelSelector) =>
          Effect.map(outcome(kit.list(ConfigMaps, { labelSelector })), (answer) => [
            labelSelector,
            at(answer, "error"),
          ]),
      ),
    "list × field selectors by name and namespace": (kit) =>
      Effect.gen(function* () {
        yield* five(kit);
        return yield* Effect.forEach(
          [
            "metadata.name=a",
            "metadata.name==b",
            "metadata.name=nobody",
            `metadata.namespace=${kit.ns},metadata.name=c`,
            "metadata.namespace=elsewhere",
            "metadata.name!=a,metadata.name!=b",
          ],
          (fieldSelector) => selected(kit, { fieldSelector }),
        );
      }),
    "list × field selectors of Pods": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Pods, boundPod("a"));
        yield* kit.create(Pods, boundPod("b", { nodeName: "other", restartPolicy: "Never" }));
        yield* kit.create(Pods, pod("c"));
        yield* kit.patch(Pods, "a", { status: { phase: "Running" } }, { subresource: "status" });
        return yield* Effect.forEach(
          [
            "spec.nodeName=some-node",
            "spec.nodeName=",
            "spec.nodeName!=some-node",
            "status.phase=Running",
            "status.phase!=Running",
            "spec.restartPolicy=Never",
            "spec.nodeName=other,status.phase=Pending",
            "spec.image=x",
          ],
          (fieldSelector) =>
            Effect.map(outcome(kit.list(Pods, { fieldSelector })), (list) => [
              fieldSelector,
              "error" in list ? list : names(list),
            ]),
        );
      }),
    "list × field selectors of other kinds": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Jobs, job("a", { suspend: true }));
        yield* kit.create(Nodes, node(kit.named("n"), { unschedulable: true }));
        yield* kit.create(Foos, foo("a"));
        const ask = (resource: typeof Jobs, fieldSelector: string) =>
          Effect.map(outcome(kit.list(resource, { fieldSelector })), (list) =>
            "error" in list ? list : names(list),
          );
        return [
          yield* ask(Nodes, `spec.unschedulable=true,metadata.name=${kit.named("n")}`),
          yield* ask(Nodes, `spec.unschedulable=false,metadata.name=${kit.named("n")}`),
          at(yield* ask(Jobs, "spec.suspend=true"), "error"),
          yield* ask(Foos, "spec.image=abc"),
          yield* ask(Foos, "metadata.labels=x"),
        ];
      }),
    "list × field selectors that do not parse": (kit) =>
      Effect.forEach(["a", "metadata.name>a"], (fieldSelector) =>
        outcome(kit.list(Foos, { fieldSelector })),
      ),
    "list × version 0 answers": (kit) =>
      Effect.map(outcome(kit.list(Foos, { resourceVersion: "0" })), (list) => view(list, "kind")),
    "list × version that is no number": (kit) =>
      outcome(kit.list(Foos, { resourceVersion: "abc" })),
    "list × all namespaces": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Foos, foo("a", {}, { labels: { in: kit.ns } }));
        const query = { labelSelector: `in=${kit.ns}` };
        const list = yield* kit.request({ verb: "list", resource: Foos, query });
        const [item] = at(list, "items") as ReadonlyArray<unknown>;
        return [view(list, "kind"), view(item, "metadata.name", "metadata.namespace")];
      }),
  },
};
