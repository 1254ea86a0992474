/** Deciding from the last decision is deciding anew: what the operator's incremental stepping rests on. */
import { describe, expect, it } from "@effect/vitest";
import { Schema } from "effect";
import { decide } from "../../../src/domain/rollout/decide.ts";
import type { Decision } from "../../../src/domain/rollout/decision.ts";
import type { Observed } from "../../../src/domain/rollout/observed.ts";
import { controlPlanesOf } from "../../../src/domain/rollout/availability.ts";
import { targetsOf } from "../../../src/domain/rollout/targets.ts";
import {
  ChildrenDraft,
  ContextDraft,
  DrainDraft,
  EntryDraft,
  NodeDraft,
  OperationDraft,
  Situation,
} from "./drafts.ts";
import {
  childrenOf,
  drainOf,
  entryOf,
  liveOf,
  metadataOf,
  nameAt,
  nodeOf,
  observedOf,
  PROBLEM,
  specOf,
} from "./generators.ts";
import { HELD, inStage, job, node, operation } from "./support.ts";

const entriesOf = ({ operation: { status } }: Observed) => status.nodeStatuses ?? {};
const withStatus = (seen: Observed, status: Observed["operation"]["status"]): Observed => ({
  ...seen,
  operation: { ...seen.operation, status },
});

/** One change of what is observed, between two looks at it. */
const Change = Schema.Struct({
  what: Schema.Literals([
    "time",
    "time",
    "stored",
    "stored",
    "reads",
    "node",
    "node",
    "children",
    "children",
    "children",
    "drain",
    "entry",
    "problem",
    "others",
    "operation",
    "nothing",
  ]),
  index: Schema.Literals([0, 1, 2, 3, 4, 5, 6, 7]),
  millis: Schema.Literals([1, 1000, 30_000, 300_000, 1_000_000]),
  node: NodeDraft,
  entry: EntryDraft,
  children: ChildrenDraft,
  drain: DrainDraft,
  context: ContextDraft,
  operation: OperationDraft,
});

const replaced = <A>(map: ReadonlyMap<string, A>, name: string, value: A | undefined) => {
  const copy = new Map(map);
  if (value === undefined) copy.delete(name);
  else copy.set(name, value);
  return copy;
};

/** What is observed after the change; everything else stays the very same objects, as caches keep them. */
const changed = (seen: Observed, change: typeof Change.Type, last: Decision): Observed => {
  const { index } = change;
  const name = nameAt(index);
  switch (change.what) {
    case "time":
      // What was read live was read at that moment.
      return { ...seen, now: seen.now + change.millis, live: new Set() };
    case "stored":
      return withStatus(seen, last.outlook().status);
    case "reads":
      return { ...seen, live: liveOf(Array.from({ length: index }, () => change)) };
    case "node": {
      const nodes = replaced(seen.nodes, name, nodeOf(change.node, index));
      const targets = targetsOf(seen.operation.spec, nodes.values());
      return { ...seen, nodes, targets, controlPlanes: controlPlanesOf(nodes.values()) };
    }
    case "children":
      return {
        ...seen,
        children: replaced(seen.children, name, childrenOf(change.children, index)),
      };
    case "drain":
      return { ...seen, drains: replaced(seen.drains, name, drainOf(change.drain, index)) };
    case "entry": {
      const isDeleting = seen.operation.metadata.deletionTimestamp !== undefined;
      const entry = entryOf(change.entry, index, seen.now, isDeleting);
      const { [name]: _before, ...others } = entriesOf(seen);
      const nodeStatuses = entry === undefined ? others : { ...others, [name]: entry };
      return withStatus(seen, { ...seen.operation.status, nodeStatuses });
    }
    case "problem":
      return {
        ...seen,
        problems: replaced(
          seen.problems,
          name,
          change.context.problem === "" ? undefined : PROBLEM,
        ),
      };
    case "others":
      return {
        ...seen,
        otherOperations: replaced(
          seen.otherOperations,
          "live",
          change.context.read ? "live" : "finished",
        ),
        claimedByOthers: replaced(
          seen.claimedByOthers,
          name,
          change.context.claimedByAnother ? "default/other" : undefined,
        ),
      };
    case "operation": {
      const fresh = operation({
        spec: specOf(change.operation),
        // A deletion is never taken back.
        metadata: metadataOf({
          ...change.operation,
          deleting:
            change.operation.deleting || seen.operation.metadata.deletionTimestamp !== undefined,
        }),
        status: { ...seen.operation.status },
      });
      return {
        ...seen,
        operation: { ...fresh, status: seen.operation.status },
        targets: targetsOf(fresh.spec, seen.nodes.values()),
      };
    }
    case "nothing":
      return { ...seen };
  }
};

const answerOf = (decision: Decision) => ({
  steps: [...decision.steps].map(([name, { step }]) => [name, step]),
  actions: decision.actions,
  confirm: decision.confirm,
  wakeAt: decision.wakeAt,
  outlook: decision.outlook(),
});

describe("over every sequence of changes", () => {
  const kept = { steps: 0, of: 0, changes: 0 };
  it.prop(
    "deciding from the last decision is deciding anew",
    { start: Situation, changes: Schema.Array(Change).check(Schema.isMaxLength(12)) },
    ({ start, changes }) => {
      let seen = observedOf(start);
      let last = decide(seen);
      for (const change of changes) {
        seen = changed(seen, change, last);
        const next = decide(seen, last);
        expect(answerOf(next)).toEqual(answerOf(decide(seen)));
        kept.changes++;
        for (const [name, step] of next.steps) {
          kept.of++;
          if (last.steps.get(name) === step) kept.steps++;
        }
        last = next;
      }
    },
    { arbitrary: { runs: 1700, size: 40, seed: "incremental" }, timeout: 60_000 },
  );

  it("what a wait was worked out from includes what was read live", () => {
    const doomed = job("w", { suspend: true });
    const seen = inStage(
      { stage: "Preparing" },
      {
        spec: { rebootOnSuccess: false },
        node: node("w", { unschedulable: true, annotations: HELD }),
        live: [{ _tag: "Node", node: "w" }],
        children: {
          job: {
            ...doomed,
            metadata: { ...doomed.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" },
          },
        },
      },
    );
    const unread = { ...seen, live: new Set<string>() };
    expect(answerOf(decide(unread, decide(seen)))).toEqual(answerOf(decide(unread)));
  });

  it("the sequences were long, and steps were kept and made anew", () => {
    expect(kept.changes).toBeGreaterThan(3000);
    expect(kept.steps).toBeGreaterThan(400);
    expect(kept.of - kept.steps).toBeGreaterThan(400);
  });
});
