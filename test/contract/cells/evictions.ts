/**
 * Evictions under PodDisruptionBudgets (reliability.md (c)19) and what the disruption controller writes into budgets. There
 * are no kubelets: scripts say of Pods that they are ready.
 */
import { Effect } from "effect";
import { PodDisruptionBudgets, Pods, ReplicaSets } from "../../../src/domain/kube/resource.ts";
import { at, type Body, type Group, type Kit, outcome, view } from "../support/cell.ts";
import {
  boundPod,
  BOUND_TO,
  budget,
  ConfigMaps,
  configMap,
  pod,
  replicaSet,
} from "../support/objects.ts";

const STATUS = { subresource: "status" } as const;
const LABELS = { labels: { app: "a" } };

/** A Pod of the app, bound, in a phase, ready or not. */
const app = (kit: Kit, name: string, phase: string, ready: boolean, meta: Body = {}) =>
  Effect.gen(function* () {
    yield* kit.create(Pods, boundPod(name, {}, { ...LABELS, ...meta }));
    return yield* report(kit, name, phase, ready);
  });

const report = (kit: Kit, name: string, phase: string, ready: boolean) => {
  const conditions = [{ type: "Ready", status: ready ? "True" : "False" }];
  return kit.patch(Pods, name, { status: { phase, conditions } }, STATUS);
};

const ready = (kit: Kit, ...names: ReadonlyArray<string>) =>
  Effect.forEach(names, (name) => app(kit, name, "Running", true), { discard: true });

const COUNTS = ["currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods"];

const counts = (found: unknown) => COUNTS.map((name) => at(found, `status.${name}`) ?? null);

/** The budget once its counts are these; its status then. */
const counted = (kit: Kit, expected: ReadonlyArray<number>, name = "b") =>
  Effect.map(
    kit.until(
      kit.get(PodDisruptionBudgets, name),
      (found) =>
        counts(found).every((count, index) => count === expected[index]) &&
        at(found, "status.observedGeneration") === found.metadata.generation,
    ),
    (found) => view(found, "status"),
  );

/** What an eviction comes to, and what it leaves of the Pod. */
const evicted = (kit: Kit, name: string, options?: Body) =>
  Effect.gen(function* () {
    const answer = yield* outcome(kit.evict(name, options));
    const after = yield* outcome(kit.get(Pods, name));
    const marked = view(after, "metadata.deletionTimestamp", "status.conditions");
    return { answer, after: marked };
  });

/** A budget that one Pod uses up: of two that are ready both are needed. */
const exhausted = (kit: Kit) =>
  Effect.gen(function* () {
    yield* ready(kit, "p", "q");
    yield* kit.create(PodDisruptionBudgets, budget("b", { minAvailable: 2 }));
    return yield* counted(kit, [2, 2, 0, 2]);
  });

/** Two Pods of a ReplicaSet that the node has made ready. */
const set = (kit: Kit, replicas: number) =>
  Effect.gen(function* () {
    yield* kit.create(ReplicaSets, replicaSet("r", replicas));
    const list = yield* kit.until(
      kit.list(Pods, { labelSelector: "app=a" }),
      (found) => (at(found, "items") as ReadonlyArray<unknown>).length === replicas,
    );
    const items = at(list, "items") as ReadonlyArray<{ metadata: { name: string } }>;
    for (const { metadata } of items) yield* report(kit, metadata.name, "Running", true);
    return items.map(({ metadata }) => metadata.name);
  });

const refused: Readonly<Record<string, Body>> = {
  "both set": { minAvailable: 1, maxUnavailable: 1 },
  "negative count": { minAvailable: -1 },
  "no percent": { maxUnavailable: "half" },
  "more than everything": { maxUnavailable: "101%" },
  "unknown policy": { minAvailable: 1, unhealthyPodEvictionPolicy: "Never" },
};

export const evictions: Group = {
  title: "evictions",
  controllers: true,
  cells: {
    "create budget × answer": (kit) =>
      kit.create(PodDisruptionBudgets, {
        ...budget("b", { minAvailable: 1 }),
        status: { disruptionsAllowed: 5 },
      }),
    ...Object.fromEntries(
      Object.entries(refused).map(([what, spec]) => [
        `create budget × refused: ${what}`,
        (kit: Kit) => outcome(kit.create(PodDisruptionBudgets, budget("b", spec))),
      ]),
    ),
    "patch status of budget × negative counts": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(PodDisruptionBudgets, budget("b", { minAvailable: 1 }));
        const patch = { status: { disruptionsAllowed: -1, currentHealthy: -2 } };
        return yield* outcome(kit.patch(PodDisruptionBudgets, "b", patch, STATUS));
      }),
    "evict × the budget has one to spare: it is spent, of that Pod": (kit) =>
      Effect.gen(function* () {
        yield* ready(kit, "p", "q");
        yield* kit.create(PodDisruptionBudgets, budget("b", { minAvailable: 1 }));
        const before = yield* counted(kit, [2, 1, 1, 2]);
        const { metadata } = yield* kit.get(PodDisruptionBudgets, "b");
        const gone = yield* evicted(kit, "p");
        const { resourceVersion } = metadata;
        const [first] = yield* kit.frames(PodDisruptionBudgets, 1, { resourceVersion });
        const spent = view(first?.object, "status");
        return [before, gone, spent, yield* counted(kit, [1, 1, 0, 2])];
      }),
    "evict × nothing to spare": (kit) =>
      Effect.gen(function* () {
        const before = yield* exhausted(kit);
        return [before, yield* evicted(kit, "p"), yield* counted(kit, [2, 2, 0, 2])];
      }),
    "evict × more healthy Pods than are wanted but none to spare: no Pod is expected": (kit) =>
      Effect.gen(function* () {
        yield* ready(kit, "p");
        yield* kit.create(PodDisruptionBudgets, budget("b", { maxUnavailable: 1 }));
        return [yield* counted(kit, [1, 0, 0, 0]), yield* evicted(kit, "p")];
      }),
    "evict × two budgets": (kit) =>
      Effect.gen(function* () {
        yield* ready(kit, "p");
        yield* kit.create(PodDisruptionBudgets, budget("b", { minAvailable: 0 }));
        yield* kit.create(PodDisruptionBudgets, budget("c", { minAvailable: 0 }));
        yield* counted(kit, [1, 0, 1, 1]);
        yield* counted(kit, [1, 0, 1, 1], "c");
        return yield* evicted(kit, "p");
      }),
    "evict × pending Pod, nothing to spare": (kit) =>
      Effect.gen(function* () {
        yield* exhausted(kit);
        yield* app(kit, "r", "Pending", false);
        return yield* evicted(kit, "r");
      }),
    "evict × ended Pod, nothing to spare": (kit) =>
      Effect.gen(function* () {
        yield* exhausted(kit);
        yield* app(kit, "r", "Succeeded", false, { finalizers: ["example.com/f"] });
        return yield* evicted(kit, "r");
      }),
    "evict × terminating Pod, nothing to spare": (kit) =>
      Effect.gen(function* () {
        yield* exhausted(kit);
        yield* kit.delete(Pods, "p");
        return yield* evicted(kit, "p");
      }),
    "evict × unready Pod of a healthy app: nothing is spent": (kit) =>
      Effect.gen(function* () {
        yield* exhausted(kit);
        yield* app(kit, "r", "Running", false);
        yield* counted(kit, [2, 2, 0, 3]);
        return [yield* evicted(kit, "r"), yield* counted(kit, [2, 2, 0, 3])];
      }),
    "evict × unready Pod of an unhealthy app": (kit) =>
      Effect.gen(function* () {
        yield* ready(kit, "p");
        yield* app(kit, "r", "Running", false);
        yield* kit.create(PodDisruptionBudgets, budget("b", { minAvailable: 2 }));
        yield* counted(kit, [1, 2, 0, 2]);
        return yield* evicted(kit, "r");
      }),
    "evict × unready Pod of an unhealthy app, AlwaysAllow": (kit) =>
      Effect.gen(function* () {
        yield* ready(kit, "p");
        yield* app(kit, "r", "Running", false);
        const spec = { minAvailable: 2, unhealthyPodEvictionPolicy: "AlwaysAllow" };
        yield* kit.create(PodDisruptionBudgets, budget("b", spec));
        yield* counted(kit, [1, 2, 0, 2]);
        return [yield* evicted(kit, "r"), yield* evicted(kit, "p")];
      }),
    "evict × uid of another Pod: refused, but the budget is spent": (kit) =>
      Effect.gen(function* () {
        yield* ready(kit, "p", "q");
        yield* kit.create(PodDisruptionBudgets, budget("b", { minAvailable: 1 }));
        yield* counted(kit, [2, 1, 1, 2]);
        const uid = "00000000-0000-4000-8000-000000000000";
        const gone = yield* evicted(kit, "p", { preconditions: { uid } });
        return [gone, yield* counted(kit, [1, 1, 0, 2])];
      }),
    "evict × older version of the Pod": (kit) =>
      Effect.gen(function* () {
        yield* ready(kit, "p");
        const preconditions = { resourceVersion: "1" };
        return yield* evicted(kit, "p", { preconditions });
      }),
    "evict × dry run spends nothing, and is refused like the real thing": (kit) =>
      Effect.gen(function* () {
        yield* ready(kit, "p", "q");
        yield* kit.create(PodDisruptionBudgets, budget("b", { minAvailable: 1 }));
        yield* counted(kit, [2, 1, 1, 2]);
        const dryRun = ["All"];
        const allowed = [
          yield* evicted(kit, "p", { dryRun }),
          yield* evicted(kit, "q", { dryRun }),
        ];
        const after = yield* counted(kit, [2, 1, 1, 2]);
        yield* kit.patch(PodDisruptionBudgets, "b", { spec: { minAvailable: 2 } });
        yield* counted(kit, [2, 2, 0, 2]);
        return [...allowed, after, yield* evicted(kit, "p", { dryRun })];
      }),
    "evict × the controller cannot count: its budget is not up to date": (kit) =>
      Effect.gen(function* () {
        const owner = yield* kit.create(ConfigMaps, configMap("owner"));
        const { apiVersion, kind, metadata } = owner;
        const { name, uid } = metadata;
        const ownerReferences = [{ apiVersion, kind, name, uid, controller: true }];
        yield* app(kit, "p", "Running", true, { ownerReferences });
        yield* kit.create(PodDisruptionBudgets, budget("b", { maxUnavailable: 1 }));
        const failed = yield* kit.until(
          kit.get(PodDisruptionBudgets, "b"),
          (found) => at(found, "status.conditions") !== undefined,
        );
        return [view(failed, "status"), yield* evicted(kit, "p")];
      }),
    "evict × an empty selector is about every Pod, none about no Pod": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Pods, boundPod("p"));
        yield* report(kit, "p", "Running", true);
        const { spec: _, ...none } = budget("c", {});
        yield* kit.create(PodDisruptionBudgets, { ...none, spec: { minAvailable: 1 } });
        yield* kit.create(PodDisruptionBudgets, budget("b", { minAvailable: 1, selector: {} }));
        const all = yield* counted(kit, [1, 1, 0, 1]);
        return [all, yield* counted(kit, [0, 1, 0, 0], "c"), yield* evicted(kit, "p")];
      }),
    "evict × other labels": (kit) =>
      Effect.gen(function* () {
        yield* exhausted(kit);
        yield* kit.create(Pods, pod("r", { nodeName: BOUND_TO }, { labels: { app: "other" } }));
        yield* report(kit, "r", "Running", true);
        return yield* evicted(kit, "r");
      }),
    "budget × counts follow Pods": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(PodDisruptionBudgets, budget("b", { minAvailable: 1 }));
        const none = yield* counted(kit, [0, 1, 0, 0]);
        yield* ready(kit, "p", "q");
        const two = yield* counted(kit, [2, 1, 1, 2]);
        yield* report(kit, "q", "Running", false);
        const unready = yield* counted(kit, [1, 1, 0, 2]);
        yield* kit.delete(Pods, "q");
        const terminating = yield* counted(kit, [1, 1, 0, 2]);
        yield* kit.delete(Pods, "q", { gracePeriodSeconds: 0 });
        return [none, two, unready, terminating, yield* counted(kit, [1, 1, 0, 1])];
      }),
    ...Object.fromEntries(
      (
        [
          ["minAvailable of 50% of 3 is 2", { minAvailable: "50%" }, [3, 2, 1, 3]],
          ["maxUnavailable of 50% of 3 is 2", { maxUnavailable: "50%" }, [3, 1, 2, 3]],
          ["maxUnavailable 1 of 3", { maxUnavailable: 1 }, [3, 2, 1, 3]],
          ["maxUnavailable of more than there are", { maxUnavailable: 5 }, [3, 0, 3, 3]],
          ["minAvailable 0: all may go", { minAvailable: 0 }, [3, 0, 3, 3]],
        ] as const
      ).map(([what, spec, expected]) => [
        `budget × of a ReplicaSet: ${what}`,
        (kit: Kit) =>
          Effect.gen(function* () {
            yield* set(kit, 3);
            yield* kit.create(PodDisruptionBudgets, budget("b", spec));
            return yield* counted(kit, expected);
          }),
      ]),
    ),
    "budget × a Pod of a ReplicaSet is evicted: its replacement counts when it is ready": (kit) =>
      Effect.gen(function* () {
        const [first = ""] = yield* set(kit, 2);
        yield* kit.create(PodDisruptionBudgets, budget("b", { maxUnavailable: 1 }));
        yield* counted(kit, [2, 1, 1, 2]);
        yield* kit.evict(first, { gracePeriodSeconds: 0 });
        const status = at(yield* counted(kit, [1, 1, 0, 2]), "status");
        // The evicted Pod is listed until the controller has seen it go, which may be before or after this.
        const { disruptedPods: _, ...rest } = status as Body;
        const one = { status: rest };
        const list = yield* kit.until(
          kit.list(Pods, { labelSelector: "app=a" }),
          (found) => (at(found, "items") as ReadonlyArray<unknown>).length === 2,
        );
        for (const item of at(list, "items") as ReadonlyArray<unknown>)
          yield* report(kit, String(at(item, "metadata.name")), "Running", true);
        return [one, yield* counted(kit, [2, 1, 1, 2])];
      }),
  },
};
