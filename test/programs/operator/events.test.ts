/** Events of real rollouts on the simulated cluster, as `kubectl get events` would show them. */
import { Effect } from "effect";
import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../../src/domain/kube/object.ts";
import { Events } from "../../../src/domain/kube/resource.ts";
import { Presence } from "../../../src/programs/operatorCommand/Presence.ts";
import { operator } from "../../../src/programs/operator/operator.ts";
import * as EventRecorder from "../../../src/services/Events.ts";
import { forbidden } from "../../../src/services/fake/status.ts";
import { Scene, type SceneOptions } from "./harness.ts";

interface EventJson extends KubeObject {
  readonly regarding: { readonly kind: string; readonly name: string };
  readonly reason: string;
  readonly type: string;
  readonly note: string;
  readonly series?: { readonly count: number };
}

/** The operator with its Events, as the command runs it. */
const program = (capacity?: number) =>
  Effect.gen(function* () {
    const events = yield* EventRecorder.make({ instance: "operator-0", capacity });
    const presence = new Presence(events);
    presence.isLeading = true;
    return yield* Effect.all([operator({ observer: presence.observer }), events.run], {
      concurrency: "unbounded",
      discard: true,
    });
  });

const eventsIn = (scene: Scene): ReadonlyArray<EventJson> =>
  ([...scene.fake.objects(Events)] as unknown as Array<EventJson>).toSorted(
    (a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion),
  );

const reasonsOn = (scene: Scene, kind: string): ReadonlyArray<string> =>
  eventsIn(scene)
    .filter(({ regarding }) => regarding.kind === kind)
    .map(({ reason }) => reason);

const rollout = (options: SceneOptions, spec: object = {}, capacity?: number): Scene => {
  const scene = new Scene(options);
  scene.startOperator({ program: program(capacity) });
  scene.createOperation(spec);
  scene.untilEnded();
  scene.pass(60);
  return scene;
};

describe("events of a rollout", () => {
  it("tell each step of the way, in the namespace of what they are about", () => {
    const scene = rollout({});
    const steps = ["Claimed", "Upgrading", "Rebooting", "Completed"];
    expect(reasonsOn(scene, "Node")).toEqual(steps);
    expect(reasonsOn(scene, "NodeOp")).toEqual([...steps, "Completed"]);
    expect(eventsIn(scene).every(({ metadata }) => metadata.namespace === "default")).toBe(true);
    expect(scene.violations()).toEqual([]);
  });

  it("tell why a node failed, and that the operation did", () => {
    const scene = rollout({ behaviour: { script: "fails" } }, { backoffLimit: 0 });
    expect(reasonsOn(scene, "Node")).toEqual(["Claimed", "Upgrading", "JobFailed"]);
    expect(reasonsOn(scene, "NodeOp").at(-1)).toBe("Failed");
  });

  it("are not made twice by an operator that is started again", () => {
    const scene = new Scene();
    const process = scene.startOperator({ program: program() });
    scene.createOperation();
    scene.until("the upgrade", () => reasonsOn(scene, "Node").includes("Upgrading"));
    process.kill();
    scene.startOperator({ program: program() });
    scene.untilEnded();
    scene.pass(60);
    const reasons = reasonsOn(scene, "Node");
    expect(reasons).toEqual([...new Set(reasons)]);
    expect(eventsIn(scene).some(({ series }) => series !== undefined)).toBe(false);
  });

  it("count what happens again to the same object in the same words", () => {
    const scene = new Scene({ nodes: [] });
    scene.startOperator({ program: program() });
    scene.createOperation();
    const labels = { metadata: { name: "w", labels: {} } };
    const nodes = { group: "", version: "v1", plural: "nodes", kind: "Node", namespaced: false };
    scene.pass(10);
    scene.ask({ verb: "create", resource: nodes, body: labels });
    scene.pass(10);
    scene.ask({ verb: "delete", resource: nodes, name: "w", body: {} });
    scene.pass(10);
    const [nobody] = eventsIn(scene).filter(({ reason }) => reason === "NoNodesMatch");
    expect(nobody?.series?.count).toBe(2);
  });

  it("that the API server refuses do not disturb the rollout", () => {
    const scene = rollout({
      admission: [
        (_actor, { resource, verb }, object) =>
          resource.plural === "events" && verb === "create"
            ? forbidden(Events, object.metadata.name, "no events here")
            : undefined,
      ],
    });
    expect(eventsIn(scene)).toEqual([]);
    expect(scene.status().phase).toBe("Completed");
    expect(scene.violations()).toEqual([]);
  });

  it("that do not fit in are dropped, and the rest is told", () => {
    const scene = rollout({ nodes: ["worker-1", "worker-2"] }, { concurrency: 2 }, 1);
    expect(scene.status().phase).toBe("Completed");
    expect(eventsIn(scene).length).toBeGreaterThan(0);
  });
});

describe("a change whose events cannot be decided", () => {
  it("stops nobody", () => {
    const scene = new Scene();
    const reached: Array<string> = [];
    scene.startOperator({
      program: Effect.gen(function* () {
        const events = yield* EventRecorder.make({ instance: "operator-0" });
        const observer = {
          operationChanged: () => {
            reached.push("change");
            events.recordUnsafe(() => {
              throw new Error("poisoned");
            });
          },
        };
        return yield* Effect.all([operator({ observer }), events.run], {
          concurrency: "unbounded",
          discard: true,
        });
      }),
    });
    scene.createOperation();
    scene.untilEnded();
    expect(reached.length).toBeGreaterThan(3);
    expect(scene.status().phase).toBe("Completed");
  });
});
