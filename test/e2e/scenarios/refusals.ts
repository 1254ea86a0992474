/** What others left or forbid: the finalizer of the Go original, and a quota that keeps a Job without its Pod. */
import { expect, type Vitest } from "@effect/vitest";
import { Effect } from "effect";
import { NodeOps, Pods } from "../../../src/domain/kube/resource.ts";
import { LABEL_REBOOT, ORIGINAL_FINALIZER } from "../../../src/domain/labels.ts";
import {
  E2e,
  hasEnded,
  machines,
  newNamespace,
  operationWhere,
  startOperator,
} from "../support/E2e.ts";
import { nodesOf } from "../support/MachinePool.ts";
import { canaryWith, example } from "../support/manifests.ts";

export const refusals = (it: Vitest.MethodsNonLive<E2e>): void => {
  it.effect("a NodeOp of the Go original can be deleted, and its ClusterRoleBinding goes", () =>
    Effect.gen(function* () {
      const { kubectl, observer } = yield* E2e;
      yield* newNamespace("original");
      yield* startOperator();
      const subject = "--serviceaccount=original:default";
      yield* kubectl([
        "create",
        "clusterrolebinding",
        "nodeop-reboot-left",
        "--clusterrole=view",
        subject,
      ]);
      const left = {
        ...example("nodeop"),
        metadata: { name: "left", namespace: "original", finalizers: [ORIGINAL_FINALIZER] },
      };
      yield* kubectl(["apply", "-f", "-"], { input: JSON.stringify(left) });
      yield* kubectl(["delete", "nodeop", "left", "-n", "original", "--timeout=30s"]);
      expect(observer.objects(NodeOps).map(({ metadata }) => metadata.name)).not.toContain("left");
      const bindings = yield* kubectl(["get", "clusterrolebindings", "-o", "name"]);
      expect(bindings).not.toContain("nodeop-reboot-left");
    }).pipe(Effect.scoped),
  );

  it.effect("a Job whose Pod the server refuses is told in the server's words, and goes on", () =>
    Effect.gen(function* () {
      const { kubectl, observer } = yield* E2e;
      const namespace = "quota";
      yield* newNamespace(namespace);
      yield* machines(nodesOf(1, 0), namespace);
      yield* startOperator();
      yield* kubectl(["apply", "-f", "-"], { input: canaryWith({}, { namespace }) });
      yield* observer.until(() =>
        observer
          .objects(Pods)
          .find(
            ({ metadata: { labels, namespace: where } }) =>
              where === namespace && labels?.[LABEL_REBOOT] !== undefined,
          ),
      );
      yield* kubectl(["create", "quota", "full", "--hard=pods=1", "-n", namespace]);
      const where = { namespace };
      yield* operationWhere(
        "kairos-upgrade",
        ({ nodeStatuses }) => JSON.stringify(nodeStatuses ?? {}).includes("exceeded quota"),
        where,
      );
      yield* kubectl(["delete", "quota", "full", "-n", namespace]);
      expect(yield* operationWhere("kairos-upgrade", hasEnded, where)).toMatchObject({
        phase: "Completed",
      });
    }).pipe(Effect.scoped),
  );
};
