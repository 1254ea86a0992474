/** The fake must carry fleets: work per request is what changed, not what exists. Bounds are ten times what was measured. */
import { describe, expect, it } from "@effect/vitest";
import { Nodes, Pods } from "../../../src/domain/kube/resource.ts";
import { at, type Body, foo, Foos, pod, TestCluster } from "./support.ts";

const millis = (work: () => void): number => {
  const start = performance.now();
  work();
  return performance.now() - start;
};

const STATUS = { subresource: "status" } as const;

describe("scale", () => {
  it("1,000 nodes whose kubelets watch their own Pods: each frame reaches one of them", () => {
    const t = new TestCluster();
    let frames = 0;
    const sink = {
      frames: (some: ReadonlyArray<unknown>) => {
        frames += some.length;
      },
      closed: () => {},
    };
    const spent = millis(() => {
      for (let index = 0; index < 1000; index++) {
        t.create(Nodes, { metadata: { name: `n${index}` } });
        const fieldSelector = `spec.nodeName=n${index}`;
        t.cluster.watch(`kubelet/n${index}`, { resource: Pods, fieldSelector }, sink);
        t.create(Pods, pod(`p${index}`, { nodeName: `n${index}` }));
      }
      for (const phase of ["Running", "Succeeded"]) {
        for (let index = 0; index < 1000; index++) {
          t.patch(Pods, `p${index}`, { status: { phase } }, STATUS);
        }
      }
    });
    expect(frames).toBe(3000);
    expect(spent).toBeLessThan(5000);
  });

  it("one entry of a status with 1,000 costs one entry, and shares the others", () => {
    const t = new TestCluster();
    t.create(Foos, foo("a"));
    const entries = Array.from({ length: 1000 }, (_, n) => [`n${n}`, { phase: "Pending", n }]);
    const nodes: Body = Object.fromEntries(entries);
    const before = t.patch(Foos, "a", { status: { nodes } }, STATUS);
    const spent = millis(() => {
      for (let index = 0; index < 300; index++) {
        const { resourceVersion } = t.get(Foos, "a").metadata;
        const changed = { [`n${index}`]: { phase: index % 2 === 0 ? "Running" : "Done" } };
        t.patch(Foos, "a", { metadata: { resourceVersion }, status: { nodes: changed } }, STATUS);
      }
    });
    const after = t.get(Foos, "a");
    expect(after["status"]).toMatchObject({
      nodes: { n0: { phase: "Running", n: 0 }, n1: { phase: "Done", n: 1 } },
    });
    expect(after["spec"]).toBe(before["spec"]);
    expect(at(after, "status", "nodes", "n999")).toBe(at(before, "status", "nodes", "n999"));
    expect(spent).toBeLessThan(1000);
  });
});
