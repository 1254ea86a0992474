/**
 * The node protocol, exhaustively: the repaired one holds every law through every interleaving, and each
 * repair is needed. Counts and lengths are pinned, so that no change of protocol or model goes unnoticed.
 */
import * as NodeServices from "@effect/platform-node/NodeServices";
import { describe, expect, it } from "@effect/vitest";
import { Effect } from "effect";
import { Command } from "effect/cli";
import { TestConsole } from "effect/testing";
import { ablations, configOf, search } from "./ablations.ts";
import { makeCeilingModel } from "./ceiling.ts";
import { check } from "./check.ts";
import { makeHoldModel } from "./hold.ts";
import { makeModel } from "./model.ts";
import type { Config } from "./protocol.ts";
import { asWritten, lawNumber, lawText, repaired, repairNames } from "./protocol.ts";
import type { Model } from "./search.ts";
import { explore } from "./search.ts";
import type { NodeState } from "./state.ts";
import { RebootPod, State, Write } from "./state.ts";
import { deliver, send } from "./writes.ts";

/** What a search found, for comparison in one piece: nothing broken, nothing stuck, so many states. */
const summary = (model: Model) => {
  const { capped, states, stuck, violations } = explore(model);
  return { capped, states, stuck: stuck?.trace, violations: Object.fromEntries(violations) };
};
const sound = (states: number) => ({ capped: false, states, stuck: [], violations: {} });

describe("the repaired protocol breaks no law and is never stuck", () => {
  const cases: ReadonlyArray<readonly [string, Omit<Config, "repairs">, number]> = [
    ["1 operator, no fault", { nodes: 1, operators: 1, faultBudget: 0 }, 328],
    [
      "1 operator, 1 fault, deadlines",
      { nodes: 1, operators: 1, faultBudget: 1, deadlines: true },
      67389,
    ],
    ["1 operator, 1 fault", { nodes: 1, operators: 1, faultBudget: 1 }, 15713],
    ["2 operators, 1 fault", { nodes: 1, operators: 2, faultBudget: 1 }, 319673],
    ["2 operators, deadlines", { nodes: 1, operators: 2, faultBudget: 0, deadlines: true }, 50875],
    ["2 nodes, deadlines", { nodes: 2, operators: 1, faultBudget: 0, deadlines: true }, 20161],
  ];
  for (const [name, config, states] of cases)
    it(`${name}: ${states} states`, { timeout: 60_000 }, () => {
      expect(summary(makeModel({ ...config, repairs: repaired }))).toEqual(sound(states));
    });
});

/** The repaired protocol in an ablation's configuration; ablations share these, so each is searched once. */
const withRepairs = (() => {
  const searched = new Map<string, ReturnType<typeof summary>>();
  return (config: Config) => {
    const key = JSON.stringify({ ...config, repairs: repaired });
    const known = searched.get(key) ?? summary(makeModel({ ...config, repairs: repaired }));
    searched.set(key, known);
    return known;
  };
})();

describe("each repair is needed", () => {
  it("every repair has an ablation", () => {
    const without = new Set(ablations.flatMap((ablation) => Object.keys(ablation.without)));
    expect(without).toEqual(new Set(repairNames));
  });
  for (const ablation of ablations)
    it(`${ablation.name} (${ablation.breaks} in ${ablation.length})`, { timeout: 60_000 }, () => {
      const { stuck, violations } = search(ablation);
      const trace =
        ablation.breaks === "stuck" ? stuck?.trace : violations.get(lawText(ablation.breaks));
      expect(trace).toHaveLength(ablation.length);
      const { states, ...found } = withRepairs(configOf(ablation));
      expect(states).toBeGreaterThan(300);
      expect(found).toEqual({ capped: false, stuck: [], violations: {} });
    });
});

describe("the naive protocol", () => {
  it("breaks 8 of the laws, all but P7 and P10, with one fault", () => {
    const model = makeModel({ repairs: asWritten, nodes: 1, operators: 1, faultBudget: 1 });
    const { violations } = explore(model);
    const lengths = Object.fromEntries(
      [...violations].map(([law, trace]) => [law.split(" ")[0], trace.length]),
    );
    expect(lengths).toEqual({ P1: 33, P2: 18, P3: 18, P4: 21, P5: 21, P6: 12, P8: 11, P9: 23 });
  });
  it("shares no repair with the repaired one", () => {
    const kept = repairNames.filter(
      (repair) => Reflect.get(asWritten, repair) === Reflect.get(repaired, repair),
    );
    expect(kept).toEqual([]);
  });
});

/** The law that one write breaks when it arrives at a node in the given condition, 0 for none. */
const lawBrokenBy = (write: Write, condition: Partial<NodeState>): number => {
  const state = new State(1, 1, 0);
  Object.assign(state.node(0), condition);
  send(state.slot(0), { write, node: 0 });
  deliver(state, state.slot(0), repaired, false);
  return state.operation.violation;
};

describe("a law that no variant breaks is watched nevertheless", () => {
  it("P7: a Job before its reboot Pod", () => {
    expect(lawBrokenBy(Write.createJob, {})).toBe(lawNumber("P7"));
    const withPod = { rebootPod: RebootPod.running, everRebootPod: 1 } as const;
    expect(lawBrokenBy(Write.createJob, withPod)).toBe(0);
  });
});

describe("two operations over the same nodes", () => {
  it("claims in two statuses do not exclude each other", () => {
    const { violations } = explore(makeHoldModel("claims"));
    expect(violations.get("both operations work on one node")).toHaveLength(8);
  });
  it("a hold on the Node under its resourceVersion does", () => {
    expect(summary(makeHoldModel("hold"))).toEqual(sound(40051));
  });
  it("a hold may be taken over from a holder that has ended", () => {
    expect(summary(makeHoldModel("takeover"))).toEqual(sound(41487));
  });
});

describe("a ceiling over all operations", () => {
  const exceeded = "more nodes in flight than the ceiling";
  it.each([
    ["counting what statuses say", "statuses", 4],
    ["a book without compare-and-swap", "blind", 8],
    ["a book without the versions of operations", "unversioned", 8],
  ] as const)("is exceeded by %s", (_name, ceiling, length) => {
    expect(explore(makeCeilingModel(ceiling)).violations.get(exceeded)).toHaveLength(length);
  });
  it("is never exceeded, but waits for ever, where a line for another node is never given up", () => {
    const { stuck, violations } = explore(makeCeilingModel("unfenced"));
    expect([stuck?.trace.length, violations.size]).toEqual([3, 0]);
  });
  it("is kept, and nothing waits for ever, by a book that both compare and swap", () => {
    expect(summary(makeCeilingModel("book"))).toEqual(sound(16034));
  });
});

/** Runs the command line; only its output and its failure come back. */
const run = (...args: ReadonlyArray<string>) =>
  Command.runWith(check, { version: "1" })(args).pipe(Effect.provide(NodeServices.layer));

describe("the command line", () => {
  it.effect("prints the figures of a sound protocol", () =>
    Effect.gen(function* () {
      yield* run("repaired", "1", "1", "0");
      expect(yield* TestConsole.logLines).toEqual([
        "repaired: 328 states, 1046 transitions, depth 46, stuck 0, 0.0 s",
      ]);
    }),
  );
  it.effect("prints the history of a broken one and fails", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(run("ablate", "suspendedJob"));
      expect(error).toMatchObject({ _tag: "ProtocolBroken" });
      expect((yield* TestConsole.logLines)[1]).toMatch(
        /^ {2}P6 second Job for the same node \[14\]: .* createJob n0 reaches the API$/,
      );
    }),
  );
});
