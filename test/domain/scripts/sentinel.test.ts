import { mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { describe, expect, it } from "@effect/vitest";
import { sentinelScript } from "../../../src/domain/scripts/sentinel.ts";
import { Machine, record, SHELLS } from "./machine.ts";

const BOOT = "3f2c8a2e-4f0e-4d3a-9d0e-5a4b3c2d1e0f";
const JOB = "9d6a1b7c-0000-4000-8000-000000000001";

const machineWith = (shell: ReadonlyArray<string>): Machine => {
  const machine = new Machine(shell);
  machine.write("boot_id", `${BOOT}\n`);
  mkdirSync(machine.path("sentinels"));
  machine.env["SENTINEL_DIR"] = machine.path("sentinels");
  machine.env["JOB_UID"] = JOB;
  machine.env["BOOT_ID_FILE"] = machine.path("boot_id");
  return machine;
};

const sentinels = (machine: Machine): ReadonlyArray<string> =>
  readdirSync(machine.path("sentinels")).filter((name) => !name.startsWith("."));

describe.each(SHELLS.map((shell) => ({ shell })))("sentinelScript under $shell", ({ shell }) => {
  it("writes the host's boot id to <dir>/<Job uid> and nothing else", () => {
    using machine = machineWith(shell);
    const { code, stderr } = machine.run(sentinelScript());
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(readdirSync(machine.path("sentinels"))).toEqual([JOB]);
    expect(machine.read(`sentinels/${JOB}`)).toBe(`${BOOT}\n`);
  });

  it("reads the kernel's boot id by itself", () => {
    using machine = machineWith(shell);
    delete machine.env["BOOT_ID_FILE"];
    expect(machine.run(sentinelScript()).code).toBe(0);
    expect(machine.read(`sentinels/${JOB}`)).toMatch(/^[0-9a-f-]{36}\n$/u);
  });

  it("puts the file on disk, then names it, then puts the name on disk", () => {
    using machine = machineWith(shell);
    for (const name of ["sync", "mv"]) machine.program(name, `${record(name)}\n/bin/${name} "$@"`);
    expect(machine.run(sentinelScript()).code).toBe(0);
    const folder = machine.path("sentinels");
    const part = `${folder}/.${JOB}.part`;
    expect(machine.calls).toEqual([
      ["sync", part],
      ["mv", "-f", part, `${folder}/${JOB}`],
      ["sync", folder],
    ]);
  });

  it("replaces what an attempt that was cut off, or one before a reboot, has left", () => {
    using machine = machineWith(shell);
    machine.write(
      `sentinels/.${JOB}.part`,
      "3f2c and half a line, longer than the boot id could ever be",
    );
    machine.write(`sentinels/${JOB}`, "an earlier boot\n");
    machine.write("sentinels/another-job", "x");
    expect(machine.run(sentinelScript()).code).toBe(0);
    expect(readdirSync(machine.path("sentinels")).toSorted()).toEqual(
      [JOB, "another-job"].toSorted(),
    );
    expect(machine.read(`sentinels/${JOB}`)).toBe(`${BOOT}\n`);
    expect(machine.read("sentinels/another-job")).toBe("x");
  });

  it.each(["SENTINEL_DIR", "JOB_UID"])("fails without %s", (variable) => {
    using machine = machineWith(shell);
    delete machine.env[variable];
    const { code, stderr } = machine.run(sentinelScript());
    expect(code).not.toBe(0);
    expect(stderr).toContain(variable);
    expect(sentinels(machine)).toEqual([]);
  });

  it.each(["../escape", "a/b", ".", "..", ".hidden", ""])("fails for the Job uid %j", (uid) => {
    using machine = machineWith(shell);
    machine.env["JOB_UID"] = uid;
    const { code, stderr } = machine.run(sentinelScript());
    expect(code).not.toBe(0);
    expect(stderr).toContain("JOB_UID");
    expect(sentinels(machine)).toEqual([]);
    expect(machine.has("escape")).toBe(false);
  });

  it("fails when the boot id cannot be read, or is empty", () => {
    for (const text of [undefined, "", "\n"]) {
      using machine = machineWith(shell);
      if (text === undefined) machine.env["BOOT_ID_FILE"] = machine.path("none");
      else machine.write("boot_id", text);
      expect(machine.run(sentinelScript()).code).not.toBe(0);
      expect(sentinels(machine)).toEqual([]);
    }
  });

  it("fails when the directory is not there", () => {
    using machine = machineWith(shell);
    machine.env["SENTINEL_DIR"] = machine.path("none");
    expect(machine.run(sentinelScript()).code).not.toBe(0);
  });

  it("fails on a full disk", () => {
    using machine = machineWith(shell);
    symlinkSync("/dev/full", machine.path(`sentinels/.${JOB}.part`));
    expect(machine.run(sentinelScript()).code).not.toBe(0);
    expect(sentinels(machine)).toEqual([]);
  });

  it("fails when the disk has not taken what was written, though the shell says so", () => {
    using machine = machineWith(shell);
    symlinkSync("/dev/null", machine.path(`sentinels/.${JOB}.part`));
    const { code, stderr } = machine.run(sentinelScript());
    expect(code).not.toBe(0);
    expect(stderr).toContain("could not write");
    expect(sentinels(machine)).toEqual([]);
  });

  it.each([
    ["the file", 'case $1 in *.part) exit 5 ;; esac; /bin/sync "$@"', []],
    ["the directory", 'case $1 in *.part) /bin/sync "$@" ;; *) exit 5 ;; esac', [JOB]],
  ])("fails when the fsync of %s fails", (_, sync, left) => {
    using machine = machineWith(shell);
    machine.program("sync", sync);
    expect(machine.run(sentinelScript()).code).toBe(5);
    expect(sentinels(machine)).toEqual(left);
  });

  it("fails when the rename fails", () => {
    using machine = machineWith(shell);
    machine.program("mv", "exit 7");
    expect(machine.run(sentinelScript()).code).toBe(7);
    expect(sentinels(machine)).toEqual([]);
  });
});
