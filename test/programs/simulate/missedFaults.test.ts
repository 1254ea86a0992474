/** A fault that did not happen is told with the reason: silence would pass for robustness. */
import { expect, it } from "@effect/vitest";
import { Effect, Result } from "effect";
import { faultProblems } from "../../../src/programs/simulate/faultProblems.ts";
import { parseFault } from "../../../src/programs/simulate/fault.ts";
import { readManifests } from "../../../src/programs/simulate/manifests.ts";
import { simulate as simulateAsLibrary } from "../../../src/programs/simulate/simulate.ts";
import { simulate } from "../../support/simulations.ts";

const nodeOp = (spec: string) =>
  `apiVersion: operator.kairos.io/v1alpha1\nkind: NodeOp\nmetadata: {name: op}\nspec: {command: [sh, -c, "true"], concurrency: 1, stopOnFailure: true, ${spec}}\n`;
const options = (spec: string, faults: ReadonlyArray<string>) => ({
  manifests: Result.getOrThrow(readManifests([{ path: "op.yaml", text: nodeOp(spec) }])),
  nodes: { controlPlanes: 1, workers: 2 },
  faults: faults.map((fault) => Result.getOrThrow(parseFault(fault))),
});
const missed = (spec: string, ...faults: ReadonlyArray<string>) =>
  simulate(options(spec, faults)).result.faultsMissed;

const WORKERS =
  "nodeSelector: {matchExpressions: [{key: node-role.kubernetes.io/control-plane, operator: DoesNotExist}]}";

it("of a node that no operation selects", () =>
  expect(missed(WORKERS, "cp-1:script-fails")).toEqual([
    "cp-1:script-fails: no operation selects cp-1",
  ]));

it("of a node that was never started", () =>
  expect(missed("cordon: false", "cp-1:script-fails", "worker-2:script-fails")).toEqual([
    "worker-2:script-fails: worker-2 was never started",
  ]));

it("of a stage that never came", () =>
  expect(missed("cordon: false", "cp-1:never-returns", "worker-1:preflight-fails")).toEqual([
    "cp-1:never-returns: the operator never rebooted cp-1",
    "worker-1:preflight-fails: no preflight ran on worker-1",
  ]));

it("of a node to which no volume is attached", () =>
  expect(missed("cordon: false", "cp-1:volumes-stay")).toEqual([
    "cp-1:volumes-stay: nothing was to be detached from cp-1",
  ]));

it("of a K beyond the last commit or call, with the range", () => {
  const [event, call, deletion] =
    missed(
      "cordon: false",
      "cp-1:power-loss@9999",
      "operator:crash-after=9999",
      "operation:deleted@9999",
    ) ?? [];
  expect(event).toMatch(/^cp-1:power-loss@9999: there were (\d+) commits; write K from 1 to \1$/u);
  expect(call).toMatch(/: the operator made (\d+) calls; write K from 1 to \1$/u);
  expect(deletion).toMatch(/^operation:deleted@9999: there were (\d+) commits; write K/u);
});

it("of what was not there at its moment", () =>
  expect(
    missed(
      "preflight: { command: [check] }",
      "cp-1:job-deleted@1",
      "cp-1:reboot-pod-deleted@2",
      "cp-1:agent-crash@3",
    ),
  ).toEqual([
    expect.stringMatching(/^cp-1:job-deleted@1: there was none after that commit/u),
    expect.stringMatching(/^cp-1:reboot-pod-deleted@2: there was none/u),
    expect.stringMatching(/^cp-1:agent-crash@3: there was none/u),
  ]));

it("and nothing is said when all happened", () =>
  expect(missed("rebootOnSuccess: true", "cp-1:slow-reboot=3m", "worker-1:script-fails")).toBe(
    undefined,
  ));

const wrong = (...faults: ReadonlyArray<string>) => faultProblems(options("cordon: false", faults));

it("faults twice, beside what excludes them, or of unknown nodes are refused", () => {
  expect(wrong("cp-1:script-fails", "cp-1:script-fails")).toEqual([
    "cp-1:script-fails: is given twice; leave one out",
  ]);
  expect(
    wrong(
      "cp-1:script-fails",
      "cp-1:script-hangs",
      "operator:crash-after=3",
      "operator:late-write=3",
    ),
  ).toEqual([
    "cp-1:script-hangs: cannot be beside cp-1:script-fails; leave one of them out",
    "operator:late-write=3: cannot be beside operator:crash-after=3; leave one of them out",
  ]);
  expect(wrong("operator:away@3:1h", "operator:away@9:90s")).toEqual([
    "operator:away@9:90s: cannot be beside operator:away@3:3600s; leave one of them out",
  ]);
  expect(wrong("wroker-1:script-fails", "worker-9:power-loss@3")).toEqual([
    "wroker-1:script-fails: there is no node wroker-1; did you mean worker-1?",
    "worker-9:power-loss@3: there is no node worker-9; there are cp-1, worker-1, worker-2",
  ]);
  expect(wrong("cp-1:script-fails", "worker-1:script-fails", "cp-1:never-returns")).toEqual([]);
});

it.effect("as a library it refuses them, too", () =>
  Effect.gen(function* () {
    const refused = yield* Effect.flip(
      simulateAsLibrary({ manifests: nodeOp("cordon: false"), faults: ["nobody:power-loss@3"] }),
    );
    expect(refused.message).toContain("there is no node nobody");
  }),
);
