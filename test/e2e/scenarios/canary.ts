/** The page's example, applied as a person applies it. */
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { expect, type Vitest } from "@effect/vitest";
import { Effect, Predicate, Result } from "effect";
import type { Commit } from "../../../src/domain/history.ts";
import type { KubeObject } from "../../../src/domain/kube/object.ts";
import {
  E2e,
  exampleFile,
  expectLawful,
  hasEnded,
  judge,
  type Judgement,
  machines,
  operationWhere,
  startOperator,
  versionNow,
} from "../support/E2e.ts";
import { readManifests } from "../../../src/programs/simulate/manifests.ts";
import { Recorder, type StoryLine } from "../../../src/programs/simulate/Recorder.ts";
import { runSimulation } from "../../../src/programs/simulate/simulation.ts";
import { nodesOf } from "../support/MachinePool.ts";

/** What is told, without what is different in every run: times, boot ids, suffixes of names. */
const told = (lines: ReadonlyArray<StoryLine>): ReadonlyArray<string> =>
  lines.map(({ node = "", step, text }) =>
    `${node} ${step}: ${text}`
      .replaceAll(/boot [0-9a-f]{4}\b/gu, "boot …")
      .replaceAll(/-[a-z0-9]{5} runs/gu, "-… runs"),
  );

/** As `after`, with the parts of `before` that are the same: the fake's objects share them, JSON off a wire does not. */
const shared = (before: unknown, after: unknown): unknown => {
  if (isDeepStrictEqual(before, after)) return before;
  if (!Predicate.isObject(before) || !Predicate.isObject(after) || Array.isArray(after))
    return after;
  const of: Readonly<Record<string, unknown>> = { ...before };
  return Object.fromEntries(
    Object.entries(after).map(([key, value]) => [key, shared(of[key], value)]),
  );
};

const withSharing = (commits: ReadonlyArray<Commit>): ReadonlyArray<Commit> => {
  const last = new Map<string, KubeObject>();
  return commits.map((commit) => {
    if (commit.after === undefined) return commit;
    const { uid } = commit.after.metadata;
    const after = shared(last.get(uid), commit.after) as KubeObject;
    last.set(uid, after);
    return { ...commit, after };
  });
};

/** The story of what a real server and the machines beside it have recorded. */
const storyOf = ({ commits, hostLog }: Judgement): ReadonlyArray<StoryLine> => {
  const recorder = new Recorder();
  const facts = [
    ...withSharing(commits).map((commit) => ({
      at: commit.at,
      tell: () => recorder.commit(commit),
    })),
    ...hostLog.map((event) => ({ at: event.at, tell: () => recorder.host(event) })),
  ];
  for (const fact of facts.toSorted((a, b) => a.at - b.at)) fact.tell();
  return recorder.lines;
};

/** The same manifest and nodes on the fake. */
const simulated = Effect.gen(function* () {
  const file = { path: "canary.yaml", text: readFileSync(exampleFile("canary"), "utf8") };
  const manifests = Result.getOrThrow(readManifests([file]));
  return yield* runSimulation({ manifests, nodes: { controlPlanes: 1, workers: 3 } });
});

export const canary = (it: Vitest.MethodsNonLive<E2e>): void => {
  it.effect(
    "the canary of the page upgrades every node, one after the other, and its story is that of the fake",
    () =>
      Effect.gen(function* () {
        const { kubectl } = yield* E2e;
        const since = yield* versionNow;
        const pool = yield* machines(nodesOf(1, 3));
        yield* startOperator();
        yield* kubectl(["apply", "-f", exampleFile("canary")]);
        const status = yield* operationWhere("kairos-upgrade", hasEnded);
        expect(status.phase).toBe("Completed");
        const judged = yield* judge(since, [pool]);
        expectLawful(judged, [pool]);
        const fake = yield* simulated;
        expect(told(storyOf(judged))).toEqual(told(fake.lines));
        for (const host of pool.hosts.values())
          expect(host.boot.system.version).toContain("v3.4.2");
      }).pipe(Effect.scoped),
  );
};
