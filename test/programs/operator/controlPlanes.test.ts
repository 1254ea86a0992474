/** `controlPlane.maxUnavailable` in a cluster: what holds control planes back, and that they start when it is over. */
import { describe, expect, it } from "@effect/vitest";
import { NodeOps, Nodes } from "../../../src/domain/kube/resource.ts";
import { Scene } from "./harness.ts";

const BOUNDED = { concurrency: 0, controlPlane: { maxUnavailable: 1 } };

const hasStarted = (scene: Scene, name: string) =>
  scene.status().nodeStatuses?.[name] !== undefined;

describe("a bounded operation", () => {
  it("waits for a cordoned control plane that it is done with, and goes on when that is available", () => {
    const scene = new Scene({ nodes: ["cp-1", "cp-2"] });
    scene.patch(Nodes, "cp-2", { spec: { unschedulable: true } });
    scene.createOperation(BOUNDED);
    scene.startOperator();
    scene.until("cp-2 is done", () => scene.status().nodeStatuses?.["cp-2"]?.phase === "Completed");
    scene.pass(1200);
    expect(hasStarted(scene, "cp-1")).toBe(false);
    expect(scene.status().message).toContain(
      "cp-1: controlPlane.maxUnavailable is 1, and cp-2 is cordoned",
    );
    scene.patch(Nodes, "cp-2", { spec: { unschedulable: false } });
    scene.until("cp-1 starts", () => hasStarted(scene, "cp-1"), 2);
    scene.untilEnded();
    expect(scene.status().phase).toBe("Completed");
    expect(scene.violations()).toEqual([]);
  });

  it("starts the others at once when the bound is raised while it runs", () => {
    const scene = new Scene({ nodes: ["cp-1", "cp-2", "cp-3"] });
    scene.createOperation(BOUNDED);
    scene.startOperator();
    scene.until("cp-1 starts", () => hasStarted(scene, "cp-1"));
    scene.pass(20);
    expect(hasStarted(scene, "cp-2")).toBe(false);
    scene.patch(NodeOps, "op", { spec: { controlPlane: { maxUnavailable: 3 } } });
    scene.until("all start", () => hasStarted(scene, "cp-3"), 2);
    scene.untilEnded();
    expect(scene.violations()).toEqual([]);
  });
});
