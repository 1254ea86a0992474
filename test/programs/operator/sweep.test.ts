/** The sweep: what operations that are gone left on Nodes is taken off, what is still needed stays. */
import { describe, expect, it } from "@effect/vitest";
import { NodeOps, Nodes } from "../../../src/domain/kube/resource.ts";
import { rightBefore, Scene } from "./harness.ts";

const HELD = "operator.kairos.io/held-by";
const CORDONED = "operator.kairos.io/cordoned-by";

const mark = (scene: Scene, node: string, holder: string): void =>
  void scene.patch(Nodes, node, {
    metadata: { annotations: { [HELD]: holder, [CORDONED]: holder } },
    spec: { unschedulable: true },
  });

const writesTo = (scene: Scene, node: string) =>
  scene.commits.filter(
    ({ actor, resource, name }) => actor === "operator" && resource === Nodes && name === node,
  );

describe("at its start the operator", () => {
  it("takes off the hold and the cordon of an operation that is gone", () => {
    const scene = new Scene();
    mark(scene, "worker-1", "default/gone@some-uid");
    scene.startOperator();
    scene.until("swept", () => scene.marks("worker-1") === "", 5);
    expect(scene.node("worker-1").metadata.annotations?.[CORDONED]).toBeUndefined();
    expect(writesTo(scene, "worker-1").length).toBe(1);
  });

  it("takes off those of an earlier operation of the same name", () => {
    const scene = new Scene();
    scene.createOperation({ nodeSelector: { matchLabels: { none: "matches" } } });
    mark(scene, "worker-1", "default/op@the-uid-before");
    scene.startOperator();
    scene.pass(5);
    expect(scene.marks("worker-1")).toBe("");
  });

  it("leaves a person's cordon, and texts that name no operation", () => {
    const scene = new Scene({ nodes: ["worker-1", "worker-2"] });
    scene.patch(Nodes, "worker-1", { spec: { unschedulable: true } });
    mark(scene, "worker-2", "somebody");
    scene.startOperator();
    scene.pass(1300);
    expect(writesTo(scene, "worker-1")).toEqual([]);
    expect(writesTo(scene, "worker-2")).toEqual([]);
    expect(scene.marks("worker-1")).toBe("cordoned");
  });

  it("leaves the hold of an operation that is at work", () => {
    const scene = new Scene();
    scene.createOperation();
    const first = scene.startOperator();
    scene.until("held", () => scene.marks("worker-1") === "held cordoned");
    first.kill();
    scene.startOperator();
    scene.pass(20);
    expect(scene.marks("worker-1")).toBe("held cordoned");
    scene.untilEnded();
    expect(scene.marks("worker-1")).toBe("");
    expect(scene.violations()).toEqual([]);
  });
});

describe("a node that failed", () => {
  it("keeps its cordon while its operation exists, over every sweep, and loses it with the operation", () => {
    const scene = new Scene({ behaviour: { script: "fails" } });
    scene.createOperation({ backoffLimit: 0 });
    scene.startOperator();
    scene.untilEnded();
    expect(scene.status().phase).toBe("Failed");
    expect(scene.marks("worker-1")).toBe("cordoned");
    scene.pass(1800);
    expect(scene.marks("worker-1")).toBe("cordoned");
    scene.delete(NodeOps, "op");
    scene.until("swept", () => scene.marks("worker-1") === "", 5);
    expect(scene.violations()).toEqual([]);
  });
});

describe("a sweep", () => {
  it("comes every ten minutes", () => {
    const scene = new Scene();
    scene.startOperator();
    scene.pass(60);
    mark(scene, "worker-1", "default/gone@some-uid");
    scene.pass(500);
    expect(scene.marks("worker-1")).toBe("held cordoned");
    scene.pass(100);
    expect(scene.marks("worker-1")).toBe("");
  });

  it("does nothing to a Node that changes under its hands, until the next one looks again", () => {
    const scene = new Scene();
    mark(scene, "worker-1", "default/gone@some-uid");
    scene.startOperator({
      intercept: rightBefore(
        (title) => title === "patch nodes",
        () => mark(scene, "worker-1", "default/other-gone@another-uid"),
      ),
    });
    scene.pass(60);
    expect(scene.marks("worker-1")).toBe("held cordoned");
    scene.pass(600);
    expect(scene.marks("worker-1")).toBe("");
  });

  it("that cannot read an operation leaves its Nodes alone", () => {
    const scene = new Scene();
    mark(scene, "worker-1", "default/gone@some-uid");
    let isReachable = false;
    scene.startOperator({
      intercept: ({ request }) =>
        request.verb === "get" && request.resource === NodeOps && !isReachable
          ? { kind: "LoseRequest" }
          : { kind: "Deliver" },
    });
    scene.pass(1300);
    expect(scene.marks("worker-1")).toBe("held cordoned");
    isReachable = true;
    scene.pass(1200);
    expect(scene.marks("worker-1")).toBe("");
  });
});
