/**
 * What the operator costs and how fast it is beside a real control plane: `npm run bench:cluster`, with KUBEBUILDER_ASSETS.
 * Prints JSON, one run: what was measured, and what it should be. Everything runs on this machine, the API server too.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Context, Effect, Layer } from "effect";
import { NodeOpUpgradeResource } from "../src/programs/operator/resources.ts";
import { KubeApi } from "../src/services/KubeApi.ts";
import { kubeApiLayer } from "../src/services/kubeApiLayer.ts";
import { KubeTransport } from "../src/services/KubeTransport.ts";
import { adminAs } from "../test/e2e/support/api.ts";
import { type AuditEvent, AuditTail } from "../test/e2e/support/AuditTail.ts";
import { install, OPERATOR_ACCOUNT, OPERATOR_NAMESPACE } from "../test/e2e/support/E2e.ts";
import { MachinePool, nodesOf } from "../test/e2e/support/MachinePool.ts";
import { canaryWith } from "../test/e2e/support/manifests.ts";
import { OperatorProcess } from "../test/e2e/support/OperatorProcess.ts";
import { findAssets, NO_ASSETS } from "../test/support/controlPlane/assets.ts";
import {
  type OwnControlPlane,
  startControlPlane,
} from "../test/support/controlPlane/ControlPlane.ts";
import { accountKubeconfig, kubectl } from "../test/support/controlPlane/kubectl.ts";

const CANARY_NODES = 10;
const QUIET_SECONDS = 60;
const FLEET_NODES = 1000;
const FLEET_SLOTS = 100;

const OPERATOR = `system:serviceaccount:${OPERATOR_NAMESPACE}:${OPERATOR_ACCOUNT}`;
const UPGRADE = "kairos-upgrade";

interface Bench {
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

/** A control plane with the installation. */
const bench = Effect.fn("bench")(function* () {
  const assets = findAssets();
  if (assets === undefined) return yield* Effect.die(new Error(NO_ASSETS));
  const policy = join(tmpdir(), `nodeop-bench-audit-${process.pid}.json`);
  writeFileSync(policy, JSON.stringify(AUDIT_POLICY));
  yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(policy)));
  const flags = [
    "--audit-log-maxsize=100000",
    `--audit-policy-file=${policy}`,
    "--audit-log-mode=batch",
  ];
  const controlPlane = yield* startControlPlane({ assets, apiServerFlags: flags });
  yield* install((args) => kubectl(controlPlane, args));
  const account = { namespace: OPERATOR_NAMESPACE, name: OPERATOR_ACCOUNT };
  const kubeconfig = yield* accountKubeconfig(controlPlane, account);
  const services = yield* Layer.build(adminAs(controlPlane, "machines"));
  const transport = Context.get(services, KubeTransport);
  const admin = Layer.succeed(KubeTransport, transport);
  const made: Bench = { controlPlane, kubeconfig, admin };
  return made;
});

const residentMegabytes = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB$/mu.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;

const TICKS_PER_SECOND = 100;

/** User and system time that a process has used so far, in seconds. */
const cpuSeconds = (pid: number): number => {
  const [, after = ""] =
    /^\d+ \(.*\) (.*)$/su.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
  const fields = after.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
};

/** Who has used the processors of this machine, in seconds: all of it is one. */
const cpuOf = ({ controlPlane }: Bench, operator: OperatorProcess) => {
  const { etcd, apiServer, controllerManager } = controlPlane;
  const pids = {
    operator: operator.pid,
    etcd: etcd.pid,
    apiServer: apiServer.pid,
    controllerManager: controllerManager?.pid ?? 0,
    machines: process.pid,
  };
  return Object.fromEntries(
    Object.entries(pids).map(([name, pid]) => [name, pid === 0 ? 0 : cpuSeconds(pid)]),
  );
};

const startOperator = Effect.fn("startOperator")(function* ({ kubeconfig }: Bench) {
  const started = performance.now();
  const operator = yield* OperatorProcess.start({ kubeconfig });
  yield* operator.ready;
  return { operator, readyMillis: Math.round(performance.now() - started) };
});

/** Applies a canary to the nodes and waits for its end; answers how long that took and the most nodes in flight. */
const rollOut = Effect.fn("rollOut")(function* (
  { controlPlane, admin }: Bench,
  concurrency: number,
) {
  const input = canaryWith({ concurrency });
  const started = performance.now();
  yield* kubectl(controlPlane, ["apply", "-f", "-"], { input });
  const services = yield* Layer.build(Layer.provide(kubeApiLayer, admin));
  const api = Context.get(services, KubeApi);
  let peak = 0;
  for (;;) {
    const { status } = yield* api.get(NodeOpUpgradeResource, {
      namespace: "default",
      name: UPGRADE,
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
const areReady = Effect.fn("areReady")(function* ({ controlPlane }: Bench, pool: MachinePool) {
  while (pool.registered < pool.hosts.size) yield* Effect.sleep("200 millis");
  const all = ["wait", "--for=condition=Ready", "nodes", "--all", "--timeout=300s"];
  yield* kubectl(controlPlane, all);
});

const isWrite = ({ verb }: AuditEvent): boolean => !["get", "list", "watch"].includes(verb);

/** The writes that count: not Events, Leases, evictions; nor dry runs, which store nothing. */
const writesOf = (events: ReadonlyArray<AuditEvent>): ReadonlyArray<AuditEvent> =>
  events.filter(
    (event) =>
      event.user.username === OPERATOR &&
      isWrite(event) &&
      !["events", "leases"].includes(event.objectRef?.resource ?? "") &&
      event.objectRef?.subresource !== "eviction" &&
      !event.requestURI.includes("dryRun="),
  );

/** How many there are of each kind, the most frequent first. */
const countsOf = <A>(all: ReadonlyArray<A>, kind: (one: A) => string): Record<string, number> => {
  const counts = Object.entries(Object.groupBy(all, kind)).map(
    ([name, same]) => [name, same?.length ?? 0] as const,
  );
  return Object.fromEntries(counts.toSorted(([, a], [, b]) => b - a));
};

const micros = (time: string): number =>
  Date.parse(time) + Number(/\.\d{3}(\d{3})/u.exec(time)?.[1] ?? 0) / 1000;

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/**
 * From the last sign that a node is back (its agent's report, its kubelet's Ready) to the first request for the next node:
 * the claim. The signs are timed when they were stored, the request when it came in.
 */
const handovers = (events: ReadonlyArray<AuditEvent>): ReadonlyArray<number> => {
  const releases = writesOf(events).filter(
    ({ objectRef, verb }, index, all) =>
      objectRef?.resource === "nodes" &&
      verb === "patch" &&
      // The second write to a Node is its release.
      all
        .slice(0, index)
        .some(
          (one) => one.objectRef?.resource === "nodes" && one.objectRef.name === objectRef.name,
        ),
  );
  return releases.flatMap((release) => {
    const node = release.objectRef?.name ?? "";
    const releasedAt = micros(release.requestReceivedTimestamp);
    const signs = events.filter(
      ({ objectRef, userAgent = "", verb, stageTimestamp }) =>
        (userAgent === `agent/${node}` || userAgent === `kubelet/${node}`) &&
        verb === "patch" &&
        (objectRef?.resource === "nodes" || userAgent.startsWith("agent/")) &&
        micros(stageTimestamp) < releasedAt,
    );
    const backAt = Math.max(...signs.map(({ stageTimestamp }) => micros(stageTimestamp)));
    const claim = writesOf(events).find(
      ({ objectRef, requestReceivedTimestamp }) =>
        objectRef?.resource === "nodeops" &&
        objectRef.subresource === "status" &&
        micros(requestReceivedTimestamp) > releasedAt,
    );
    return claim === undefined ? [] : [micros(claim.requestReceivedTimestamp) - backAt];
  });
};

const empty = Effect.fn("empty")(function* (on: Bench) {
  const { operator, readyMillis } = yield* startOperator(on);
  yield* Effect.sleep("2 seconds");
  const megabytes = Math.round(residentMegabytes(operator.pid));
  return { readyMillis, readyMillisMax: 500, megabytes, megabytesMax: 90 };
}, Effect.scoped);

const canary = Effect.fn("canary")(function* (on: Bench) {
  // Longer than the half second that lies between two writes of a status, as any real reboot.
  const behaviour = { rebootSeconds: [0.6, 0.8] } as const;
  const nodes = nodesOf(1, CANARY_NODES - 1, { behaviour });
  const pool = yield* MachinePool.make({ api: on.controlPlane, nodes });
  yield* areReady(on, pool);
  const { operator } = yield* startOperator(on);
  const { phase, seconds } = yield* rollOut(on, 1);
  const tail = new AuditTail(on.controlPlane.auditLog);
  // What follows the last word of the NodeOpUpgrade belongs to its end.
  yield* Effect.sleep("2 seconds");
  const before = writesOf(tail.read());
  yield* Effect.sleep(`${QUIET_SECONDS} seconds`);
  const events = tail.read();
  const writes = writesOf(events);
  const conflicts = events.filter(
    ({ user, responseStatus, objectRef }) =>
      user.username === OPERATOR &&
      responseStatus?.code === 409 &&
      !["events", "leases"].includes(objectRef?.resource ?? ""),
  );
  return {
    nodes: CANARY_NODES,
    phase,
    seconds: Number(seconds.toFixed(1)),
    writesPerNode: Number((before.length / CANARY_NODES).toFixed(1)),
    writesPerNodeMax: 14,
    writesOf: countsOf(before, ({ verb, objectRef }) =>
      [verb, objectRef?.resource, objectRef?.subresource].filter(Boolean).join(" "),
    ),
    conflicts: conflicts.length,
    conflictsOn: conflicts.map(({ verb, requestURI }) => `${verb} ${requestURI}`),
    conflictsMax: 0,
    writesAfterEnd: writes.length - before.length,
    writesAfterEndMax: 0,
    nodeBackToNextMillisP50: Number(median(handovers(events)).toFixed(1)),
    nodeBackToNextMillisP50Max: 20,
    megabytes: Math.round(residentMegabytes(operator.pid)),
  };
}, Effect.scoped);

const fleet = Effect.fn("fleet")(function* (on: Bench) {
  const behaviour = { scriptSeconds: [0.5, 0.5], rebootSeconds: [0.5, 0.5] } as const;
  const nodes = nodesOf(3, FLEET_NODES - 3, { behaviour });
  const pool = yield* MachinePool.make({ api: on.controlPlane, nodes, shared: on.admin });
  yield* areReady(on, pool);
  const { operator } = yield* startOperator(on);
  const before = cpuOf(on, operator);
  const { phase, seconds, peak } = yield* rollOut(on, FLEET_SLOTS);
  const after = cpuOf(on, operator);
  return {
    nodes: pool.registered,
    phase,
    seconds: Number(seconds.toFixed(1)),
    slotsUsed: peak,
    slotsUsedMin: FLEET_SLOTS,
    nodesPerSecond: Number((FLEET_NODES / seconds).toFixed(1)),
    nodesPerSecondMin: 20,
    // Of all of them, during the rollout: where their sum is what the machine has, the machine is the limit.
    cpuMillisPerNode: Object.fromEntries(
      Object.entries(after).map(([name, used]) => [
        name,
        Math.round((1000 * (used - (before[name] ?? 0))) / FLEET_NODES),
      ]),
    ),
    megabytes: Math.round(residentMegabytes(operator.pid)),
  };
}, Effect.scoped);

const PARTS = { empty, canary, fleet } as const;

/** All parts, or those that the command line names; each on a control plane of its own. */
const asked = Object.entries(PARTS).filter(
  ([name]) => process.argv.length === 2 || process.argv.includes(name),
);
const results: Record<string, unknown> = {};
for (const [name, part] of asked) {
  results[name] = await Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(bench(), (on: Bench): Effect.Effect<unknown, unknown> => part(on)),
    ),
  );
}
process.stdout.write(`${JSON.stringify(results, undefined, 2)}\n`);
