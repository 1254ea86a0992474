/** The laws of `decide`, over arbitrary situations and over arbitrary sequences of changes. */
import { describe, expect, it } from "@effect/vitest";
import type { NodeStatus } from "../../../src/domain/api/status.ts";
import { decide } from "../../../src/domain/rollout/decide.ts";
import { noteOf, type Action } from "../../../src/domain/rollout/decision.ts";
import { evidenceKey, type Observed } from "../../../src/domain/rollout/observed.ts";
import { Situation } from "./drafts.ts";
import { observedOf } from "./generators.ts";

const seenKinds = new Map<string, number>();
const count = (what: string): void => void seenKinds.set(what, (seenKinds.get(what) ?? 0) + 1);

const ARBITRARY = { arbitrary: { runs: 2000, size: 40, seed: "decide" }, timeout: 60_000 };

const entriesOf = ({ operation: { status } }: Observed) => status.nodeStatuses ?? {};

/** The stage's own deadline in milliseconds since the epoch, from the entry alone; undefined where it has none. */
const deadlineIn = ({ operation: { spec } }: Observed, entry: NodeStatus): number | undefined => {
  const { preflightSeconds, upgradeSeconds, rebootSeconds } = spec.deadlines;
  // The drain has a time of its own, and what comes after it as long as before.
  if (entry.stage === "Preparing" && entry.drainingSince !== undefined) {
    const limits = [spec.deadlines.drainSeconds, spec.drainOptions?.timeoutSeconds ?? 0];
    const drain = Math.min(...limits.filter((seconds) => seconds > 0), Infinity);
    if (drain === Infinity || upgradeSeconds === 0) return undefined;
    return Date.parse(entry.drainingSince) + 1000 + (drain + upgradeSeconds) * 1000;
  }
  const seconds =
    entry.stage === "Claimed"
      ? preflightSeconds
      : entry.stage === "Preparing" || entry.stage === "Upgrading"
        ? upgradeSeconds
        : entry.stage === "Rebooting"
          ? rebootSeconds
          : 0;
  // Stored times are cut to whole seconds: the deadline counts from the end of that second.
  return seconds === 0 ? undefined : Date.parse(entry.stageStartedAt!) + 1000 + seconds * 1000;
};

const identity = (
  object:
    | {
        readonly metadata: {
          readonly name: string;
          readonly uid: string;
          readonly resourceVersion: string;
        };
      }
    | undefined,
) => ({
  name: object?.metadata.name,
  uid: object?.metadata.uid,
  resourceVersion: object?.metadata.resourceVersion,
});

/** The object that an action would write to, as it was observed. */
const objectOf = (seen: Observed, action: Action): readonly [unknown, unknown] | undefined => {
  if (!("node" in action)) return undefined;
  const children = seen.children.get(action.node);
  switch (action._tag) {
    case "Hold":
      return [action.at, identity(seen.nodes.get(action.node))];
    case "Release":
      return [action.uid, seen.nodes.get(action.node)?.metadata.uid];
    case "ResumeJob":
    case "SuspendJob":
      return [action.job, identity(children?.job)];
    case "Grant":
      return [action.pod, identity(children?.rebootPod)];
    case "DeletePod":
      return [
        action.pod,
        identity(
          [children?.preflightPod, children?.rebootPod].find(
            (pod) => pod?.metadata.uid === action.pod.uid,
          ),
        ),
      ];
    default:
      return undefined;
  }
};

const withStatus = (seen: Observed, status: Observed["operation"]["status"]): Observed => ({
  ...seen,
  operation: { ...seen.operation, status },
});

describe("decide, in every situation", () => {
  it.prop(
    "gives every target and every node in flight a way on, or a reason why not",
    { situation: Situation },
    ({ situation }) => {
      const seen = observedOf(situation);
      const decision = decide(seen);
      for (const name of new Set([...seen.targets, ...Object.keys(entriesOf(seen))])) {
        expect(noteOf(decision, name).reason).not.toBe("");
        expect(noteOf(decision, name).message).not.toBe("");
      }
      const inFlight = Object.entries(entriesOf(seen)).filter(
        ([, { stage }]) => stage !== undefined,
      );
      expect([...decision.steps.keys()]).toEqual(inFlight.map(([name]) => name));
      for (const [name, entry] of inFlight) {
        const { step } = decision.steps.get(name)!;
        count(`${entry.stage} ${step._tag}`);
        if (step._tag === "Act") expect(step.actions.length).toBeGreaterThan(0);
        if (step._tag === "Confirm") expect(step.evidence.length).toBeGreaterThan(0);
        if (step._tag === "Advance") expect(step.entry).not.toEqual(entry);
        if (step._tag !== "Wait") continue;
        const deadline = deadlineIn(seen, entry);
        expect(step.until ?? Number.POSITIVE_INFINITY).toBeGreaterThan(seen.now);
        if (deadline !== undefined) expect(step.until).toBeLessThanOrEqual(deadline);
      }
    },
    ARBITRARY,
  );

  it.prop(
    "asks only for evidence that it has not got yet",
    { situation: Situation },
    ({ situation }) => {
      const seen = observedOf(situation);
      const { confirm } = decide(seen);
      for (const evidence of confirm) expect(seen.live).not.toContain(evidenceKey(evidence));
    },
    ARBITRARY,
  );

  it.prop(
    "names in every action the very version that was observed",
    { situation: Situation },
    ({ situation }) => {
      const seen = observedOf(situation);
      const decision = decide(seen);
      for (const action of [...decision.actions, ...decision.outlook().actions]) {
        count(action._tag);
        const [named, there] = objectOf(seen, action) ?? [];
        expect(named).toEqual(there);
      }
    },
    ARBITRARY,
  );

  it.prop(
    "irrevocable actions only follow what is stored: the Job of the entry is resumed and granted, no other",
    { situation: Situation },
    ({ situation }) => {
      const seen = observedOf(situation);
      for (const action of decide(seen).actions) {
        if (action._tag !== "ResumeJob" && action._tag !== "Grant") continue;
        const entry = entriesOf(seen)[action.node];
        expect(entry?.stage).toBe(action._tag === "Grant" ? "Rebooting" : "Upgrading");
        expect(action._tag === "Grant" ? action.job : action.job.uid).toBe(entry?.jobUID);
        expect(seen.operation.metadata.deletionTimestamp).toBeUndefined();
      }
    },
    ARBITRARY,
  );

  it.prop(
    "counts add up, and Completed means that every target is done",
    { situation: Situation },
    ({ situation }) => {
      const seen = observedOf(situation);
      const { status } = decide(seen).outlook();
      // A deleted operation with nothing in flight only tidies up: its status stays as it was.
      if (status === seen.operation.status) return;
      const entries = status.nodeStatuses ?? {};
      const names = new Set([...seen.targets, ...Object.keys(entries)]);
      const of = (is: (entry: NodeStatus) => boolean) =>
        [...names].filter((name) => entries[name] !== undefined && is(entries[name])).length;
      expect(status).toMatchObject({
        total: names.size,
        running: of(({ stage }) => stage !== undefined),
        done: of(({ stage, phase }) => stage === undefined && phase === "Completed"),
        failed: of(({ stage, phase }) => stage === undefined && phase === "Failed"),
        skipped: of(({ stage, reason }) => stage === undefined && reason === "Skipped"),
      });
      expect(status.progress).toBe(`${status.done}/${status.total}`);
      const holds = (type: string) =>
        status.conditions?.some((one) => one.type === type && one.status === "True") === true;
      if (holds("Completed")) {
        count("Completed");
        expect(status.done).toBe(status.total);
        expect(status.phase).toBe("Completed");
      }
      if (holds("Failed")) {
        count("Failed");
        expect(status.running).toBe(0);
        expect(status.failed).toBeGreaterThan(0);
        const ended = (status.done ?? 0) + (status.failed ?? 0);
        if (!seen.operation.spec.stopOnFailure) expect(ended).toBe(status.total);
      }
    },
    ARBITRARY,
  );

  it.prop(
    "once its status is stored, nothing more is stored unless a node takes another step",
    { situation: Situation },
    ({ situation }) => {
      const first = observedOf(situation);
      const stored = withStatus(first, decide(first).outlook().status);
      const again = decide(stored);
      const steps = [...again.steps.values()];
      if (steps.some(({ step }) => step._tag === "Advance")) return;
      count("settled");
      expect(again.outlook().status).toBe(stored.operation.status);
    },
    ARBITRARY,
  );

  it.prop(
    "an operation that has ended stays as it is, whatever happens to its nodes",
    { situation: Situation, later: Situation },
    ({ situation, later }) => {
      const first = observedOf(situation);
      const { status } = decide(first).outlook();
      const hasEnded = status.conditions?.some(
        ({ type, status: is }) => (type === "Completed" || type === "Failed") && is === "True",
      );
      if (hasEnded !== true || first.operation.metadata.deletionTimestamp !== undefined) return;
      count("ended");
      const { metadata } = first.operation;
      const seen = { ...observedOf(later), operation: { ...first.operation, status } };
      const decision = decide(seen);
      expect(decision.outlook().status).toBe(status);
      expect(decision.confirm).toEqual([]);
      expect([...decision.actions, ...decision.outlook().actions]).toEqual(
        metadata.finalizers?.length === 1 ? [{ _tag: "RemoveFinalizer" }] : [],
      );
      const edited = decide({
        ...seen,
        operation: { ...seen.operation, metadata: { ...metadata, generation: 2 } },
      });
      expect(edited.outlook().status).toEqual({ ...status, observedGeneration: 2 });
    },
    ARBITRARY,
  );

  it("the situations were not the trivial ones", () => {
    const steps = {
      Claimed: ["Act", "Advance", "Wait", "Confirm"],
      Preparing: ["Act", "Advance", "Wait", "Confirm"],
      Upgrading: ["Act", "Advance", "Wait", "Confirm"],
      Rebooting: ["Act", "Advance", "Wait", "Confirm"],
      Releasing: ["Act", "Advance", "Confirm"],
      Cancelling: ["Act", "Advance", "Wait", "Confirm"],
      Settling: ["Act", "Advance", "Wait", "Confirm"],
    };
    const wanted = [
      ...Object.entries(steps).flatMap(([stage, tags]) => tags.map((tag) => `${stage} ${tag}`)),
      "Hold",
      "Release",
      "ResumeJob",
      "SuspendJob",
      "Grant",
      "DeletePod",
      "CreateJob",
      "Completed",
      "Failed",
      "settled",
      "ended",
    ];
    expect(wanted.filter((kind) => (seenKinds.get(kind) ?? 0) === 0)).toEqual([]);
  });
});
