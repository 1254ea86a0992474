/** The reboot agent of design.md §4, alone with an API server and a host that does what each test tells it to. */
import { describe, expect, it } from "@effect/vitest";
import { Effect, Exit } from "effect";
import { HostError } from "../../src/services/Host.ts";
import { exitCode, GRANTED, JOB, Machine } from "../support/agentMachine.ts";

describe("the agent waits", () => {
  it("for its grant, although the sentinel is there", () => {
    const machine = new Machine();
    machine.scriptEnds();
    const agent = machine.start();
    machine.pass(3600);
    expect(machine.log).toEqual([]);
    expect(agent.alive).toBe(true);
    machine.annotate(GRANTED);
    machine.pass();
    expect(machine.log).toEqual(["recorded 1", "reboot"]);
  });

  it("for the sentinel of the very Job that was granted, not for one whose name it begins", () => {
    const machine = new Machine(GRANTED);
    const agent = machine.start();
    machine.scriptEnds(`${JOB}-2`);
    machine.scriptEnds(JOB.slice(0, -1));
    machine.pass(3600);
    expect(machine.log).toEqual([]);
    expect(agent.alive).toBe(true);
    machine.scriptEnds();
    machine.pass();
    expect(machine.log).toEqual(["recorded 1", "reboot"]);
  });
});

describe("the agent reboots", () => {
  it("only once its attempt is stored, with the boot that it ends", () => {
    const machine = new Machine(GRANTED);
    machine.scriptEnds();
    machine.start();
    machine.onReboot = () =>
      Effect.sync(() => machine.log.push(machine.annotation("kairos.io/reboot-boot-id")!));
    machine.pass();
    expect(machine.log).toEqual(["recorded 1", "reboot", "boot-1"]);
  });

  it.each(["KillBefore", "KillAfter"] as const)(
    "not when it dies at the record (%s), but in its next start",
    (kind) => {
      const machine = new Machine(GRANTED);
      machine.scriptEnds();
      const agent = machine.start({ call: 2, interception: { kind } });
      machine.pass(60);
      expect(agent.end).toEqual({ _tag: "Killed" });
      expect(machine.log).not.toContain("reboot");
      machine.start();
      // An attempt that is on record may have been issued: it gets its time.
      machine.pass(kind === "KillBefore" ? 60 : 301);
      expect(machine.log.at(-1)).toBe("reboot");
      expect(machine.log.filter((what) => what === "reboot").length).toBe(1);
    },
  );

  it("at most three times, five minutes apart, and then reports that it could not", () => {
    const machine = new Machine(GRANTED);
    machine.scriptEnds();
    const agent = machine.start();
    machine.pass(299);
    expect(machine.log).toEqual(["recorded 1", "reboot"]);
    machine.pass(2);
    expect(machine.log).toEqual(["recorded 1", "reboot", "recorded 2", "reboot"]);
    machine.pass(300);
    expect(machine.log.slice(4)).toEqual(["recorded 3", "reboot"]);
    machine.pass(297);
    expect(machine.log.length).toBe(6);
    expect(agent.alive).toBe(true);
    machine.pass(10);
    expect(machine.log.slice(6)).toEqual(["failed"]);
    expect(machine.annotation("kairos.io/reboot-message")).toContain("boot-1");
    expect(exitCode(agent)).toBe(0);
    machine.pass(7200);
    expect(machine.log.length).toBe(7);
  });

  it("counting a command that fails as an attempt", () => {
    const machine = new Machine(GRANTED);
    machine.scriptEnds();
    machine.onReboot = () => Effect.fail(new HostError({ operation: "nsenter", detail: "denied" }));
    const agent = machine.start();
    machine.pass(1000);
    expect(machine.log).toEqual([
      "recorded 1",
      "reboot",
      "recorded 2",
      "reboot",
      "recorded 3",
      "reboot",
      "failed",
    ]);
    expect(exitCode(agent)).toBe(0);
  });

  it("counting the attempts of its earlier starts, and giving each its five minutes whoever made it", () => {
    const machine = new Machine(GRANTED);
    machine.scriptEnds();
    const startedAt = machine.world.now;
    const passUntil = (seconds: number) =>
      machine.pass(seconds - (machine.world.now - startedAt) / 1000);
    for (const attempt of [1, 2, 3]) {
      // Restarted by its kubelet in the same boot, again and again: there is nothing new to do in between.
      for (const seconds of [10, 100, 101, 250]) {
        const agent = machine.start();
        passUntil((attempt - 1) * 300 + seconds);
        expect(machine.log.length).toBe(2 * attempt);
        expect(machine.log.slice(-2)).toEqual([`recorded ${attempt}`, "reboot"]);
        agent.kill();
      }
    }
    const last = machine.start();
    passUntil(901);
    expect(machine.log.slice(6)).toEqual(["failed"]);
    expect(exitCode(last)).toBe(0);
  });

  it.each([
    ["long ago: at once", "2025-01-01T00:00:00.000Z", 1],
    ["at a time that cannot be read: at once", "yesterday", 1],
    ["by a clock that was set back since: after five minutes", "2030-01-01T00:00:00.000Z", 300],
  ])("when the last attempt was recorded %s", (_name, attemptedAt, seconds) => {
    const machine = new Machine({
      ...GRANTED,
      "kairos.io/reboot-state": "rebooting",
      "kairos.io/reboot-boot-id": "boot-1",
      "kairos.io/reboot-attempt": "1",
      "kairos.io/reboot-attempted-at": attemptedAt,
    });
    machine.scriptEnds();
    machine.start();
    machine.pass(seconds - 1);
    expect(machine.log.length).toBe(seconds === 1 ? 2 : 0);
    machine.pass(2);
    expect(machine.log).toEqual(["recorded 2", "reboot"]);
  });

  it("waiting what is left of its five minutes in the next start", () => {
    const machine = new Machine(GRANTED);
    machine.scriptEnds();
    const agent = machine.start();
    machine.pass(200);
    agent.kill();
    machine.start();
    machine.pass(99);
    expect(machine.log).toEqual(["recorded 1", "reboot"]);
    machine.pass(2);
    expect(machine.log).toEqual(["recorded 1", "reboot", "recorded 2", "reboot"]);
  });
});

describe("a later Pod of the same name", () => {
  it.each([
    ["before the agent starts", 0, {}],
    ["while it waits for its grant", 5, {}],
    ["while it waits for the sentinel", 5, GRANTED],
  ] as const)("is not the agent's own, nor is its grant: %s", (_name, seconds, annotations) => {
    const machine = new Machine(annotations);
    if (seconds === 0) machine.replacePod(GRANTED);
    const agent = machine.start();
    machine.pass(seconds);
    if (seconds > 0) machine.replacePod(GRANTED);
    machine.scriptEnds();
    machine.pass(60);
    expect(machine.log).toEqual([]);
    expect(exitCode(agent)).toBe(0);
    expect(machine.annotation("kairos.io/reboot-state")).toBeUndefined();
  });

  it("is not reported to by the agent that rebooted for the one before", () => {
    const machine = new Machine({
      ...GRANTED,
      "kairos.io/reboot-state": "rebooting",
      "kairos.io/reboot-boot-id": "boot-1",
      "kairos.io/reboot-attempt": "1",
    });
    machine.scriptEnds();
    machine.bootID = "boot-2";
    machine.replacePod(GRANTED);
    const agent = machine.start();
    machine.pass(60);
    expect(machine.log).toEqual([]);
    expect(exitCode(agent)).toBe(0);
  });
});

describe("the agent does nothing and exits 0", () => {
  it.each([
    [
      "completed",
      {
        ...GRANTED,
        "kairos.io/reboot-state": "completed",
        "kairos.io/reboot-report": JSON.stringify({
          from: "boot-0",
          to: "boot-1",
          bootState: "active",
        }),
      },
    ],
    [
      "completed with a report that cannot be read",
      { ...GRANTED, "kairos.io/reboot-state": "completed" },
    ],
    ["failed", { ...GRANTED, "kairos.io/reboot-state": "failed" }],
  ])("when its Pod says %s", (_name, annotations) => {
    const machine = new Machine(annotations);
    machine.scriptEnds();
    const agent = machine.start();
    machine.pass();
    expect(machine.log).toEqual([]);
    expect(exitCode(agent)).toBe(0);
  });

  it("when its Pod is being deleted", () => {
    const machine = new Machine(GRANTED);
    machine.scriptEnds();
    machine.deletePod();
    expect(machine.pod?.metadata.deletionTimestamp).toBeDefined();
    const agent = machine.start();
    machine.pass();
    expect(machine.log).toEqual([]);
    expect(exitCode(agent)).toBe(0);
  });

  it("when its Pod is gone", () => {
    const machine = new Machine(GRANTED);
    machine.scriptEnds();
    machine.forceDeletePod();
    expect(machine.pod).toBeUndefined();
    const agent = machine.start();
    machine.pass();
    expect(machine.log).toEqual([]);
    expect(exitCode(agent)).toBe(0);
  });

  it("when its Pod is deleted while it waits for its grant", () => {
    const machine = new Machine();
    machine.scriptEnds();
    const agent = machine.start();
    machine.pass();
    machine.deletePod();
    machine.pass();
    expect(exitCode(agent)).toBe(0);
    expect(machine.log).toEqual([]);
  });
});

describe("in another boot the agent reports, and does not reboot", () => {
  const rebooting = {
    ...GRANTED,
    "kairos.io/reboot-state": "rebooting",
    "kairos.io/reboot-boot-id": "boot-1",
    "kairos.io/reboot-attempt": "1",
  };

  it.each([
    ["recorded by itself", rebooting],
    ["told by the sentinel alone, when the host went down before any record", GRANTED],
  ])("the boot that was to end: %s", (_name, annotations) => {
    const machine = new Machine(annotations);
    machine.scriptEnds();
    machine.bootID = "boot-2";
    const agent = machine.start();
    machine.pass();
    expect(machine.log).toEqual(["completed"]);
    expect(JSON.parse(machine.annotation("kairos.io/reboot-report")!)).toEqual({
      from: "boot-1",
      to: "boot-2",
      bootState: "active",
      version: "v2",
    });
    expect(exitCode(agent)).toBe(0);
  });

  it("going by its own record, also where the sentinel was written again since", () => {
    const machine = new Machine(rebooting);
    machine.bootID = "boot-2";
    machine.scriptEnds();
    machine.start();
    machine.pass();
    expect(machine.log).toEqual(["completed"]);
    expect(machine.annotation("kairos.io/reboot-report")).toContain('"from":"boot-1"');
  });

  it("a record that names no boot is none: the sentinel tells which boot is to end", () => {
    const machine = new Machine({ ...GRANTED, "kairos.io/reboot-state": "rebooting" });
    machine.scriptEnds();
    machine.start();
    machine.pass();
    expect(machine.log).toEqual(["recorded 1", "reboot"]);
  });

  it("and takes away the sentinels of other Jobs once the report is stored, not its own", () => {
    const machine = new Machine(rebooting);
    for (const job of ["older", JOB, "oldest"]) machine.scriptEnds(job);
    machine.bootID = "boot-2";
    machine.start({ call: 2, interception: { kind: "KillBefore" } });
    machine.pass();
    expect(machine.sentinels.jobs().toSorted()).toEqual([JOB, "older", "oldest"]);
    machine.start();
    machine.pass();
    expect(machine.sentinels.jobs()).toEqual([JOB]);
  });

  it("and keeps every sentinel while it still has to reboot", () => {
    const machine = new Machine(GRANTED);
    for (const job of ["older", JOB]) machine.scriptEnds(job);
    machine.start();
    machine.pass(1000);
    expect(machine.sentinels.jobs().toSorted()).toEqual([JOB, "older"]);
  });
});

describe("a Pod that changes between the read and the record", () => {
  /** The record is held back until something else was done to the Pod. */
  const heldUntilChanged = {
    call: 2,
    interception: { kind: "Hold", until: { laterWrites: 1 }, sender: "givesUp" },
  } as const;

  it("is read again after a 409, before any reboot", () => {
    const machine = new Machine(GRANTED);
    // Written between the agent's read and its record: the sentinel comes in the same step.
    const agent = machine.start();
    machine.pass();
    expect(machine.log).toEqual([]);
    machine.annotate({ other: "change" });
    machine.pass();
    machine.scriptEnds();
    machine.pass();
    expect(machine.log).toEqual(["recorded 1", "reboot"]);
    expect(agent.alive).toBe(true);
  });

  it("is left alone when it is terminating by then", () => {
    const machine = new Machine(GRANTED);
    const agent = machine.start();
    machine.pass();
    machine.deletePod();
    machine.pass();
    machine.scriptEnds();
    machine.pass();
    expect(machine.log).not.toContain("reboot");
    expect(exitCode(agent)).toBe(0);
  });

  it("is left alone when it is gone by then", () => {
    const machine = new Machine(GRANTED);
    const agent = machine.start();
    machine.pass();
    machine.forceDeletePod();
    machine.scriptEnds();
    machine.pass();
    expect(machine.log).toEqual([]);
    expect(exitCode(agent)).toBe(0);
  });

  it("is not rebooted for when the record only arrives late", () => {
    const machine = new Machine(GRANTED);
    machine.scriptEnds();
    machine.start(heldUntilChanged);
    machine.pass(0.1);
    expect(machine.log).not.toContain("reboot");
    machine.annotate({ other: "change" });
    machine.pass(60);
    expect(machine.log.filter((what) => what === "reboot").length).toBe(1);
    expect(machine.log.indexOf("reboot")).toBe(machine.log.length - 1);
  });
});

describe("errors of the API and signals", () => {
  it("are retried for ever, and nothing is rebooted meanwhile", () => {
    const machine = new Machine(GRANTED);
    machine.scriptEnds();
    const lost = Array.from({ length: 60 }, (_, index) => ({
      call: index + 1,
      interception: { kind: "LoseRequest" } as const,
    }));
    const agent = machine.start(...lost);
    machine.pass(600);
    expect(machine.log).toEqual([]);
    expect(agent.alive).toBe(true);
    machine.pass(7200);
    expect(machine.log.slice(0, 2)).toEqual(["recorded 1", "reboot"]);
  });

  it("an answer that is lost does not reboot without a stored record, and the attempt is counted", () => {
    const machine = new Machine(GRANTED);
    machine.scriptEnds();
    machine.start({ call: 2, interception: { kind: "LoseAnswer" } });
    machine.pass(299);
    expect(machine.log).toEqual(["recorded 1"]);
    machine.pass(60);
    expect(machine.log).toEqual(["recorded 1", "recorded 2", "reboot"]);
  });

  it("SIGTERM ends it, but not with exit code 0, which the kubelet would never start again", () => {
    for (const [granted, seconds] of [
      [{}, 1],
      [GRANTED, 1],
      [GRANTED, 100],
    ] as const) {
      const machine = new Machine(granted);
      if (seconds === 100) machine.scriptEnds();
      const agent = machine.start();
      machine.pass(seconds);
      agent.interrupt();
      machine.pass();
      expect(agent.end?._tag).toBe("Exited");
      expect(agent.end?._tag === "Exited" && Exit.hasInterrupts(agent.end.exit)).toBe(true);
      expect(exitCode(agent)).toBeUndefined();
    }
  });
});
