/** The laws of a simulated machine: power, boots, partitions and what its disk keeps. */
import { describe, expect, it } from "@effect/vitest";
import {
  lonelyMachine,
  NEW_IMAGE,
  NEW_VERSION,
  OLD_IMAGE,
  OLD_VERSION,
} from "./support/machine.ts";

const AGENT = { cause: "agent", pod: "pod-uid" } as const;

describe("SimulatedHost", () => {
  it("a reboot by the agent goes down after the shutdown and comes back after the reboot, in another boot", () => {
    const { host, pass, story } = lonelyMachine();
    const first = host.boot.bootID;
    host.reboot(AGENT);
    pass(1);
    expect(host.power).toBe("stopping");
    pass(60);
    expect(host.power).toBe("off");
    pass(60);
    expect(host.power).toBe("on");
    expect(host.boot.bootID).not.toBe(first);
    expect(host.boot.bootID).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u,
    );
    expect(story()).toEqual([
      `0 booted active ${OLD_VERSION}`,
      "0 rebootIssued",
      "2 wentDown agent",
      `92 booted active ${OLD_VERSION}`,
    ]);
  });

  it("an upgrade of the active partition keeps the old system as passive and runs from the next boot", () => {
    const { host, pass } = lonelyMachine();
    host.upgrade("active", NEW_IMAGE);
    expect(host.boot.system.version).toBe(OLD_VERSION);
    expect(host.partitions.passive.image).toBe(OLD_IMAGE);
    expect(host.partitions.recovery.image).toBe(OLD_IMAGE);
    host.reboot(AGENT);
    pass(200);
    expect(host.boot).toMatchObject({ bootState: "active", system: { version: NEW_VERSION } });
  });

  it("falls-back boots the passive image, and an upgrade from there leaves the passive image alone", () => {
    const { host, pass } = lonelyMachine({ reboot: "falls-back" });
    host.upgrade("active", NEW_IMAGE);
    host.reboot(AGENT);
    pass(200);
    expect(host.boot).toMatchObject({ bootState: "passive", system: { version: OLD_VERSION } });
    host.upgrade("active", NEW_IMAGE);
    expect(host.partitions.passive.image).toBe(OLD_IMAGE);
  });

  it("a reboot that never returns leaves the machine off until it is turned on", () => {
    const { host, pass, story } = lonelyMachine({ reboot: "never-returns" });
    host.reboot(AGENT);
    pass(86_400);
    expect(host.power).toBe("off");
    host.powerOn();
    expect(host.power).toBe("on");
    expect(story().at(-1)).toBe(`86400 booted active ${OLD_VERSION}`);
    expect(new Set(story()).size).toBe(4);
  });

  it("a reboot command that silently fails is issued, and nothing happens", () => {
    const { host, pass, story } = lonelyMachine({ reboot: "silently-fails" });
    host.reboot(AGENT);
    pass(3600);
    expect(host.power).toBe("on");
    expect(story()).toEqual([`0 booted active ${OLD_VERSION}`, "0 rebootIssued"]);
  });

  it("a second reboot command during the shutdown is a fact, but not a second reboot", () => {
    const { host, pass, events } = lonelyMachine();
    host.reboot(AGENT);
    pass(1);
    host.reboot(AGENT);
    pass(300);
    expect(events.filter(({ event }) => event === "rebootIssued")).toHaveLength(2);
    expect(events.filter(({ event }) => event === "wentDown")).toHaveLength(1);
  });

  it("a reboot keeps the sentinels; a power loss keeps only those that were synced", () => {
    const orderly = lonelyMachine();
    orderly.host.sentinels.write("synced", "boot", { synced: true });
    orderly.host.sentinels.write("unsynced", "boot", { synced: false });
    orderly.host.reboot(AGENT);
    orderly.pass(200);
    expect(orderly.host.sentinels.jobs()).toEqual(["synced", "unsynced"]);

    const abrupt = lonelyMachine();
    abrupt.host.sentinels.write("synced", "boot", { synced: true });
    abrupt.host.sentinels.write("unsynced", "boot", { synced: false });
    abrupt.host.powerLoss();
    abrupt.pass(200);
    expect(abrupt.host.sentinels.jobs()).toEqual(["synced"]);
    expect(abrupt.story()).toEqual([
      `0 booted active ${OLD_VERSION}`,
      "0 wentDown other",
      `90 booted active ${OLD_VERSION}`,
    ]);
  });

  it("a power loss during the shutdown is one fall, and what an orderly shutdown would have saved is lost", () => {
    const { host, pass, events } = lonelyMachine();
    host.sentinels.write("unsynced", "boot", { synced: false });
    host.reboot(AGENT);
    pass(1);
    host.powerLoss();
    pass(300);
    expect(events.filter(({ event }) => event === "wentDown")).toHaveLength(1);
    expect(events.filter(({ event }) => event === "booted")).toHaveLength(2);
    expect(host.sentinels.jobs()).toEqual([]);
  });

  it("who waits for a sentinel hears of it once, and of one that exists at once", () => {
    const { host } = lonelyMachine();
    const heard: Array<string> = [];
    host.sentinels.whenWritten("job", (bootID) => heard.push(`waiting ${bootID}`));
    host.sentinels.whenWritten("other", (bootID) => heard.push(`other ${bootID}`));
    const cancel = host.sentinels.whenWritten("job", (bootID) => heard.push(`cancelled ${bootID}`));
    cancel();
    expect(heard).toEqual([]);
    host.sentinels.write("job", "b1", { synced: true });
    host.sentinels.write("job", "b2", { synced: true });
    host.sentinels.whenWritten("job", (bootID) => heard.push(`late ${bootID}`));
    expect(heard).toEqual(["waiting b1", "late b2"]);
  });
});
