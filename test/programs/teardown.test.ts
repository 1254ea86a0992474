/** How a process ends. */
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "@effect/vitest";
import { Effect, Exit } from "effect";
import { BadInput } from "../../src/programs/simulate/BadInput.ts";
import { teardownOf } from "../../src/programs/teardown.ts";

/** An output whose reader takes what was written when it is told to. */
const slowReader = () => {
  const waiting: Array<() => void> = [];
  return {
    write: (_text: string, taken: () => void) => void waiting.push(taken),
    take: () => waiting.splice(0).forEach((taken) => taken()),
  };
};

const codes = (args: ReadonlyArray<string>, exit: Exit.Exit<unknown, unknown>) => {
  const stdout = slowReader();
  const exits: Array<number> = [];
  teardownOf(args, stdout, () => {})(exit, (code) => exits.push(code));
  const early = [...exits];
  stdout.take();
  return { early, exits };
};

/** How a process ends whose output cannot be written. */
const unwritten = (args: ReadonlyArray<string>, code: string) => {
  const told: Array<string> = [];
  const exits: Array<number> = [];
  const error = Object.assign(new Error(`${code}: write`), { code });
  const stdout = {
    write: (_text: string, taken: (error: Error) => void) => taken(error),
  };
  teardownOf(args, stdout, (sentence) => told.push(sentence))(Exit.void, (exit) =>
    exits.push(exit),
  );
  return { told, exits };
};

const MAIN = fileURLToPath(new URL("../../src/programs/main.ts", import.meta.url));

describe("a process ends", () => {
  it("only when its answer has been taken", () => {
    expect(codes(["simulate"], Exit.void)).toEqual({ early: [], exits: [0] });
    const failed = Exit.fail(new BadInput({ problems: ["no"] }));
    expect(codes(["simulate"], failed)).toEqual({ early: [], exits: [1] });
  });

  it("well when it was told to, but for what is not done then", () => {
    const interrupted = Effect.runSyncExit(Effect.interrupt);
    expect(codes(["operator"], interrupted).exits).toEqual([0]);
    expect(codes(["node-labeler"], interrupted).exits).toEqual([0]);
    for (const args of [["reboot-agent"], ["simulate", "examples/canary.yaml"], []])
      expect(codes(args, interrupted).exits).toEqual([143]);
  });

  it("badly when its answer cannot be written, but for a reader that has read enough", () => {
    expect(unwritten(["simulate"], "ENOSPC")).toEqual({
      told: ["nodeop: standard output cannot be written: ENOSPC: write"],
      exits: [1],
    });
    expect(unwritten(["simulate"], "EPIPE")).toEqual({ told: [], exits: [0] });
    expect(unwritten(["reboot-agent"], "ENOSPC").exits).toEqual([0]);
  });

  it.runIf(existsSync("/dev/full"))("so where the disk is full", () => {
    const full = openSync("/dev/full", "w");
    const { status, stderr } = spawnSync(process.execPath, [MAIN, "manifests"], {
      stdio: ["ignore", full, "pipe"],
      encoding: "utf8",
    });
    closeSync(full);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^nodeop: standard output cannot be written: ENOSPC.*\n$/u);
  });
});
