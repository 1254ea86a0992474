/**
 * How many whole upgrades are simulated per second on one core, with every law watching: `node bench/histories.ts`. Prints
 * JSON. A history is the canary of examples/ on one control plane and two workers, by itself and with a workload that is
 * drained below a budget, from an idle cluster to the end of the watch after it; seeds differ, start-up is not counted.
 * Compare histories per user second: wall time also measures what else the machine does.
 */
import { readFileSync } from "node:fs";
import { Effect, Result } from "effect";
import { readManifests, type Manifests } from "../src/programs/simulate/manifests.ts";
import { runSimulation } from "../src/programs/simulate/simulation.ts";

/** Until the code is compiled by the optimizing compiler. */
const WARM_UP_MILLIS = 3000;
const MEASURED_MILLIS = Number(process.argv[2] ?? 10) * 1000;

const canary = readFileSync(new URL("../examples/canary.yaml", import.meta.url), "utf8");

const workload = `
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: shop}}
  template: {metadata: {labels: {app: shop}}, spec: {containers: [{name: shop, image: shop}]}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: shop}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: shop}}}
`;

const read = (text: string): Manifests =>
  Result.getOrThrow(readManifests([{ path: "bench.yaml", text }]));

const simulate = (manifests: Manifests, seed: number) => {
  const { result, history } = Effect.runSync(
    runSimulation({ manifests, nodes: { controlPlanes: 1, workers: 2 }, seed }),
  );
  if (result.phase !== "Completed" || result.violations.length > 0)
    throw new Error(`${seed}: ${result.phase}: ${result.message}`);
  return history.length;
};

const measure = (name: string, manifests: Manifests) => {
  const until = (millis: number, first: number) => {
    const [started, cpu] = [performance.now(), process.cpuUsage()];
    let [histories, commits] = [0, 0];
    while (performance.now() - started < millis)
      commits += simulate(manifests, first + ++histories);
    return {
      histories,
      commitsPerHistory: Math.round(commits / histories),
      perWallSecond: (histories * 1000) / (performance.now() - started),
      perUserSecond: (histories * 1e6) / process.cpuUsage(cpu).user,
    };
  };
  until(WARM_UP_MILLIS, 0);
  const { histories, commitsPerHistory, perWallSecond, perUserSecond } = until(
    MEASURED_MILLIS,
    1_000_000,
  );
  return {
    name,
    histories,
    commitsPerHistory,
    perWallSecond: Number(perWallSecond.toFixed(1)),
    perUserSecond: Number(perUserSecond.toFixed(1)),
  };
};

process.stdout.write(
  `${JSON.stringify([measure("plain", read(canary)), measure("drain and PDB", read(canary + workload))], undefined, 2)}\n`,
);
