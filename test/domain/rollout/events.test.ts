import { describe, expect, it } from "vitest";
import type { NodeStatus } from "../../../src/domain/api/status.ts";
import { eventsOf, type News } from "../../../src/domain/rollout/events.ts";
import { operation } from "./support.ts";

const OWNER = {
  apiVersion: "operator.kairos.io/v1alpha1",
  kind: "NodeOpUpgrade",
  name: "upgrade",
  uid: "upgrade-uid",
  controller: true,
};

const condition = (type: string, reason: string, message = "a sentence") => ({
  type,
  status: "True",
  reason,
  message,
  lastTransitionTime: "2026-01-01T00:00:00Z",
});

const withStatus = (status: object, metadata: object = {}) =>
  operation({ status: { observedGeneration: 1, ...status }, metadata });

const entry = (change: Partial<NodeStatus>): Partial<NodeStatus> => ({
  phase: "Pending",
  nodeUID: "worker-1-uid",
  message: "a sentence",
  ...change,
});

const told = ({ type, reason, note, regarding }: News): string =>
  `${type} ${reason} on ${regarding.kind} ${regarding.name}: ${note}`;

/** What is told when one node's entry changes. */
const ofEntry = (
  before: Partial<NodeStatus> | undefined,
  after: Partial<NodeStatus>,
  metadata: object = {},
): ReadonlyArray<string> =>
  eventsOf(
    withStatus(
      before === undefined ? {} : { nodeStatuses: { "worker-1": entry(before) } },
      metadata,
    ),
    withStatus({ nodeStatuses: { "worker-1": entry(after) } }, metadata),
  ).map(told);

const onNode = (lines: ReadonlyArray<string>) => lines.filter((line) => line.includes("on Node "));

const reasons = (before: Partial<NodeStatus>, after: Partial<NodeStatus>) =>
  onNode(ofEntry(before, after)).map((line) => line.split(" ")[1]);

const onUpgrade = (lines: ReadonlyArray<string>) =>
  lines.filter((line) => line.includes("on NodeOpUpgrade "));

const ofConditions = (before: ReadonlyArray<object>, after: ReadonlyArray<object>) =>
  eventsOf(withStatus({ conditions: before }), withStatus({ conditions: after })).map(told);

describe("events of a node", () => {
  it("each step is told on the NodeOp and on the Node, each naming the other", () => {
    expect(ofEntry(undefined, { stage: "Claimed" })).toEqual([
      "Normal Claimed on NodeOp canary: worker-1: a sentence",
      "Normal Claimed on Node worker-1: NodeOp default/canary: a sentence",
    ]);
  });

  it("claim, upgrade, reboot and end are steps; moments in between are not", () => {
    expect(reasons({ stage: "Claimed" }, { stage: "Preparing" })).toEqual([]);
    expect(reasons({ stage: "Preparing" }, { stage: "Upgrading" })).toEqual(["Upgrading"]);
    expect(reasons({ stage: "Upgrading" }, { stage: "Rebooting" })).toEqual(["Rebooting"]);
    expect(reasons({ stage: "Rebooting" }, { stage: "Releasing" })).toEqual([]);
    expect(reasons({ stage: "Releasing" }, { phase: "Completed" })).toEqual(["Completed"]);
    expect(
      reasons({ stage: "Releasing", reason: "Skipped" }, { phase: "Completed", reason: "Skipped" }),
    ).toEqual(["Skipped"]);
  });

  it("a failure is told once, with its reason, when it is decided, not again at the end", () => {
    const failing = { phase: "Failed", stage: "Cancelling", reason: "JobFailed" } as const;
    expect(onNode(ofEntry({ stage: "Upgrading" }, failing))).toEqual([
      "Warning JobFailed on Node worker-1: NodeOp default/canary: a sentence",
    ]);
    expect(ofEntry(failing, { phase: "Failed", reason: "JobFailed" })).toEqual([]);
  });

  it("a problem is told when it comes, and not while it lasts", () => {
    const waiting = { stage: "Preparing", reason: "ImagePullBackOff" } as const;
    expect(onNode(ofEntry({ stage: "Preparing" }, waiting))).toEqual([
      "Warning ImagePullBackOff on Node worker-1: NodeOp default/canary: a sentence",
    ]);
    expect(ofEntry(waiting, { ...waiting, message: "another sentence" })).toEqual([]);
    expect(ofEntry(waiting, { stage: "Preparing" })).toEqual([]);
  });

  it("only warnings are told on the NodeOpUpgrade too: the steps are on its NodeOp", () => {
    const metadata = { ownerReferences: [OWNER] };
    expect(onUpgrade(ofEntry(undefined, { stage: "Claimed" }, metadata))).toEqual([]);
    expect(
      onUpgrade(
        ofEntry(
          { stage: "Upgrading" },
          { phase: "Failed", stage: "Cancelling", reason: "JobFailed" },
          metadata,
        ),
      ),
    ).toEqual(["Warning JobFailed on NodeOpUpgrade upgrade: worker-1: a sentence"]);
  });
});

describe("events of an operation", () => {
  it("its end is told once, on the NodeOp", () => {
    const completed = [condition("Completed", "Completed")];
    expect(ofConditions([], completed)).toEqual(["Normal Completed on NodeOp canary: a sentence"]);
    expect(ofConditions(completed, completed)).toEqual([]);
    expect(
      ofConditions([], [condition("Failed", "NodeFailed"), condition("Stalled", "NodeFailed")]),
    ).toEqual(["Warning Failed on NodeOp canary: a sentence"]);
  });

  it("that nothing moves is told when it begins; progress is not told at all", () => {
    const nobody = [condition("Reconciling", "NoNodesMatch")];
    expect(ofConditions([], nobody)).toEqual(["Warning NoNodesMatch on NodeOp canary: a sentence"]);
    expect(ofConditions(nobody, [condition("Reconciling", "NoNodesMatch", "other words")])).toEqual(
      [],
    );
    expect(ofConditions([], [condition("Reconciling", "InProgress")])).toEqual([]);
  });

  it("a status that says the same tells nothing", () => {
    const same = withStatus({ nodeStatuses: { "worker-1": entry({ stage: "Claimed" }) } });
    const again = withStatus({ nodeStatuses: { "worker-1": entry({ stage: "Claimed" }) } });
    expect(eventsOf(same, again)).toEqual([]);
  });
});

describe("a risk to etcd's quorum", () => {
  const risk = condition("QuorumAtRisk", "QuorumAtRisk");

  it("is told once, beside what else happens, on the NodeOpUpgrade too", () => {
    const metadata = { ownerReferences: [OWNER] };
    const titles = (before: ReadonlyArray<object>, after: ReadonlyArray<object>) =>
      eventsOf(
        withStatus({ conditions: before }, metadata),
        withStatus({ conditions: after }, metadata),
      ).map(({ reason, regarding, type }) => `${type} ${reason} on ${regarding.kind}`);
    expect(titles([], [risk])).toEqual([
      "Warning QuorumAtRisk on NodeOp",
      "Warning QuorumAtRisk on NodeOpUpgrade",
    ]);
    expect(titles([risk], [risk, condition("Completed", "Completed")])).toEqual([
      "Normal Completed on NodeOp",
      "Normal Completed on NodeOpUpgrade",
    ]);
    expect(titles([risk], [{ ...risk, status: "False" }])).toEqual([]);
  });
});
