import { describe, expect, it } from "@effect/vitest";
import { Effect, Layer, Schema } from "effect";
import { TestClock } from "effect/testing";
import { Nodes } from "../../src/domain/kube/resource.ts";
import { FakeCluster } from "../../src/services/fake/FakeCluster.ts";
import * as Informer from "../../src/services/Informer.ts";
import { KubeApi } from "../../src/services/KubeApi.ts";
import { kubeApiLayer } from "../../src/services/kubeApiLayer.ts";
import { Conflict } from "../../src/services/KubeError.ts";
import { typed } from "../../src/services/typed.ts";

const Node = Schema.Struct({
  metadata: Schema.Struct({
    name: Schema.String,
    uid: Schema.String,
    resourceVersion: Schema.String,
    labels: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  }),
});
interface Node extends Schema.Schema.Type<typeof Node> {}
const NodeResource = typed(Nodes, Node);

const layer = Layer.provide(kubeApiLayer, FakeCluster.layer());
const nodeJson = (name: string) => ({ metadata: { name, labels: { role: "worker" } } });
const informing = Informer.make({
  of: NodeResource,
  meta: ({ metadata }: Node) => ({ ...metadata, key: metadata.name }),
  indexes: { role: ({ metadata }: Node) => Object.values(metadata.labels ?? {}) },
  onChange: () => {},
});
const propagationPolicy = "Background" as const;

describe("over the fake cluster", () => {
  it.effect("a list is the same in pages of one as at once", () =>
    Effect.gen(function* () {
      const api = yield* KubeApi;
      for (const name of ["n1", "n2", "n3"]) yield* api.create(NodeResource, nodeJson(name));
      const whole = yield* api.list(NodeResource);
      expect(whole.items.map(({ metadata }) => metadata.name)).toEqual(["n1", "n2", "n3"]);
      expect(yield* api.list(NodeResource, { limit: 1 })).toEqual(whole);
    }).pipe(Effect.provide(layer)),
  );

  it.effect("a dry run deletes nothing, a wrong uid conflicts, the right one deletes", () =>
    Effect.gen(function* () {
      const api = yield* KubeApi;
      const { metadata } = yield* api.create(NodeResource, nodeJson("n1"));
      const remove = (options: { readonly uid: string; readonly dryRun?: boolean }) =>
        api.delete(NodeResource, metadata, {
          propagationPolicy,
          preconditions: { uid: options.uid },
          dryRun: options.dryRun,
        });
      yield* remove({ uid: metadata.uid, dryRun: true });
      expect(yield* Effect.flip(remove({ uid: "another" }))).toBeInstanceOf(Conflict);
      expect((yield* api.list(NodeResource)).items.length).toBe(1);
      yield* remove({ uid: metadata.uid });
      expect((yield* api.list(NodeResource)).items).toEqual([]);
    }).pipe(Effect.provide(layer)),
  );

  it.effect("an informer holds what the server holds, for hours, through compactions", () =>
    Effect.gen(function* () {
      const api = yield* KubeApi;
      const informer = yield* informing;
      yield* Effect.forkChild(informer.run);
      for (let hour = 0; hour < 5; hour++) {
        for (const name of ["n1", "n2", "n3"]) {
          const made = yield* api.create(NodeResource, nodeJson(`${name}-${hour}`));
          informer.observe(made);
          expect(informer.get(made.metadata.name)).toEqual(made);
          yield* TestClock.adjust("7 minutes");
        }
        yield* api.patch(
          NodeResource,
          { name: `n1-${hour}` },
          {
            metadata: { labels: { role: "special" } },
          },
        );
        yield* api.delete(NodeResource, { name: `n2-${hour}` }, { propagationPolicy });
        yield* TestClock.adjust("39 minutes");
        const { items } = yield* api.list(NodeResource);
        expect(new Map(items.map((node) => [node.metadata.name, node]))).toEqual(
          new Map(informer.all()),
        );
        expect([...informer.by("role", "special")].length).toBe(hour + 1);
        expect(informer.lastError()).toBeUndefined();
      }
    }).pipe(Effect.provide(layer)),
  );
});
