/** The closing line that CI reads: `N passed, N failed`. */
import { appendFileSync } from "node:fs";
import process from "node:process";
import type { Reporter } from "vitest/node";

/**
 * Prints the line. Errors outside of tests (a file that does not load, an unhandled rejection) count as failures too.
 * Where several runs make one line, NODEOP_TEST_COUNTS names the file in which each leaves its counts for scripts/sum-tests.mjs.
 */
export const closingLine: Reporter = {
  onTestRunEnd(modules, unhandledErrors) {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      if (module.errors().length > 0) count.failed++;
      for (const test of module.children.allTests()) {
        const state = test.result().state;
        count[state === "passed" || state === "failed" ? state : "skipped"]++;
      }
    }
    console.log(
      `${count.passed} passed, ${count.failed} failed${count.skipped > 0 ? `, ${count.skipped} skipped` : ""}`,
    );
    const file = process.env["NODEOP_TEST_COUNTS"];
    if (file !== undefined) appendFileSync(file, `${JSON.stringify(count)}\n`);
  },
};
