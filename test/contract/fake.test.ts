/** The fake's half of the contract: it observes what the real server observed when the answers were recorded. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "@effect/vitest";
import { Cause, Effect, Exit } from "effect";
import { groups } from "./cells/groups.ts";
import type { Script } from "./support/cell.ts";
import { readAnswers } from "./support/answers.ts";
import { differences } from "./support/differences.ts";
import { fakeTarget, inSimulatedCluster } from "./support/fakeTarget.ts";
import { namespaces, observe } from "./support/run.ts";

/** Where the fake differs on purpose it must differ, and only there. */
const expectAsRecorded = (name: string, observed: unknown, recorded: unknown) => {
  if (name in differences) expect(observed).not.toEqual(recorded);
  else expect(observed).toEqual(recorded);
};

/** What a script observes on the fake; the way it fails, where it fails. */
const onFake = (
  script: Script,
  namespace: string,
  controllers: boolean,
): Effect.Effect<unknown> => {
  const observed = observe(script, namespace);
  const exit = controllers
    ? Effect.sync(() => inSimulatedCluster(observed))
    : Effect.exit(Effect.provide(observed, fakeTarget));
  return Effect.map(exit, (end) => (Exit.isSuccess(end) ? end.value : Cause.pretty(end.cause)));
};

for (const { title, controllers = false, cells } of groups) {
  const recorded = readAnswers(title).cells;
  const namespace = namespaces("fake");
  describe(`contract: ${title}`, () => {
    for (const [name, script] of Object.entries(cells)) {
      it.live(`${title}: ${name}`, () =>
        Effect.map(onFake(script, namespace(), controllers), (observed) => {
          expectAsRecorded(name, observed, recorded[name]);
        }),
      );
    }
  });
}

describe("what differs on purpose", () => {
  it("is told in docs/fake.md", () => {
    const text = readFileSync(new URL("../../docs/fake.md", import.meta.url), "utf8");
    expect(Object.keys(differences).filter((name) => !text.includes(name))).toEqual([]);
  });

  it("is about cells that exist", () => {
    const known = groups.flatMap(({ cells }) => Object.keys(cells));
    expect(Object.keys(differences).filter((name) => !known.includes(name))).toEqual([]);
  });
});
