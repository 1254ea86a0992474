// The closing line of several test runs: sums the counts that each left in the file. Plain JavaScript for any Node ≥ 20.
// A run that left none (it did not even start) and checks that failed count as failures: `sum-tests.mjs FILE RUNS FAILURES`.
import { existsSync, readFileSync } from "node:fs";
const [file, runs, failures] = process.argv.slice(2);
const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
const sum = {
  passed: 0,
  failed: Number(failures) + Math.max(0, Number(runs) - lines.length),
  skipped: 0,
};
for (const line of lines) {
  for (const [state, count] of Object.entries(JSON.parse(line))) sum[state] += count;
}
const skipped = sum.skipped > 0 ? `, ${sum.skipped} skipped` : "";
console.log(`${sum.passed} passed, ${sum.failed} failed${skipped}`);
process.exit(sum.failed > 0 ? 1 : 0);
