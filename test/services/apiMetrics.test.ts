import { describe, expect, it } from "@effect/vitest";
import { Effect, Layer, Metric, Stream } from "effect";
import { Nodes, Pods } from "../../src/domain/kube/resource.ts";
import { apiDurations, apiMetricsLayer, apiRequests } from "../../src/services/apiMetrics.ts";
import { Expired, type KubeError, Unavailable, Unreachable } from "../../src/services/KubeError.ts";
import { type KubeRequest, KubeTransport } from "../../src/services/KubeTransport.ts";

const base = { request: "a request", detail: "went wrong" };

/** A transport whose every answer is this; measured, with a registry of its own. */
const measured = <A, E>(
  answer: Effect.Effect<unknown, KubeError>,
  body: Effect.Effect<A, E, KubeTransport>,
) => {
  const transport = Layer.succeed(KubeTransport, {
    request: () => answer,
    watch: () => Stream.fromEffectDrain(answer),
  });
  return body.pipe(
    Effect.provide(Layer.provide(apiMetricsLayer, transport)),
    Effect.provideService(Metric.MetricRegistry, new Map()),
  );
};
const countOf = (labels: Record<string, string>) =>
  Effect.map(Metric.value(Metric.withAttributes(apiRequests, labels)), ({ count }) => count);
const send = (request: KubeRequest) =>
  Effect.flatMap(KubeTransport, (transport) => Effect.exit(transport.request(request)));

describe("requests are counted by verb, resource and code", () => {
  it.effect.each<[string, KubeRequest, Effect.Effect<unknown, KubeError>, Record<string, string>]>([
    [
      "an answer",
      { verb: "get", resource: Nodes, name: "n" },
      Effect.succeed({}),
      { verb: "get", resource: "nodes", code: "200" },
    ],
    [
      "something new",
      { verb: "create", resource: Pods, namespace: "a", name: "p", subresource: "eviction" },
      Effect.succeed({}),
      { verb: "create", resource: "pods/eviction", code: "201" },
    ],
    [
      "an error with a code of its own",
      { verb: "list", resource: Nodes },
      Effect.fail(new Unavailable({ ...base, code: 504 })),
      { verb: "list", resource: "nodes", code: "504" },
    ],
    [
      "no answer",
      { verb: "list", resource: Nodes },
      Effect.fail(new Unreachable(base)),
      { verb: "list", resource: "nodes", code: "<error>" },
    ],
  ])("%s", ([, request, answer, labels]) =>
    measured(
      answer,
      Effect.gen(function* () {
        yield* send(request);
        yield* send(request);
        expect(yield* countOf(labels)).toBe(2);
      }),
    ),
  );
  it.effect("a watch, when it ends", () =>
    measured(
      Effect.fail(new Expired(base)),
      Effect.gen(function* () {
        const { watch } = yield* KubeTransport;
        yield* Effect.exit(Stream.runDrain(watch({ resource: Nodes })));
        expect(yield* countOf({ verb: "watch", resource: "nodes", code: "410" })).toBe(1);
      }),
    ),
  );
});

describe("durations", () => {
  it.effect("are measured in seconds", () =>
    measured(
      Effect.delay(Effect.succeed({}), 0),
      Effect.gen(function* () {
        yield* send({ verb: "get", resource: Nodes, name: "n" });
        const labels = { verb: "get", resource: "nodes" };
        const { count, max } = yield* Metric.value(Metric.withAttributes(apiDurations, labels));
        expect({ count, max }).toEqual({ count: 1, max: 0 });
      }),
    ),
  );
});
