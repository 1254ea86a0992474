/** Rollouts as the page describes them: failures, concurrency, partitions, secrets, one node, many nodes. */
import { expect, type Vitest } from "@effect/vitest";
import { Effect } from "effect";
import type { Commit } from "../../../src/domain/history.ts";
import { LABEL_NODE } from "../../../src/domain/labels.ts";
import {
  E2e,
  exampleFile,
  expectLawful,
  hasEnded,
  judge,
  machines,
  type OperationStatus,
  operationWhere,
  startOperator,
  versionNow,
} from "../support/E2e.ts";
import { nodesOf, type PooledNode } from "../support/MachinePool.ts";
import { canaryWith } from "../support/manifests.ts";

const SCRIPT_FAILS = { behaviour: { script: "fails" } } as const;

/** Applies a manifest to machines and an operator, and sees it to its end, lawful. */
const rollOut = Effect.fn("rollOut")(function* (
  nodes: ReadonlyArray<PooledNode>,
  apply: { readonly input: string } | { readonly file: string },
  name = "kairos-upgrade",
) {
  const { kubectl } = yield* E2e;
  const since = yield* versionNow;
  const pool = yield* machines(nodes);
  yield* startOperator();
  yield* "file" in apply
    ? kubectl(["apply", "-f", apply.file])
    : kubectl(["apply", "-f", "-"], { input: apply.input });
  const status = yield* operationWhere(name, hasEnded);
  const judged = yield* judge(since, [pool]);
  expectLawful(judged, [pool]);
  return { status, pool, ...judged };
});

const phases = ({ nodeStatuses = {} }: OperationStatus): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(nodeStatuses).map(([name, { phase }]) => [name, phase]));

/** The most nodes in flight at the same time, by the stored statuses. */
const peakOf = (commits: ReadonlyArray<Commit>): number =>
  Math.max(
    ...commits
      .filter(({ resource }) => resource.plural === "nodeops")
      .map(({ after }) => (after?.["status"] as OperationStatus | undefined)?.running ?? 0),
  );

export const rollouts = (it: Vitest.MethodsNonLive<E2e>): void => {
  it.effect("the first failure stops the rest, and the failed node stays cordoned", () =>
    Effect.gen(function* () {
      const { kubectl } = yield* E2e;
      const nodes = nodesOf(1, 2).map((node) =>
        node.name === "worker-1" ? { ...node, ...SCRIPT_FAILS } : node,
      );
      const { status } = yield* rollOut(nodes, { input: canaryWith({ backoffLimit: 0 }) });
      expect(status.phase).toBe("Failed");
      expect(phases(status)).toEqual({ "cp-1": "Completed", "worker-1": "Failed" });
      const cordoned = yield* kubectl([
        "get",
        "nodes",
        "-o",
        "jsonpath={.items[?(@.spec.unschedulable==true)].metadata.name}",
      ]);
      expect(cordoned).toBe("worker-1");
    }).pipe(Effect.scoped),
  );

  it.effect("without stopOnFailure a failure stops nobody else", () =>
    Effect.gen(function* () {
      const nodes = nodesOf(1, 2).map((node) =>
        node.name === "worker-1" ? { ...node, ...SCRIPT_FAILS } : node,
      );
      const input = canaryWith({ stopOnFailure: false, backoffLimit: 0 });
      const { status } = yield* rollOut(nodes, { input });
      expect(status.phase).toBe("Failed");
      expect(phases(status)).toEqual({
        "cp-1": "Completed",
        "worker-1": "Failed",
        "worker-2": "Completed",
      });
    }).pipe(Effect.scoped),
  );

  it.effect("a Job that somebody deletes fails its node, and is not made anew", () =>
    Effect.gen(function* () {
      const { kubectl } = yield* E2e;
      const since = yield* versionNow;
      const pool = yield* machines(nodesOf(1, 0, { behaviour: { script: "hangs" } }));
      yield* startOperator();
      yield* kubectl(["apply", "-f", "-"], { input: canaryWith({}) });
      yield* operationWhere("kairos-upgrade", (status) => phases(status)["cp-1"] === "Running");
      yield* kubectl(["delete", "jobs", "-l", `${LABEL_NODE}=cp-1`, "--wait=false"]);
      const status = yield* operationWhere("kairos-upgrade", hasEnded);
      expect(phases(status)).toEqual({ "cp-1": "Failed" });
      expectLawful(yield* judge(since, [pool], { disturbed: () => true }), [pool]);
    }).pipe(Effect.scoped),
  );

  it.effect("the recovery partition alone takes no cordon and no reboot", () =>
    Effect.gen(function* () {
      const file = exampleFile("recovery-only");
      const { status, hostLog, commits, pool } = yield* rollOut(
        nodesOf(1, 2),
        { file },
        "recovery-upgrade",
      );
      expect(status.phase).toBe("Completed");
      expect(peakOf(commits)).toBe(2);
      expect(hostLog.filter(({ event }) => event === "rebootIssued")).toEqual([]);
      for (const { partitions } of pool.hosts.values()) {
        expect(partitions.recovery.version).toContain("v3.4.2");
        expect(partitions.active.version).toContain("v3.4.1");
      }
    }).pipe(Effect.scoped),
  );

  it.effect("every Pod names the pull secrets of the operation", () =>
    Effect.gen(function* () {
      const { status, commits } = yield* rollOut(nodesOf(1, 1), { file: exampleFile("full") });
      expect(status.phase).toBe("Completed");
      const pods = commits.filter(
        ({ resource, verb }) => resource.plural === "pods" && verb === "create",
      );
      expect(pods.length).toBe(6);
      for (const { after } of pods)
        expect(after).toMatchObject({
          spec: { imagePullSecrets: [{ name: "private-registry-secret" }] },
        });
    }).pipe(Effect.scoped),
  );

  it.effect("a NodeOp of one's own runs a command and reboots", () =>
    Effect.gen(function* () {
      const { kubectl } = yield* E2e;
      const since = yield* versionNow;
      const pool = yield* machines(nodesOf(1, 2));
      yield* startOperator();
      yield* kubectl(["apply", "-f", exampleFile("nodeop")]);
      const status = yield* operationWhere("write-sysctl", hasEnded, { kind: "NodeOp" });
      expect(status.phase).toBe("Completed");
      expect(phases(status)).toEqual({ "worker-1": "Completed", "worker-2": "Completed" });
      const judged = yield* judge(since, [pool]);
      expectLawful(judged, [pool]);
      expect(judged.hostLog.filter(({ event }) => event === "rebootIssued")).toHaveLength(2);
    }).pipe(Effect.scoped),
  );

  it.effect(
    "a hundred nodes, 25 at a time, control planes first",
    () =>
      Effect.gen(function* () {
        const input = canaryWith({ concurrency: 25 });
        const { status, commits } = yield* rollOut(nodesOf(3, 97), { input });
        expect(status.phase).toBe("Completed");
        expect(status.progress).toBe("100/100");
        expect(peakOf(commits)).toBe(25);
        const [first] = commits.flatMap(({ resource, after }) =>
          resource.plural === "nodeops" && after !== undefined
            ? [phases((after["status"] ?? {}) as OperationStatus)].filter(
                (entries) => Object.keys(entries).length > 0,
              )
            : [],
        );
        expect(Object.keys(first ?? {})).toEqual(expect.arrayContaining(["cp-1", "cp-2", "cp-3"]));
      }).pipe(Effect.scoped),
    180_000,
  );
};
