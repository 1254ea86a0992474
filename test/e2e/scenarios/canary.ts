/** The page's example, applied as a person applies it. */
import { expect, type Vitest } from "@effect/vitest";
import { Effect } from "effect";
import {
  E2e,
  exampleFile,
  expectLawful,
  hasEnded,
  judge,
  machines,
  operationWhere,
  startOperator,
  versionNow,
} from "../support/E2e.ts";
import { nodesOf } from "../support/MachinePool.ts";

export const canary = (it: Vitest.MethodsNonLive<E2e>): void => {
  it.effect("the canary of the page upgrades every node, one after the other", () =>
    Effect.gen(function* () {
      const { kubectl } = yield* E2e;
      const since = yield* versionNow;
      const pool = yield* machines(nodesOf(1, 3));
      yield* startOperator();
      yield* kubectl(["apply", "-f", exampleFile("canary")]);
      const status = yield* operationWhere("kairos-upgrade", hasEnded);
      expect(status.phase).toBe("Completed");
      const judged = yield* judge(since, [pool]);
      expectLawful(judged, [pool]);
      for (const host of pool.hosts.values()) expect(host.boot.system.version).toContain("v3.4.2");
    }).pipe(Effect.scoped),
  );
};
