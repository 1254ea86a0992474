/** What the container image is and can do, by running it as its Pods will. */
import { readFileSync } from "node:fs";
import { describe, expect, inject, it } from "vitest";
import { document } from "../docs/documents.ts";
import { VERSION } from "../../src/programs/version.ts";
import { REBOOT_AGENT, RESTRICTED, runImage, sizeOf } from "./container.ts";

const MEGABYTE = 1_000_000;

const image = inject("image");

/** The value of an expression of Node, inside of the image. */
const evaluate = (flags: ReadonlyArray<string>, expression: string): unknown => {
  const { stdout, stderr } = runImage(
    image!,
    ["--entrypoint=/usr/bin/node", ...flags],
    "-e",
    `console.log(JSON.stringify(${expression}))`,
  );
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout);
};

describe.runIf(image !== undefined)("the image", () => {
  it("has at most 180 MB", () => {
    expect(sizeOf(image!)).toBeGreaterThan(MEGABYTE);
    expect(sizeOf(image!)).toBeLessThanOrEqual(180 * MEGABYTE);
  });

  it("starts nodeop with the arguments of a Pod, restricted as PodSecurity wants it", () => {
    const { status, stdout } = runImage(image!, RESTRICTED, "--version");
    expect({ status, stdout: stdout.trim() }).toEqual({ status: 0, stdout: `nodeop v${VERSION}` });
  });

  it("runs as nobody when it is not told otherwise", () => {
    expect(evaluate([], "[process.getuid(), process.getgid()]")).toEqual([65532, 65532]);
  });

  it("prints the manifests that are checked in, but for their header", () => {
    const { stdout } = runImage(image!, RESTRICTED, "manifests");
    expect(document("deploy/install.yaml").text.split("\n").slice(1).join("\n")).toBe(stdout);
  });

  it("passes on the exit code and the sentence of a refusal", () => {
    const { status, stdout, stderr } = runImage(image!, RESTRICTED, "manifests", "--replicas=0");
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toContain("--replicas: must be from 1 to 100");
  });

  it("has no shell, and nothing in it can be written", () => {
    const programs = `require("node:fs").readdirSync("/usr/bin").sort()`;
    expect(evaluate(RESTRICTED, programs)).toEqual(["node", "nsenter"]);
    const writable = `["/", "/app", "/app/cache", "/etc", "/tmp", "/usr/bin"].filter((path) => { try { require("node:fs").writeFileSync(path + "/x", ""); return true; } catch { return false; } })`;
    expect(evaluate(RESTRICTED, writable)).toEqual([]);
  });

  it("finds names in its hosts file, as the kubelet writes it", () => {
    const { stdout } = runImage(
      image!,
      [...RESTRICTED, "--add-host=api.test:127.0.0.9", "--entrypoint=/usr/bin/node"],
      "-e",
      `require("node:dns").lookup("api.test", (_, address) => console.log(address))`,
    );
    expect(stdout.trim()).toBe("127.0.0.9");
  });

  it.each([
    ["nobody", RESTRICTED],
    ["root", REBOOT_AGENT],
  ])("starts from the code cache as %s", (_, flags) => {
    const { stderr, stdout } = runImage(
      image!,
      [...flags, "--env=NODE_DEBUG_NATIVE=COMPILE_CACHE"],
      "--version",
    );
    expect(stderr + stdout).toMatch(
      /V8 code cache for ESM file:\/\/\/app\/nodeop.mjs was accepted/u,
    );
  });

  it("sees the host's processes and has nsenter as a reboot agent", () => {
    const host = readFileSync("/proc/1/comm", "utf8");
    expect(evaluate(REBOOT_AGENT, `require("node:fs").readFileSync("/proc/1/comm", "utf8")`)).toBe(
      host,
    );
    const nsenter = runImage(
      image!,
      [...REBOOT_AGENT, "--entrypoint=/usr/bin/nsenter"],
      "--version",
    );
    expect(nsenter.stdout).toMatch(/^nsenter from util-linux \d/u);
  });
});
