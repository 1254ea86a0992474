/**
 * The operator is killed with SIGKILL at its K-th write, before it is applied and after, and started again: for every K.
 * Each rollout must complete, nothing may be done twice, and never more at once than allowed. One rollout has two kills,
 * half of its writes apart: every write is hit both ways in as many rollouts as there are writes.
 */
import { expect, type Vitest } from "@effect/vitest";
import { Effect, type Scope } from "effect";
import type { KubectlFailed } from "../../support/controlPlane/kubectl.ts";
import type { Commit } from "../../../src/domain/history.ts";
import { ApiProxy, type Write } from "../support/ApiProxy.ts";
import {
  commitsSince,
  E2e,
  hasEnded,
  judgeCommits,
  machines,
  newNamespace,
  operationWhere,
  versionNow,
} from "../support/E2e.ts";
import { type MachinePool, nodesOf } from "../support/MachinePool.ts";
import { OperatorProcess } from "../support/OperatorProcess.ts";
import { canaryWith } from "../support/manifests.ts";
import { nowMillis } from "../support/realMachine.ts";

/** As many rollouts at once as two cores get through without making each other late. */
const AT_ONCE = 6;

interface Run {
  readonly name: string;
  readonly pool: MachinePool;
  readonly phase: string;
  /** From each SIGKILL to the next start. */
  readonly down: ReadonlyArray<readonly [number, number]>;
  readonly kills: ReadonlyArray<string>;
  readonly writes: number;
}

/** At which of all writes of a rollout its operator is killed. */
interface Kills {
  readonly before?: number;
  readonly after?: number;
}

/** A canary on 1+2 nodes whose operator dies at these writes. */
const rollout = Effect.fn("rollout")(function* (
  at: Kills,
): Effect.fn.Return<Run, KubectlFailed, E2e | Scope.Scope> {
  const { controlPlane, kubectl, operatorKubeconfig } = yield* E2e;
  const name = `crash-${at.before ?? 0}-${at.after ?? 0}`;
  const labels = { [name]: "true" };
  const down: Array<readonly [number, number]> = [];
  const kills: Array<string> = [];
  let running: OperatorProcess | undefined;
  const killAt = (when: keyof Kills) => (write: Write) => {
    if (write.number !== at[when]) return false;
    kills.push(`${when} ${write.number}: ${write.method} ${write.path}`);
    running?.signal("SIGKILL");
    return true;
  };
  const proxy = yield* ApiProxy.make({
    api: controlPlane,
    before: killAt("before"),
    after: killAt("after"),
  });
  yield* newNamespace(name);
  const pool = yield* machines(nodesOf(1, 2, { labels }, `${name}-`), name);
  const flags = ["--no-leader-elect", `--namespace=${name}`];
  const kubeconfig = proxy.kubeconfig(operatorKubeconfig);
  // It may be killed before it is ready, so that is not waited for.
  const operator = OperatorProcess.start({ kubeconfig, flags });
  running = yield* operator;
  yield* kubectl(["apply", "-f", "-"], {
    input: canaryWith({ nodeSelector: { matchLabels: labels } }, { name, namespace: name }),
  });
  const supervise = Effect.gen(function* () {
    for (;;) {
      if (running !== undefined) yield* running.ended;
      const from = nowMillis();
      running = yield* operator;
      down.push([from, nowMillis()]);
    }
  });
  const ended = operationWhere(name, hasEnded, { namespace: name });
  const status = yield* Effect.raceFirst(ended, supervise);
  return { name, pool, phase: status.phase ?? "", down, kills, writes: proxy.writes };
}, Effect.scoped);

const isOf =
  ({ name, pool }: Run) =>
  (commit: Commit): boolean =>
    commit.namespace === name ||
    (commit.resource.plural === "nodes" && pool.hosts.has(commit.name));

/** What is wrong with a run, in words. */
const problemsOf = (run: Run, commits: ReadonlyArray<Commit>): ReadonlyArray<string> => {
  const { violations, hostLog } = judgeCommits(commits.filter(isOf(run)), [run.pool], {
    operatorDown: run.down,
  });
  const counted = (event: string) =>
    Object.entries(Object.groupBy(hostLog, ({ node }) => node)).flatMap(([node, events = []]) => {
      const times = events.filter((one) => one.event === event).length;
      return times === 1 ? [] : [`${event} ${times} times on ${node}`];
    });
  const problems = [
    ...(run.phase === "Completed" ? [] : [`it ended ${run.phase}`]),
    ...violations.map(({ law, message }) => `${law}: ${message}`),
    ...counted("scriptStarted"),
    ...counted("rebootIssued"),
    ...run.pool.crashes,
  ];
  return problems.map((problem) => `${run.name} (killed ${run.kills.join(", ")}): ${problem}`);
};

export const crashes = (it: Vitest.MethodsNonLive<E2e>): void => {
  it.effect(
    "killed at any write, before or after it is applied, the operator goes on where it was",
    () =>
      Effect.gen(function* () {
        const since = yield* versionNow;
        const undisturbed = yield* rollout({});
        const { writes } = undisturbed;
        const runs = yield* Effect.forEach(
          Array.from({ length: writes }, (_, index) => index),
          (k) => rollout({ before: k + 1, after: ((k + Math.floor(writes / 2)) % writes) + 1 }),
          { concurrency: AT_ONCE },
        );
        const commits = yield* commitsSince(since);
        expect([undisturbed, ...runs].flatMap((run) => problemsOf(run, commits))).toEqual([]);
        const kills = runs.reduce((sum, run) => sum + run.kills.length, 0);
        expect(kills).toBeGreaterThan(1.8 * writes);
      }),
    600_000,
  );
};
