/** ResourceQuotas in a simulated cluster: charged at once, counted anew by their controller, also after it was away. */
import { describe, expect, it } from "@effect/vitest";
import { Pods } from "../../../src/domain/kube/resource.ts";
import { ResourceQuotas } from "../../../src/services/quota.ts";
import { NAMESPACE, town, type Town } from "./support/cluster.ts";
import { SERVER } from "./support/objects.ts";

const quota = (at: Town, hard: object, spec: object = {}) =>
  at.create(ResourceQuotas, {
    apiVersion: "v1",
    kind: "ResourceQuota",
    metadata: { name: "q", namespace: NAMESPACE },
    spec: { hard, ...spec },
  });

const pod = (at: Town, name: string) =>
  at.fake.handle("user", {
    verb: "create",
    resource: Pods,
    namespace: NAMESPACE,
    body: {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: NAMESPACE },
      spec: { containers: [SERVER] },
    },
  });

const used = (at: Town): Readonly<Record<string, string>> | undefined => {
  const found = at.fake.object(ResourceQuotas, { namespace: NAMESPACE, name: "q" });
  return (found?.["status"] as { used?: Readonly<Record<string, string>> })?.used;
};

describe("a quota", () => {
  it("limits nothing where no controller keeps quotas, and from its first count on where one does", () => {
    const without = town();
    quota(without, { pods: "0" });
    without.pass(60);
    expect(pod(without, "a").ok).toBe(true);
    const at = town({ quotas: true });
    quota(at, { pods: "0" });
    expect(pod(at, "early").ok).toBe(true);
    at.until("it is counted", () => used(at) !== undefined);
    expect([used(at), pod(at, "late").ok]).toEqual([{ pods: "1" }, false]);
  });

  it("is not judged where it is about some Pods only", () => {
    const at = town({ quotas: true });
    quota(at, { pods: "0" }, { scopes: ["BestEffort"] });
    at.pass(5);
    expect(pod(at, "a").ok).toBe(true);
  });

  it("gets room from what went while its controller was away", () => {
    const at = town({ quotas: true });
    quota(at, { pods: "1" });
    at.pass(1);
    expect(pod(at, "a").ok).toBe(true);
    const controller = at.cluster.workloadControllers.get("resourcequota-controller")!;
    controller.stop();
    at.remove(Pods, "a");
    at.pass(60);
    expect(pod(at, "b").ok).toBe(false);
    controller.start();
    at.until("there is room", () => used(at)?.["pods"] === "0", 10);
    expect(pod(at, "b").ok).toBe(true);
  });

  it("that was charged for what failed afterwards is counted anew within five minutes", () => {
    const at = town({ quotas: true });
    quota(at, { pods: "3" });
    at.pass(1);
    expect([pod(at, "a").ok, pod(at, "a").ok, used(at)]).toEqual([true, false, { pods: "2" }]);
    at.until("it is", () => used(at)?.["pods"] === "1", 301);
  });
});
