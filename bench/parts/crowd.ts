/**
 * The operator's memory with no Pods in the cluster and with twenty thousand: it caches none that is not its own, so what
 * differs is what it reads of the nodes that it drains. A thousand nodes, of which only those that are upgraded have kubelets.
 */
import { Effect } from "effect";
import { Nodes, Pods } from "../../src/domain/kube/resource.ts";
import { KubeTransport } from "../../src/services/KubeTransport.ts";
import { MachinePool, nodesOf } from "../../test/e2e/support/MachinePool.ts";
import { areReady, type Bench, rollOut, startOperator } from "../support/bench.ts";
import { peakMegabytes, residentMegabytes } from "../support/measures.ts";

const NODES = 1000;
const UPGRADED = 20;
const PODS_PER_NODE = 20;
const SLOTS = 10;
const REQUESTS_AT_ONCE = 50;
const MEGABYTES_MAX = 120;

const quietNode = (name: string) => ({
  metadata: { name },
  status: { conditions: [{ type: "Ready", status: "True" }] },
});

/** A Pod as large as they are in reality: several containers with environments, volumes and a status. */
const podOn = (node: string, index: number) => ({
  metadata: {
    generateName: `crowd-${index}-`,
    labels: { app: "crowd", "app.kubernetes.io/part-of": "bench", node },
  },
  spec: {
    nodeName: node,
    containers: ["main", "proxy"].map((name) => ({
      name,
      image: `registry.example/crowd/${name}:v1.2.3`,
      env: Array.from({ length: 20 }, (_, at) => ({
        name: `SETTING_${at}`,
        value: `what the setting ${at} of ${name} says, in some words`,
      })),
      resources: { requests: { cpu: "10m", memory: "16Mi" } },
    })),
    volumes: [{ name: "cache", emptyDir: {} }],
  },
});

/** The Pods of all nodes; without them the same rollout is measured first. */
const createPods = Effect.fn("createPods")(function* (on: Bench, nodes: ReadonlyArray<string>) {
  const { request } = yield* Effect.provide(KubeTransport, on.admin);
  const pods = nodes.flatMap((node) =>
    Array.from({ length: PODS_PER_NODE }, (_, index) => podOn(node, index)),
  );
  yield* Effect.forEach(
    pods,
    (body) => request({ verb: "create", resource: Pods, namespace: "default", body }),
    { concurrency: REQUESTS_AT_ONCE, discard: true },
  );
  return pods.length;
});

/** An operator of its own upgrades the nodes of one round, with their Pods drained. */
const measured = Effect.fn("measured")(function* (on: Bench, round: string) {
  const { operator } = yield* startOperator(on);
  yield* Effect.sleep("3 seconds");
  const megabytesIdle = residentMegabytes(operator.pid);
  const { phase, seconds } = yield* rollOut(
    on,
    {
      concurrency: SLOTS,
      nodeSelector: { matchLabels: { round } },
      // Plain Pods: without it they would stay.
      drainOptions: { force: true },
    },
    round,
  );
  return {
    phase,
    seconds: Number(seconds.toFixed(1)),
    megabytesIdle,
    megabytesPeak: peakMegabytes(operator.pid),
    megabytesPeakMax: MEGABYTES_MAX,
  };
}, Effect.scoped);

export const crowd = Effect.fn("crowd")(function* (on: Bench) {
  const { request } = yield* Effect.provide(KubeTransport, on.admin);
  const rounds = ["without", "with"].flatMap((round) =>
    nodesOf(1, UPGRADED - 1, { labels: { round } }, `${round}-`),
  );
  const pool = yield* MachinePool.make({ api: on.controlPlane, nodes: rounds });
  const quiet = Array.from({ length: NODES - rounds.length }, (_, index) => `quiet-${index}`);
  yield* Effect.forEach(
    quiet,
    (name) => request({ verb: "create", resource: Nodes, body: quietNode(name) }),
    { concurrency: REQUESTS_AT_ONCE, discard: true },
  );
  yield* areReady(on, pool);
  const withoutPods = yield* measured(on, "without");
  const began = performance.now();
  const pods = yield* createPods(on, [...pool.hosts.keys(), ...quiet]);
  const createdInSeconds = Math.round((performance.now() - began) / 1000);
  const withPods = yield* measured(on, "with");
  return { nodes: NODES, upgradedEach: UPGRADED, pods, createdInSeconds, withoutPods, withPods };
}, Effect.scoped);
