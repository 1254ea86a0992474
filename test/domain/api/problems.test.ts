import { describe, expect, it } from "@effect/vitest";
import { Result } from "effect";
import { decodeNodeOp, decodeNodeOpUpgrade } from "../../../src/domain/api/decode.ts";
import { nodeOp, nodeOpUpgrade } from "./fixtures.ts";

const problemsOf = (
  decoded: Result.Result<unknown, { readonly problems: ReadonlyArray<string> }>,
) => (Result.isFailure(decoded) ? decoded.failure.problems : []);

const UPGRADE = "NodeOpUpgrade default/kairos-upgrade";
const OP = "NodeOp default/kairos-upgrade";
const LABEL_VALUE =
  "must be a label value (at most 63 letters, digits, '-', '_', '.', with a letter or digit at both ends)";
const requirement = (of: object) => ({
  image: "x",
  nodeSelector: { matchExpressions: [of] },
});

describe("a NodeOpUpgrade is refused with", () => {
  it.each<[unknown, string]>([
    [{}, "spec.image: is required; name the container image with the new Kairos version"],
    [
      { image: "" },
      "spec.image: must not be empty; name the container image with the new Kairos version",
    ],
    [{ image: 3 }, "spec.image: must be a string, is 3"],
    [{ image: null }, "spec.image: must be a string, is null"],
    [{ image: "x", concurrency: -1 }, "spec.concurrency: must be 0 or more, is -1"],
    [{ image: "  " }, "spec.image: must be an image reference, without spaces"],
    [{ image: "x", concurrency: 1.5 }, "spec.concurrency: must be an integer, is 1.5"],
    [{ image: "x", concurrency: "1" }, 'spec.concurrency: must be an integer, is "1"'],
    [{ image: "x", concurrency: Number.NaN }, "spec.concurrency: must be a number, is NaN"],
    [
      { image: "x", concurrency: 3_000_000_000 },
      "spec.concurrency: must be 2147483647 or less, is 3000000000",
    ],
    [{ image: "x", backoffLimit: -1 }, "spec.backoffLimit: must be 0 or more, is -1"],
    [{ image: "x", force: "yes" }, 'spec.force: must be true or false, is "yes"'],
    [{ image: "x", excludePaths: "/etc" }, 'spec.excludePaths: must be a list, is "/etc"'],
    [{ image: "x", excludePaths: [["/etc"]] }, "spec.excludePaths[0]: must be a string, is a list"],
    [{ image: "x", deadlines: 5 }, "spec.deadlines: must be an object, is 5"],
    [
      { image: "x", deadlines: { rebootSeconds: -1 } },
      "spec.deadlines.rebootSeconds: must be 0 or more, is -1",
    ],
    [
      { image: "x", upgradeActive: false },
      "spec: select at least one partition: set upgradeActive or upgradeRecovery to true",
    ],
    [
      requirement({ operator: "Exists" }),
      "spec.nodeSelector.matchExpressions[0].key: is required; name the label key to look at",
    ],
    [
      requirement({ key: "a" }),
      "spec.nodeSelector.matchExpressions[0].operator: is required; write In, NotIn, Exists or DoesNotExist",
    ],
    [
      requirement({ key: "a", operator: "Maybe" }),
      'spec.nodeSelector.matchExpressions[0].operator: must be one of In, NotIn, Exists, DoesNotExist, is "Maybe"',
    ],
    [
      requirement({ key: "a b", operator: "Exists" }),
      'spec.nodeSelector.matchExpressions[0].key: must be a label key such as kubernetes.io/hostname, is "a b"',
    ],
    [
      requirement({ key: "a", operator: "In" }),
      "spec.nodeSelector.matchExpressions[0].values: values must not be empty when operator is In or NotIn; list at least one value",
    ],
    [
      requirement({ key: "a", operator: "NotIn", values: [] }),
      "spec.nodeSelector.matchExpressions[0].values: values must not be empty when operator is In or NotIn; list at least one value",
    ],
    [
      requirement({ key: "a", operator: "DoesNotExist", values: ["b"] }),
      "spec.nodeSelector.matchExpressions[0].values: values must be absent when operator is Exists or DoesNotExist; remove them",
    ],
    [
      requirement({ key: "a", operator: "In", values: ["-"] }),
      `spec.nodeSelector.matchExpressions[0].values[0]: ${LABEL_VALUE}, is "-"`,
    ],
    [
      { image: "x", nodeSelector: { matchLabels: { "a.b/c": "not ok" } } },
      `spec.nodeSelector.matchLabels["a.b/c"]: ${LABEL_VALUE}, is "not ok"`,
    ],
    [
      { image: "x", nodeSelector: { matchLabels: { "a b": "c" } } },
      "spec.nodeSelector.matchLabels: every key of matchLabels must be a label key such as kubernetes.io/hostname",
    ],
    [
      {
        image: "x",
        nodeSelector: {
          matchLabels: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`a${i}`, ""])),
        },
      },
      "spec.nodeSelector.matchLabels: must not have more than 64 labels",
    ],
    [
      { image: "x", imagePullSecrets: [{ name: 1 }] },
      "spec.imagePullSecrets[0].name: must be a string, is 1",
    ],
  ])("%j", (spec, problem) => {
    expect(problemsOf(decodeNodeOpUpgrade(nodeOpUpgrade(spec)))).toEqual([
      `${UPGRADE}: ${problem}`,
    ]);
  });
});

describe("a NodeOp is refused with", () => {
  const good = { command: ["true"] };
  it.each<[unknown, string]>([
    [{}, "spec.command: is required; write the program and its arguments as a list of strings"],
    [{ command: [] }, "spec.command: must not be empty; write the program and its arguments"],
    [{ command: "reboot" }, 'spec.command: must be a list, is "reboot"'],
    [
      { ...good, hostMountPath: "host" },
      "spec.hostMountPath: must be an absolute path other than /, without a colon",
    ],
    [
      { ...good, hostMountPath: "//" },
      "spec.hostMountPath: must be an absolute path other than /, without a colon",
    ],
    [
      { ...good, preflight: {} },
      "spec.preflight.command: is required; write the program and its arguments as a list of strings",
    ],
    [
      { ...good, preflight: { command: ["a"], activeDeadlineSeconds: 0 } },
      "spec.preflight.activeDeadlineSeconds: must be 1 or more, is 0",
    ],
    [
      { ...good, drainOptions: { enabled: 1 } },
      "spec.drainOptions.enabled: must be true or false, is 1",
    ],
    [
      { ...good, drainOptions: { gracePeriodSeconds: -1 } },
      "spec.drainOptions.gracePeriodSeconds: must be 0 or more, is -1",
    ],
    [
      { ...good, drainOptions: { timeoutSeconds: -1 } },
      "spec.drainOptions.timeoutSeconds: must be 0 or more, is -1",
    ],
    [
      { ...good, drainOptions: { gracePeriodSeconds: 60, timeoutSeconds: 60 } },
      "spec.drainOptions: gracePeriodSeconds must be less than timeoutSeconds, or the drain fails before a Pod has had its time to stop",
    ],
    [
      { ...good, drainOptions: { enabled: true } },
      "spec: drainOptions.enabled needs cordon: true, or evicted Pods come back to the node",
    ],
    [
      { ...good, deadlines: { drainSeconds: -1 } },
      "spec.deadlines.drainSeconds: must be 0 or more, is -1",
    ],
    [{ ...good, backoffLimit: -1 }, "spec.backoffLimit: must be 0 or more, is -1"],
  ])("%j", (spec, problem) => {
    expect(problemsOf(decodeNodeOp(nodeOp(spec)))).toEqual([`${OP}: ${problem}`]);
  });

  it.each<[unknown, string]>([
    [3, "status: must be an object, is 3"],
    [{ nodeStatuses: [] }, "status.nodeStatuses: must be an object, is a list"],
    [{ nodeStatuses: { a: null } }, "status.nodeStatuses.a: must be an object, is null"],
    [
      { nodeStatuses: { "w.example": {} } },
      'status.nodeStatuses["w.example"].phase: is required; write Preflight, Pending, Running, Completed or Failed',
    ],
    [
      { nodeStatuses: { a: { phase: "Running", startedAt: "yesterday" } } },
      'status.nodeStatuses.a.startedAt: must be a time such as 2026-01-31T09:30:00Z, is "yesterday"',
    ],
    [
      { nodeStatuses: { a: { phase: "Running", stage: "Waiting" } } },
      'status.nodeStatuses.a.stage: must be one of Claimed, Preparing, Upgrading, Rebooting, Followed, Releasing, Cancelling, Settling, is "Waiting"',
    ],
    [{ failed: -1 }, "status.failed: must be 0 or more, is -1"],
  ])("status %j", (status, problem) => {
    expect(problemsOf(decodeNodeOp(nodeOp(good, { status })))).toEqual([`${OP}: ${problem}`]);
  });
});

describe("the failure", () => {
  it("lists every problem, and is their text", () => {
    const decoded = decodeNodeOp(
      nodeOp(
        { concurrency: -1, cordon: "no" },
        { apiVersion: "v1", kind: "NodeOpUpgrade", status: { total: "7", nodeStatuses: { a: 1 } } },
      ),
    );
    const problems = [
      `${OP}: apiVersion: must be operator.kairos.io/v1alpha1, is "v1"`,
      `${OP}: kind: must be NodeOp, is "NodeOpUpgrade"`,
      `${OP}: spec.command: is required; write the program and its arguments as a list of strings`,
      `${OP}: spec.cordon: must be true or false, is "no"`,
      `${OP}: spec.concurrency: must be 0 or more, is -1`,
      `${OP}: status.total: must be an integer, is "7"`,
      `${OP}: status.nodeStatuses.a: must be an object, is 1`,
    ];
    expect(problemsOf(decoded)).toEqual(problems);
    expect(Result.isFailure(decoded) && decoded.failure.message).toBe(problems.join("\n"));
  });

  it.each([[null], [undefined], [3], ["x"], [[]]])("names the kind even of %j", (json) => {
    const [problem, ...others] = problemsOf(decodeNodeOpUpgrade(json));
    expect(problem).toMatch(/^NodeOpUpgrade without a name: must be an object, is /);
    expect(others).toEqual([]);
  });

  it("shortens what it quotes", () => {
    const [problem] = problemsOf(
      decodeNodeOpUpgrade(nodeOpUpgrade({ image: "x", force: "y".repeat(500) })),
    );
    expect(problem?.length).toBeLessThan(200);
  });

  it("names what an object of Kubernetes always has", () => {
    expect(problemsOf(decodeNodeOp({ metadata: {} }))).toEqual([
      "NodeOp without a name: apiVersion: is required; write operator.kairos.io/v1alpha1",
      "NodeOp without a name: kind: is required; write NodeOp",
      ...["name", "uid", "resourceVersion", "creationTimestamp"].map(
        (field) => `NodeOp without a name: metadata.${field}: is required`,
      ),
      "NodeOp without a name: spec: is required; describe the operation",
    ]);
  });
});
