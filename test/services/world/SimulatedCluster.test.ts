/** The laws of a whole simulated cluster: what containers do to hosts, the reboot agent's life, determinism. */
import { describe, expect, it } from "@effect/vitest";
import { Effect, Option } from "effect";
import { Nodes, Jobs, Pods } from "../../../src/domain/kube/resource.ts";
import { Host } from "../../../src/services/Host.ts";
import { KubeApi } from "../../../src/services/KubeApi.ts";
import { type Container, trueCondition } from "../../../src/services/world/pod.ts";
import { NAMESPACE, town, type Town, type TownOptions } from "./support/cluster.ts";
import { NEW_IMAGE, NEW_VERSION, OLD_IMAGE, OLD_VERSION } from "./support/machine.ts";
import { COMMAND, containerState, newJob, newPod, SENTINEL } from "./support/objects.ts";

const BOTH = {
  ...COMMAND,
  command: ["/bin/sh", "-c", "# Upgrade recovery partition\n# Upgrade active partition\n"],
};
const ACTIVE = {
  ...COMMAND,
  command: ["/bin/sh", "-c", "echo Up to date\n# Upgrade active partition\n"],
};
const RECOVERY = { ...COMMAND, command: ["/bin/sh", "-c", "# Upgrade recovery partition\n"] };

const preflightPod = (image = NEW_IMAGE) =>
  newPod(
    "preflight",
    { restartPolicy: "OnFailure", containers: [{ name: "preflight", image }] },
    { labels: { "kairos.io/preflight": "true" } },
  );
const rebootPod = newPod(
  "reboot",
  { restartPolicy: "OnFailure", containers: [{ name: "reboot", image: "registry/nodeop:1" }] },
  { labels: { "kairos.io/reboot": "true" } },
);
const ended = (at: Town, name: string) =>
  ["Succeeded", "Failed"].includes(at.pod(name)?.status?.phase ?? "");
const message = (at: Town, pod: string) =>
  at.pod(pod)?.status?.containerStatuses?.[0]?.state.terminated?.message;

describe("containers: the preflight", () => {
  it.each([
    { what: "another version", options: {}, image: NEW_IMAGE, says: undefined },
    {
      what: "the same version",
      options: {},
      image: OLD_IMAGE,
      says: `node is already at ${OLD_VERSION}`,
    },
    { what: "an unknown version", options: {}, image: "registry/kairos:latest", says: undefined },
    {
      what: "a node that asks for it",
      options: { preflight: "skips" },
      image: NEW_IMAGE,
      says: "the node asked to be skipped",
    },
  ] as const)("$what: $says", ({ options, image, says }) => {
    const at = town({ behaviour: options });
    at.create(Pods, preflightPod(image));
    at.until("it ends", () => ended(at, "preflight"));
    expect(at.pod("preflight")?.status?.phase).toBe("Succeeded");
    expect(message(at, "preflight")).toBe(says);
  });

  it("one that fails is restarted by its kubelet until its deadline", () => {
    const at = town({ behaviour: { preflight: "fails" } });
    const pod = preflightPod();
    at.create(Pods, { ...pod, spec: { ...(pod["spec"] as object), activeDeadlineSeconds: 120 } });
    at.until("it ends", () => ended(at, "preflight"), 130);
    expect(at.pod("preflight")?.status).toMatchObject({
      phase: "Failed",
      reason: "DeadlineExceeded",
    });
  });
});

/** What a command leaves on the partitions: active, passive, recovery. */
const run = (command: Container, options: TownOptions = {}) => {
  const at = town(options);
  at.create(Pods, newPod("script", { containers: [command] }));
  at.until("it ends", () => ended(at, "script"), 86_400);
  const { active, passive, recovery } = at.cluster.host("worker-1").partitions;
  return { at, versions: [active.version, passive.version, recovery.version] };
};

describe("containers: the operation's command", () => {
  it("an upgrade writes the partitions that its script names and leaves the version it installed", () => {
    const both = run(BOTH);
    expect(both.versions).toEqual([NEW_VERSION, OLD_VERSION, NEW_VERSION]);
    expect(message(both.at, "script")).toBe(NEW_VERSION);
    expect(run(RECOVERY).versions).toEqual([OLD_VERSION, OLD_VERSION, NEW_VERSION]);
    expect(run(ACTIVE).versions).toEqual([NEW_VERSION, OLD_VERSION, OLD_VERSION]);
  });

  it("a script that finds its version running already writes nothing", () => {
    const { at, versions } = run({ ...ACTIVE, image: OLD_IMAGE });
    expect(versions).toEqual([OLD_VERSION, OLD_VERSION, OLD_VERSION]);
    expect(message(at, "script")).toBe(OLD_VERSION);
  });

  it("any other command just runs", () => {
    const { at, versions } = run(COMMAND);
    expect(versions).toEqual([OLD_VERSION, OLD_VERSION, OLD_VERSION]);
    expect(message(at, "script")).toBeUndefined();
  });

  it("a script that fails writes nothing", () => {
    const { at, versions } = run(BOTH, { behaviour: { script: "fails" } });
    expect(versions).toEqual([OLD_VERSION, OLD_VERSION, OLD_VERSION]);
    expect(at.pod("script")?.status?.phase).toBe("Failed");
  });

  it("an upgrade that the power interrupts has written nothing; the host log tells that it ended", () => {
    const at = town();
    at.create(Pods, newPod("script", { containers: [BOTH] }));
    at.until("it runs", () => at.pod("script")?.status?.phase === "Running");
    at.cluster.powerLoss("worker-1");
    expect(at.hostLog.slice(-2)).toMatchObject([
      { event: "scriptEnded", exitCode: 137 },
      { event: "wentDown" },
    ]);
    expect(at.cluster.host("worker-1").partitions.active.version).toBe(OLD_VERSION);
  });

  it("the sentinel of a Job is written after its script succeeded, with the boot in which it did", () => {
    const at = town();
    const job = at.create(
      Jobs,
      newJob("upgrade", {}, { initContainers: [BOTH], containers: [SENTINEL] }),
    );
    at.until(
      "it is complete",
      () => trueCondition(at.job("upgrade")?.status?.conditions, "Complete") !== undefined,
    );
    const facts = at.hostLog.filter((event) => "job" in event && event.job === job.metadata.uid);
    expect(facts.map(({ event }) => event)).toEqual([
      "scriptStarted",
      "scriptEnded",
      "sentinelWritten",
    ]);
    const host = at.cluster.host("worker-1");
    expect(host.sentinels.read(job.metadata.uid)).toBe(host.boot.bootID);
    expect(
      facts.every(
        ({ nodeUID }) => nodeUID === at.fake.object(Nodes, { name: "worker-1" })?.metadata.uid,
      ),
    ).toBe(true);
  });
});

describe("containers: the sentinel", () => {
  it("one that cannot be written fails its Pod; the script runs again with the next", () => {
    const at = town({ behaviour: { sentinel: "fails" } });
    at.create(
      Jobs,
      newJob("upgrade", { backoffLimit: 1 }, { initContainers: [BOTH], containers: [SENTINEL] }),
    );
    at.until(
      "it has failed",
      () => trueCondition(at.job("upgrade")?.status?.conditions, "Failed") !== undefined,
    );
    expect(at.hostLog.filter(({ event }) => event === "sentinelWritten")).toEqual([]);
    expect(at.hostLog.filter(({ event }) => event === "scriptEnded")).toHaveLength(2);
  });
});

describe("the reboot agent", () => {
  it("runs in a process of its own, waits for a sentinel, reboots its host, and is restarted after it", () => {
    const boots: Array<string> = [];
    const at = town({
      rebootAgent: (env) =>
        Effect.gen(function* () {
          expect(env).toMatchObject({ namespace: NAMESPACE, pod: "reboot", node: "worker-1" });
          const host = yield* Host;
          yield* KubeApi;
          const bootID = yield* host.bootID;
          boots.push(bootID);
          if ((yield* host.awaitSentinel("job-uid")) !== bootID) return 0;
          yield* host.reboot;
          return yield* Effect.never;
        }).pipe(Effect.orDie),
    });
    at.create(Pods, rebootPod);
    at.until("it runs", () => at.pod("reboot")?.status?.phase === "Running");
    at.pass(600);
    const host = at.cluster.host("worker-1");
    expect(host.power).toBe("on");
    host.sentinels.write("job-uid", host.boot.bootID, { synced: true });
    at.until("it ends", () => ended(at, "reboot"), 200);
    expect(at.pod("reboot")?.status).toMatchObject({
      phase: "Succeeded",
      containerStatuses: [{ restartCount: 1 }],
    });
    expect(new Set(boots).size).toBe(2);
    const pod = at.pod("reboot")?.metadata.uid;
    const story = at.hostLog.filter(({ node }) => node === "worker-1").map(({ event }) => event);
    expect(story).toEqual(["booted", "rebootIssued", "wentDown", "booted"]);
    expect(at.hostLog).toContainEqual(expect.objectContaining({ event: "rebootIssued", pod }));
    expect(at.hostLog).toContainEqual(
      expect.objectContaining({ event: "wentDown", cause: "agent" }),
    );
  });

  it("sees its host as it is: sentinels, boot state, version", () => {
    const seen: Array<unknown> = [];
    const at = town({
      rebootAgent: () =>
        Effect.gen(function* () {
          const host = yield* Host;
          seen.push(yield* host.system, yield* host.sentinel("kept"), yield* host.sentinel("none"));
          yield* host.pruneSentinels("kept");
          return 0;
        }).pipe(Effect.orDie),
    });
    const { sentinels } = at.cluster.host("worker-1");
    sentinels.write("kept", "b", { synced: true });
    sentinels.write("pruned", "b", { synced: true });
    at.create(Pods, rebootPod);
    at.until("it ends", () => ended(at, "reboot"));
    expect(seen).toEqual([
      { bootState: "active", version: OLD_VERSION },
      Option.some("b"),
      Option.none(),
    ]);
    expect(sentinels.jobs()).toEqual(["kept"]);
  });

  it("an agent that crashes is restarted by its kubelet; one that exits with 0 is not", () => {
    let starts = 0;
    const at = town({
      rebootAgent: () =>
        Effect.suspend(() => (++starts < 3 ? Effect.never : Effect.succeed(starts === 3 ? 1 : 0))),
    });
    at.create(Pods, rebootPod);
    at.until("it runs", () => at.pod("reboot")?.status?.phase === "Running");
    at.cluster.crashAgent("worker-1");
    at.until("it runs again", () => starts === 2, 5);
    at.pass(10);
    at.cluster.crashAgent("worker-1");
    at.until("it ends", () => ended(at, "reboot"), 60);
    at.pass(3600);
    expect(starts).toBe(4);
    expect(at.pod("reboot")?.status?.containerStatuses?.[0]).toMatchObject({
      restartCount: 3,
      state: { terminated: { exitCode: 0 } },
      lastState: { terminated: { exitCode: 1 } },
    });
  });

  it("an agent whose Pod is deleted gets SIGTERM: its finalizers run, and its exit is not 0", () => {
    let cleaned = 0;
    const at = town({
      rebootAgent: () => Effect.never.pipe(Effect.ensuring(Effect.sync(() => void cleaned++))),
    });
    at.create(Pods, rebootPod);
    at.until("it runs", () => at.pod("reboot")?.status?.phase === "Running");
    at.remove(Pods, "reboot");
    at.until("it is gone", () => at.pod("reboot") === undefined, 10);
    expect(cleaned).toBe(1);
    const last = at.commits.findLast(({ name, after }) => name === "reboot" && after !== undefined);
    expect(containerState(last?.after as never, "reboot")).toBe("exit 143");
  });

  it("an agent that does not heed SIGTERM is killed after its grace period", () => {
    const at = town({ rebootAgent: () => Effect.uninterruptible(Effect.never) });
    at.create(Pods, rebootPod);
    at.until("it runs", () => at.pod("reboot")?.status?.phase === "Running");
    at.remove(Pods, "reboot", { gracePeriodSeconds: 20 });
    at.pass(19);
    expect(at.pod("reboot")).toBeDefined();
    at.until("it is gone", () => at.pod("reboot") === undefined, 5);
    const last = at.commits.findLast(({ name, after }) => name === "reboot" && after !== undefined);
    expect(containerState(last?.after as never, "reboot")).toBe("exit 137");
  });

  it("an agent dies with its host: nothing of it runs on", () => {
    let ticks = 0;
    const at = town({
      rebootAgent: () =>
        Effect.forever(
          Effect.andThen(
            Effect.sync(() => void ticks++),
            Effect.sleep("1 second"),
          ),
        ),
      behaviour: { reboot: "never-returns" },
    });
    at.create(Pods, rebootPod);
    at.until("it runs", () => ticks > 3);
    at.cluster.powerLoss("worker-1");
    const before = ticks;
    at.pass(600);
    expect(ticks).toBe(before);
  });

  it("an agent that dies of a defect stops the run instead of being restarted", () => {
    const at = town({ rebootAgent: () => Effect.die(new Error("a bug of the agent")) });
    at.create(Pods, rebootPod);
    expect(() => at.pass(60)).toThrow("a bug of the agent");
  });
});

/** Everything that happens in a run with all kinds of delays, as text. */
const history = (seed: number): string => {
  const at = town({
    seed,
    workers: 3,
    statusSeconds: [0, 2],
    jobSettleSeconds: [0.1, 1],
    behaviour: {
      pullSeconds: [1, 20],
      scriptSeconds: [30, 300],
      rebootSeconds: [30, 300],
      shutdownSeconds: [1, 9],
    },
    rebootAgent: () => Effect.flatMap(Host, (host) => Effect.as(host.reboot, 1)).pipe(Effect.orDie),
  });
  for (let i = 1; i <= 3; i++) at.create(Jobs, newJob(`job-${i}`, {}, { nodeName: `worker-${i}` }));
  at.pass(20);
  at.create(Pods, rebootPod);
  at.pass(1800);
  return JSON.stringify([at.commits, at.hostLog]);
};

/** The steps that the life of one Job takes in a cluster of so many workers. */
const cost = (workers: number): number => {
  const at = town({ workers });
  at.pass(1);
  const before = at.world.steps;
  at.create(Jobs, newJob("upgrade"));
  at.pass(600);
  expect(at.job("upgrade")?.status?.succeeded).toBe(1);
  return at.world.steps - before;
};

describe("a simulated cluster", () => {
  it("starts with all its nodes registered and Ready", () => {
    const at = town({ workers: 2 });
    const nodes = [...at.fake.objects(Nodes)];
    expect(nodes.map(({ metadata }) => metadata.name)).toEqual(["cp-1", "worker-1", "worker-2"]);
    for (const node of nodes) {
      const { conditions, nodeInfo } = node["status"] as never as {
        readonly conditions: Parameters<typeof trueCondition>[0];
        readonly nodeInfo: { readonly bootID: string };
      };
      expect(trueCondition(conditions, "Ready")).toBeDefined();
      expect(nodeInfo.bootID).toBe(at.cluster.host(node.metadata.name).boot.bootID);
      expect(at.cluster.host(node.metadata.name).nodeUID).toBe(node.metadata.uid);
    }
    expect(nodes[0]?.metadata.labels).toMatchObject({
      "node-role.kubernetes.io/control-plane": "",
      "kairos.io/managed": "true",
    });
    expect(Object.keys(nodes[1]?.metadata.labels ?? {})).not.toContain(
      "node-role.kubernetes.io/control-plane",
    );
  });

  it("takes over the labels, the spec and the boot of an own Node object", () => {
    const at = town({
      nodes: [
        {
          name: "edge",
          controlPlane: false,
          image: OLD_IMAGE,
          behaviour: { pullSeconds: [1, 1], scriptSeconds: [1, 1], rebootSeconds: [1, 1] },
          node: {
            apiVersion: "v1",
            kind: "Node",
            metadata: { name: "edge", labels: { zone: "a" } },
            spec: { unschedulable: true },
            status: {
              nodeInfo: { bootID: "f3f2a7c1-0000-4000-8000-000000000000", architecture: "arm64" },
            },
          },
        },
      ],
    });
    const node = at.fake.object(Nodes, { name: "edge" });
    expect(node?.metadata.labels).toMatchObject({ zone: "a" });
    expect(node?.metadata.labels).not.toHaveProperty(["kairos.io/managed"]);
    expect(node).toMatchObject({
      spec: { unschedulable: true },
      status: {
        nodeInfo: { bootID: "f3f2a7c1-0000-4000-8000-000000000000", architecture: "arm64" },
      },
    });
    expect(at.cluster.host("edge").boot.bootID).toBe("f3f2a7c1-0000-4000-8000-000000000000");
  });

  it("does the same for the same seed, and something else for another", () => {
    expect(history(7)).toBe(history(7));
    expect(history(8)).not.toBe(history(7));
  });

  it("what happens on one node costs the same however many nodes there are", () => {
    expect(cost(200)).toBe(cost(2));
  });

  it("an idle cluster does nothing at all", () => {
    const at = town({ workers: 50 });
    at.pass(1);
    const before = at.world.steps;
    at.pass(86_400);
    expect(at.world.steps - before).toBeLessThanOrEqual(1);
    expect(at.commits.every(({ verb }) => verb === "create")).toBe(true);
  });

  it("a kubelet killed before or after each of its calls still brings a Job to its end", () => {
    for (const kind of ["KillBefore", "KillAfter"] as const)
      for (let call = 1; call <= 8; call++) {
        const at = town({
          interceptor: (process, actor) =>
            actor === "kubelet/worker-1" && process.incarnation === 0
              ? ({ number }) => ({ kind: number === call ? kind : "Deliver" })
              : undefined,
        });
        at.create(
          Jobs,
          newJob("upgrade", {}, { initContainers: [ACTIVE], containers: [SENTINEL] }),
        );
        at.until(
          `${kind} ${call}: it is complete`,
          () => trueCondition(at.job("upgrade")?.status?.conditions, "Complete") !== undefined,
          300,
        );
        const facts = at.hostLog.filter((event) => "job" in event).map(({ event }) => event);
        expect(facts).toEqual(["scriptStarted", "scriptEnded", "sentinelWritten"]);
      }
  });
});
