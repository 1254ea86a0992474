/** Objects that got in before their CustomResourceDefinition had its rules: told once, left alone, and taken up when mended. */
import { describe, expect, it } from "@effect/vitest";
import type { CrdLike } from "../../../src/services/fake/structural/schema.ts";
import { crds } from "../../../src/domain/api/crd.ts";
import type { KubeObject } from "../../../src/domain/kube/object.ts";
import {
  Jobs,
  NodeOps,
  NodeOpUpgrades,
  Pods,
  type Resource,
} from "../../../src/domain/kube/resource.ts";
import { Scene, titleOf } from "./harness.ts";

const preserved = { type: "object", "x-kubernetes-preserve-unknown-fields": true };

/** The definition before it had its rules. */
const lax = (crd: CrdLike): CrdLike => ({
  ...crd,
  spec: {
    ...crd.spec,
    versions: crd.spec.versions.map((version) => ({
      ...version,
      schema: {
        openAPIV3Schema: { ...preserved, properties: { spec: preserved, status: preserved } },
      },
    })),
  },
});

/** A cluster in which this object is, and whose definitions then got their rules. */
const legacy = (resource: Resource, spec: object, status?: object) => {
  const scene = new Scene();
  for (const crd of crds()) scene.fake.defineCrd(lax(crd));
  const body = {
    apiVersion: "operator.kairos.io/v1alpha1",
    kind: resource.kind,
    metadata: { name: "old", namespace: "default" },
    spec,
  };
  scene.ask({ verb: "create", resource, namespace: "default", body });
  if (status !== undefined) scene.patch(resource, "old", { status }, "status");
  for (const crd of crds()) scene.fake.defineCrd(crd);
  return scene;
};

const objectOf = (scene: Scene, resource: Resource) =>
  scene.fake.object(resource, { namespace: "default", name: "old" });

const conditionOf = (object: KubeObject | undefined, wanted: string) =>
  (
    (object?.["status"] as { readonly conditions?: ReadonlyArray<Record<string, unknown>> })
      ?.conditions ?? []
  ).find(({ type }) => type === wanted);

const writesOf = (scene: Scene) =>
  scene.requests
    .filter(({ request }) => !["get", "list", "watch"].includes(request.verb))
    .map(({ request }) => titleOf(request));

const IMAGE = "quay.io/kairos/opensuse:leap-15.6-standard-amd64-generic-v3.4.2-k3sv1.30.11-k3s1";
const STEERING = { concurrency: -3, backoffLimit: -1 };
const mended = { concurrency: 1, backoffLimit: 1 };

// What is immutable cannot be mended: then only a new object helps.
describe.each([
  [
    NodeOps,
    { concurrency: -3, hostMountPath: "/" },
    { ...STEERING, command: ["true"] },
    ["spec.command: is required", "spec.hostMountPath", "spec.concurrency"],
  ],
  [
    NodeOpUpgrades,
    { concurrency: -3, image: "" },
    { ...STEERING, image: IMAGE },
    ["spec.image", "spec.concurrency"],
  ],
] as const)("an object that does not follow its schema", (resource, spec, mendable, sentences) => {
  it(`${resource.kind}: every error is told once, and nothing else is done`, () => {
    const scene = legacy(resource, spec);
    scene.startOperator();
    scene.pass(3600);
    const condition = conditionOf(objectOf(scene, resource), "InvalidSpec");
    expect(condition).toMatchObject({ status: "True", observedGeneration: 1 });
    for (const sentence of sentences) expect(condition?.["message"]).toContain(sentence);
    expect(condition?.["message"]).toContain(`${resource.kind} default/old: `);
    expect(conditionOf(objectOf(scene, resource), "Stalled")).toMatchObject({
      status: "True",
      reason: "InvalidSpec",
    });
    expect(writesOf(scene)).toEqual([`patch ${resource.plural}/status`]);
    const asked = scene.requests.filter(({ request }) => request.verb === "get");
    expect(asked.length).toBeLessThanOrEqual(2);
  });

  it(`${resource.kind}: mended, it goes on, and the condition goes`, () => {
    const scene = legacy(resource, mendable);
    scene.startOperator();
    scene.pass(60);
    scene.patch(resource, "old", { spec: mended });
    scene.untilEnded("old");
    scene.pass(10);
    expect(scene.status("old").phase).toBe("Completed");
    expect(conditionOf(objectOf(scene, resource), "InvalidSpec")).toBeUndefined();
    expect(conditionOf(objectOf(scene, resource), "Stalled")).toMatchObject({ status: "False" });
  });

  it(`${resource.kind}: invalid in another way, it is told again, once per generation`, () => {
    const scene = legacy(resource, mendable);
    scene.startOperator();
    scene.pass(60);
    scene.patch(resource, "old", { spec: { stopOnFailure: true } });
    scene.pass(60);
    expect(conditionOf(objectOf(scene, resource), "InvalidSpec")).toMatchObject({
      observedGeneration: 2,
    });
    expect(writesOf(scene).length).toBe(2);
  });

  it(`${resource.kind}: one that has ended is left alone, and an operator that starts anew tells nothing twice`, () => {
    const condition = {
      type: "Completed",
      status: "True",
      reason: "Completed",
      message: "",
      lastTransitionTime: "2026-01-01T00:00:00Z",
    };
    const ended = legacy(resource, spec, { conditions: [condition] });
    ended.startOperator();
    ended.pass(60);
    expect(writesOf(ended)).toEqual([]);
    const scene = legacy(resource, spec);
    const first = scene.startOperator();
    scene.pass(60);
    first.kill();
    scene.startOperator();
    scene.pass(60);
    expect(writesOf(scene).length).toBe(1);
  });
});

describe("beside an invalid object", () => {
  it("others go on, and one that is deleted is forgotten", () => {
    const scene = legacy(NodeOps, { concurrency: -3 });
    scene.startOperator();
    scene.createOperation();
    scene.untilEnded();
    expect(scene.status().phase).toBe("Completed");
    scene.delete(NodeOps, "old");
    scene.pass(60);
    const { length } = scene.requests;
    scene.pass(3600);
    expect(scene.requests.slice(length).filter(({ request }) => request.verb === "get")).toEqual(
      [],
    );
  });
});

/** Somebody takes the rules away, breaks the object, and puts the rules back. */
const broken = (until: string) => {
  const scene = new Scene();
  scene.startOperator();
  scene.createOperation();
  scene.until(until, () => scene.status().nodeStatuses?.["worker-1"]?.stage === until);
  for (const crd of crds()) scene.fake.defineCrd(lax(crd));
  scene.patch(NodeOps, "op", { spec: { concurrency: -3 } });
  for (const crd of crds()) scene.fake.defineCrd(crd);
  scene.pass(5);
  return scene;
};

describe("a NodeOp that became invalid while it was at work", () => {
  it.each(["Preparing", "Upgrading", "Rebooting"])(
    "in %s: deleted, it is gone as soon as nothing of it works any more, and leaves nothing",
    (stage) => {
      const scene = broken(stage);
      expect(scene.operation()?.metadata.finalizers).toEqual(["operator.kairos.io/in-flight"]);
      scene.delete(NodeOps, "op");
      scene.until("its end", () => scene.operation() === undefined, 300);
      const atWork = () =>
        [...scene.fake.objects(Pods)].filter(
          ({ metadata }) => metadata.labels?.["kairos.io/nodeop"] === "op",
        );
      scene.until("its Pods", () => atWork().length === 0, 300);
      expect(scene.marks("worker-1")).toBe("");
      // A Job without a Pod goes when the garbage collector comes to it.
      scene.until("its Job", () => [...scene.fake.objects(Jobs)].length === 0, 300);
    },
  );
});
