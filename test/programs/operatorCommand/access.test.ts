/** What keeps the operator from working is said once, with verb and resource, and waited out. */
import { describe, expect, it } from "@effect/vitest";
import { Effect, Fiber, Layer, Logger, References, Stream } from "effect";
import { TestClock } from "effect/testing";
import { accessProblems, awaitAccess } from "../../../src/programs/operatorCommand/access.ts";
import { FakeCluster } from "../../../src/services/fake/FakeCluster.ts";
import {
  Forbidden,
  type KubeError,
  Unauthorized,
  Unreachable,
} from "../../../src/services/KubeError.ts";
import { type KubeRequest, KubeTransport } from "../../../src/services/KubeTransport.ts";

/** A cluster that answers each list as the test says; undefined: it may be read. */
const answering = (
  answer: (plural: string) => KubeError | undefined,
  requests: Array<KubeRequest> = [],
): Layer.Layer<KubeTransport> =>
  Layer.succeed(KubeTransport, {
    request: (request) =>
      Effect.suspend((): Effect.Effect<unknown, KubeError> => {
        requests.push(request);
        const error = answer(request.resource.plural);
        return error === undefined ? Effect.succeed({ items: [] }) : Effect.fail(error);
      }),
    watch: () => Stream.never,
  });

const forbidden = new Forbidden({
  request: "list Nodes",
  detail: 'nodes is forbidden: User "x" cannot list resource "nodes"',
  causes: [],
});
const unauthorized = new Unauthorized({ request: "list NodeOps", detail: "Unauthorized" });
const unreachable = new Unreachable({ request: "list NodeOps", detail: "connection refused" });

describe("access to the cluster", () => {
  it.effect("CRDs that are missing are each named, with what to do", () =>
    Effect.gen(function* () {
      expect(yield* accessProblems(undefined)).toEqual([
        "list nodeops.operator.kairos.io: the API server does not know this resource; install the CRDs (nodeop manifests --crds-only | kubectl apply -f -)",
        "list nodeopupgrades.operator.kairos.io: the API server does not know this resource; install the CRDs (nodeop manifests --crds-only | kubectl apply -f -)",
      ]);
    }).pipe(Effect.provide(FakeCluster.layer())),
  );

  it.effect(
    "a permission that is missing is named with verb, resource and the server's words",
    () =>
      Effect.gen(function* () {
        expect(yield* accessProblems(undefined)).toEqual([
          'list nodes: not allowed; grant the operator\'s account the verbs list and watch on nodes. The server says: nodes is forbidden: User "x" cannot list resource "nodes"',
        ]);
      }).pipe(Effect.provide(answering((plural) => (plural === "nodes" ? forbidden : undefined)))),
  );

  it.effect("wrong credentials and no answer are one sentence, not one for each resource", () =>
    Effect.gen(function* () {
      const problems = accessProblems(undefined);
      expect(
        yield* Effect.provide(
          problems,
          answering(() => unauthorized),
        ),
      ).toEqual([
        "list nodeops.operator.kairos.io: the API server refuses the credentials; renew them. The server says: Unauthorized",
      ]);
      expect(
        yield* Effect.provide(
          problems,
          answering(() => unreachable),
        ),
      ).toEqual(["list nodeops.operator.kairos.io: connection refused"]);
    }),
  );

  it.effect("with a namespace only that one is read, and Nodes, which have none", () =>
    Effect.gen(function* () {
      const requests: Array<KubeRequest> = [];
      yield* Effect.provide(
        accessProblems("kairos"),
        answering(() => undefined, requests),
      );
      expect(requests.map(({ resource, namespace }) => [resource.plural, namespace])).toEqual([
        ["nodeops", "kairos"],
        ["nodeopupgrades", "kairos"],
        ["nodes", undefined],
        ["jobs", "kairos"],
        ["pods", "kairos"],
      ]);
    }),
  );

  it.effect("is waited for; a problem is told when it comes, not while it lasts", () =>
    Effect.gen(function* () {
      let error: KubeError | undefined = unreachable;
      const requests: Array<KubeRequest> = [];
      const logs: Array<string> = [];
      const ready: Array<boolean> = [];
      const logger = Logger.make(({ fiber, logLevel }) => {
        if (logLevel === "Error" || logLevel === "Info") {
          const { problem } = fiber.getRef(References.CurrentLogAnnotations);
          logs.push(typeof problem === "string" ? problem : "healed");
        }
      });
      const waiting = yield* awaitAccess(undefined, (problems) => {
        ready.push(problems.length === 0);
      }).pipe(
        Effect.provide(answering(() => error, requests)),
        Effect.provideService(References.CurrentLoggers, new Set([logger])),
        Effect.forkChild,
      );
      yield* TestClock.adjust("10 minutes");
      expect(requests.length).toBeGreaterThan(30);
      expect(requests.length).toBeLessThan(60);
      error = unauthorized;
      yield* TestClock.adjust("1 minute");
      expect(ready).not.toContain(true);
      error = undefined;
      yield* TestClock.adjust("20 seconds");
      yield* Fiber.join(waiting);
      expect(ready.at(-1)).toBe(true);
      expect(logs).toEqual([
        "list nodeops.operator.kairos.io: connection refused",
        "list nodeops.operator.kairos.io: the API server refuses the credentials; renew them. The server says: Unauthorized",
        "healed",
      ]);
    }),
  );
});
