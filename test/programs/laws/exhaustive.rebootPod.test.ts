/** The reboot Pod of the canary's nodes is deleted, and its container crashes, at each moment. */
import { describe, it } from "@effect/vitest";
import { CANARY_NODES } from "../../support/simulations.ts";
import { expectAtEveryMomentOf, notCompleted } from "./everyMoment.ts";

const EVENTS = ["reboot-pod-deleted", "agent-crash"] as const;

describe.each(EVENTS)(
  "whatever becomes of a reboot Pod, its node is rebooted exactly once: %s",
  (kind) => {
    it.each(CANARY_NODES)(
      "%s, at every moment",
      (node) => expectAtEveryMomentOf("reboot Pod", node, kind, notCompleted),
      120_000,
    );
  },
);
