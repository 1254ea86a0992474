/** The operator, its reboot agents and machines on a real control plane of their own, with real kubectl. */
import { describe, layer } from "@effect/vitest";
import { findAssets } from "../support/controlPlane/assets.ts";
import { canary } from "./scenarios/canary.ts";
import { crashes } from "./scenarios/crashes.ts";
import { disturbances } from "./scenarios/disturbances.ts";
import { processes } from "./scenarios/process.ts";
import { E2e } from "./support/E2e.ts";

describe.runIf(findAssets() !== undefined)("on a real control plane", () => {
  layer(E2e.layer, { timeout: "2 minutes", excludeTestServices: true })((it) => {
    canary(it);
    processes(it);
    disturbances(it);
    crashes(it);
  });
});
