/** The operator as a process beside a real server: probes, metrics, its Lease, Events, signals, and another one waiting. */
import { expect, type Vitest } from "@effect/vitest";
import { Effect } from "effect";
import { NodeOpUpgrades, Nodes } from "../../../src/domain/kube/resource.ts";
import {
  E2e,
  expectLawful,
  hasEnded,
  judge,
  machines,
  OPERATOR_NAMESPACE,
  operationWhere,
  startOperator,
  versionNow,
} from "../support/E2e.ts";
import { nodesOf } from "../support/MachinePool.ts";
import { canaryWith } from "../support/manifests.ts";

const LEASE = "ce9721c3.kairos.io";

interface EventList {
  readonly items: ReadonlyArray<{
    readonly reason: string;
    readonly type: string;
    readonly metadata: { readonly namespace: string };
    readonly regarding: { readonly kind: string; readonly name: string };
  }>;
}

export const processes = (it: Vitest.MethodsNonLive<E2e>): void => {
  const holder = Effect.gen(function* () {
    const { kubectl } = yield* E2e;
    const args = ["get", "lease", LEASE, "-n", OPERATOR_NAMESPACE];
    return yield* kubectl([...args, "-o", "jsonpath={.spec.holderIdentity}"]);
  });

  it.effect(
    "it is ready, holds the Lease, tells Events and metrics, and ends within 2 s of SIGTERM",
    () =>
      Effect.gen(function* () {
        const { kubectl } = yield* E2e;
        const since = yield* versionNow;
        const pool = yield* machines(nodesOf(1, 0));
        const operator = yield* startOperator({
          environment: { CONTROLLER_POD_NAME: "operator-a" },
        });
        expect(yield* operator.get("/healthz")).toMatchObject({ code: 200 });
        yield* kubectl(["apply", "-f", "-"], { input: canaryWith({}) });
        const { phase } = yield* operationWhere("kairos-upgrade", hasEnded);
        expect(phase).toBe("Completed");
        expect(yield* holder).toMatch(/^operator-a_/u);

        const metrics = yield* operator.get("/metrics");
        expect(metrics.body).toMatch(/^nodeop_leader 1$/mu);
        expect(metrics.body).toMatch(/^nodeop_api_requests_total\{.*resource="nodes".*\} \d+$/mu);
        expect(metrics.body).not.toMatch(/code="403"/u);

        const started = performance.now();
        operator.signal("SIGTERM");
        expect(yield* operator.ended).toEqual({ code: 0, signal: null });
        expect(performance.now() - started).toBeLessThan(2000);
        expect(yield* holder).toBe("");

        const { items } = JSON.parse(
          yield* kubectl(["get", "events.v1.events.k8s.io", "-A", "-o", "json"]),
        ) as EventList;
        const told = (kind: string, name: string) =>
          items
            .filter(({ regarding }) => regarding.kind === kind && regarding.name === name)
            .map(({ reason }) => reason);
        const steps = ["Claimed", "Upgrading", "Rebooting", "Completed"];
        expect(told(Nodes.kind, "cp-1")).toEqual(expect.arrayContaining(steps));
        expect(told("NodeOp", "kairos-upgrade")).toEqual(expect.arrayContaining(steps));
        expect(told(NodeOpUpgrades.kind, "kairos-upgrade")).toContain("Completed");
        expectLawful(yield* judge(since, [pool]), [pool]);
      }).pipe(Effect.scoped),
  );

  it.effect("of two only the holder of the Lease acts; the other goes on when it is killed", () =>
    Effect.gen(function* () {
      const { kubectl } = yield* E2e;
      const since = yield* versionNow;
      const pool = yield* machines(nodesOf(1, 1));
      const first = yield* startOperator({ environment: { CONTROLLER_POD_NAME: "first" } });
      yield* kubectl(["apply", "-f", "-"], { input: canaryWith({}) });
      yield* operationWhere("kairos-upgrade", ({ running = 0 }) => running > 0);
      const second = yield* startOperator({ environment: { CONTROLLER_POD_NAME: "second" } });
      expect((yield* second.get("/metrics")).body).toMatch(/^nodeop_leader 0$/mu);
      first.signal("SIGKILL");
      const { phase } = yield* operationWhere("kairos-upgrade", hasEnded);
      expect(phase).toBe("Completed");
      expect(yield* holder).toMatch(/^second_/u);
      // Nobody acts until the Lease of the killed one is over.
      expectLawful(yield* judge(since, [pool], { reactionMillis: 25_000 }), [pool]);
    }).pipe(Effect.scoped),
  );
};
