/** Requests that go wrong: one node's trouble is told, tried again ever more rarely, and holds up no other node. */
import { describe, expect, it } from "@effect/vitest";
import { Jobs, Nodes, Pods, ServiceAccounts } from "../../../src/domain/kube/resource.ts";
import { conflict, forbidden } from "../../../src/services/fake/status.ts";
import type { KubeRequest } from "../../../src/services/KubeTransport.ts";
import { deliver } from "../../../src/services/simulation/interception.ts";
import { isDryRun, rightBefore, Scene, titleOf } from "./harness.ts";

const isAbout = (request: KubeRequest, title: string, name: string): boolean =>
  titleOf(request) === title && "name" in request && request.name === name;

const entry = (scene: Scene, node: string) => scene.status().nodeStatuses?.[node];

const gapsIn = (times: ReadonlyArray<number>): ReadonlyArray<number> =>
  times.slice(1).map((at, index) => Math.round((at - times[index]!) / 100) / 10);

/** Two nodes at once, and of the first no live read is answered until `mend`. */
const unreadable = () => {
  let isReadable = false;
  const reads: Array<number> = [];
  const scene = new Scene({ nodes: ["worker-1", "worker-2"] });
  scene.createOperation({ concurrency: 2 });
  scene.startOperator({
    intercept: ({ request }) => {
      if (!isAbout(request, "get nodes", "worker-1")) return deliver;
      reads.push(scene.world.now);
      return isReadable ? deliver : { kind: "LoseRequest" };
    },
  });
  return { scene, reads, mend: () => void (isReadable = true) };
};

describe("a live read that fails", () => {
  it("holds up its own node only, and is tried again at growing intervals", () => {
    const { scene, reads, mend } = unreadable();
    scene.until("worker-2 is done", () => entry(scene, "worker-2")?.phase === "Completed", 600);
    expect(entry(scene, "worker-1")).toMatchObject({ stage: expect.any(String) });
    scene.pass(600);
    expect(entry(scene, "worker-1")?.stage).toBe("Rebooting");
    expect(gapsIn(reads).slice(0, 8)).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    mend();
    scene.untilEnded();
    expect(scene.status().phase).toBe("Completed");
    expect(scene.violations()).toEqual([]);
  });

  it("is told in its node's status and in the message once it lasts, and only while it does", () => {
    const { scene, reads, mend } = unreadable();
    scene.until("the first failure", () => reads.length > 0);
    scene.pass(29);
    expect(entry(scene, "worker-1")?.reason).toBeUndefined();
    scene.pass(60);
    expect(entry(scene, "worker-1")).toMatchObject({
      stage: "Rebooting",
      reason: "RequestFailed",
      message: expect.stringContaining("get Node worker-1"),
    });
    expect(scene.status().message).toMatch(/ in flight\. worker-1: get Node worker-1/u);
    expect(entry(scene, "worker-2")?.reason).toBeUndefined();
    mend();
    scene.untilEnded();
    expect(scene.status().message).toBe("All 2 nodes are done");
    expect(entry(scene, "worker-1")).toMatchObject({ phase: "Completed" });
    expect(entry(scene, "worker-1")?.reason).toBeUndefined();
    expect(scene.violations()).toEqual([]);
  });
});

describe("a conflict that does not pass", () => {
  it("is tried again ever more rarely, told once it lasts, and over with it", () => {
    let isStubborn = true;
    const scene = new Scene({
      nodes: ["worker-1", "worker-2"],
      admission: [
        (actor, { verb }, { kind, metadata: { name } }) =>
          isStubborn &&
          actor === "operator" &&
          verb === "patch" &&
          kind === "Node" &&
          name === "worker-1"
            ? conflict(Nodes, name, "changed")
            : undefined,
      ],
    });
    scene.createOperation({ concurrency: 2 });
    scene.startOperator();
    scene.until("worker-2 is done", () => entry(scene, "worker-2")?.phase === "Completed", 600);
    const tries = scene.requests
      .filter(
        ({ request }) => request.verb !== "watch" && isAbout(request, "patch nodes", "worker-1"),
      )
      .map(({ at }) => at);
    expect(gapsIn(tries).slice(0, 8)).toEqual([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8]);
    expect(entry(scene, "worker-1")).toMatchObject({ stage: "Preparing", reason: "RequestFailed" });
    isStubborn = false;
    scene.untilEnded();
    expect(scene.status().phase).toBe("Completed");
    expect(scene.violations()).toEqual([]);
  });
});

describe("an account of the agents that somebody deletes", () => {
  it("is made again when Pods are refused for want of it", () => {
    const scene: Scene = new Scene({
      admission: [
        (actor, { verb }, object) =>
          actor === "operator" &&
          verb === "create" &&
          object.kind === "Pod" &&
          object.metadata.labels?.["kairos.io/reboot"] === "true" &&
          [...scene.fake.objects(ServiceAccounts)].length === 0
            ? forbidden(Pods, object.metadata.name, "service account not found")
            : undefined,
      ],
    });
    scene.createOperation();
    scene.startOperator({
      intercept: rightBefore(
        (title, request) => title === "create pods" && !isDryRun(request),
        () => {
          const [account] = scene.fake.objects(ServiceAccounts);
          scene.delete(ServiceAccounts, account!.metadata.name);
        },
      ),
    });
    scene.untilEnded();
    expect(scene.status().phase).toBe("Completed");
  });
});

describe("a Job that somebody puts in the place of ours", () => {
  it("is not touched when its node ends early", () => {
    const scene = new Scene();
    scene.createOperation();
    const first = scene.startOperator();
    scene.until("upgrading", () => entry(scene, "worker-1")?.stage === "Upgrading");
    first.kill();
    const name = entry(scene, "worker-1")!.jobName!;
    scene.delete(Jobs, name);
    scene.until(
      "gone",
      () => scene.fake.object(Jobs, { namespace: "default", name }) === undefined,
    );
    scene.ask({
      verb: "create",
      resource: Jobs,
      namespace: "default",
      body: {
        apiVersion: "batch/v1",
        kind: "Job",
        metadata: { name, namespace: "default" },
        spec: {
          suspend: true,
          template: {
            spec: { containers: [{ name: "theirs", image: "theirs" }], restartPolicy: "Never" },
          },
        },
      },
    });
    scene.startOperator();
    scene.untilEnded();
    expect(entry(scene, "worker-1")).toMatchObject({ phase: "Failed", reason: "JobGone" });
    const { annotations } = scene.fake.object(Jobs, { namespace: "default", name })!.metadata;
    expect(annotations?.["operator.kairos.io/stopped"]).toBeUndefined();
  });
});
