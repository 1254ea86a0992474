/** Who starts next: the laws of claiming, over arbitrary situations. */
import { describe, expect, it } from "@effect/vitest";
import type { NodeStatus } from "../../../src/domain/api/status.ts";
import { isControlPlane } from "../../../src/domain/order.ts";
import { hasVacancy } from "../../../src/domain/rollout/admit.ts";
import { decide } from "../../../src/domain/rollout/decide.ts";
import type { Observed } from "../../../src/domain/rollout/observed.ts";
import { Situation } from "./drafts.ts";
import { observedOf } from "./generators.ts";
import { entry, node, observed, operation } from "./support.ts";

type Entries = Readonly<Record<string, NodeStatus>>;

const entriesBefore = ({ operation: { status } }: Observed): Entries => status.nodeStatuses ?? {};
const entriesAfter = (seen: Observed): Entries => decide(seen).outlook().status.nodeStatuses ?? {};
/** New entries that hold a slot: one without a stage is of a node that was not Ready in time, and was never claimed. */
const claimsOf = (seen: Observed): ReadonlyArray<string> =>
  Object.entries(entriesAfter(seen)).flatMap(([name, { stage }]) =>
    stage === undefined || entriesBefore(seen)[name] !== undefined ? [] : [name],
  );
const inFlight = (entries: Entries): number =>
  Object.values(entries).filter(({ stage }) => stage !== undefined).length;
const hasTripped = (entries: Entries): boolean =>
  Object.values(entries).some(
    ({ phase, reason }) => phase === "Failed" && reason !== "OperationDeleted",
  );

/** Whether the node may be started, told from the node alone and not by the code under test. */
const mayStart = (seen: Observed, name: string): boolean => {
  const { metadata, status } = seen.nodes.get(name)!;
  const isReady = status?.conditions?.some(
    ({ type, status: is }) => type === "Ready" && is === "True",
  );
  return (
    isReady === true &&
    metadata.deletionTimestamp === undefined &&
    !seen.claimedByOthers.has(name) &&
    metadata.annotations?.["operator.kairos.io/held-by"] !== "default/other@live"
  );
};

const isEnded = ({ operation: { status } }: Observed): boolean =>
  status.conditions?.some(
    ({ type, status: is }) => (type === "Completed" || type === "Failed") && is === "True",
  ) === true;

/** Whether this pass may claim at all. */
const mayClaim = (seen: Observed): boolean => {
  const { metadata, spec } = seen.operation;
  return (
    !isEnded(seen) &&
    metadata.deletionTimestamp === undefined &&
    metadata.finalizers?.length === 1 &&
    !(spec.stopOnFailure && hasTripped({ ...entriesBefore(seen), ...entriesAfter(seen) }))
  );
};

/** The situation without a bound on its control planes: what may start then depends on each node alone. */
const unbounded = (situation: Situation): Observed =>
  observedOf({ ...situation, operation: { ...situation.operation, controlPlanesMax: 0 } });

/** Why a control plane is away, told from the objects alone and not by the code under test. */
const isAway = (seen: Observed, entries: Entries, name: string): boolean => {
  const { metadata, spec, status } = seen.nodes.get(name)!;
  const held = metadata.annotations?.["operator.kairos.io/held-by"];
  return (
    entries[name]?.stage !== undefined ||
    seen.claimedByOthers.has(name) ||
    held === "default/other@live" ||
    metadata.deletionTimestamp !== undefined ||
    spec?.unschedulable === true ||
    status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") !== true
  );
};

const seenKinds = new Map<string, number>();
const count = (what: string, happened: boolean): void =>
  void (happened && seenKinds.set(what, (seenKinds.get(what) ?? 0) + 1));

const ARBITRARY = { arbitrary: { runs: 2000, size: 40, seed: "admit" }, timeout: 60_000 };

describe("claims, in every situation", () => {
  it.prop(
    "are the first of the nodes that may start, in order, as many as slots are free",
    { situation: Situation },
    ({ situation }) => {
      const seen = unbounded(situation);
      const claims = claimsOf(seen);
      const eligible = seen.targets.filter(
        (name) => entriesBefore(seen)[name] === undefined && mayStart(seen, name),
      );
      const { concurrency } = seen.operation.spec;
      const busy = inFlight(entriesAfter(seen)) - claims.length;
      const free = concurrency === 0 ? Number.POSITIVE_INFINITY : Math.max(0, concurrency - busy);
      const expected = mayClaim(seen) ? eligible.slice(0, free) : [];
      expect(claims).toEqual(expected);
      count("claims", claims.length > 0);
      count("several claims", claims.length > 1);
      count("slots are short", mayClaim(seen) && eligible.length > free);
      count("a slot is handed on", claims.length > 0 && busy < inFlight(entriesBefore(seen)));
      count("must not claim", !mayClaim(seen) && eligible.length > 0 && free > 0);
    },
    ARBITRARY,
  );

  it.prop(
    "never leave a control plane behind for another node",
    { situation: Situation },
    ({ situation }) => {
      const seen = unbounded(situation);
      const claims = new Set(claimsOf(seen));
      const role = (name: string) => isControlPlane(seen.nodes.get(name)?.metadata.labels);
      if (![...claims].some((name) => !role(name))) return;
      const left = seen.targets.filter(
        (name) =>
          role(name) &&
          entriesBefore(seen)[name] === undefined &&
          mayStart(seen, name) &&
          !claims.has(name),
      );
      expect(left).toEqual([]);
      count("workers beside control planes", seen.targets.some(role));
    },
    ARBITRARY,
  );

  it.prop(
    "start no control plane when more than its bound of them would be away",
    { situation: Situation },
    ({ situation }) => {
      const seen = observedOf(situation);
      const max = seen.operation.spec.controlPlane?.maxUnavailable;
      const started = claimsOf(seen).filter((name) => seen.controlPlanes.includes(name));
      if (max === undefined || started.length === 0) return;
      const entries = entriesAfter(seen);
      const away = seen.controlPlanes.filter((name) => isAway(seen, entries, name));
      expect(away.length).toBeLessThanOrEqual(max);
      count("control planes up to their bound", away.length === max);
    },
    ARBITRARY,
  );

  it.prop(
    "record the node they are about, and nothing of another",
    { situation: Situation },
    ({ situation }) => {
      const seen = observedOf(situation);
      const after = entriesAfter(seen);
      for (const name of claimsOf(seen)) {
        const stage = seen.operation.spec.preflight === undefined ? "Preparing" : "Claimed";
        expect(after[name]).toMatchObject({
          stage,
          nodeUID: seen.nodes.get(name)?.metadata.uid,
          rebootStatus: seen.operation.spec.rebootOnSuccess ? "pending" : "not-requested",
        });
      }
    },
    ARBITRARY,
  );

  it("the situations were not the trivial ones", () => {
    for (const kind of [
      "claims",
      "control planes up to their bound",
      "several claims",
      "slots are short",
      "a slot is handed on",
      "must not claim",
      "workers beside control planes",
    ])
      expect([kind, (seenKinds.get(kind) ?? 0) >= 15]).toEqual([kind, true]);
  });
});

describe("the finalizer", () => {
  it("comes before the first claim", () => {
    const { actions, status } = decide(
      observed({ operation: operation({ metadata: { finalizers: [] } }), nodes: [node("w")] }),
    ).outlook();
    expect(actions).toEqual([{ _tag: "AddFinalizer" }]);
    expect(status.nodeStatuses ?? {}).toEqual({});
  });
  it("is not asked for while nothing can be claimed", () => {
    const seen = observed({
      operation: operation({ metadata: { finalizers: [] } }),
      nodes: [node("w", { ready: false })],
    });
    expect(decide(seen).outlook().actions).toEqual([]);
  });
  it("goes when nothing is in flight and nothing can be claimed", () => {
    const seen = observed({ operation: operation(), nodes: [node("w", { ready: false })] });
    expect(decide(seen).outlook().actions).toEqual([{ _tag: "RemoveFinalizer" }]);
  });
});

const vacancy = (concurrency: number, started: ReadonlyArray<string>) =>
  hasVacancy(
    observed({
      operation: operation({
        spec: { concurrency },
        status: {
          observedGeneration: 1,
          nodeStatuses: Object.fromEntries(
            started.map((name) => [name, entry(name, { stage: "Upgrading" })]),
          ),
        },
      }),
      nodes: [node("a"), node("b")],
    }),
  );

describe("a vacancy", () => {
  it("is a free slot and a target that has not started", () => {
    expect([vacancy(1, []), vacancy(2, ["a"]), vacancy(0, ["a"])]).toEqual([true, true, true]);
  });
  it("is none while all slots are taken, or all targets have started", () => {
    expect([vacancy(1, ["a"]), vacancy(2, ["a", "b"]), vacancy(0, ["a", "b"])]).toEqual([
      false,
      false,
      false,
    ]);
  });
});
