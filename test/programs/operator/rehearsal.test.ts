/** What the cluster would refuse is known before a node is taken: the dry run of an operation's Pods and Job. */
import { describe, expect, it } from "@effect/vitest";
import type { KubeObject } from "../../../src/domain/kube/object.ts";
import { NodeOps, Pods, ServiceAccounts } from "../../../src/domain/kube/resource.ts";
import type { StatusBody } from "../../../src/services/ApiServer.ts";
import { forbidden } from "../../../src/services/fake/status.ts";
import { deliver } from "../../../src/services/simulation/interception.ts";
import { isDryRun, Scene, type SceneOptions, titleOf } from "./harness.ts";

const WORDS = 'violates PodSecurity "restricted:latest": privileged';

/** A cluster that refuses what the operator creates and `refuses` names, until `allow`. */
const strict = (refuses: (object: KubeObject) => boolean, options: SceneOptions = {}) => {
  let isStrict = true;
  const scene: Scene = new Scene({
    ...options,
    admission: [
      (actor, { verb, resource }, object): StatusBody | undefined =>
        isStrict && actor === "operator" && verb === "create" && refuses(object)
          ? forbidden(resource, object.metadata.name, WORDS)
          : undefined,
    ],
  });
  return { scene, allow: () => void (isStrict = false) };
};

interface Told {
  readonly conditions?: ReadonlyArray<{
    readonly type: string;
    readonly status: string;
    readonly reason: string;
    readonly message: string;
  }>;
}

const conditionsOf = (scene: Scene) => {
  const { conditions = [] }: Told = scene.operation()?.["status"] ?? {};
  return Object.fromEntries(conditions.map((condition) => [condition.type, condition]));
};

const dryRuns = (scene: Scene) => scene.requests.filter(({ request }) => isDryRun(request));
const isStalled = (scene: Scene) => conditionsOf(scene)["Stalled"]?.status === "True";
const asks = (object: KubeObject, text: string) =>
  JSON.stringify(object["spec"] ?? {}).includes(text);

describe("a cluster that would refuse what an operation creates", () => {
  it.each([
    ["its Pods", "PodsRefused", (object: KubeObject) => object.kind === "Pod"],
    ["its Job", "JobRefused", (object: KubeObject) => object.kind === "Job"],
    [
      "the Pods of its Job alone",
      "PodsRefused",
      (object: KubeObject) =>
        object.kind === "Pod" && asks(object, "/sentinel") && asks(object, "initContainers"),
    ],
    [
      "the reboot Pod alone",
      "PodsRefused",
      (object: KubeObject) => object.kind === "Pod" && asks(object, "hostPID"),
    ],
    [
      "the account of its agents",
      "RequestRefused",
      (object: KubeObject) => object.kind === "ServiceAccount",
    ],
  ] as const)(
    "%s: told as %s, nothing is claimed or cordoned, and it heals",
    (_what, reason, refuses) => {
      const { scene, allow } = strict(refuses, { nodes: ["cp-1", "worker-1"] });
      scene.createOperation();
      scene.startOperator();
      scene.until("told", () => isStalled(scene));
      scene.pass(300);
      expect(conditionsOf(scene)).toMatchObject({
        Stalled: { status: "True", reason, message: expect.stringContaining(WORDS) },
        Reconciling: { status: "False" },
      });
      expect(scene.status().nodeStatuses).toBeUndefined();
      expect(scene.operation()?.metadata.finalizers).toBeUndefined();
      expect([scene.marks("cp-1"), scene.marks("worker-1")]).toEqual(["", ""]);
      expect([...scene.fake.objects(Pods)]).toEqual([]);
      allow();
      scene.untilEnded();
      expect(scene.status().phase).toBe("Completed");
      expect(conditionsOf(scene)["Stalled"]).toMatchObject({ status: "False" });
      expect(scene.violations()).toEqual([]);
    },
  );

  it("is asked again at growing intervals, and told once", () => {
    const { scene } = strict(({ kind }) => kind === "Pod");
    scene.createOperation({ rebootOnSuccess: false });
    scene.startOperator();
    scene.pass(900);
    const times = dryRuns(scene)
      .filter(({ request }) => titleOf(request) === "create pods")
      .map(({ at }) => at);
    const gaps = times.slice(1).map((at, index) => Math.round((at - times[index]!) / 1000));
    expect(gaps.slice(0, 8)).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    const told = scene.requests.filter(
      ({ request }) => titleOf(request) === "patch nodeops/status",
    );
    expect(told.length).toBe(1);
  });

  it("is asked at once when the spec changes", () => {
    const { scene, allow } = strict(({ kind }) => kind === "Pod");
    scene.createOperation();
    scene.startOperator();
    scene.pass(600);
    allow();
    scene.patch(NodeOps, "op", { spec: { imagePullSecrets: [{ name: "registry" }] } });
    scene.pass(2);
    expect(scene.status().nodeStatuses).toMatchObject({ "worker-1": { phase: "Pending" } });
  });
});

describe("the dry run", () => {
  it("costs an operation at most four requests, however many nodes it has, and stores nothing", () => {
    const nodes = Array.from({ length: 12 }, (_, index) => `worker-${index + 1}`);
    const scene = new Scene({ nodes });
    scene.createOperation({ concurrency: 4, preflight: { command: ["true"] } });
    scene.startOperator();
    scene.untilEnded();
    expect(dryRuns(scene).map(({ request }) => titleOf(request))).toEqual([
      "create pods",
      "create jobs",
      "create pods",
      "create pods",
    ]);
    expect(scene.status().phase).toBe("Completed");
    expect(scene.violations()).toEqual([]);
  });

  it("is over before the claim, and comes after the account that the reboot Pod needs", () => {
    const scene = new Scene();
    scene.createOperation();
    scene.startOperator();
    scene.untilEnded();
    const claim = scene.commits.findIndex(({ after }) =>
      JSON.stringify(after?.["status"] ?? {}).includes('"stage"'),
    );
    const claimedAt = scene.commits[claim]!.at;
    expect(dryRuns(scene).every(({ at }) => at <= claimedAt)).toBe(true);
    const account = scene.commits.find(({ resource }) => resource === ServiceAccounts)!;
    expect(dryRuns(scene).at(-1)!.at).toBeGreaterThanOrEqual(account.at);
  });

  it("is not made again by an operator that finds claims", () => {
    const scene = new Scene({ nodes: ["worker-1", "worker-2"] });
    scene.createOperation();
    const first = scene.startOperator();
    scene.until("claimed", () => scene.status().nodeStatuses !== undefined);
    const { length } = dryRuns(scene);
    first.kill();
    scene.startOperator();
    scene.untilEnded();
    expect(dryRuns(scene).length).toBe(length);
  });

  it("that is not answered is told once it lasts, and nothing is claimed", () => {
    let isDown = true;
    const scene = new Scene();
    scene.createOperation();
    scene.startOperator({
      intercept: ({ request }) => (isDown && isDryRun(request) ? { kind: "LoseRequest" } : deliver),
    });
    scene.pass(20);
    expect(scene.status().message).toBeUndefined();
    scene.pass(120);
    expect(conditionsOf(scene)["Stalled"]).toMatchObject({ reason: "RequestFailed" });
    isDown = false;
    scene.untilEnded();
    expect(scene.status().phase).toBe("Completed");
  });
});
