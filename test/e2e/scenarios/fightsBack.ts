/**
 * A cluster that does not hold still: two operations want the same nodes, two operators act below one ceiling, a Node is
 * deleted while its machine is dead, so that the real Pod garbage collector takes what was left on it.
 */
import { expect, type Vitest } from "@effect/vitest";
import { Effect } from "effect";
import type { Commit } from "../../../src/domain/history.ts";
import { Jobs, NodeOps, Nodes, Pods } from "../../../src/domain/kube/resource.ts";
import { LABEL_NODE } from "../../../src/domain/labels.ts";
import { CEILING, CEILING_ACCESS } from "../support/ceiling.ts";
import {
  E2e,
  expectLawful,
  hasEnded,
  judge,
  machines,
  operationWhere,
  startOperator,
  versionNow,
} from "../support/E2e.ts";
import { nodesOf } from "../support/MachinePool.ts";
import { nodesAway } from "../support/nodesAway.ts";
import { canaryWith } from "../support/manifests.ts";

/** The most nodes that were away at the same time, and which; exact, version by version. */
const mostAway = (commits: ReadonlyArray<Commit>): ReadonlyArray<string> =>
  nodesAway(commits).reduce((most, away) => (away.length > most.length ? away : most), []);

export const fightsBack = (it: Vitest.MethodsNonLive<E2e>): void => {
  it.effect("a node that one operation holds waits in the other, which says for whom", () =>
    Effect.gen(function* () {
      const { kubectl, observer } = yield* E2e;
      const since = yield* versionNow;
      const shared = { labels: { shared: "true" }, behaviour: { scriptSeconds: [2, 2] } } as const;
      const pool = yield* machines([...nodesOf(1, 0, shared), ...nodesOf(0, 2)]);
      yield* startOperator();
      yield* kubectl(["apply", "-f", "-"], { input: canaryWith({}, { name: "first" }) });
      yield* operationWhere("first", ({ running = 0 }) => running > 0);
      yield* kubectl(["apply", "-f", "-"], {
        input: canaryWith({ nodeSelector: { matchLabels: shared.labels } }, { name: "second" }),
      });
      yield* operationWhere("second", (status) =>
        (status.message ?? "").includes("Waiting for cp-1: NodeOp default/first is working on it"),
      );
      for (const name of ["first", "second"]) {
        const { phase } = yield* operationWhere(name, hasEnded);
        expect(phase).toBe("Completed");
      }
      const judged = yield* judge(since, [pool]);
      expectLawful(judged, [pool]);
      // What the first has upgraded the second finds done.
      expect(judged.hostLog.filter(({ event }) => event === "rebootIssued")).toHaveLength(3);
      const cordoned = observer
        .objects(Nodes)
        .filter((node) => "unschedulable" in (node["spec"] as object));
      expect(cordoned).toEqual([]);
    }).pipe(Effect.scoped),
  );

  it.effect(
    "two operators that both act keep to one ceiling over two operations, at every moment",
    () =>
      Effect.gen(function* () {
        const { kubectl } = yield* E2e;
        const registered = yield* versionNow;
        const sets = ["a", "b"].flatMap((set) => nodesOf(0, 6, { labels: { set } }, `${set}-`));
        const pool = yield* machines(sets);
        const since = yield* versionNow;
        yield* kubectl(["apply", "-f", "-"], {
          input: JSON.stringify({ apiVersion: "v1", kind: "List", items: CEILING_ACCESS }),
        });
        const flags = ["--no-leader-elect", `--max-unavailable=${CEILING}`];
        yield* Effect.all([startOperator({ flags }), startOperator({ flags })], { concurrency: 2 });
        const operations = ["a", "b"].map((set) => {
          const spec = { concurrency: 4, nodeSelector: { matchLabels: { set } } };
          return JSON.parse(canaryWith(spec, { name: `set-${set}` })) as object;
        });
        yield* kubectl(["apply", "-f", "-"], {
          input: JSON.stringify({ apiVersion: "v1", kind: "List", items: operations }),
        });
        for (const name of ["set-a", "set-b"]) {
          const { phase } = yield* operationWhere(name, hasEnded);
          expect(phase).toBe("Completed");
        }
        const judged = yield* judge(registered, [pool], { ceiling: CEILING });
        expectLawful(judged, [pool]);
        // Nodes were all Ready by then: what is away from there on is away because of us.
        expect(mostAway(judged.commits.filter(({ rv }) => rv > since))).toHaveLength(CEILING);
      }).pipe(Effect.scoped),
  );

  it.effect(
    "a machine dies and its Node is deleted: its operation fails it and lets go, Pod garbage collection takes its Pods",
    () =>
      Effect.gen(function* () {
        const { kubectl, observer } = yield* E2e;
        const since = yield* versionNow;
        const nodes = nodesOf(1, 2).map((node) =>
          node.name === "worker-1" ? { ...node, behaviour: { script: "hangs" as const } } : node,
        );
        const pool = yield* machines(nodes);
        yield* startOperator();
        const input = canaryWith({ stopOnFailure: false });
        yield* kubectl(["apply", "-f", "-"], { input });
        yield* operationWhere(
          "kairos-upgrade",
          ({ nodeStatuses }) => nodeStatuses?.["worker-1"]?.phase === "Running",
        );
        const left = () =>
          [...observer.objects(Pods)].filter(
            ({ metadata }) => metadata.labels?.[LABEL_NODE] === "worker-1",
          );
        yield* observer.until(() => (left().length >= 2 ? true : undefined));
        const host = pool.host("worker-1");
        host.behaviour = { ...host.behaviour, reboot: "never-returns" };
        host.powerLoss();
        yield* kubectl(["delete", "node", "worker-1"]);
        const status = yield* operationWhere("kairos-upgrade", hasEnded);
        expect(status.nodeStatuses).toMatchObject({
          "cp-1": { phase: "Completed" },
          "worker-1": { phase: "Failed", reason: "NodeGone" },
          "worker-2": { phase: "Completed" },
        });
        // It looks every 20 s, and believes that a Node is gone after 40 s only: neither can be set.
        yield* observer.until(() => (left().length === 0 ? true : undefined));
        const judged = yield* judge(since, [pool], { disturbed: (node) => node === "worker-1" });
        expectLawful(judged, [pool]);
        const collected = judged.commits.filter(
          ({ actor, resource }) => resource === Pods && actor === "pod-garbage-collector",
        );
        expect(collected.length).toBeGreaterThan(0);
        expect(
          [...observer.objects(NodeOps)].flatMap(({ metadata }) => metadata.finalizers ?? []),
        ).toEqual([]);
        expect(
          observer
            .objects(Jobs)
            .filter(({ metadata }) => metadata.labels?.[LABEL_NODE] === "worker-1")
            .map((job) => (job["spec"] as { readonly suspend?: boolean }).suspend),
        ).toEqual([true]);
      }).pipe(Effect.scoped),
  );
};
