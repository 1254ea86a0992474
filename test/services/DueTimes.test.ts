import { describe, expect, it } from "@effect/vitest";
import { Schema } from "effect";
import { DueTimes } from "../../src/services/DueTimes.ts";

const Step = Schema.Struct({
  do: Schema.Literals(["plan", "plan", "plan", "cancel", "take"]),
  key: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })),
  at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 })),
});

describe("DueTimes", () => {
  it.prop(
    "behaves as a map from keys to their earliest times",
    { steps: Schema.Array(Step).check(Schema.isMaxLength(400)) },
    ({ steps }) => {
      const due = new DueTimes<number>();
      const model = new Map<number, number>();
      for (const step of steps) {
        if (step.do === "plan") {
          const closer = step.at < (model.get(step.key) ?? Infinity);
          if (closer) model.set(step.key, step.at);
          expect(due.plan(step.key, step.at)).toBe(closer);
        } else if (step.do === "cancel") {
          due.cancel(step.key);
          model.delete(step.key);
        } else {
          const taken = due.takeDue(step.at);
          const times = taken.map((key) => model.get(key) ?? NaN);
          expect(times).toEqual([...times].toSorted((a, b) => a - b));
          const want = [...model].filter(([, at]) => at <= step.at).map(([key]) => key);
          expect(new Set(taken)).toEqual(new Set(want));
          expect(taken.length).toBe(want.length);
          for (const key of taken) model.delete(key);
        }
        expect(due.size).toBe(model.size);
        expect(due.nextAt()).toBe(model.size === 0 ? undefined : Math.min(...model.values()));
      }
    },
    { arbitrary: { runs: 100, size: 200, seed: "nodeop" }, timeout: 60_000 },
  );

  it("gives equal times in the order in which they were planned", () => {
    const due = new DueTimes<number>();
    for (let key = 0; key < 100; key++) due.plan(key, 7);
    expect(due.takeDue(7)).toEqual(Array.from({ length: 100 }, (_, key) => key));
  });

  it("keeps the order over many superseded plans", () => {
    const due = new DueTimes<number>();
    for (let at = 5000; at > 0; at--) due.plan(at % 3, at);
    for (let key = 3; key < 500; key++) due.plan(key, (key * 7919) % 1009);
    const taken: Array<number> = [];
    for (let at = due.nextAt(); at !== undefined; at = due.nextAt()) {
      taken.push(at);
      due.takeDue(at);
    }
    expect(taken).toEqual([...new Set(taken)].toSorted((a, b) => a - b));
    expect(due.size).toBe(0);
  });
});
