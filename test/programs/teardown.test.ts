/** How a process ends. */
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
  teardownOf(args, stdout)(exit, (code) => exits.push(code));
  const early = [...exits];
  stdout.take();
  return { early, exits };
};

describe("a process ends", () => {
  it("only when its answer has been taken", () => {
    expect(codes(["simulate"], Exit.void)).toEqual({ early: [], exits: [0] });
    const failed = Exit.fail(new BadInput({ problems: ["no"] }));
    expect(codes(["simulate"], failed)).toEqual({ early: [], exits: [1] });
  });

  it("well when it was told to, but for the reboot agent, which is not done then", () => {
    const interrupted = Effect.runSyncExit(Effect.interrupt);
    expect(codes(["operator"], interrupted).exits).toEqual([0]);
    expect(codes(["reboot-agent"], interrupted).exits).toEqual([143]);
  });
});
