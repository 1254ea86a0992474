import { symlinkSync } from "node:fs";
import { describe, expect, it } from "@effect/vitest";
import { preflightScript } from "../../../src/domain/scripts/preflight.ts";
import { Machine, release, SHELLS } from "./machine.ts";

const V1 = release("v3.4.1");
const V2 = release("v3.4.2");
const FULL_V2 = "v3.4.2-k3sv1.30.11+k3s1";

/** What the script says about a host and an image with these files. */
const verdict = (
  shell: ReadonlyArray<string>,
  files: Readonly<Record<string, string>>,
): { readonly message: string; readonly stdout: string } => {
  using machine = new Machine(shell);
  for (const [name, text] of Object.entries(files)) machine.write(name, text);
  const { code, stdout, stderr } = machine.run(preflightScript());
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return { message: machine.read("termination-log"), stdout };
};

describe.each(SHELLS.map((shell) => ({ shell })))("preflightScript under $shell", ({ shell }) => {
  it("skips a node that is at the image's version", () => {
    const { message, stdout } = verdict(shell, {
      "host/etc/kairos-release": V2,
      "image/etc/kairos-release": V2,
    });
    expect(message).toBe(`node is already at ${FULL_V2}`);
    expect(stdout).toBe(`Host: ${FULL_V2}, Target: ${FULL_V2}\n`);
  });

  it.each<[string, string]>([
    ["another Kairos version", V1],
    ["another Kubernetes version", release("v3.4.2", "v1.30.12+k3s1")],
    ["no Kubernetes", 'KAIROS_VERSION="v3.4.2"\n'],
    ["a version that only begins like the image's", release("v3.4.20")],
  ])("does not skip a node with %s", (_, host) => {
    const { message, stdout } = verdict(shell, {
      "host/etc/kairos-release": host,
      "image/etc/kairos-release": V2,
    });
    expect(message).toBe("");
    expect(stdout).toContain(`Target: ${FULL_V2}`);
  });

  // Defect 44 of the original: two unknown versions are "-" and "-", which are equal.
  it.each<[string, Readonly<Record<string, string>>]>([
    ["no file at all", {}],
    [
      "files without a version",
      { "host/etc/os-release": "ID=x\n", "image/etc/os-release": "ID=x\n" },
    ],
    [
      "the keyless kairos-release",
      { "host/etc/kairos-release": "kairos", "image/etc/kairos-release": "kairos" },
    ],
    [
      "empty versions",
      {
        "host/etc/kairos-release": "KAIROS_VERSION=\n",
        "image/etc/kairos-release": 'KAIROS_VERSION=""\n',
      },
    ],
    ["only the host's version", { "host/etc/kairos-release": V2 }],
    ["only the image's version", { "image/etc/kairos-release": V2 }],
  ])("never skips on unknown versions: %s", (_, files) => {
    const { message, stdout } = verdict(shell, files);
    expect(message).toBe("");
    expect(stdout).toContain("unknown");
  });

  it("falls back to os-release on each side by itself", () => {
    const message = `node is already at ${FULL_V2}`;
    const host = { "host/etc/os-release": `ID=opensuse\n${V2}` };
    const image = { "image/etc/os-release": `ID=opensuse\n${V2}` };
    expect(verdict(shell, { ...host, ...image }).message).toBe(message);
    expect(verdict(shell, { ...host, "image/etc/kairos-release": V2 }).message).toBe(message);
    expect(verdict(shell, { "host/etc/kairos-release": V2, ...image }).message).toBe(message);
    expect(verdict(shell, { ...host, "host/etc/kairos-release": "kairos", ...image }).message).toBe(
      message,
    );
  });

  it("prefers kairos-release to os-release", () => {
    const files = {
      "host/etc/kairos-release": V1,
      "host/etc/os-release": V2,
      "image/etc/kairos-release": V2,
    };
    expect(verdict(shell, files).message).toBe("");
  });

  it.each<[string, string, string]>([
    ["without quotes", "KAIROS_VERSION=v3.4.2", "v3.4.2"],
    ["in single quotes", "KAIROS_VERSION='v3.4.2'", "v3.4.2"],
    ["with carriage returns", 'KAIROS_VERSION="v3.4.2"\r\nKAIROS_SOFTWARE_VERSION=\r', "v3.4.2"],
    ["unquoted with a carriage return", "KAIROS_VERSION=v3.4.2\r", "v3.4.2"],
    ["exported and indented", "  export KAIROS_VERSION=v3.4.2", "v3.4.2"],
    ["with a comment behind", "KAIROS_VERSION=v3.4.2 # the newest", "v3.4.2"],
    [
      "written twice, where the last one counts",
      "KAIROS_VERSION=v3.4.1\nKAIROS_VERSION=v3.4.2",
      "v3.4.2",
    ],
    [
      "without a Kubernetes version",
      'KAIROS_VERSION="v3.4.2"\nKAIROS_SOFTWARE_VERSION=""',
      "v3.4.2",
    ],
    [
      "without a prefix",
      "KAIROS_VERSION=v3.4.2\nKAIROS_SOFTWARE_VERSION=v1.30.11+k3s1",
      "v3.4.2-v1.30.11+k3s1",
    ],
    [
      "among keys that look like it",
      "X_KAIROS_VERSION=v1\nKAIROS_VERSION=v3.4.2\nKAIROS_VERSION_ID=v2\n#KAIROS_VERSION=v3",
      "v3.4.2",
    ],
  ])("reads a version %s", (_, text, version) => {
    const { message } = verdict(shell, {
      "host/etc/kairos-release": text,
      "image/etc/kairos-release": text,
    });
    expect(message).toBe(`node is already at ${version}`);
  });

  it.each([
    'KAIROS_VERSION="$(touch "$LOG.pwned")"',
    "KAIROS_VERSION=`touch $LOG.pwned`",
    'KAIROS_VERSION="v3.4.2"; touch "$LOG.pwned"\nKAIROS_VERSION=$X',
    "touch $LOG.pwned\nKAIROS_VERSION='v 1'",
    'KAIROS_VERSION="v3.4.2',
    "KAIROS_VERSION=v3.4.2;reboot",
    "KAIROS_VERSION=v3.4.2*",
    'KAIROS_VERSION=v3.4.2\nKAIROS_SOFTWARE_VERSION="$(id)"',
    'KAIROS_VERSION=v3.4.2\nKAIROS_SOFTWARE_VERSION_PREFIX="a b"\nKAIROS_SOFTWARE_VERSION=v1',
    "KAIROS_VERSION=v3\u0007",
  ])("neither runs nor believes %j", (text) => {
    using machine = new Machine(shell);
    machine.write("host/etc/kairos-release", text);
    machine.write("image/etc/kairos-release", text);
    const { code, stdout } = machine.run(preflightScript());
    expect(code).toBe(0);
    expect(stdout).toBe("Host: unknown, Target: unknown\n");
    expect(machine.read("termination-log")).toBe("");
    expect(machine.has("log.pwned")).toBe(false);
  });

  it("takes an absolute link on the host for the host's file, not for the image's", () => {
    using machine = new Machine(shell);
    machine.write("image/etc/kairos-release", V2);
    machine.write("host/usr/lib/kairos-release", V2);
    // Followed as it stands, the link would lead to the image's file, which has the target's version.
    machine.write("usr/lib/kairos-release", V1);
    symlinkSync("/usr/lib/kairos-release", machine.path("host/etc/kairos-release"));
    machine.run(preflightScript());
    expect(machine.read("termination-log")).toBe(`node is already at ${FULL_V2}`);
  });

  it("does not take the image's file for the host's where the host's absolute link leads nowhere", () => {
    using machine = new Machine(shell);
    const file = machine.path("image/etc/kairos-release");
    machine.write("image/etc/kairos-release", V2);
    symlinkSync(file, machine.path("host/etc/kairos-release"));
    const { stdout } = machine.run(preflightScript());
    expect(stdout).toBe(`Host: unknown, Target: ${FULL_V2}\n`);
    expect(machine.read("termination-log")).toBe("");
  });

  it("follows relative links, and links to links, and gives up on circles", () => {
    using machine = new Machine(shell);
    machine.write("image/etc/kairos-release", V2);
    machine.write("host/usr/lib/os-release", V2);
    symlinkSync("../usr/lib/os-release", machine.path("host/etc/link"));
    symlinkSync("/etc/link", machine.path("host/etc/os-release"));
    symlinkSync("/etc/kairos-release", machine.path("host/etc/circle"));
    symlinkSync("circle", machine.path("host/etc/kairos-release"));
    machine.run(preflightScript());
    expect(machine.read("termination-log")).toBe(`node is already at ${FULL_V2}`);
  });

  it("lets the four files be set from outside", () => {
    using machine = new Machine(shell);
    machine.write("elsewhere", V2);
    machine.env["HOST_KAIROS_RELEASE"] = machine.path("none");
    machine.env["HOST_OS_RELEASE"] = machine.path("elsewhere");
    machine.env["TARGET_OS_RELEASE"] = machine.path("elsewhere");
    machine.run(preflightScript());
    expect(machine.read("termination-log")).toBe(`node is already at ${FULL_V2}`);
  });

  it("takes a directory for no release file", () => {
    using machine = new Machine(shell);
    machine.write("host/etc/kairos-release/x", V2);
    machine.write("image/etc/kairos-release", V2);
    expect(machine.run(preflightScript())).toEqual({
      code: 0,
      stdout: `Host: unknown, Target: ${FULL_V2}\n`,
      stderr: "",
    });
  });

  it("changes nothing on the host, which may be mounted read-only", () => {
    using machine = new Machine(shell);
    machine.write("host/etc/kairos-release", V2);
    machine.write("image/etc/kairos-release", V2);
    const before = machine.files("host");
    machine.run(preflightScript());
    expect(machine.files("host")).toEqual(before);
    expect(machine.read("termination-log")).toBe(`node is already at ${FULL_V2}`);
  });
});
