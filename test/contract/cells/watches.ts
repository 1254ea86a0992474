/** Watches: where they start, what selectors make of changes, how they end (reliability.md (c)13). */
import { Effect, Stream } from "effect";
import { Pods } from "../../../src/domain/kube/resource.ts";
import { KubeTransport, type WatchRequest } from "../../../src/services/KubeTransport.ts";
import { at, type Group, type Kit, outcome, told, view } from "../support/cell.ts";
import { boundPod, configMap, ConfigMaps, foo, Foos, pod } from "../support/objects.ts";

/** From now on, what a script does, as a watch tells it afterwards. */
const replay = <E>(
  kit: Kit,
  does: Effect.Effect<unknown, E, KubeTransport>,
  count: number,
  request: Partial<WatchRequest> = {},
) =>
  Effect.gen(function* () {
    const resourceVersion = yield* kit.version(Foos);
    yield* does;
    return yield* kit.frames(Foos, count, { resourceVersion, ...request });
  });

const everything = (kit: Kit) =>
  Effect.gen(function* () {
    yield* kit.create(Foos, foo("a"));
    yield* kit.patch(Foos, "a", { spec: { tag: "t" } });
    yield* kit.patch(Foos, "a", { status: { phase: "x" } }, { subresource: "status" });
    yield* kit.create(Foos, foo("b"));
    yield* kit.delete(Foos, "a");
  });

const rising = (versions: ReadonlyArray<string>) =>
  versions.every((one, index) => index === 0 || BigInt(one) > BigInt(versions[index - 1] ?? "0"));

const versionsOf = (frames: ReadonlyArray<{ readonly object: unknown }>) =>
  frames.map(
    ({ object }) =>
      (object as { readonly metadata: { readonly resourceVersion: string } }).metadata
        .resourceVersion,
  );

export const watches: Group = {
  title: "watch",
  cells: {
    "watch × from a version: everything after it, in order": (kit) =>
      Effect.gen(function* () {
        const frames = yield* replay(kit, everything(kit), 5);
        return { frames: told(frames, "spec.tag", "status"), rising: rising(versionsOf(frames)) };
      }),
    "watch × from a version: not that version itself": (kit) =>
      Effect.gen(function* () {
        const { metadata } = yield* kit.create(Foos, foo("a"));
        yield* kit.create(Foos, foo("b"));
        const { resourceVersion } = metadata;
        return told(yield* kit.frames(Foos, 1, { resourceVersion }));
      }),
    "watch × frames carry whole objects": (kit) => replay(kit, kit.create(Foos, foo("a")), 1),
    "watch × frames of built-in kinds carry kind and version": (kit) =>
      Effect.gen(function* () {
        const resourceVersion = yield* kit.version(Pods);
        yield* kit.create(Pods, pod("a"));
        return told(
          yield* kit.frames(Pods, 1, { resourceVersion }),
          "kind",
          "apiVersion",
          "metadata.name",
        );
      }),
    "watch × DELETED carries the version of the deletion and the last state": (kit) =>
      Effect.gen(function* () {
        const { metadata } = yield* kit.create(Foos, foo("a", { tag: "t" }));
        const { resourceVersion } = metadata;
        yield* kit.delete(Foos, "a");
        const frames = yield* kit.frames(Foos, 1, { resourceVersion });
        const [version = "0"] = versionsOf(frames);
        return {
          told: told(frames, "spec.tag"),
          later: BigInt(version) > BigInt(resourceVersion),
        };
      }),
    "watch × without a version: what is there, then what comes": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Foos, foo("b"));
        yield* kit.create(Foos, foo("a"));
        yield* kit.patch(Foos, "b", { spec: { tag: "t" } });
        const frames = yield* kit.frames(Foos, 2);
        return [...told(frames, "spec.tag")].map((one) => JSON.stringify(one)).toSorted();
      }),
    "watch × version 0: what is there first": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Foos, foo("a"));
        yield* kit.get(Foos, "a");
        return told(yield* kit.frames(Foos, 1, { resourceVersion: "0" }));
      }),
    "watch × live: what comes later arrives": (kit) =>
      Effect.gen(function* () {
        const resourceVersion = yield* kit.version(Foos);
        const [frames] = yield* Effect.all(
          [
            kit.frames(Foos, 2, { resourceVersion }),
            Effect.andThen(
              Effect.sleep("100 millis"),
              Effect.andThen(kit.create(Foos, foo("a")), kit.delete(Foos, "a")),
            ),
          ],
          { concurrency: "unbounded" },
        );
        return told(frames);
      }),
    "watch × label selector: entering is ADDED, leaving is DELETED": (kit) =>
      Effect.gen(function* () {
        const label = (on: string | null) => kit.patch(Foos, "a", { metadata: { labels: { on } } });
        const does = Effect.gen(function* () {
          yield* kit.create(Foos, foo("a"));
          yield* label("yes");
          yield* kit.patch(Foos, "a", { spec: { tag: "t" } });
          yield* label(null);
          yield* kit.patch(Foos, "a", { spec: { tag: "u" } });
          yield* label("yes");
          yield* kit.delete(Foos, "a");
        });
        const frames = yield* replay(kit, does, 5, { labelSelector: "on=yes" });
        return {
          frames: told(frames, "spec.tag", "metadata.labels"),
          rising: rising(versionsOf(frames)),
        };
      }),
    "watch × field selector: a Pod enters its node's watch": (kit) =>
      Effect.gen(function* () {
        const resourceVersion = yield* kit.version(Pods);
        yield* kit.create(Pods, boundPod("elsewhere", { nodeName: "other" }));
        yield* kit.create(Pods, boundPod("here"));
        yield* kit.patch(Pods, "here", { metadata: { labels: { a: "b" } } });
        const frames = yield* kit.frames(Pods, 2, {
          resourceVersion,
          fieldSelector: "spec.nodeName=some-node",
        });
        return told(frames);
      }),
    "watch × one object by name": (kit) =>
      Effect.gen(function* () {
        const does = Effect.andThen(kit.create(Foos, foo("b")), everything(kit));
        const frames = yield* replay(
          kit,
          Effect.catchTag(does, "AlreadyExists", () => Effect.void),
          3,
          { fieldSelector: "metadata.name=a" },
        );
        return told(frames);
      }),
    "watch × other namespaces are not seen": (kit) =>
      Effect.gen(function* () {
        const resourceVersion = yield* kit.version(ConfigMaps);
        const elsewhere = configMap(kit.named("x"));
        yield* kit.request({
          verb: "create",
          resource: ConfigMaps,
          namespace: "default",
          body: elsewhere,
        });
        yield* kit.create(ConfigMaps, configMap("mine"));
        return told(
          yield* kit.frames(ConfigMaps, 1, {
            resourceVersion,
            fieldSelector: "metadata.name!=kube-root-ca.crt",
          }),
        );
      }),
    "watch × deletion in two steps": (kit) =>
      Effect.gen(function* () {
        const { metadata } = yield* kit.create(
          Foos,
          foo("a", {}, { finalizers: ["example.com/f"] }),
        );
        const { resourceVersion } = metadata;
        yield* kit.delete(Foos, "a");
        yield* kit.patch(Foos, "a", { metadata: { finalizers: null } });
        return told(
          yield* kit.frames(Foos, 2, { resourceVersion }),
          "metadata.deletionTimestamp",
          "metadata.finalizers",
        );
      }),
    "watch × created again: another uid, an ADDED of its own": (kit) =>
      Effect.gen(function* () {
        const does = Effect.gen(function* () {
          yield* kit.create(Foos, foo("a"));
          yield* kit.delete(Foos, "a");
          yield* kit.create(Foos, foo("a"));
        });
        return told(yield* replay(kit, does, 3), "metadata.uid");
      }),
    "watch × too old a version": (kit) =>
      Effect.map(outcome(kit.frames(Foos, 1, { resourceVersion: "1" })), (answer) =>
        view(answer, "error", "detail"),
      ),
    "watch × version that is no number": (kit) =>
      outcome(kit.frames(Foos, 1, { resourceVersion: "abc" })),
    "watch × selector that does not parse": (kit) =>
      Effect.map(outcome(kit.frames(Foos, 1, { labelSelector: "a b" })), (end) => at(end, "error")),
    "watch × unknown field selector": (kit) =>
      outcome(kit.frames(Foos, 1, { fieldSelector: "spec.nothing=x" })),
    "watch × timeoutSeconds: the server ends it cleanly": (kit) =>
      Effect.gen(function* () {
        const transport = yield* KubeTransport;
        const resourceVersion = yield* kit.version(Foos);
        const end = yield* outcome(
          transport
            .watch({ resource: Foos, namespace: kit.ns, resourceVersion, timeoutSeconds: 1 })
            .pipe(Stream.runCollect),
        );
        return "error" in end ? end : "ended";
      }),
  },
};
