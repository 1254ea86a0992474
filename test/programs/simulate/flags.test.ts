/** What people write on the command line: durations, node counts, faults. */
import { describe, expect, it } from "@effect/vitest";
import { Result } from "effect";
import { formatClock, parseDuration } from "../../../src/programs/simulate/duration.ts";
import { disturbs, parseFault } from "../../../src/programs/simulate/fault.ts";
import { parseNodes } from "../../../src/programs/simulate/nodesFlag.ts";

const value = <A>(result: Result.Result<A, string>): A | string =>
  Result.match(result, { onSuccess: (success): A | string => success, onFailure: (why) => why });

describe("durations", () => {
  it.each([
    ["90s", 90_000],
    ["2m", 120_000],
    ["1h30m", 5_400_000],
    ["1.5h", 5_400_000],
    ["250ms", 250],
    ["0s", 0],
  ])("%s is %i ms", (text, millis) => expect(value(parseDuration(text))).toBe(millis));

  it.each(["", "5", "m", "5x", "1h x", "-2m", "2m-", "1 h"])("%j is refused", (text) =>
    expect(value(parseDuration(text))).toContain(`"${text}" is not a duration; write one like`),
  );

  it.each([
    [0, "0:00"],
    [59_999, "0:59"],
    [60_000, "1:00"],
    [3_599_000, "59:59"],
    [3_661_000, "1:01:01"],
  ])("%i ms into a story is %s", (millis, clock) => expect(formatClock(millis)).toBe(clock));
});

describe("--nodes", () => {
  it.each([
    ["3+10", { controlPlanes: 3, workers: 10 }],
    ["1", { controlPlanes: 1, workers: 0 }],
    ["0+2", { controlPlanes: 0, workers: 2 }],
  ])("%s", (text, counts) => expect(value(parseNodes(text))).toEqual(counts));

  it.each(["", "+", "a+b", "1+2+3", "-1+2", "1.5"])("%j is refused", (text) =>
    expect(value(parseNodes(text))).toContain("not two numbers"),
  );
});

const fault = (text: string) => Result.getOrThrow(parseFault(text));

describe("--fault", () => {
  it.each([
    ["worker-1:script-fails", { _tag: "Condition", node: "worker-1", kind: "script-fails" }],
    [
      "n.example.org:never-returns",
      { _tag: "Condition", node: "n.example.org", kind: "never-returns" },
    ],
    ["w:slow-reboot=40m", { _tag: "SlowReboot", node: "w", millis: 2_400_000 }],
    ["w:power-loss@12", { _tag: "Event", node: "w", kind: "power-loss", at: 12 }],
    ["operator:crash-before=3", { _tag: "Operator", kind: "crash-before", call: 3 }],
    ["operator:late-write=3", { _tag: "Operator", kind: "late-write", call: 3 }],
    ["operation:deleted@7", { _tag: "OperationDeleted", kind: "deleted", at: 7 }],
    ["operation:deleted-orphan@7", { _tag: "OperationDeleted", kind: "deleted-orphan", at: 7 }],
    ["operator:away@7:1h", { _tag: "Away", who: "operator", at: 7, millis: 3_600_000 }],
    ["api-server:away@7:90s", { _tag: "Away", who: "api-server", at: 7, millis: 90_000 }],
    [
      "controller-manager:away@7:1m",
      { _tag: "Away", who: "controller-manager", at: 7, millis: 60_000 },
    ],
    ["w:kubelet-away@7:1m", { _tag: "KubeletAway", node: "w", at: 7, millis: 60_000 }],
  ])("%s", (text, expected) => expect(value(parseFault(text))).toEqual(expected));

  it.each([
    "",
    "script-fails",
    "w:",
    ":script-fails",
    "w:unknown",
    "w:script-fails=3",
    "w:slow-reboot",
    "w:slow-reboot@3",
    "w:slow-reboot=soon",
    "w:power-loss",
    "w:power-loss=3",
    "w:power-loss@0",
    "w:power-loss@x",
    "operator:crash-before@3",
    "operator:crash-before=0",
    "operator:power-loss@3",
    "operation:deleted",
    "operation:deleted=3",
    "operation:edited@3",
    "operator:away@3",
    "operator:away=3:1h",
    "operator:away@0:1h",
    "api-server:away@3:0s",
    "api-server:away@3:soon",
    "controller-manager:power-loss@3",
    "w:kubelet-away@3",
  ])("%j is refused with what to write", (text) =>
    expect(value(parseFault(text))).toMatch(/^.+: .*(?:write|kinds are|takes no value)/u),
  );

  it("disturbs the node it is about; a deletion disturbs all, the operator's troubles none", () => {
    expect(disturbs(fault("w:script-fails"), "w")).toBe(true);
    expect(disturbs(fault("w:script-fails"), "v")).toBe(false);
    expect(disturbs(fault("operation:deleted@1"), "v")).toBe(true);
    expect(disturbs(fault("operator:crash-after=1"), "v")).toBe(false);
  });
});
