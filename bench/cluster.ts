/**
 * What the operator costs and how fast it is beside a real control plane: `npm run bench:cluster`, with KUBEBUILDER_ASSETS.
 * Prints JSON, one run: what was measured, and what it should be. Everything runs on this machine, the API server too.
 */
import process from "node:process";
import { Effect, type Scope } from "effect";
import { type AuditEvent, AuditTail } from "../test/e2e/support/AuditTail.ts";
import { MachinePool, nodesOf } from "../test/e2e/support/MachinePool.ts";
import { crowd } from "./parts/crowd.ts";
import { drain } from "./parts/drain.ts";
import {
  areReady,
  bench,
  type Bench,
  type BenchOptions,
  rollOut,
  startOperator,
} from "./support/bench.ts";
import { countsOf, cpuOf, OPERATOR, residentMegabytes, writesOf } from "./support/measures.ts";

const CANARY_NODES = 10;
const QUIET_SECONDS = 60;
const FLEET_NODES = 1000;
const FLEET_SLOTS = 100;

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
  const megabytes = residentMegabytes(operator.pid);
  return { readyMillis, readyMillisMax: 500, megabytes, megabytesMax: 90 };
}, Effect.scoped);

const canary = Effect.fn("canary")(function* (on: Bench) {
  // Longer than the half second that lies between two writes of a status, as any real reboot.
  const behaviour = { rebootSeconds: [0.6, 0.8] } as const;
  const nodes = nodesOf(1, CANARY_NODES - 1, { behaviour });
  const pool = yield* MachinePool.make({ api: on.controlPlane, nodes });
  yield* areReady(on, pool);
  const { operator } = yield* startOperator(on);
  const { phase, seconds } = yield* rollOut(on, { concurrency: 1 });
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
    megabytes: residentMegabytes(operator.pid),
  };
}, Effect.scoped);

const fleet = Effect.fn("fleet")(function* (on: Bench) {
  const behaviour = { scriptSeconds: [0.5, 0.5], rebootSeconds: [0.5, 0.5] } as const;
  const nodes = nodesOf(3, FLEET_NODES - 3, { behaviour });
  const pool = yield* MachinePool.make({ api: on.controlPlane, nodes, shared: on.admin });
  yield* areReady(on, pool);
  const { operator } = yield* startOperator(on);
  const before = cpuOf(on, operator);
  const { phase, seconds, peak } = yield* rollOut(on, { concurrency: FLEET_SLOTS });
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
    megabytes: residentMegabytes(operator.pid),
  };
}, Effect.scoped);

interface Part {
  readonly on?: BenchOptions;
  readonly run: (on: Bench) => Effect.Effect<unknown, unknown, Scope.Scope>;
}

const PARTS: Readonly<Record<string, Part>> = {
  empty: { run: empty },
  canary: { run: canary },
  fleet: { run: fleet },
  drain: { on: { scheduler: true, bodies: true }, run: drain },
  crowd: { run: crowd },
};

/** All parts, or those that the command line names; each on a control plane of its own. */
const asked = Object.entries(PARTS).filter(
  ([name]) => process.argv.length === 2 || process.argv.includes(name),
);
const results: Record<string, unknown> = {};
for (const [name, { on, run }] of asked)
  results[name] = await Effect.runPromise(Effect.scoped(Effect.flatMap(bench(on), run)));
process.stdout.write(`${JSON.stringify(results, undefined, 2)}\n`);
