/** What a real server lacks for the cells: the custom resource of the fake's own tests, and the node that Pods are bound to. */
import { Effect } from "effect";
import { fooCrd } from "../../services/fake/support.ts";
import type { ControlPlane } from "../../support/controlPlane/ControlPlane.ts";
import { kubectl } from "../../support/controlPlane/kubectl.ts";
import { BOUND_TO, node } from "./objects.ts";

const definition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  ...fooCrd,
};

/** Creates both and waits until the custom resource is served. */
export const prepareServer = Effect.fn("prepareServer")(function* (controlPlane: ControlPlane) {
  // Without the node, the garbage collector of Pods takes those that are bound to it.
  for (const object of [definition, node(BOUND_TO)]) {
    const input = JSON.stringify(object);
    yield* kubectl(controlPlane, ["apply", "--server-side", "-f", "-"], { input });
  }
  // Ready, or the node lifecycle controller calls its Pods not ready a minute later.
  const ready = { status: { conditions: [{ type: "Ready", status: "True" }] } };
  const asStatus = ["--subresource=status", "--type=merge", "-p", JSON.stringify(ready)];
  yield* kubectl(controlPlane, ["patch", "node", BOUND_TO, ...asStatus]);
  const established = "--for=condition=Established";
  yield* kubectl(controlPlane, ["wait", established, "--timeout=30s", "crd/foos.example.com"]);
});
