/** The laws of a kubelet: what becomes of a Pod on a node, and of the Node itself. Semantics (c)8 of reliability.md. */
import { describe, expect, it } from "@effect/vitest";
import type { Commit } from "../../../src/domain/history.ts";
import { Nodes, Pods } from "../../../src/domain/kube/resource.ts";
import { type Condition, trueCondition } from "../../../src/services/world/pod.ts";
import { type Town, town } from "./support/cluster.ts";
import { COMMAND, containerState, newPod, SENTINEL, SERVER } from "./support/objects.ts";

interface NodeView {
  readonly status: {
    readonly conditions: ReadonlyArray<Condition>;
    readonly nodeInfo: { readonly bootID: string };
  };
}

const node = ({ fake }: Town) => fake.object(Nodes, { name: "worker-1" }) as unknown as NodeView;
const phase = (at: Town, name: string) => at.pod(name)?.status?.phase;
/** The distinct phases that the API ever showed of a Pod, in order. */
const phases = (commits: ReadonlyArray<Commit>, name: string): ReadonlyArray<string> => {
  const seen: Array<string> = [];
  for (const { resource, name: of, after } of commits) {
    if (resource !== Pods || of !== name || after === undefined) continue;
    const now = (after["status"] as { readonly phase: string }).phase;
    if (seen.at(-1) !== now) seen.push(now);
  }
  return seen;
};

describe("kubelet: a Pod's life", () => {
  it("containers wait for their image, run, and their Pod succeeds", () => {
    const at = town();
    at.create(Pods, newPod("p"));
    at.pass(3);
    expect(containerState(at.pod("p"), "nodeop")).toBe("waiting ContainerCreating");
    at.pass(5);
    expect(phase(at, "p")).toBe("Running");
    at.until("the Pod ends", () => phase(at, "p") === "Succeeded", 80);
    expect(containerState(at.pod("p"), "nodeop")).toBe("exit 0");
    expect(phases(at.commits, "p")).toEqual(["Pending", "Running", "Succeeded"]);
  });

  it("an image is pulled once per node", () => {
    const at = town();
    at.create(Pods, newPod("first"));
    at.until("the first runs", () => phase(at, "first") === "Running");
    at.create(Pods, newPod("second"));
    at.pass(1.5);
    expect(phase(at, "second")).toBe("Running");
  });

  it("an image that cannot be pulled is tried again for ever, and the Pod stays Pending", () => {
    const at = town({ behaviour: { pullFails: true } });
    at.create(Pods, newPod("p"));
    at.pass(7);
    expect(containerState(at.pod("p"), "nodeop")).toBe("waiting ErrImagePull");
    at.pass(20);
    expect(containerState(at.pod("p"), "nodeop")).toBe("waiting ImagePullBackOff");
    at.pass(86_400);
    expect(phase(at, "p")).toBe("Pending");
    at.cluster.host("worker-1").behaviour = {
      ...at.cluster.host("worker-1").behaviour,
      pullFails: false,
    };
    at.until("the registry is back", () => phase(at, "p") === "Succeeded", 600);
  });

  it("init containers run one after the other, before the containers", () => {
    const at = town();
    at.create(Pods, newPod("p", { initContainers: [COMMAND], containers: [SENTINEL] }));
    at.until("the init container runs", () => containerState(at.pod("p"), "nodeop") === "running");
    expect(containerState(at.pod("p"), "sentinel-creator")).toBe("waiting PodInitializing");
    expect(phase(at, "p")).toBe("Pending");
    at.until("the Pod ends", () => phase(at, "p") === "Succeeded");
  });

  it("with Never, an init container that fails fails the Pod and its containers never start", () => {
    const at = town({ behaviour: { script: "fails" } });
    at.create(Pods, newPod("p", { initContainers: [COMMAND], containers: [SENTINEL] }));
    at.until("the Pod ends", () => phase(at, "p") === "Failed");
    expect(containerState(at.pod("p"), "nodeop")).toBe("exit 1");
    expect(containerState(at.pod("p"), "sentinel-creator")).toBe("waiting PodInitializing");
    expect(at.hostLog.filter(({ event }) => event === "sentinelWritten")).toEqual([]);
  });

  it("with OnFailure, a container that fails is restarted: at once, then after 10 s doubling to 300 s", () => {
    const at = town({ behaviour: { script: "fails", scriptSeconds: [1, 1] } });
    at.create(Pods, newPod("p", { restartPolicy: "OnFailure" }));
    at.pass(3000);
    const starts = at.hostLog
      .filter(({ event }) => event === "scriptStarted")
      .map((event) => event.at / 1000);
    const pauses = starts.slice(1).map((start, i) => start - (starts[i] ?? 0) - 1);
    expect(pauses.slice(0, 8)).toEqual([0, 10, 20, 40, 80, 160, 300, 300]);
    expect(phase(at, "p")).toBe("Running");
    expect(containerState(at.pod("p"), "nodeop")).toBe("waiting CrashLoopBackOff");
  });

  it("activeDeadlineSeconds ends the Pod: Failed, reason DeadlineExceeded", () => {
    const at = town({ behaviour: { script: "hangs" } });
    at.create(Pods, newPod("p", { restartPolicy: "OnFailure", activeDeadlineSeconds: 120 }));
    at.until("the deadline passes", () => phase(at, "p") === "Failed", 130);
    expect(at.pod("p")?.status).toMatchObject({ reason: "DeadlineExceeded" });
    expect(containerState(at.pod("p"), "nodeop")).toBe("exit 143");
  });

  it("a Pod that the kubelet refuses is Failed without a container status; the next one is admitted", () => {
    const at = town({ behaviour: { refusesPods: { reason: "OutOfcpu", first: 1 } } });
    at.create(Pods, newPod("refused"));
    at.pass(2);
    expect(at.pod("refused")?.status).toMatchObject({ phase: "Failed", reason: "OutOfcpu" });
    expect(at.pod("refused")?.status?.containerStatuses).toBeUndefined();
    at.create(Pods, newPod("admitted"));
    at.until("the second succeeds", () => phase(at, "admitted") === "Succeeded");
    expect(at.hostLog.filter(({ event }) => event === "scriptStarted")).toHaveLength(1);
  });
});

describe("kubelet: deletion", () => {
  it("the containers of a deleted Pod are stopped, its end is reported, then the Pod is removed", () => {
    const at = town();
    at.create(Pods, newPod("p", { restartPolicy: "Always", containers: [SERVER] }));
    at.until("it runs", () => phase(at, "p") === "Running");
    at.remove(Pods, "p");
    at.until("it is gone", () => at.pod("p") === undefined, 10);
    expect(phases(at.commits, "p")).toEqual(["Pending", "Running", "Failed"]);
    expect(at.cluster.host("worker-1").runtime.sandboxes.size).toBe(0);
  });

  it("a Pod deleted while its host is down is finished by the kubelet when it is back", () => {
    const at = town();
    at.create(Pods, newPod("p", { restartPolicy: "Always", containers: [SERVER] }));
    at.until("it runs", () => phase(at, "p") === "Running");
    at.cluster.powerLoss("worker-1");
    at.remove(Pods, "p");
    at.pass(80);
    expect(at.pod("p")?.metadata.deletionTimestamp).toBeDefined();
    at.until("it is gone", () => at.pod("p") === undefined, 30);
  });

  it("a Pod that is removed by force leaves nothing running on its node", () => {
    const at = town({ behaviour: { script: "hangs" } });
    at.create(Pods, newPod("p"));
    at.until("it runs", () => phase(at, "p") === "Running");
    at.remove(Pods, "p", { gracePeriodSeconds: 0 });
    at.pass(1);
    expect(at.cluster.host("worker-1").runtime.sandboxes.size).toBe(0);
    expect(at.hostLog.at(-1)).toMatchObject({ event: "scriptEnded", exitCode: 137 });
  });
});

describe("kubelet: reboots", () => {
  it("after a boot the new boot id is reported with Ready=False before Ready=True", () => {
    const at = town();
    const before = node(at).status.nodeInfo.bootID;
    at.pass(10);
    expect(
      at.commits.filter(({ resource, verb }) => resource === Nodes && verb !== "create"),
    ).toEqual([]);
    at.cluster.host("worker-1").reboot({ cause: "other" });
    at.until("it is back", () => at.cluster.host("worker-1").boot.bootID !== before);
    at.until("it is Ready", () => trueCondition(node(at).status.conditions, "Ready") !== undefined);
    const reports = at.commits
      .filter(
        ({ resource, name, verb }) =>
          resource === Nodes && name === "worker-1" && verb !== "create",
      )
      .map(({ after }) => {
        const { conditions, nodeInfo } = (after as unknown as NodeView).status;
        const ready = trueCondition(conditions, "Ready") !== undefined;
        return `${nodeInfo.bootID === before ? "old" : "new"} boot, ${ready ? "Ready" : "NotReady"}`;
      });
    expect(reports).toEqual(["old boot, NotReady", "new boot, NotReady", "new boot, Ready"]);
  });

  it("with Never, a Pod whose host reboots fails; with OnFailure it starts again with a higher restart count", () => {
    const at = town({ behaviour: { scriptSeconds: [600, 600] } });
    at.create(Pods, newPod("never"));
    at.create(Pods, newPod("on-failure", { restartPolicy: "OnFailure" }));
    at.until("both run", () => at.pods().every(({ status }) => status?.phase === "Running"));
    at.cluster.powerLoss("worker-1");
    at.until("the first fails", () => phase(at, "never") === "Failed", 120);
    expect(containerState(at.pod("never"), "nodeop")).toBe("exit 137");
    at.until(
      "the second runs on",
      () => at.pod("on-failure")?.status?.containerStatuses?.[0]?.restartCount === 1,
      5,
    );
    expect(phase(at, "on-failure")).toBe("Running");
    at.until("the second succeeds", () => phase(at, "on-failure") === "Succeeded", 700);
  });

  it("with OnFailure, after a reboot init containers run again and a container that succeeded does not", () => {
    const at = town();
    const spec = {
      restartPolicy: "OnFailure",
      initContainers: [COMMAND],
      containers: [SENTINEL, SERVER],
    } as const;
    at.create(Pods, newPod("p", spec));
    at.until("it runs", () => containerState(at.pod("p"), "server") === "running");
    at.cluster.powerLoss("worker-1");
    at.pass(95);
    at.until("it runs again", () => containerState(at.pod("p"), "server") === "running");
    expect(at.hostLog.filter(({ event }) => event === "scriptStarted")).toHaveLength(2);
    expect(at.hostLog.filter(({ event }) => event === "sentinelWritten")).toHaveLength(1);
    expect(containerState(at.pod("p"), "sentinel-creator")).toBe("exit 0");
  });

  it("a Pod that ended before the power failed, but whose end was not reported yet, is still Succeeded", () => {
    const at = town({ statusSeconds: [5, 5] });
    at.create(Pods, newPod("p"));
    at.until("the script ends", () => at.hostLog.some(({ event }) => event === "scriptEnded"));
    at.cluster.powerLoss("worker-1");
    expect(phase(at, "p")).toBe("Running");
    at.until("its end is reported", () => phase(at, "p") === "Succeeded", 120);
  });

  it("a host that loses exit codes makes that Pod Failed with exit code 137", () => {
    const at = town({ statusSeconds: [5, 5], behaviour: { losesExitCodes: true } });
    at.create(Pods, newPod("p"));
    at.until("the script ends", () => at.hostLog.some(({ event }) => event === "scriptEnded"));
    at.cluster.powerLoss("worker-1");
    at.until("its end is reported", () => phase(at, "p") === "Failed", 120);
    expect(containerState(at.pod("p"), "nodeop")).toBe("exit 137");
  });

  it("the phase never leaves Succeeded, whatever the host forgets", () => {
    const at = town({ behaviour: { losesExitCodes: true } });
    at.create(Pods, newPod("p"));
    at.until("it succeeds", () => phase(at, "p") === "Succeeded");
    at.cluster.powerLoss("worker-1");
    at.pass(300);
    at.cluster.crashKubelet("worker-1");
    at.pass(300);
    expect(phases(at.commits, "p")).toEqual(["Pending", "Running", "Succeeded"]);
  });

  it("graceful node shutdown ends Pods before the machine goes down: Failed, reason Terminated, DisruptionTarget", () => {
    const at = town({
      behaviour: { gracefulNodeShutdown: true, shutdownSeconds: [10, 10], script: "hangs" },
    });
    at.create(Pods, newPod("p", { restartPolicy: "OnFailure" }));
    at.until("it runs", () => phase(at, "p") === "Running");
    at.cluster.host("worker-1").reboot({ cause: "other" });
    at.until("it ends", () => phase(at, "p") === "Failed", 9);
    expect(at.pod("p")?.status?.reason).toBe("Terminated");
    expect(trueCondition(at.pod("p")?.status?.conditions, "DisruptionTarget")).toBeDefined();
    expect(at.cluster.host("worker-1").power).toBe("stopping");
  });

  it("graceful node shutdown refuses Pods that come during it, with reason NodeShutdown", () => {
    const at = town({ behaviour: { gracefulNodeShutdown: true, shutdownSeconds: [10, 10] } });
    at.pass(5);
    at.cluster.host("worker-1").reboot({ cause: "other" });
    at.pass(1);
    at.create(Pods, newPod("late"));
    at.until("it is refused", () => phase(at, "late") === "Failed", 5);
    expect(at.pod("late")?.status?.reason).toBe("NodeShutdown");
  });

  it("a kubelet that crashes finds its containers running and reports how they ended", () => {
    const at = town();
    at.create(Pods, newPod("p"));
    at.until("it runs", () => phase(at, "p") === "Running");
    at.cluster.crashKubelet("worker-1");
    at.until("it succeeds", () => phase(at, "p") === "Succeeded", 80);
    expect(at.hostLog.filter(({ event }) => event === "scriptStarted")).toHaveLength(1);
    expect(at.pod("p")?.status?.containerStatuses?.[0]?.restartCount).toBe(0);
  });

  it("what runs of a Pod that was removed while no kubelet ran is killed by the next kubelet", () => {
    const at = town({ behaviour: { script: "hangs" } });
    at.create(Pods, newPod("p"));
    at.until("it runs", () => phase(at, "p") === "Running");
    at.cluster.crashKubelet("worker-1");
    at.remove(Pods, "p", { gracePeriodSeconds: 0 });
    at.pass(1);
    expect(at.cluster.host("worker-1").runtime.sandboxes.size).toBe(1);
    at.pass(5);
    expect(at.cluster.host("worker-1").runtime.sandboxes.size).toBe(0);
    expect(at.hostLog.at(-1)).toMatchObject({ event: "scriptEnded", exitCode: 137 });
  });

  it("a Node that was deleted is registered again, under a new uid, by the next kubelet", () => {
    const at = town();
    const before = at.cluster.host("worker-1").nodeUID;
    at.remove(Nodes, "worker-1");
    at.cluster.powerLoss("worker-1");
    at.until(
      "it is registered",
      () => at.fake.object(Nodes, { name: "worker-1" }) !== undefined,
      120,
    );
    at.until("it is Ready", () => trueCondition(node(at).status.conditions, "Ready") !== undefined);
    expect(at.cluster.host("worker-1").nodeUID).not.toBe(before);
    expect(at.fake.object(Nodes, { name: "worker-1" })?.metadata.labels).toMatchObject({
      "kubernetes.io/hostname": "worker-1",
      "kairos.io/managed": "true",
    });
  });

  it("a kubelet runs the Pods of its own node only", () => {
    const at = town({ workers: 2 });
    at.create(Pods, newPod("p", { nodeName: "worker-2" }));
    at.until("it succeeds", () => phase(at, "p") === "Succeeded");
    expect(
      at.hostLog.filter(({ event }) => event === "scriptStarted").map(({ node: name }) => name),
    ).toEqual(["worker-2"]);
  });
});
