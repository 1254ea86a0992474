/**
 * A kubelet is silent for longer than the grace period in the middle of an operation: the real node lifecycle controller taints
 * its Node, and taint eviction deletes what does not tolerate that. The controllers are in a hurry here (`HASTY`).
 */
import { expect, type Vitest } from "@effect/vitest";
import { Effect } from "effect";
import type { Commit } from "../../../src/domain/history.ts";
import { Nodes, Pods } from "../../../src/domain/kube/resource.ts";
import { LABEL_NODE } from "../../../src/domain/labels.ts";
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
import { canaryWith } from "../support/manifests.ts";

const GRACE_SECONDS = 6;
const TOLERATED_SECONDS = 1;

/** Seconds instead of minutes: until a silent node counts as gone, and until Pods that say nothing of taints have to go. */
export const HASTY = {
  apiServerFlags: [
    `--default-unreachable-toleration-seconds=${TOLERATED_SECONDS}`,
    `--default-not-ready-toleration-seconds=${TOLERATED_SECONDS}`,
  ],
  controllerFlags: [`--node-monitor-grace-period=${GRACE_SECONDS}s`, "--node-monitor-period=1s"],
};

const UNREACHABLE = "node.kubernetes.io/unreachable";

/** A Pod of nobody: an upgrade leaves it on its node. */
const bystander = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "bystander", namespace: "default" },
  spec: { nodeName: "worker-1", containers: [{ name: "main", image: "busybox" }] },
};

const isTainted = ({ resource, name, after }: Commit): boolean =>
  resource === Nodes &&
  name === "worker-1" &&
  JSON.stringify(after?.["spec"]).includes(UNREACHABLE);

/** Pods that taint eviction has deleted. */
const evictedByTaint = (commits: ReadonlyArray<Commit>): ReadonlySet<string> =>
  new Set(
    commits
      .filter(
        ({ actor, resource, verb }) =>
          resource === Pods && actor === "node-controller" && verb === "delete",
      )
      .map(({ name }) => name),
  );

export const nodeLifecycle = (it: Vitest.MethodsNonLive<E2e>): void => {
  const begins = Effect.fnUntraced(function* (spec: Readonly<Record<string, unknown>>) {
    const { kubectl } = yield* E2e;
    const since = yield* versionNow;
    const nodes = nodesOf(1, 2).map((node) =>
      node.name === "worker-1"
        ? { ...node, behaviour: { scriptSeconds: [10, 10] as const } }
        : node,
    );
    const pool = yield* machines(nodes, "default", { heartbeats: true });
    yield* kubectl(["create", "-f", "-"], { input: JSON.stringify(bystander) });
    yield* Effect.addFinalizer(() =>
      Effect.ignore(
        kubectl([
          "delete",
          "pod",
          "bystander",
          "--ignore-not-found",
          "--force",
          "--grace-period=0",
        ]),
      ),
    );
    yield* startOperator();
    yield* kubectl(["apply", "-f", "-"], { input: canaryWith(spec) });
    return { since, pool };
  });

  it.effect(
    "a kubelet that is silent while the Job runs is tainted and loses others' Pods, ours stay, and the node is done when it is back",
    () =>
      Effect.gen(function* () {
        const { since, pool } = yield* begins({});
        const { observer } = yield* E2e;
        const host = pool.host("worker-1");
        yield* Effect.repeat(Effect.sleep("50 millis"), {
          until: () =>
            pool.hostLog.some(
              ({ event, node }) => node === "worker-1" && event === "scriptStarted",
            ),
        });
        host.crashKubelet(2000 * GRACE_SECONDS);
        yield* observer.until(() =>
          observer
            .objects(Pods)
            .find(
              ({ metadata }) =>
                metadata.name === "bystander" && metadata.deletionTimestamp !== undefined,
            ),
        );
        const { phase } = yield* operationWhere("kairos-upgrade", hasEnded);
        expect(phase).toBe("Completed");
        const judged = yield* judge(since, [pool], { disturbed: (node) => node === "worker-1" });
        expectLawful(judged, [pool]);
        expect(judged.commits.some((commit) => isTainted(commit))).toBe(true);
        expect(evictedByTaint(judged.commits)).toEqual(new Set(["bystander"]));
        const started = judged.hostLog.filter(
          ({ event, node }) => node === "worker-1" && event === "scriptStarted",
        );
        expect(started).toHaveLength(1);
      }).pipe(Effect.scoped),
  );

  it.effect(
    "a machine that never comes back from its reboot is tainted, fails at its deadline, and the others go on",
    () =>
      Effect.gen(function* () {
        const { since, pool } = yield* begins({
          stopOnFailure: false,
          deadlines: { rebootSeconds: 2 * GRACE_SECONDS },
        });
        const host = pool.host("worker-1");
        host.behaviour = { ...host.behaviour, scriptSeconds: [0.2, 0.2], reboot: "never-returns" };
        // Somebody presses the button in the end, or nobody would remove the Pods that are left there.
        yield* Effect.addFinalizer(() =>
          Effect.sync(() => {
            host.behaviour = { ...host.behaviour, reboot: undefined };
            host.powerOn();
          }),
        );
        const status = yield* operationWhere("kairos-upgrade", hasEnded);
        expect(status.nodeStatuses).toMatchObject({
          "cp-1": { phase: "Completed" },
          "worker-1": { phase: "Failed" },
          "worker-2": { phase: "Completed" },
        });
        const judged = yield* judge(since, [pool], { disturbed: (node) => node === "worker-1" });
        expectLawful(judged, [pool]);
        expect(judged.commits.some((commit) => isTainted(commit))).toBe(true);
        // Nobody but us deletes what is ours: it tolerates every taint.
        const ours = new Set(
          judged.commits
            .filter(
              ({ resource, after }) =>
                resource === Pods && after?.metadata.labels?.[LABEL_NODE] !== undefined,
            )
            .map(({ name }) => name),
        );
        expect([...evictedByTaint(judged.commits)].filter((name) => ours.has(name))).toEqual([]);
        expect(evictedByTaint(judged.commits)).toEqual(new Set(["bystander"]));
      }).pipe(Effect.scoped),
  );
};
