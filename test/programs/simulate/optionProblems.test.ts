/** Options that cannot be simulated are refused before anything runs, in the words of whoever gave them. */
import { describe, expect, it } from "@effect/vitest";
import { Effect } from "effect";
import { type Manifests, simulate, type SimulateOptions } from "../../../src/index.ts";

const MANIFESTS =
  'apiVersion: operator.kairos.io/v1alpha1\nkind: NodeOp\nmetadata: {name: op}\nspec: {command: [sh, -c, "true"]}\n';
const OWN_NODE = "---\napiVersion: v1\nkind: Node\nmetadata: {name: own}\n";
const NOTHING: Manifests = { operations: [], nodes: [] };

const problemsOf = (options: Partial<SimulateOptions>) =>
  Effect.map(
    Effect.flip(simulate({ manifests: MANIFESTS, ...options })),
    ({ problems }) => problems,
  );

const counts = (controlPlanes: number, workers: number) => ({ nodes: { controlPlanes, workers } });

describe("a program that embeds simulations is refused", () => {
  it.effect.each<{ options: Partial<SimulateOptions>; sentence: RegExp }>([
    { options: { manifests: NOTHING }, sentence: /^manifests: no NodeOpUpgrade or NodeOp/u },
    { options: counts(0, 0), sentence: /^nodes: there is nothing to upgrade/u },
    { options: counts(-1, 3), sentence: /^nodes: not two whole numbers/u },
    { options: counts(1, -1), sentence: /^nodes: not two whole numbers/u },
    { options: counts(1.5, 1), sentence: /^nodes: not two whole numbers/u },
    { options: counts(Number.NaN, 1), sentence: /^nodes: not two whole numbers/u },
    { options: counts(1, Infinity), sentence: /^nodes: not two whole numbers/u },
    { options: counts(1, 20_000), sentence: /^nodes: at most 20000 nodes/u },
    { options: { upgradeMillis: Number.NaN }, sentence: /^upgradeMillis: NaN is not a time/u },
    { options: { upgradeMillis: 0 }, sentence: /^upgradeMillis: 0 is not a time/u },
    { options: { rebootMillis: -1 }, sentence: /^rebootMillis: -1 is not a time/u },
    { options: { rebootMillis: Infinity }, sentence: /^rebootMillis: Infinity is not a time/u },
    { options: { rebootMillis: 720 * 3_600_000 + 1 }, sentence: /at most 2592000000 \(720h\)/u },
    { options: { seed: 1.5 }, sentence: /^seed: 1.5 is not a seed; write a whole number/u },
    { options: { seed: Number.NaN }, sentence: /^seed: NaN is not a seed/u },
    { options: { seed: 2 ** 53 }, sentence: /^seed: 9007199254740992 is not a seed/u },
    { options: { faults: ["garbage"] }, sentence: /^faults: garbage: not of the form/u },
    { options: { faults: ["n:script-fails"] }, sentence: /^faults: n:script-fails: there is no/u },
    {
      options: { ...counts(1, 1), manifests: MANIFESTS + OWN_NODE },
      sentence: /^nodes: the manifests bring their own Nodes/u,
    },
  ])("$options", ({ options, sentence }) =>
    Effect.map(problemsOf(options), (problems) => {
      expect(problems).toEqual([expect.stringMatching(sentence)]);
      expect(problems[0]).not.toMatch(/--(?:fault|nodes|seed|upgrade|reboot)/u);
    }),
  );

  it.effect("with every problem at once, those of the manifests among them", () =>
    Effect.map(
      problemsOf({
        manifests: "kind: [a\n",
        nodes: { controlPlanes: 0, workers: 0 },
        seed: 0.5,
        upgradeMillis: 0,
        rebootMillis: 0,
        faults: ["garbage"],
      }),
      (problems) =>
        expect(problems.map((problem) => problem.split(":")[0])).toEqual([
          "manifests",
          "faults",
          "nodes",
          "seed",
          "upgradeMillis",
          "rebootMillis",
        ]),
    ),
  );

  it.effect("but not at the limits", () =>
    Effect.map(
      simulate({
        manifests: MANIFESTS,
        nodes: { controlPlanes: 1, workers: 0 },
        seed: Number.MIN_SAFE_INTEGER,
        upgradeMillis: 0.5,
        rebootMillis: 1,
      }),
      ({ phase }) => expect(phase).toBe("Completed"),
    ),
  );
});
