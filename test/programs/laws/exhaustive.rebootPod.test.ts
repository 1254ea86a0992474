/** The reboot Pod of the canary's nodes is deleted, and its container crashes, after each commit. */
import { describe, it } from "@effect/vitest";
import { expectAtEvery, momentsWith, notCompleted } from "./everyMoment.ts";

describe("whatever becomes of a reboot Pod, its node is rebooted exactly once", () => {
  it.each([
    ["cp-1", "reboot-pod-deleted"],
    ["worker-1", "reboot-pod-deleted"],
    ["cp-1", "agent-crash"],
    ["worker-1", "agent-crash"],
  ])(
    "%s: %s after every commit",
    (node, kind) =>
      expectAtEvery(
        momentsWith("reboot Pod", node),
        (commit) => `${node}:${kind}@${commit}`,
        notCompleted,
      ),
    120_000,
  );
});
