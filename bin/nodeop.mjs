#!/usr/bin/env node
// Starts the command line under any Node from 20 on. Installed from the registry it runs the built program; in a
// checkout it installs from the lockfile first and runs the sources under the Node that the project brings.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const args = process.argv.slice(2);
const run = (command, commandArgs) => {
  const { status, error } = spawnSync(command, commandArgs, { stdio: "inherit" });
  if (error !== undefined)
    console.error(`nodeop: ${command} could not be started: ${error.message}`);
  return status ?? 1;
};

if (existsSync(path("../src/programs/main.ts"))) {
  const installed = run(process.execPath, [path("../scripts/install.mjs")]);
  if (installed !== 0) process.exit(installed);
  const cache = ["--import", new URL("../scripts/compile-cache.mjs", import.meta.url).href];
  const node = path("../node_modules/.bin/node");
  process.exit(run(node, [...cache, path("../src/programs/main.ts"), ...args]));
}
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  console.error(`nodeop needs Node 22.19 or newer; this is ${process.versions.node}`);
  process.exit(1);
}
process.exit(run(process.execPath, [path("../dist/programs/main.js"), ...args]));
