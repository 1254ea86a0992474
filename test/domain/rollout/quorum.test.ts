/** What may cost etcd its quorum is announced, and what `controlPlane.maxUnavailable` says is kept. */
import { describe, expect, it } from "@effect/vitest";
import type { NodeStatus } from "../../../src/domain/api/status.ts";
import { decide } from "../../../src/domain/rollout/decide.ts";
import type { Observed } from "../../../src/domain/rollout/observed.ts";
import { entry, node, observed, operation } from "./support.ts";

const DONE = { phase: "Completed", rebootStatus: "completed" } as const;
const RUNNING = { phase: "Running", stage: "Upgrading" } as const;

interface Case {
  readonly controlPlanes: number;
  readonly spec?: object;
  readonly entries?: Readonly<Record<string, Partial<NodeStatus>>>;
  readonly notReady?: ReadonlyArray<string>;
  readonly cordoned?: ReadonlyArray<string>;
  /** Which control planes say that they run etcd. */
  readonly etcd?: ReadonlyArray<string>;
  readonly claimedByOthers?: ReadonlyArray<string>;
  readonly conditions?: ReadonlyArray<object>;
}

const seen = (of: Case): Observed => {
  const names = Array.from({ length: of.controlPlanes }, (_, index) => `cp-${index + 1}`);
  const nodes = names.map((name) => {
    const made = node(name, {
      controlPlane: true,
      ready: of.notReady?.includes(name) !== true,
      unschedulable: of.cordoned?.includes(name) === true,
    });
    return of.etcd?.includes(name) === true
      ? {
          ...made,
          metadata: {
            ...made.metadata,
            labels: { ...made.metadata.labels, "node-role.kubernetes.io/etcd": "true" },
          },
        }
      : made;
  });
  return observed({
    operation: operation({
      spec: { concurrency: 0, ...of.spec },
      status: {
        observedGeneration: 1,
        nodeStatuses: Object.fromEntries(
          Object.entries(of.entries ?? {}).map(([name, change]) => [name, entry(name, change)]),
        ),
        ...(of.conditions === undefined ? {} : { conditions: of.conditions }),
      },
    }),
    nodes: [...nodes, node("w-1")],
    change: {
      claimedByOthers: new Map((of.claimedByOthers ?? []).map((name) => [name, "default/other"])),
    },
  });
};

const conditionOf = (of: Case) =>
  decide(seen(of))
    .outlook()
    .status.conditions?.find(({ type }) => type === "QuorumAtRisk");

const one = { controlPlane: { maxUnavailable: 1 } };

describe("QuorumAtRisk", () => {
  const CASES: ReadonlyArray<readonly [string, Case, "True" | "False" | "absent"]> = [
    ["all of 3 at once", { controlPlanes: 3 }, "True"],
    ["2 of 3", { controlPlanes: 3, spec: { concurrency: 2 } }, "True"],
    ["1 of 3", { controlPlanes: 3, spec: { concurrency: 1 } }, "absent"],
    ["all of 1, which has no quorum to lose", { controlPlanes: 1 }, "absent"],
    ["1 of 2", { controlPlanes: 2, spec: { concurrency: 1 } }, "True"],
    ["1 of 4", { controlPlanes: 4, spec: { concurrency: 1 } }, "absent"],
    [
      "2 of 4: an even count tolerates no more",
      { controlPlanes: 4, spec: { concurrency: 2 } },
      "True",
    ],
    ["2 of 5", { controlPlanes: 5, spec: { concurrency: 2 } }, "absent"],
    ["3 of 5", { controlPlanes: 5, spec: { concurrency: 3 } }, "True"],
    ["all of 3, kept to 1", { controlPlanes: 3, spec: one }, "absent"],
    [
      "all of 3, kept to 2",
      { controlPlanes: 3, spec: { controlPlane: { maxUnavailable: 2 } } },
      "True",
    ],
    [
      "1 of 3 while another is not Ready",
      { controlPlanes: 3, spec: { concurrency: 1 }, notReady: ["cp-3"] },
      "True",
    ],
    [
      "1 of 3 while another operation has one",
      { controlPlanes: 3, spec: { concurrency: 1 }, claimedByOthers: ["cp-3"] },
      "True",
    ],
    [
      "1 of 3 while one is cordoned: etcd runs there",
      { controlPlanes: 3, spec: { concurrency: 1 }, cordoned: ["cp-3"] },
      "absent",
    ],
    [
      "kept to 1 while another is not Ready: none starts",
      { controlPlanes: 3, spec: one, notReady: ["cp-3"] },
      "absent",
    ],
    [
      "2 of 4 of which 1 runs etcd",
      { controlPlanes: 4, spec: { concurrency: 2 }, etcd: ["cp-1"] },
      "absent",
    ],
    ["3 of 4 of which 3 run etcd", { controlPlanes: 4, etcd: ["cp-1", "cp-2", "cp-3"] }, "True"],
    ["nothing reboots", { controlPlanes: 3, spec: { rebootOnSuccess: false } }, "absent"],
    [
      "only workers are targets",
      { controlPlanes: 3, spec: { nodeSelector: { matchLabels: { a: "b" } } } },
      "absent",
    ],
    [
      "2 in flight although one at a time is written by now",
      { controlPlanes: 3, spec: one, entries: { "cp-1": RUNNING, "cp-2": RUNNING } },
      "True",
    ],
    ["the last of them", { controlPlanes: 3, entries: { "cp-1": DONE, "cp-2": DONE } }, "absent"],
    [
      "stopped on failure",
      {
        controlPlanes: 3,
        spec: { stopOnFailure: true },
        entries: { "cp-1": { phase: "Failed", reason: "JobFailed" } },
      },
      "absent",
    ],
  ];
  it.each(CASES)("%s", (_name, of, expected) => {
    expect(conditionOf(of)?.status ?? "absent").toBe(expected);
  });

  it("says what to write", () => {
    expect(conditionOf({ controlPlanes: 3, notReady: ["cp-3"] })?.message).toBe(
      "etcd on 3 control planes needs 2 of them, and as the operation is written fewer may be left (cp-3 may be away already): write controlPlane.maxUnavailable: 1",
    );
    expect(conditionOf({ controlPlanes: 2 })?.message).toContain("add a third control plane");
  });

  it("is False once the risk is over, and the other conditions stay", () => {
    const { conditions } = decide(seen({ controlPlanes: 3 })).outlook().status;
    const after = decide(
      seen({ controlPlanes: 3, spec: one, conditions: conditions as ReadonlyArray<object> }),
    ).outlook().status.conditions;
    const statuses = Object.fromEntries((after ?? []).map(({ type, status }) => [type, status]));
    expect(statuses).toMatchObject({ QuorumAtRisk: "False", Reconciling: "True" });
    expect(after?.filter(({ type }) => type === "QuorumAtRisk")).toHaveLength(1);
  });
});

describe("controlPlane.maxUnavailable", () => {
  const claims = (of: Case): ReadonlyArray<string> =>
    Object.keys(decide(seen(of)).outlook().status.nodeStatuses ?? {}).filter(
      (name) => of.entries?.[name] === undefined,
    );
  const CASES: ReadonlyArray<readonly [string, Case, ReadonlyArray<string>]> = [
    ["bounds the claims of one pass", { controlPlanes: 3, spec: one }, ["cp-1", "w-1"]],
    [
      "counts what is in flight",
      { controlPlanes: 3, spec: one, entries: { "cp-1": RUNNING } },
      ["w-1"],
    ],
    [
      "counts what another operation has",
      { controlPlanes: 3, spec: one, claimedByOthers: ["cp-3"] },
      ["w-1"],
    ],
    ["counts what is not Ready", { controlPlanes: 3, spec: one, notReady: ["cp-3"] }, ["w-1"]],
    [
      "counts what is cordoned, which may start itself",
      { controlPlanes: 3, spec: one, cordoned: ["cp-3"] },
      ["cp-3", "w-1"],
    ],
    [
      "lets a cordoned one start that is the only one away",
      { controlPlanes: 3, spec: one, cordoned: ["cp-1"] },
      ["cp-1", "w-1"],
    ],
    [
      "counts control planes that are no targets",
      {
        controlPlanes: 3,
        spec: {
          ...one,
          nodeSelector: { matchExpressions: [{ key: "x", operator: "DoesNotExist" }] },
        },
        notReady: ["cp-2"],
      },
      ["w-1"],
    ],
    [
      "allows as many as it says",
      { controlPlanes: 5, spec: { controlPlane: { maxUnavailable: 2 } }, notReady: ["cp-5"] },
      ["cp-1", "w-1"],
    ],
    [
      "is no bound where it is not written",
      { controlPlanes: 3, notReady: ["cp-3"] },
      ["cp-1", "cp-2", "w-1"],
    ],
  ];
  it.each(CASES)("%s", (_name, of, expected) => {
    expect(claims(of)).toEqual(expected);
  });

  it("names the control planes that are away", () => {
    const { obstacles } = decide(
      seen({ controlPlanes: 4, spec: one, notReady: ["cp-4"], cordoned: ["cp-3"] }),
    ).outlook();
    expect(obstacles.get("cp-1")).toEqual({
      reason: "ControlPlanesUnavailable",
      message: "controlPlane.maxUnavailable is 1, and cp-3 is cordoned, cp-4 is not Ready",
    });
  });
});
