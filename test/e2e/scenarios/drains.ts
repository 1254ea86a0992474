/** Nodes are drained as disruption budgets allow: the real disruption controller, ReplicaSets and scheduler judge it. */
import { expect, type Vitest } from "@effect/vitest";
import { Effect } from "effect";
import { Pods } from "../../../src/domain/kube/resource.ts";
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
import { canaryWith, ROOM } from "../support/manifests.ts";

const LABELS = { app: "shop" };

const objectsOfShop = (minAvailable: number): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "List",
    items: [
      {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "shop", namespace: "default" },
        spec: {
          replicas: 2,
          selector: { matchLabels: LABELS },
          template: {
            metadata: { labels: LABELS },
            spec: { containers: [{ name: "shop", image: "shop:1" }] },
          },
        },
      },
      {
        apiVersion: "policy/v1",
        kind: "PodDisruptionBudget",
        metadata: { name: "shop", namespace: "default" },
        spec: { minAvailable, selector: { matchLabels: LABELS } },
      },
    ],
  });

/** Of several nodes one is told to be blocked. */
const isBlocked = ({ nodeStatuses = {} }: { readonly nodeStatuses?: object }): boolean =>
  Object.values(nodeStatuses).some(
    ({ reason }: { readonly reason?: string }) => reason === "DrainBlocked",
  );

export const drains = (it: Vitest.MethodsNonLive<E2e>): void => {
  it.effect(
    "a budget that allows nothing blocks the drain and is named; once it allows one Pod, all nodes are done",
    () =>
      Effect.gen(function* () {
        const { kubectl, observer } = yield* E2e;
        const since = yield* versionNow;
        const pool = yield* machines(nodesOf(1, 2));
        const status = JSON.stringify({ status: { capacity: ROOM, allocatable: ROOM } });
        yield* kubectl([
          "patch",
          "node",
          ...pool.hosts.keys(),
          "--subresource=status",
          "-p",
          status,
        ]);
        yield* Effect.addFinalizer(() =>
          Effect.ignore(kubectl(["delete", "deployment,poddisruptionbudget", "shop"])),
        );
        yield* kubectl(["apply", "-f", "-"], { input: objectsOfShop(2) });
        yield* kubectl(["rollout", "status", "deployment/shop", "--timeout=60s"]);
        yield* startOperator();
        yield* kubectl(["apply", "-f", "-"], { input: canaryWith({}) });
        const blocked = yield* operationWhere("kairos-upgrade", isBlocked);
        expect(blocked.message).toContain("PodDisruptionBudget default/shop allows 0 disruptions");
        yield* kubectl(["apply", "-f", "-"], { input: objectsOfShop(1) });
        const { phase } = yield* operationWhere("kairos-upgrade", hasEnded);
        expect(phase).toBe("Completed");
        yield* kubectl(["rollout", "status", "deployment/shop", "--timeout=60s"]);
        const evicted = observer
          .objects(Pods)
          .filter(({ metadata }) => metadata.labels?.["app"] === "shop");
        expect(evicted).toHaveLength(2);
        expectLawful(yield* judge(since, [pool]), [pool]);
      }).pipe(Effect.scoped),
    240_000,
  );
};
