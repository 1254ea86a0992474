/** Labelers of several nodes against the fake API server on virtual time. */
import { describe, expect, it } from "@effect/vitest";
import { Effect, Exit } from "effect";
import { labelNode } from "../../src/programs/nodeLabeler.ts";
import { deliver } from "../../src/services/simulation/interception.ts";
import type { Process } from "../../src/services/simulation/Process.ts";
import { ALPINE, DEBIAN_OS_RELEASE, host, OPENSUSE, UBUNTU } from "../support/hosts.ts";
import { Labelers } from "../support/labelers.ts";

const MANAGED = "kairos.io/managed";
const debian = host({ osRelease: DEBIAN_OS_RELEASE });
const opensuse = host({ kairosRelease: OPENSUSE });

/** Three Kairos nodes of different flavors and one that is none, each with its labeler at work. */
const fleet = (): Labelers => {
  const cluster = new Labelers();
  cluster.add("cp-1", opensuse);
  cluster.add("worker-1", host({ kairosRelease: UBUNTU }));
  cluster.add("worker-2", host({ kairosRelease: ALPINE }));
  cluster.add("debian-1", debian);
  return cluster;
};
const KAIROS_NODES = ["cp-1", "worker-1", "worker-2"];

const exitOf = (process: Process): Exit.Exit<unknown, unknown> | undefined =>
  process.end?._tag === "Exited" ? process.end.exit : undefined;

describe("a fresh cluster", () => {
  it("is labelled at once, each node by its own host", () => {
    const cluster = fleet();
    cluster.pass();
    expect(KAIROS_NODES.map((name) => cluster.labelsOf(name)["kairos.io/flavor"])).toEqual([
      "opensuse",
      "ubuntu",
      "alpine",
    ]);
    for (const name of KAIROS_NODES) expect(cluster.labelsOf(name)[MANAGED]).toBe("true");
    expect(cluster.node("cp-1")?.metadata.annotations?.["kairos.io/version"]).toBe("v3.4.2");
  });

  it("gets one patch per Kairos node in a day in which nothing changes, and none on the others", () => {
    const cluster = fleet();
    cluster.pass(24 * 3600);
    for (const name of KAIROS_NODES)
      expect(cluster.patchesOf(name)).toEqual({ sent: 1, applied: 1 });
    expect(cluster.requests.filter(({ actor }) => actor === "labeler/debian-1")).toEqual([]);
    expect(cluster.labelsOf("debian-1")).toEqual({});
  });

  it("is asked with get and patch of the own Node, and nothing else", () => {
    const cluster = fleet();
    cluster.pass(600);
    const asked = cluster.requests.map(({ actor, request }) =>
      [actor, request.verb, request.resource.plural, "name" in request ? request.name : ""].join(
        " ",
      ),
    );
    expect([...new Set(asked)].toSorted()).toEqual(
      KAIROS_NODES.flatMap((name) => [
        `labeler/${name} get nodes ${name}`,
        `labeler/${name} patch nodes ${name}`,
      ]),
    );
  });
});

describe("within the next look, about a minute later,", () => {
  it("drift is repaired by one patch, and foreign labels stay", () => {
    const cluster = fleet();
    cluster.pass();
    cluster.label("cp-1", {
      "kairos.io/flavor": "windows",
      [MANAGED]: null,
      "kairos.io/rack": "12",
    });
    cluster.pass(75);
    expect(cluster.labelsOf("cp-1")).toMatchObject({
      "kairos.io/flavor": "opensuse",
      [MANAGED]: "true",
      "kairos.io/rack": "12",
    });
    expect(cluster.patchesOf("cp-1")).toEqual({ sent: 2, applied: 2 });
  });

  it("an upgrade shows, and what the new release no longer says is gone", () => {
    const cluster = fleet();
    cluster.pass();
    const kairosRelease = OPENSUSE.replaceAll("v3.4.2", "v3.5.0").replace(
      /^KAIROS_MODEL=.*$/mu,
      "",
    );
    cluster.hosts.set("cp-1", host({ kairosRelease, commandLine: "root=LABEL=COS_PASSIVE" }));
    cluster.pass(75);
    const labels = cluster.labelsOf("cp-1");
    expect(labels).toMatchObject({
      "kairos.io/release": "v3.5.0",
      "kairos.io/boot-state": "passive",
    });
    expect(labels).not.toHaveProperty("kairos.io/model");
    expect(cluster.patchesOf("cp-1").sent).toBe(2);
  });

  it("a host that has become a Kairos host is labelled", () => {
    const cluster = fleet();
    cluster.pass(3600);
    cluster.hosts.set("debian-1", opensuse);
    cluster.pass(75);
    expect(cluster.labelsOf("debian-1")[MANAGED]).toBe("true");
  });

  it("a Node that was deleted and registered again is labelled again", () => {
    const cluster = fleet();
    cluster.pass(10);
    const { uid } = cluster.node("worker-1")!.metadata;
    cluster.remove("worker-1");
    cluster.pass(300);
    cluster.register("worker-1");
    cluster.pass(75);
    expect(cluster.node("worker-1")?.metadata.uid).not.toBe(uid);
    expect(cluster.labelsOf("worker-1")[MANAGED]).toBe("true");
  });
});

describe("a user's kairos.io/managed=false", () => {
  const OPTED_OUT = { [MANAGED]: "false" };

  it("that was there first keeps the labeler off the Node", () => {
    const cluster = new Labelers();
    cluster.add("worker-1", opensuse, OPTED_OUT);
    cluster.pass(3600);
    expect(cluster.labelsOf("worker-1")).toEqual(OPTED_OUT);
    expect(cluster.patchesOf("worker-1").sent).toBe(0);
  });

  it("that comes between the labeler's read and its patch wins", () => {
    const cluster = new Labelers();
    let fresh = true;
    cluster.interceptor = ({ request }) => {
      if (request.verb === "patch" && fresh) {
        fresh = false;
        cluster.label("worker-1", OPTED_OUT);
      }
      return deliver;
    };
    cluster.add("worker-1", opensuse);
    cluster.pass(3600);
    expect(cluster.labelsOf("worker-1")).toEqual(OPTED_OUT);
    expect(cluster.patchesOf("worker-1")).toEqual({ sent: 1, applied: 0 });
  });

  it("wins over a patch that was sent before it and arrives long after", () => {
    const cluster = new Labelers();
    cluster.interceptor = ({ request, number }) =>
      request.verb === "patch" && number === 2
        ? { kind: "Hold", until: { millis: 5000 }, sender: "dies" }
        : deliver;
    cluster.add("worker-1", opensuse);
    cluster.pass();
    cluster.label("worker-1", OPTED_OUT);
    cluster.pass(60);
    expect(cluster.patchesOf("worker-1")).toEqual({ sent: 1, applied: 0 });
    expect(cluster.labelsOf("worker-1")).toEqual(OPTED_OUT);
  });

  it("that is taken back lets the labeler go on", () => {
    const cluster = new Labelers();
    cluster.add("worker-1", opensuse, OPTED_OUT);
    cluster.pass(600);
    cluster.label("worker-1", { [MANAGED]: null });
    cluster.pass(75);
    expect(cluster.labelsOf("worker-1")[MANAGED]).toBe("true");
  });
});

describe("an error heals", () => {
  it("a conflict with another writer is over a second later, and nothing is lost", () => {
    const cluster = new Labelers();
    let conflicts = 3;
    cluster.interceptor = ({ request }) => {
      if (request.verb === "patch" && conflicts-- > 0)
        cluster.label("worker-1", { heartbeat: `${conflicts}` });
      return deliver;
    };
    cluster.add("worker-1", opensuse);
    cluster.pass(6);
    expect(cluster.patchesOf("worker-1")).toEqual({ sent: 4, applied: 1 });
    expect(cluster.labelsOf("worker-1")).toMatchObject({ [MANAGED]: "true", heartbeat: "0" });
  });

  it("an API server that is down for ten minutes is asked seldom, and every node is right half a minute after", () => {
    const cluster = fleet();
    let calls = 0;
    cluster.interceptor = () => {
      calls++;
      return { kind: "LoseRequest" };
    };
    cluster.pass(600);
    expect(calls).toBeLessThan(KAIROS_NODES.length * 35);
    cluster.interceptor = () => deliver;
    cluster.pass(40);
    for (const name of KAIROS_NODES) expect(cluster.labelsOf(name)[MANAGED]).toBe("true");
  });

  it("a patch whose answer was lost is not sent again", () => {
    const cluster = new Labelers();
    cluster.interceptor = ({ request }) =>
      request.verb === "patch" ? { kind: "LoseAnswer" } : deliver;
    cluster.add("worker-1", opensuse);
    cluster.pass(600);
    expect(cluster.patchesOf("worker-1")).toEqual({ sent: 1, applied: 1 });
  });

  it("a host whose files cannot be read keeps its labels until they can", () => {
    const cluster = new Labelers();
    cluster.add("worker-1", opensuse);
    cluster.pass();
    const labels = cluster.labelsOf("worker-1");
    cluster.hosts.set("worker-1", undefined);
    cluster.pass(600);
    expect(cluster.labelsOf("worker-1")).toEqual(labels);
    cluster.hosts.set("worker-1", host({ kairosRelease: UBUNTU }));
    cluster.pass(75);
    expect(cluster.labelsOf("worker-1")["kairos.io/flavor"]).toBe("ubuntu");
  });
});

describe("a labeler that is told to look once", () => {
  const once = (cluster: Labelers, texts = opensuse): Process => {
    cluster.hosts.set("worker-1", texts);
    return cluster.start("worker-1", labelNode("worker-1"));
  };

  it.each([
    ["Patched", opensuse, {}],
    ["OptedOut", opensuse, { [MANAGED]: "false" }],
    ["NotKairos", debian, {}],
  ] as const)("ends and says %s", (outcome, texts, labels) => {
    const cluster = new Labelers();
    cluster.register("worker-1", labels);
    const process = once(cluster, texts);
    cluster.pass();
    expect(exitOf(process)).toEqual(Exit.succeed(outcome));
  });

  it("says UpToDate the second time", () => {
    const cluster = new Labelers();
    cluster.register("worker-1");
    once(cluster);
    cluster.pass();
    const process = once(cluster);
    cluster.pass();
    expect(exitOf(process)).toEqual(Exit.succeed("UpToDate"));
  });

  it("waits out an outage of a few seconds", () => {
    const cluster = new Labelers();
    cluster.register("worker-1");
    cluster.interceptor = ({ number }) => (number <= 4 ? { kind: "LoseRequest" } : deliver);
    const process = once(cluster);
    cluster.pass(20);
    expect(exitOf(process)).toEqual(Exit.succeed("Patched"));
  });

  it("fails after about half a minute with the last error, which names the Node", () => {
    const cluster = new Labelers();
    cluster.hosts.set("worker-1", opensuse);
    const process = cluster.start("worker-1", Effect.flip(labelNode("worker-1")));
    cluster.pass(20);
    expect(process.alive).toBe(true);
    cluster.pass(25);
    expect(exitOf(process)).toMatchObject({
      _tag: "Success",
      value: { _tag: "NotFound", message: 'get Node worker-1: nodes "worker-1" not found' },
    });
  });
});
