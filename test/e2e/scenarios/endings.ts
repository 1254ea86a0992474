/** Ends of operations: deleted in the middle in each way that kubectl knows, deleted after the operator is gone, made again. */
import { expect, type Vitest } from "@effect/vitest";
import { Effect } from "effect";
import { type Job, isFinished, isSuspended } from "../../../src/domain/kube/job.ts";
import { Jobs, NodeOps, NodeOpUpgrades, Nodes, Pods } from "../../../src/domain/kube/resource.ts";
import { LABEL_NODE } from "../../../src/domain/labels.ts";
import type { KubeObject } from "../../../src/domain/kube/object.ts";
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
import { canaryWith, example } from "../support/manifests.ts";

const NAME = "kairos-upgrade";

/** A NodeOp of one's own that reboots, on every node. */
const nodeOp = (): string => {
  const { nodeSelector: _none, ...spec } = example("nodeop").spec;
  return JSON.stringify({
    ...example("nodeop"),
    metadata: { name: NAME, namespace: "default" },
    spec,
  });
};

const runs = ({ nodeStatuses = {} }: { readonly nodeStatuses?: object }): boolean =>
  Object.values(nodeStatuses).some(({ phase }: { readonly phase: string }) => phase === "Running");

/** The objects of the scenario's only node. */
const childrenOf = (resource: typeof Jobs) =>
  Effect.map(E2e, ({ observer }) =>
    observer.objects(resource).filter(({ metadata }) => metadata.labels?.[LABEL_NODE] === "cp-1"),
  );

const untilGone = Effect.gen(function* () {
  const { observer } = yield* E2e;
  const all = () =>
    [NodeOps, NodeOpUpgrades].flatMap((resource) => [...observer.objects(resource)]);
  yield* observer.until(() =>
    all().some(({ metadata }) => metadata.name === NAME) ? undefined : true,
  );
});

/** What we put on the node: annotations, and whether it is cordoned. */
const marks = Effect.gen(function* () {
  const { kubectl } = yield* E2e;
  const { metadata, spec } = JSON.parse(
    yield* kubectl(["get", Nodes.plural, "cp-1", "-o", "json"]),
  ) as KubeObject & { readonly spec: { readonly unschedulable?: boolean } };
  const ours = Object.keys(metadata.annotations ?? {}).filter((key) =>
    key.startsWith("operator.kairos.io/"),
  );
  return [...ours, ...(spec.unschedulable === true ? ["cordoned"] : [])];
});

export const endings = (it: Vitest.MethodsNonLive<E2e>): void => {
  it.effect(
    "deleted in the middle with --cascade=orphan its Job stays, suspended, without an owner",
    () =>
      Effect.gen(function* () {
        const { kubectl } = yield* E2e;
        const since = yield* versionNow;
        const pool = yield* machines(nodesOf(1, 0, { behaviour: { script: "hangs" } }));
        yield* startOperator();
        yield* kubectl(["apply", "-f", "-"], { input: nodeOp() });
        yield* operationWhere(NAME, runs, { kind: "NodeOp" });
        yield* kubectl(["delete", "nodeop", NAME, "--cascade=orphan", "--wait=false"]);
        yield* untilGone;
        const jobs = yield* childrenOf(Jobs);
        expect(jobs).toHaveLength(1);
        for (const job of jobs) {
          expect(job.metadata.ownerReferences ?? []).toEqual([]);
          const seen = job as KubeObject & Job;
          expect(isSuspended(seen) || isFinished(seen)).toBe(true);
        }
        expect(yield* marks).toEqual([]);
        expectLawful(yield* judge(since, [pool], { disturbed: () => true }), [pool]);
      }).pipe(Effect.scoped),
  );

  it.effect(
    "deleted in the middle with --cascade=foreground nothing is left; made again it starts clean",
    () =>
      Effect.gen(function* () {
        const { kubectl, observer } = yield* E2e;
        const since = yield* versionNow;
        const pool = yield* machines(nodesOf(1, 0, { behaviour: { script: "hangs" } }));
        yield* startOperator();
        yield* kubectl(["apply", "-f", "-"], { input: canaryWith({}) });
        yield* operationWhere(NAME, runs);
        yield* kubectl(["delete", "nodeopupgrade", NAME, "--cascade=foreground", "--wait=false"]);
        yield* untilGone;
        yield* observer.until(() =>
          [Jobs, Pods].some((resource) =>
            observer
              .objects(resource)
              .some(({ metadata }) => metadata.labels?.[LABEL_NODE] === "cp-1"),
          )
            ? undefined
            : true,
        );
        expect(yield* marks).toEqual([]);
        for (const host of pool.hosts.values()) {
          const { script: _hangs, ...behaviour } = host.behaviour;
          host.behaviour = behaviour;
        }
        yield* kubectl(["apply", "-f", "-"], { input: canaryWith({}) });
        const { phase } = yield* operationWhere(NAME, hasEnded);
        expect(phase).toBe("Completed");
        expectLawful(yield* judge(since, [pool], { disturbed: () => true }), [pool]);
      }).pipe(Effect.scoped),
  );

  it.effect("a finished object is deleted at once when the operator is gone for good", () =>
    Effect.gen(function* () {
      const { kubectl, observer } = yield* E2e;
      yield* machines(nodesOf(1, 0));
      const operator = yield* startOperator();
      yield* kubectl(["apply", "-f", "-"], { input: canaryWith({}) });
      const { phase } = yield* operationWhere(NAME, hasEnded);
      expect(phase).toBe("Completed");
      // The finalizer goes right after the last word of the status.
      yield* observer.until(() =>
        observer.objects(NodeOps).some(({ metadata }) => metadata.finalizers !== undefined)
          ? undefined
          : true,
      );
      operator.signal("SIGTERM");
      yield* operator.ended;
      yield* kubectl(["delete", "nodeopupgrade,nodeop", NAME, "--wait", "--timeout=5s"]);
      yield* untilGone;
    }).pipe(Effect.scoped),
  );
};
