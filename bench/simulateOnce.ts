/** One simulation of the manifest on stdin with `<control planes>+<workers>` nodes; prints what it took. Run by simulate.ts. */
import { readFileSync } from "node:fs";
import { Effect, Result } from "effect";
import { readManifests } from "../src/programs/simulate/manifests.ts";
import { parseNodes } from "../src/programs/simulate/nodesFlag.ts";
import { runSimulation } from "../src/programs/simulate/simulation.ts";

const nodes = Result.getOrThrow(parseNodes(process.argv[2] ?? "1+3"));
const manifests = Result.getOrThrow(
  readManifests([{ path: "stdin", text: readFileSync(0, "utf8") }]),
);
const { result, history } = Effect.runSync(runSimulation({ manifests, nodes }));
if (result.phase !== "Completed" || result.violations.length > 0)
  throw new Error(`${result.phase}: ${result.message}, ${result.violations.length} violations`);

process.stdout.write(
  JSON.stringify({
    userSeconds: Number((process.cpuUsage().user / 1e6).toFixed(2)),
    virtualSeconds: result.virtualSeconds,
    commits: history.length,
    requests: Object.values(result.requests).reduce((sum, count) => sum + count, 0),
  }),
);
