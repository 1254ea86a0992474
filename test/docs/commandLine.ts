/** Runs the commands that documents show, as they are shown, and gives what a terminal would. */
import { spawn } from "node:child_process";
import { document, ROOT } from "./documents.ts";

/** How a command ended, and what it wrote. */
export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Package {
  readonly scripts: Readonly<Record<string, string>>;
}

/** The program below `npx nodeop`: bin/nodeop.mjs installs what is missing, which a test must not, and then starts it. */
const NODEOP = ["node", "src/programs/main.ts"];

/** The words of a command as they are run here: by the Node of this test, without npm around it. */
const wordsOf = (command: string): ReadonlyArray<string> => {
  if (command === "npm start")
    return (JSON.parse(document("package.json").text) as Package).scripts["start"]!.split(" ");
  const [npx, program, ...args] = command.split(" ");
  if (npx === "npx" && program === "nodeop") return [...NODEOP, ...args];
  return npx === "npx" && program === "node" ? [program, ...args] : [command];
};

/** Runs `npm start`, `npx nodeop …` or `npx node …` from the root of the repository. Quotes are not understood. */
export const run = (command: string): Promise<Run> => {
  const [program, ...args] = wordsOf(command);
  if (program !== "node")
    return Promise.reject(new Error(`${command}: not a command of this repository`));
  return new Promise((ended, failed) => {
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.on("error", failed);
    child.on("close", (code) => ended({ code, stdout, stderr }));
  });
};
