/** The control plane that tests start is a real one: users have only their rights, requests are recorded, kubectl works. */
import { describe, expect, it } from "@effect/vitest";
import { Effect, type Layer } from "effect";
import { inject } from "vitest";
import { NodeOps, Pods, type Resource } from "../../src/domain/kube/resource.ts";
import { liveTransportLayer } from "../../src/services/live/liveTransport.ts";
import type { KubeTransport } from "../../src/services/KubeTransport.ts";
import { readAudit } from "../support/controlPlane/audit.ts";
import { accountKubeconfig, kubectl } from "../support/controlPlane/kubectl.ts";
import { Kit, outcome, view } from "./support/cell.ts";
import { nodeOp, pod } from "./support/objects.ts";

const controlPlane = inject("controlPlane");
const namespace = "control-plane-tests";

const as = (kubeconfig: string): Layer.Layer<KubeTransport, unknown> =>
  liveTransportLayer({ kubeconfig });

describe.runIf(controlPlane !== undefined)("the control plane of tests", () => {
  if (controlPlane === undefined) return;
  const kit = new Kit(namespace);

  it.live("kubectl applies our kinds by their short names", () =>
    Effect.gen(function* () {
      yield* kubectl(controlPlane, ["create", "namespace", namespace]);
      const input = JSON.stringify(nodeOp("applied", { concurrency: 2 }));
      yield* kubectl(controlPlane, ["apply", "-n", namespace, "-f", "-"], { input });
      const printed = yield* kubectl(controlPlane, ["get", "nop", "-n", namespace, "-o", "name"]);
      expect(printed.trim()).toBe("nodeop.operator.kairos.io/applied");
    }),
  );

  it.live("a ServiceAccount may do what its Role says and nothing else", () =>
    Effect.gen(function* () {
      const run = (...args: ReadonlyArray<string>) =>
        kubectl(controlPlane, [...args, "-n", namespace]);
      yield* run("create", "serviceaccount", "reader");
      yield* run("create", "role", "reader", "--verb=get,list", "--resource=pods");
      yield* run(
        "create",
        "rolebinding",
        "reader",
        "--role=reader",
        `--serviceaccount=${namespace}:reader`,
      );
      const kubeconfig = yield* accountKubeconfig(controlPlane, { namespace, name: "reader" });
      const answers = yield* Effect.all([
        outcome(kit.list(Pods)),
        outcome(kit.create(Pods, pod("a"))),
        outcome(kit.list(NodeOps)),
      ]).pipe(Effect.provide(as(kubeconfig)));
      const user = `User "system:serviceaccount:${namespace}:reader"`;
      const refused = (verb: string, resource: Resource) =>
        `${resource.plural}${resource.group === "" ? "" : `.${resource.group}`} is forbidden: ${user} cannot ${verb} resource "${resource.plural}" in API group "${resource.group}" in the namespace "${namespace}"`;
      expect(answers.map((answer) => view(answer, "kind"))).toMatchObject([
        { kind: "PodList" },
        { error: "Forbidden", detail: refused("create", Pods) },
        { error: "Forbidden", detail: refused("list", NodeOps) },
      ]);
    }),
  );

  it.live("every request is in the audit log, writes with their bodies", () =>
    Effect.gen(function* () {
      yield* kit.create(NodeOps, nodeOp("audited"));
      yield* kit.get(NodeOps, "audited");
      const events = readAudit(controlPlane).filter(
        ({ objectRef }) => objectRef?.resource === "nodeops" && objectRef.namespace === namespace,
      );
      const written = events.find(({ requestObject }) =>
        JSON.stringify(requestObject ?? "").includes("audited"),
      );
      expect(written).toMatchObject({
        verb: "create",
        user: { username: "admin" },
        responseStatus: { code: 201 },
        responseObject: { metadata: { name: "audited" } },
      });
      expect(
        events.some(({ verb, objectRef }) => verb === "get" && objectRef?.name === "audited"),
      ).toBe(true);
    }).pipe(Effect.provide(as(controlPlane.kubeconfig))),
  );
});
