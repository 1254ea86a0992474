/** Who may hold a Node, and what the patches of hold and release leave alone. */
import { describe, expect, it } from "@effect/vitest";
import { otherOperationOf, releasePatch } from "../../../src/domain/rollout/hold.ts";
import { operation } from "./support.ts";

const COMPLETED = {
  conditions: [
    {
      type: "Completed",
      status: "True",
      reason: "Completed",
      message: "",
      lastTransitionTime: "2026-01-01T00:00:00Z",
    },
  ],
};

describe("another operation", () => {
  it.each([
    ["live while it has not ended", {}, {}, "live"],
    ["finished once it has", COMPLETED, {}, "finished"],
    [
      "live while it takes its cordons off, deleted after its end",
      COMPLETED,
      { deletionTimestamp: "2026-01-01T00:00:00Z" },
      "live",
    ],
  ])("is %s", (_name, status, metadata, expected) =>
    expect(otherOperationOf(operation({ status, metadata }))).toBe(expected),
  );
});

describe("a release", () => {
  const at = { name: "w", uid: "w-uid", resourceVersion: "3" };
  const version = { uid: "w-uid", resourceVersion: "3" };
  const HELD = "operator.kairos.io/held-by";
  const CORDONED = "operator.kairos.io/cordoned-by";

  it.each([
    [{ hold: true, cordon: false }, { [HELD]: null }, {}],
    [{ hold: false, cordon: true }, { [CORDONED]: null }, { spec: { unschedulable: null } }],
    [
      { hold: true, cordon: true },
      { [HELD]: null, [CORDONED]: null },
      { spec: { unschedulable: null } },
    ],
  ])("of %j touches nothing else", (what, annotations, rest) =>
    expect(releasePatch(at, what)).toEqual({ metadata: { ...version, annotations }, ...rest }),
  );
});
