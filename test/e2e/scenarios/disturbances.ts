/** What happens to a cluster on a bad day: two operators that both act, no API server, watches that break. */
import { expect, type Vitest } from "@effect/vitest";
import { Effect } from "effect";
import { ApiProxy } from "../support/ApiProxy.ts";
import {
  E2e,
  expectLawful,
  hasEnded,
  judge,
  machines,
  operationWhere,
  startOperator,
  versionNow,
} from "../support/E2e.ts";
import { nodesOf } from "../support/MachinePool.ts";
import { canaryWith } from "../support/manifests.ts";

const DOWN = "10 seconds";
const DOWN_MILLIS = 10_000;

export const disturbances = (it: Vitest.MethodsNonLive<E2e>): void => {
  it.effect("two operators that act at the same time do nothing twice", () =>
    Effect.gen(function* () {
      const { kubectl } = yield* E2e;
      const since = yield* versionNow;
      const pool = yield* machines(nodesOf(1, 4));
      const flags = ["--no-leader-elect"];
      yield* Effect.all([startOperator({ flags }), startOperator({ flags })], { concurrency: 2 });
      yield* kubectl(["apply", "-f", "-"], { input: canaryWith({ concurrency: 2 }) });
      const { phase } = yield* operationWhere("kairos-upgrade", hasEnded);
      expect(phase).toBe("Completed");
      expectLawful(yield* judge(since, [pool]), [pool]);
    }).pipe(Effect.scoped),
  );

  it.effect("while the API server is dead for 10 s everybody waits, and goes on", () =>
    Effect.gen(function* () {
      const { controlPlane, kubectl } = yield* E2e;
      const since = yield* versionNow;
      const pool = yield* machines(nodesOf(1, 2));
      const operator = yield* startOperator({ flags: ["--no-leader-elect"] });
      yield* kubectl(["apply", "-f", "-"], { input: canaryWith({}) });
      yield* operationWhere("kairos-upgrade", ({ running = 0 }) => running > 0);
      yield* controlPlane.outage(DOWN);
      const { phase } = yield* operationWhere("kairos-upgrade", hasEnded);
      expect(phase).toBe("Completed");
      expect(operator.isRunning).toBe(true);
      const outages = operator.logs.filter(({ level }) => level === "WARN" || level === "ERROR");
      expect(outages.length).toBeLessThan(30);
      const millis = DOWN_MILLIS + 20_000;
      const tolerance = { reactionMillis: millis, lagMillis: millis, stopMillis: millis };
      expectLawful(yield* judge(since, [pool], tolerance), [pool]);
    }).pipe(Effect.scoped),
  );

  it.effect("watches that are cut ten times in a row cost time, not truth", () =>
    Effect.gen(function* () {
      const { controlPlane, kubectl, operatorKubeconfig } = yield* E2e;
      const since = yield* versionNow;
      const pool = yield* machines(nodesOf(1, 2));
      const proxy = yield* ApiProxy.make({ api: controlPlane });
      yield* startOperator({ kubeconfig: proxy.kubeconfig(operatorKubeconfig) });
      yield* kubectl(["apply", "-f", "-"], { input: canaryWith({}) });
      let cut = 0;
      const cutting = Effect.gen(function* () {
        for (let times = 0; times < 10; times++) {
          cut += proxy.cutWatches();
          yield* Effect.sleep("600 millis");
        }
        return yield* Effect.never;
      });
      const { phase } = yield* Effect.raceFirst(
        operationWhere("kairos-upgrade", hasEnded),
        cutting,
      );
      expect(phase).toBe("Completed");
      expect(cut).toBeGreaterThan(10);
      expectLawful(
        yield* judge(since, [pool], {
          reactionMillis: 45_000,
          lagMillis: 45_000,
          stopMillis: 45_000,
        }),
        [pool],
      );
    }).pipe(Effect.scoped),
  );
};
