/** A cluster of one node that is cordoned: the operator's own Pod must find its way back onto it. */
import { expect, type Vitest } from "@effect/vitest";
import { Effect } from "effect";
import type { KubeObject } from "../../../src/domain/kube/object.ts";
import { Pods } from "../../../src/domain/kube/resource.ts";
import { E2e, machines, OPERATOR_ACCOUNT, OPERATOR_NAMESPACE } from "../support/E2e.ts";
import { nodesOf } from "../support/MachinePool.ts";
import { ROOM } from "../support/manifests.ts";

/** A Pod of anybody, to show that the cordon keeps others out. */
const BYSTANDER = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "bystander", namespace: "default" },
  spec: { containers: [{ name: "main", image: "busybox" }] },
};

const phaseOf = (pod: KubeObject): string | undefined =>
  (pod["status"] as { readonly phase?: string } | undefined)?.phase;

export const onlyNode = (it: Vitest.MethodsNonLive<E2e>): void => {
  it.effect(
    "when its Pod failed there, it is scheduled again although the only node is cordoned",
    () =>
      Effect.gen(function* () {
        const { kubectl, observer } = yield* E2e;
        // The kubelet refuses the first Pod, which is Failed then, as after a reboot that came too early.
        const refusesPods = { reason: "OutOfcpu", first: 1 };
        yield* machines(nodesOf(1, 0, { behaviour: { refusesPods } }), OPERATOR_NAMESPACE);
        const status = JSON.stringify({ status: { capacity: ROOM, allocatable: ROOM } });
        yield* kubectl(["patch", "node", "cp-1", "--subresource=status", "-p", status]);
        yield* kubectl(["cordon", "cp-1"]);
        yield* kubectl(["apply", "-f", "-"], { input: JSON.stringify(BYSTANDER) });
        const deployment = ["-n", OPERATOR_NAMESPACE, `deployment/${OPERATOR_ACCOUNT}`];
        yield* Effect.addFinalizer(() =>
          Effect.ignore(
            Effect.andThen(
              kubectl(["scale", ...deployment, "--replicas=0"]),
              kubectl(["delete", "pod", "bystander", "--force", "--grace-period=0"]),
            ),
          ),
        );
        yield* kubectl(["scale", ...deployment, "--replicas=1"]);
        const own = () =>
          observer
            .objects(Pods)
            .filter(({ metadata }) => metadata.name.startsWith(`${OPERATOR_ACCOUNT}-`));
        yield* observer.until(() => own().find((pod) => phaseOf(pod) === "Failed"));
        yield* observer.until(() => own().find((pod) => phaseOf(pod) === "Running"));
        const bystander = observer
          .objects(Pods)
          .find(({ metadata }) => metadata.name === "bystander");
        expect(bystander).toMatchObject({
          status: { conditions: [{ type: "PodScheduled", reason: "Unschedulable" }] },
        });
      }).pipe(Effect.scoped),
  );
};
