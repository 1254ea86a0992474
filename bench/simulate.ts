/**
 * How long simulations take, each in a fresh process, start-up included: `node bench/simulate.ts`. Prints JSON: wall and user
 * seconds beside what was simulated. Compare user seconds: wall time also measures what else the machine does.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

interface Case {
  readonly name: string;
  readonly nodes: string;
  readonly concurrency: number;
}

const CASES: ReadonlyArray<Case> = [
  { name: "demonstration", nodes: "1+3", concurrency: 1 },
  { name: "canary", nodes: "3+100", concurrency: 1 },
  { name: "fleet", nodes: "3+997", concurrency: 100 },
];

const example = fileURLToPath(new URL("../examples/canary.yaml", import.meta.url));
const worker = fileURLToPath(new URL("simulateOnce.ts", import.meta.url));

/** What `simulateOnce.ts` prints. */
interface Measured {
  readonly userSeconds: number;
  readonly virtualSeconds: number;
  readonly commits: number;
  readonly requests: number;
}

const run = ({ name, nodes, concurrency }: Case) => {
  const started = performance.now();
  const manifest = readFileSync(example, "utf8").replace(
    /concurrency: \d+/u,
    `concurrency: ${concurrency}`,
  );
  const child = spawnSync(process.execPath, [worker, nodes], {
    input: manifest,
    encoding: "utf8",
    stdio: ["pipe", "pipe", "inherit"],
  });
  if (child.status !== 0) throw new Error(`${name} ended with status ${child.status}`);
  const wallSeconds = (performance.now() - started) / 1000;
  const measured: Measured = JSON.parse(child.stdout);
  return { name, nodes, concurrency, wallSeconds: Number(wallSeconds.toFixed(2)), ...measured };
};

process.stdout.write(`${JSON.stringify(CASES.map(run), undefined, 2)}\n`);
