/** A node is done only when it is proved: what comes back from a reboot decides, not that something came back. */
import { describe, expect, it } from "@effect/vitest";
import { Scene } from "./harness.ts";

describe("a reboot of a plain command, which installs no version to compare with", () => {
  it.each([
    ["falls-back", "FellBack"],
    ["never-returns", "RebootDeadlineExceeded"],
    ["silently-fails", "RebootFailed"],
  ] as const)(
    "that %s fails its node with %s, and the next one is not started",
    (reboot, reason) => {
      const scene = new Scene({ nodes: ["worker-1", "worker-2"], behaviour: { reboot } });
      scene.createOperation({ stopOnFailure: true });
      scene.startOperator();
      scene.untilEnded();
      expect(scene.status().phase).toBe("Failed");
      expect(scene.status().nodeStatuses).toMatchObject({
        "worker-1": { phase: "Failed", reason },
      });
      expect(Object.keys(scene.status().nodeStatuses ?? {})).toEqual(["worker-1"]);
      expect(scene.marks("worker-1")).toBe("cordoned");
    },
  );
});
