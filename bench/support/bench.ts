/** A real control plane with the installation, an operator beside it, and a rollout: what every benchmark needs. */
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Context, Effect, Layer } from "effect";
import { NodeOpUpgradeResource } from "../../src/programs/operator/resources.ts";
import { KubeApi } from "../../src/services/KubeApi.ts";
import { kubeApiLayer } from "../../src/services/kubeApiLayer.ts";
import { KubeTransport } from "../../src/services/KubeTransport.ts";
import { adminAs } from "../../test/e2e/support/api.ts";
import { install, OPERATOR_ACCOUNT, OPERATOR_NAMESPACE } from "../../test/e2e/support/E2e.ts";
import type { MachinePool } from "../../test/e2e/support/MachinePool.ts";
import { canaryWith } from "../../test/e2e/support/manifests.ts";
import { OperatorProcess } from "../../test/e2e/support/OperatorProcess.ts";
import { findAssets, NO_ASSETS } from "../../test/support/controlPlane/assets.ts";
import {
  type OwnControlPlane,
  startControlPlane,
} from "../../test/support/controlPlane/ControlPlane.ts";
import { accountKubeconfig, kubectl } from "../../test/support/controlPlane/kubectl.ts";

export interface Bench {
  readonly controlPlane: OwnControlPlane;
  readonly kubeconfig: string;
  readonly admin: Layer.Layer<KubeTransport>;
}

/** Bodies in the audit log would cost the server a good part of its time. */
const AUDIT_POLICY = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [{ level: "Metadata" }],
};

export interface BenchOptions {
  /** Pods are scheduled. Default: nobody does that. */
  readonly scheduler?: boolean;
  /** The audit log has the bodies of requests and answers: then it says who made which version. */
  readonly bodies?: boolean;
}

/** A control plane with the installation. */
export const bench = Effect.fn("bench")(function* ({
  scheduler = false,
  bodies = false,
}: BenchOptions = {}) {
  const assets = findAssets();
  if (assets === undefined) return yield* Effect.die(new Error(NO_ASSETS));
  const policy = join(tmpdir(), `nodeop-bench-audit-${process.pid}.json`);
  writeFileSync(policy, JSON.stringify(AUDIT_POLICY));
  yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(policy)));
  const flags = [
    "--audit-log-maxsize=100000",
    ...(bodies ? [] : [`--audit-policy-file=${policy}`, "--audit-log-mode=batch"]),
  ];
  const controlPlane = yield* startControlPlane({ assets, scheduler, apiServerFlags: flags });
  yield* install((args) => kubectl(controlPlane, args));
  const account = { namespace: OPERATOR_NAMESPACE, name: OPERATOR_ACCOUNT };
  const kubeconfig = yield* accountKubeconfig(controlPlane, account);
  const services = yield* Layer.build(adminAs(controlPlane, "machines"));
  const transport = Context.get(services, KubeTransport);
  const admin = Layer.succeed(KubeTransport, transport);
  const made: Bench = { controlPlane, kubeconfig, admin };
  return made;
});

export const startOperator = Effect.fn("startOperator")(function* ({ kubeconfig }: Bench) {
  const started = performance.now();
  const operator = yield* OperatorProcess.start({ kubeconfig });
  yield* operator.ready;
  return { operator, readyMillis: Math.round(performance.now() - started) };
});

/** Applies a canary with these fields and waits for its end; answers how long that took and the most nodes in flight. */
export const rollOut = Effect.fn("rollOut")(function* (
  { controlPlane, admin }: Bench,
  spec: Readonly<Record<string, unknown>>,
  name = "kairos-upgrade",
) {
  const input = canaryWith(spec, { name });
  const started = performance.now();
  yield* kubectl(controlPlane, ["apply", "-f", "-"], { input });
  const services = yield* Layer.build(Layer.provide(kubeApiLayer, admin));
  const api = Context.get(services, KubeApi);
  let peak = 0;
  for (;;) {
    const { status } = yield* api.get(NodeOpUpgradeResource, {
      namespace: "default",
      name,
    });
    peak = Math.max(peak, status?.running ?? 0);
    const isOver = status?.phase === "Completed" || status?.phase === "Failed";
    if (isOver && (status.running ?? 0) === 0)
      return { phase: status.phase, peak, seconds: (performance.now() - started) / 1000 };
    // Each look at a large status costs the API server 30 ms of its time, which the rollout would need.
    yield* Effect.sleep("500 millis");
  }
});

/** Until all Nodes are Ready. */
export const areReady = Effect.fn("areReady")(function* (
  { controlPlane }: Bench,
  pool: MachinePool,
) {
  while (pool.registered < pool.hosts.size) yield* Effect.sleep("200 millis");
  const all = ["wait", "--for=condition=Ready", "nodes", "--all", "--timeout=300s"];
  yield* kubectl(controlPlane, all);
});
