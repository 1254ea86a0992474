/** The operator as a process: supervision, probes and metrics in this one, signals and exit codes in a real one. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import * as NodeServices from "@effect/platform-node/NodeServices";
import { describe, expect, it } from "@effect/vitest";
import { Deferred, Effect, Fiber, Layer, Metric } from "effect";
import { HttpRouter } from "effect/http";
import { TestClock, TestConsole } from "effect/testing";
import { crds } from "../../../src/domain/api/crd.ts";
import {
  apiVersionOf,
  Leases,
  Namespaces,
  NodeOps,
  type Resource,
} from "../../../src/domain/kube/resource.ts";
import { healthRoutes, metricsRoutes } from "../../../src/programs/operatorCommand/http.ts";
import type { OperatorConfig } from "../../../src/programs/operatorCommand/options.ts";
import {
  operatorLoops,
  supervised,
  withJsonLogs,
} from "../../../src/programs/operatorCommand/process.ts";
import { Presence } from "../../../src/programs/operatorCommand/Presence.ts";
import { refreshGauges } from "../../../src/programs/operatorCommand/gauges.ts";
import { operator } from "../../../src/programs/operator/operator.ts";
import { DEFAULT_SETTINGS } from "../../../src/domain/rollout/observed.ts";
import * as Events from "../../../src/services/Events.ts";
import { FakeCluster } from "../../../src/services/fake/FakeCluster.ts";
import { kubeApiLayer } from "../../../src/services/kubeApiLayer.ts";
import { KubeTransport } from "../../../src/services/KubeTransport.ts";

const MAIN = fileURLToPath(new URL("../../../src/programs/main.ts", import.meta.url));

const CONFIG: OperatorConfig = {
  namespace: undefined,
  leaderElect: true,
  leaseName: "lease",
  leaseNamespace: "operator-system",
  healthAddress: undefined,
  metricsAddress: undefined,
  settings: DEFAULT_SETTINGS,
  maxUnavailable: undefined,
  workers: 1,
  logLevel: "Info",
  kubeconfig: undefined,
  context: undefined,
};

const cluster = Layer.provideMerge(
  kubeApiLayer,
  Layer.merge(FakeCluster.layer({ crds: crds() }), NodeServices.layer),
);

const createNamespace = Effect.gen(function* () {
  const transport = yield* KubeTransport;
  const body = { metadata: { name: "operator-system" } };
  yield* transport.request({ verb: "create", resource: Namespaces, body });
});

const lines = Effect.map(TestConsole.logLines, (logged) =>
  logged.map((line) => JSON.parse(String(line)) as Record<string, unknown>),
);

/** What the routes answer to a GET. */
const get = (routes: Layer.Layer<never, never, HttpRouter.HttpRouter>, path: string) =>
  Effect.promise(async () => {
    const { handler, dispose } = HttpRouter.toWebHandler(routes, { disableLogger: true });
    const response = await handler(new Request(`http://test${path}`));
    const answer = {
      status: response.status,
      type: response.headers.get("content-type"),
      text: await response.text(),
    };
    await dispose();
    return answer;
  });

describe("the operator's loops", () => {
  it.effect("one that dies ends all, with its cause as JSON in the log", () =>
    Effect.gen(function* () {
      const loops = Effect.all(
        [Effect.never, Effect.andThen(Effect.sleep("1 second"), Effect.die(new Error("broken")))],
        { concurrency: "unbounded", discard: true },
      ).pipe(Effect.andThen(Effect.never));
      const ended = yield* Effect.forkChild(Effect.flip(withJsonLogs("Info", supervised(loops))));
      yield* TestClock.adjust("2 seconds");
      expect((yield* Fiber.join(ended))._tag).toBe("OperatorEnded");
      const [line] = yield* lines;
      expect(line).toMatchObject({ level: "ERROR", message: "the operator ends" });
      expect(String(line?.["cause"])).toContain("broken");
    }),
  );

  it.effect("a Lease that is taken away ends them", () =>
    Effect.gen(function* () {
      yield* createNamespace;
      const transport = yield* KubeTransport;
      const ended = yield* Effect.forkChild(
        Effect.flip(withJsonLogs("Info", supervised(operatorLoops(CONFIG)))),
      );
      yield* TestClock.adjust("5 seconds");
      yield* transport.request({
        verb: "patch",
        resource: Leases,
        namespace: "operator-system",
        name: "lease",
        patchType: "application/merge-patch+json",
        body: { spec: { holderIdentity: "somebody" } },
      });
      yield* TestClock.adjust("5 seconds");
      expect((yield* Fiber.join(ended))._tag).toBe("OperatorEnded");
      const said = yield* lines;
      expect(said.map(({ message }) => message)).toEqual([
        "the operator starts",
        "leading",
        "the operator ends",
      ]);
      expect(String(said.at(-1)?.["cause"])).toContain("somebody holds it");
    }).pipe(Effect.provide(cluster)),
  );

  it.effect("interrupted they give the Lease back", () =>
    Effect.gen(function* () {
      yield* createNamespace;
      const transport = yield* KubeTransport;
      const running = yield* Effect.forkChild(
        withJsonLogs("Info", supervised(operatorLoops(CONFIG))),
      );
      yield* TestClock.adjust("5 seconds");
      yield* Fiber.interrupt(running);
      const lease = yield* transport.request({
        verb: "get",
        resource: Leases,
        namespace: "operator-system",
        name: "lease",
      });
      expect(lease).toMatchObject({ spec: { holderIdentity: "" } });
    }).pipe(Effect.provide(cluster)),
  );
});

/** A transport that never answers again from the first status write of a NodeOp on; `frozen` completes with that write. */
const freezing = (frozen: Deferred.Deferred<void>) =>
  Layer.effect(
    KubeTransport,
    Effect.map(KubeTransport, (inner): KubeTransport["Service"] => ({
      watch: inner.watch,
      request: (asked) =>
        Effect.gen(function* () {
          if (asked.resource.plural === NodeOps.plural && asked.subresource === "status")
            yield* Deferred.succeed(frozen, undefined);
          return yield* (yield* Deferred.isDone(frozen)) ? Effect.never : inner.request(asked);
        }),
    })),
  );

describe("interrupted while the API server does not answer", () => {
  it.effect("a status write under way holds nothing up", () =>
    Effect.gen(function* () {
      const frozen = yield* Deferred.make<void>();
      const transport = yield* KubeTransport;
      const create = (resource: Resource, namespace: string | undefined, body: object) =>
        transport.request({
          verb: "create",
          resource,
          namespace,
          body: { apiVersion: apiVersionOf(resource), kind: resource.kind, ...body },
        });
      yield* create(Namespaces, undefined, { metadata: { name: "default" } });
      yield* create(NodeOps, "default", { metadata: { name: "op" }, spec: { command: ["true"] } });
      const running = yield* operator().pipe(
        Effect.provide(Layer.provide(Layer.fresh(kubeApiLayer), freezing(frozen))),
        Effect.forkChild,
      );
      const told = yield* Effect.forkChild(
        Effect.andThen(Deferred.await(frozen), Fiber.interrupt(running)),
      );
      yield* TestClock.adjust("2 seconds");
      expect(yield* Deferred.isDone(frozen)).toBe(true);
      expect(told.pollUnsafe()).toBeDefined();
    }).pipe(Effect.provide(cluster)),
  );
});

describe("probes and metrics", () => {
  const started = Effect.gen(function* () {
    const presence = new Presence(yield* Events.make({ instance: "test" }));
    const registry = new Map();
    const metrics = metricsRoutes(Effect.suspend(() => refreshGauges(presence.shown))).pipe(
      Layer.provide(Layer.succeed(Metric.MetricRegistry, registry)),
    );
    const run = operator({ observer: presence.observer }).pipe(
      Effect.provideService(Metric.MetricRegistry, registry),
    );
    return { presence, metrics, run, health: healthRoutes(() => presence.obstacles()) };
  });

  it.effect("alive from the start, ready when the caches are filled, also while standing by", () =>
    Effect.gen(function* () {
      const { presence, health, run } = yield* started;
      expect(yield* get(health, "/healthz")).toMatchObject({ status: 200 });
      expect(yield* get(health, "/readyz")).toMatchObject({ status: 503, text: "starting\n" });
      presence.problems = ["list nodes: not allowed"];
      expect(yield* get(health, "/readyz")).toMatchObject({ status: 503 });
      presence.problems = [];
      yield* Effect.forkChild(run);
      yield* TestClock.adjust("1 second");
      expect(presence.isLeading).toBe(false);
      expect(yield* get(health, "/readyz")).toMatchObject({ status: 200, text: "ok\n" });
    }).pipe(Effect.provide(cluster)),
  );

  it.effect("a cache that cannot be filled is named", () =>
    Effect.gen(function* () {
      const { health, run } = yield* started;
      yield* Effect.forkChild(run);
      yield* TestClock.adjust("1 second");
      const { text } = yield* get(health, "/readyz");
      expect(text).toBe(
        "the cache of nodeops is not filled yet\nthe cache of nodeopupgrades is not filled yet\n",
      );
    }).pipe(Effect.provide(Layer.provideMerge(kubeApiLayer, FakeCluster.layer()))),
  );

  it.effect("count reconciles and show operations by phase, in a registry of their own", () =>
    Effect.gen(function* () {
      const { metrics, run } = yield* started;
      yield* Effect.forkChild(run);
      const transport = yield* KubeTransport;
      yield* transport.request({
        verb: "create",
        resource: NodeOps,
        namespace: "default",
        body: {
          apiVersion: "operator.kairos.io/v1alpha1",
          kind: "NodeOp",
          metadata: { name: "op" },
          spec: { command: ["true"] },
        },
      });
      yield* TestClock.adjust("1 second");
      const { text, type } = yield* get(metrics, "/metrics");
      expect(type).toContain("text/plain; version=0.0.4");
      expect(text).toMatch(/^# TYPE nodeop_reconciles_total counter$/mu);
      expect(text).toMatch(/^nodeop_reconciles_total\{kind="NodeOp",result="ok"\} [1-9]/mu);
      expect(text).toMatch(/^nodeop_reconcile_duration_seconds_count\{kind="NodeOp"\} [1-9]/mu);
      expect(text).toContain('nodeop_rollouts{kind="NodeOp",phase="Running"} 1');
      expect(text).toContain('nodeop_rollouts{kind="NodeOp",phase="Failed"} 0');
      expect(text).toContain('nodeop_queue_depth{kind="NodeOp"} 0');
      expect(text).toContain("nodeop_leader 0");
      expect((yield* Metric.snapshot).map(({ id }) => id)).not.toContain("nodeop_reconciles_total");
    }).pipe(Effect.provide(cluster)),
  );
});

/** What became of a process that was told to end once it had said this. */
const terminated = (
  args: ReadonlyArray<string>,
  saying: string,
  env: Readonly<Record<string, string>> = {},
) =>
  Effect.callback<{ readonly code: number | null; readonly millis: number; readonly out: string }>(
    (resume) => {
      const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, ...env } });
      let out = "";
      let toldAt: number | undefined;
      child.stdout.on("data", (chunk: Buffer) => {
        out += chunk.toString();
        if (toldAt !== undefined || !out.includes(saying)) return;
        toldAt = performance.now();
        child.kill("SIGTERM");
      });
      child.on("exit", (code) =>
        resume(Effect.succeed({ code, millis: performance.now() - (toldAt ?? 0), out })),
      );
    },
  );

/** A kubeconfig for a server that is not there. */
const NOWHERE = fileURLToPath(new URL("nowhere.kubeconfig.yaml", import.meta.url));

describe("SIGTERM", () => {
  it.live(
    "ends the operator with exit code 0 within two seconds, even with no API server",
    () =>
      Effect.gen(function* () {
        const args = ["operator", "--kubeconfig", NOWHERE, "--health-address=127.0.0.1:0"];
        const ended = yield* terminated([...args, "--metrics-address=0"], "cannot work yet");
        expect(ended.code).toBe(0);
        expect(ended.millis).toBeLessThan(2000);
        expect(
          ended.out
            .trim()
            .split("\n")
            .map((line) => typeof JSON.parse(line)),
        ).not.toContain("string");
      }),
    20_000,
  );

  it.live(
    "ends the reboot agent with another one: its Pod must not count as succeeded",
    () =>
      Effect.gen(function* () {
        const env = { POD_NAME: "p", POD_NAMESPACE: "default", POD_UID: "u", KUBECONFIG: NOWHERE };
        const ended = yield* terminated(["reboot-agent"], "the reboot agent starts", env);
        expect(ended.code).toBe(143);
        expect(ended.millis).toBeLessThan(2000);
      }),
    20_000,
  );
});
