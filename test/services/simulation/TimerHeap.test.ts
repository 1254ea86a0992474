/** The heap against a sorted list. */
import { expect, it } from "@effect/vitest";
import { Schema } from "effect";
import { type Timer, TimerHeap } from "../../../src/services/simulation/TimerHeap.ts";

const Operation = Schema.Union([
  Schema.Struct({
    op: Schema.Literal("add"),
    at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })),
    owner: Schema.Literals(["living", "dead"]),
  }),
  Schema.Struct({
    op: Schema.Literal("cancel"),
    which: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 99 })),
  }),
  Schema.Struct({ op: Schema.Literal("take") }),
]);

it.prop(
  "takes live timers by time, then by age, whatever was added, cancelled and taken before",
  [Schema.Array(Operation).check(Schema.isMaxLength(60))],
  ([operations]) => {
    const heap = new TimerHeap<string>((owner) => owner === "living");
    const timers: Array<Timer<string>> = [];
    let model: Array<Timer<string>> = [];
    for (const operation of operations) {
      if (operation.op === "add") {
        const timer = heap.add(operation.at, operation.owner, () => {});
        timers.push(timer);
        if (operation.owner === "living") model.push(timer);
      } else if (operation.op === "cancel") {
        const timer = timers[operation.which % Math.max(1, timers.length)];
        timer?.cancel();
        model = model.filter((other) => other !== timer);
      } else {
        const next = model.toSorted(
          (a, b) => a.at - b.at || timers.indexOf(a) - timers.indexOf(b),
        )[0];
        expect(heap.nextAt()).toBe(next?.at);
        expect(heap.take()).toBe(next);
        model = model.filter((other) => other !== next);
      }
    }
  },
  { arbitrary: { runs: 300, seed: "timers" } },
);

it("cancelled timers do not pile up", () => {
  const heap = new TimerHeap<string>(() => true);
  const kept = Array.from({ length: 100 }, (_, i) => heap.add(1_000_000 - i, "p", () => {}));
  for (let i = 0; i < 100_000; i++) heap.add(2_000_000, "p", () => {}).cancel();
  expect(heap.size).toBeLessThanOrEqual(1024 + 100);
  expect(kept.toReversed().every((timer) => heap.take() === timer)).toBe(true);
  expect(heap.take()).toBeUndefined();
});
