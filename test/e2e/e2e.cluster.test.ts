/** The operator, its reboot agents and machines on a real control plane of their own, with real kubectl. */
import { describe, layer } from "@effect/vitest";
import { findAssets } from "../support/controlPlane/assets.ts";
import { agent } from "./scenarios/agent.ts";
import { canary } from "./scenarios/canary.ts";
import { crashes } from "./scenarios/crashes.ts";
import { definitions } from "./scenarios/definitions.ts";
import { disturbances } from "./scenarios/disturbances.ts";
import { drains } from "./scenarios/drains.ts";
import { endings } from "./scenarios/endings.ts";
import { fightsBack } from "./scenarios/fightsBack.ts";
import { HASTY, nodeLifecycle } from "./scenarios/nodeLifecycle.ts";
import { labeler } from "./scenarios/labeler.ts";
import { onlyNode } from "./scenarios/onlyNode.ts";
import { permissions } from "./scenarios/permissions.ts";
import { processes } from "./scenarios/process.ts";
import { refusals } from "./scenarios/refusals.ts";
import { rollouts } from "./scenarios/rollouts.ts";
import { volumes } from "./scenarios/volumes.ts";
import { E2e } from "./support/E2e.ts";

describe.runIf(findAssets() !== undefined)("on a real control plane", () => {
  layer(E2e.layer(), { timeout: "2 minutes", excludeTestServices: true })((it) => {
    canary(it);
    processes(it);
    rollouts(it);
    definitions(it);
    labeler(it);
    agent(it);
    onlyNode(it);
    refusals(it);
    drains(it);
    volumes(it);
    endings(it);
    disturbances(it);
    crashes(it);
    fightsBack(it);
    permissions(it);
  });
  layer(E2e.layer(HASTY), { timeout: "2 minutes", excludeTestServices: true })((it) => {
    nodeLifecycle(it);
  });
});
