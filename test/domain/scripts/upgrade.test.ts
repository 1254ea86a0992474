import { rmSync } from "node:fs";
import { describe, expect, it } from "@effect/vitest";
import type { UpgradeOptions } from "../../../src/domain/scripts/upgrade.ts";
import { upgradeScript } from "../../../src/domain/scripts/upgrade.ts";
import { Machine, record, release, SHELLS } from "./machine.ts";

const FULL_V2 = "v3.4.2-k3sv1.30.11+k3s1";

const script = (options: Partial<UpgradeOptions> = {}): string =>
  upgradeScript({
    upgradeActive: true,
    upgradeRecovery: false,
    force: false,
    debug: false,
    excludePaths: [],
    ...options,
  });

const NEW_HELP = "   --exclude-path value [ --exclude-path value ]  do not touch this path";
const OLD_HELP = "   --recovery  Upgrade recovery\n   --source value";

/** A node at v3.4.1 and an image with v3.4.2, whose agent prints `help` and otherwise does `body`. */
const machineWith = (shell: ReadonlyArray<string>, help = NEW_HELP, body = ""): Machine => {
  const machine = new Machine(shell);
  machine.write("host/etc/kairos-release", release("v3.4.1"));
  machine.write("image/etc/kairos-release", release("v3.4.2"));
  machine.program("mount", record("mount"));
  machine.program(
    "kairos-agent",
    `case "$*" in *--help) printf '%s\\n' '${help}'; exit 0 ;; esac\n${record("kairos-agent")}\n${body}`,
  );
  return machine;
};

const mounts = (machine: Machine): ReadonlyArray<ReadonlyArray<string>> => [
  ["mount", "--rbind", machine.path("host/dev"), "/dev"],
  ["mount", "--rbind", machine.path("host/run"), "/run"],
];

const EXCLUDED = ["--exclude-path", "/etc/hostname", "--exclude-path", "/etc/hosts"];
const ACTIVE = ["kairos-agent", "upgrade", "--source", "dir:/"];
const RECOVERY = ["kairos-agent", "upgrade", "--recovery", "--source", "dir:/"];

describe.each(SHELLS.map((shell) => ({ shell })))("upgradeScript under $shell", ({ shell }) => {
  it.each<[string, Partial<UpgradeOptions>, ReadonlyArray<ReadonlyArray<string>>]>([
    ["the active partition", {}, [ACTIVE]],
    ["the recovery partition", { upgradeActive: false, upgradeRecovery: true }, [RECOVERY]],
    ["recovery before active", { upgradeRecovery: true }, [RECOVERY, ACTIVE]],
  ])(
    "upgrades %s, and leaves the image's version in the termination message",
    (_, options, calls) => {
      using machine = machineWith(shell);
      const { code, stdout, stderr } = machine.run(script(options));
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(machine.calls).toEqual([
        ...mounts(machine),
        ...calls.map((call) => [...call, ...EXCLUDED]),
      ]);
      expect(machine.read("termination-log")).toBe(FULL_V2);
      expect(stdout).toContain(`From v3.4.1-k3sv1.30.11+k3s1 to ${FULL_V2}`);
    },
  );

  it("lets the agent tell more with debug", () => {
    using machine = machineWith(shell);
    machine.run(script({ debug: true, upgradeRecovery: true }));
    expect(machine.calls.slice(2).map((call) => call.slice(0, 3))).toEqual([
      ["kairos-agent", "--debug", "upgrade"],
      ["kairos-agent", "--debug", "upgrade"],
    ]);
  });

  it("fails without a partition to upgrade, and says what to set", () => {
    using machine = machineWith(shell);
    const { code, stderr } = machine.run(script({ upgradeActive: false }));
    expect(code).toBe(1);
    expect(stderr).toContain("upgradeActive or upgradeRecovery");
    expect(machine.calls).toEqual([]);
  });

  it("changes nothing on a node that is up to date, and says so", () => {
    using machine = machineWith(shell);
    machine.write("host/etc/kairos-release", release("v3.4.2"));
    const { code, stdout } = machine.run(script());
    expect(code).toBe(0);
    expect(stdout).toBe(`Up to date\nCurrent version: ${FULL_V2}\nTarget version: ${FULL_V2}\n`);
    expect(machine.calls).toEqual([]);
    expect(machine.read("termination-log")).toBe(FULL_V2);
  });

  it.each<[string, Partial<UpgradeOptions>]>([
    ["by force", { force: true }],
    // Defect 45 of the original.
    ["when recovery is upgraded", { upgradeActive: false, upgradeRecovery: true }],
    ["when both are upgraded", { upgradeRecovery: true }],
  ])("upgrades a node at the image's version %s", (_, options) => {
    using machine = machineWith(shell);
    machine.write("host/etc/kairos-release", release("v3.4.2"));
    const { code, stdout } = machine.run(script(options));
    expect(code).toBe(0);
    expect(stdout).not.toContain("Up to date");
    expect(machine.calls.length).toBe(
      options.upgradeRecovery && options.upgradeActive !== false ? 4 : 3,
    );
    expect(machine.read("termination-log")).toBe(FULL_V2);
  });

  // Defect 44 of the original.
  it("upgrades when neither version is known, and leaves no version", () => {
    using machine = machineWith(shell);
    for (const side of ["host", "image"]) machine.write(`${side}/etc/kairos-release`, "kairos");
    const { code, stdout } = machine.run(script());
    expect(code).toBe(0);
    expect(stdout).toContain("From an unknown version to an unknown version");
    expect(machine.calls.length).toBe(3);
    expect(machine.read("termination-log")).toBe("");
  });

  it("compares the versions of os-release where kairos-release has none", () => {
    using machine = machineWith(shell);
    for (const side of ["host", "image"]) {
      machine.write(`${side}/etc/kairos-release`, "kairos");
      machine.write(`${side}/etc/os-release`, release("v3.4.2"));
    }
    expect(machine.run(script()).stdout).toContain("Up to date");
  });

  // The mount of the host's /dev hides /dev/termination-log, which the kubelet reads.
  it("reaches the kubelet's termination message although the host's /dev is mounted over it", () => {
    using machine = machineWith(shell);
    machine.program(
      "mount",
      'if [ ! -e "$LOG.hidden" ]; then mv "$TERMINATION_LOG" "$LOG.hidden"; fi',
    );
    expect(machine.run(script()).code).toBe(0);
    expect(machine.read("log.hidden")).toBe(FULL_V2);
    expect(machine.has("termination-log")).toBe(false);
  });

  it("replaces the termination message of an attempt before", () => {
    using machine = machineWith(shell);
    machine.write(
      "termination-log",
      "something much longer than a version, from the attempt before",
    );
    machine.run(script());
    expect(machine.read("termination-log")).toBe(FULL_V2);
  });

  it("refuses to begin when there is no place for the termination message", () => {
    using machine = machineWith(shell);
    machine.env["TERMINATION_LOG"] = machine.path("none/termination-log");
    expect(machine.run(script()).code).not.toBe(0);
    expect(machine.calls).toEqual([]);
  });

  it("fails when the agent fails, with the agent's status, and leaves no version", () => {
    using machine = machineWith(shell, NEW_HELP, "echo no space >&2; exit 3");
    const { code, stderr } = machine.run(script());
    expect({ code, stderr }).toEqual({ code: 3, stderr: "no space\n" });
    expect(machine.read("termination-log")).toBe("");
  });

  it("does not touch the active partition when the recovery partition failed", () => {
    using machine = machineWith(shell, NEW_HELP, 'case "$*" in *--recovery*) exit 4 ;; esac');
    expect(machine.run(script({ upgradeRecovery: true })).code).toBe(4);
    expect(machine.calls.slice(2)).toEqual([[...RECOVERY, ...EXCLUDED]]);
  });

  it.each([
    ["first", "exit 6"],
    ["second", '[ ! -e "$LOG.once" ] || exit 6; : >"$LOG.once"'],
  ])("fails before the agent runs when the %s mount fails", (_, body) => {
    using machine = machineWith(shell);
    machine.program("mount", body);
    expect(machine.run(script()).code).toBe(6);
    expect(machine.calls).toEqual([]);
  });

  it("fails when the image has no agent", () => {
    using machine = machineWith(shell);
    rmSync(machine.path("bin/kairos-agent"));
    const { code, stderr } = machine.run(script());
    expect(code).toBe(127);
    expect(stderr).toContain("kairos-agent upgrade --help failed");
    expect(machine.read("termination-log")).toBe("");
  });

  // Defect 47 of the original: the documented example image has such an agent.
  it("leaves --exclude-path out when the image's agent does not know it, and says so", () => {
    using machine = machineWith(shell, OLD_HELP);
    const { code, stdout } = machine.run(script({ excludePaths: ["/etc/motd"] }));
    expect(code).toBe(0);
    expect(machine.calls.slice(2)).toEqual([ACTIVE]);
    expect(stdout).toContain("does not know --exclude-path: 3 paths are not excluded");
  });

  it.each(["   --exclude-paths value", "   --no-exclude-path", "   --exclude-path-file f"])(
    "does not take %j for --exclude-path",
    (help) => {
      using machine = machineWith(shell, help);
      machine.run(script());
      expect(machine.calls.slice(2)).toEqual([ACTIVE]);
    },
  );

  it("upgrades without --exclude-path when the agent's help fails, and shows what it said", () => {
    using machine = machineWith(shell);
    machine.program(
      "kairos-agent",
      `case "$*" in *--help) echo broken help --exclude; exit 9 ;; esac\n${record("kairos-agent")}`,
    );
    const { code, stderr } = machine.run(script());
    expect(code).toBe(0);
    expect(stderr).toContain("kairos-agent upgrade --help failed: broken help");
    expect(machine.calls.slice(2)).toEqual([ACTIVE]);
  });

  it("passes hostile paths on exactly as they are, and runs none of them", () => {
    const excludePaths = [
      "/etc/it's",
      "'; touch \"$LOG.pwned\"; '",
      '"$(touch "$LOG.pwned")"',
      "`touch $LOG.pwned`",
      "$HOME ${PATH}",
      "/with  two spaces and a\ttab",
      "/line\nbreak\n",
      "-rf",
      "--recovery",
      String.raw`back\slash\n`,
      "'\\''",
      "*",
      "~",
      "# Upgrade recovery partition",
      "",
      "ünï",
    ];
    using machine = machineWith(shell);
    const { code } = machine.run(script({ excludePaths }));
    expect(code).toBe(0);
    expect(machine.calls.slice(2)).toEqual([
      [...ACTIVE, ...EXCLUDED, ...excludePaths.flatMap((path) => ["--exclude-path", path])],
    ]);
    expect(machine.has("log.pwned")).toBe(false);
  });

  it("does not run the host's release file", () => {
    using machine = machineWith(shell);
    machine.write(
      "host/etc/kairos-release",
      'touch "$LOG.pwned"\nKAIROS_VERSION=$(touch "$LOG.pwned")\n',
    );
    expect(machine.run(script()).code).toBe(0);
    expect(machine.has("log.pwned")).toBe(false);
    expect(machine.calls.length).toBe(3);
  });

  it("does not let the agent write to the termination message", () => {
    using machine = machineWith(shell, NEW_HELP, "{ echo forged >&3; } 2>/dev/null || :");
    expect(machine.run(script()).code).toBe(0);
    expect(machine.read("termination-log")).toBe(FULL_V2);
  });
});

describe("upgradeScript", () => {
  it("names each partition it upgrades in a comment, as the original does", () => {
    const active = "# Upgrade active partition";
    const recovery = "# Upgrade recovery partition";
    const lines = (options: Partial<UpgradeOptions>): ReadonlyArray<string> =>
      script(options)
        .split("\n")
        .filter((line) => line === active || line === recovery);
    expect(lines({})).toEqual([active]);
    expect(lines({ upgradeActive: false, upgradeRecovery: true })).toEqual([recovery]);
    expect(lines({ upgradeRecovery: true })).toEqual([recovery, active]);
    expect(lines({ upgradeActive: false })).toEqual([]);
  });

  it("speaks of being up to date only where it may find that out, as the simulated kubelet reads it", () => {
    expect(script()).toContain("Up to date");
    expect(script({ force: true })).not.toContain("Up to date");
    expect(script({ upgradeRecovery: true })).not.toContain("Up to date");
    expect(script({ upgradeActive: false, upgradeRecovery: true })).not.toContain("Up to date");
  });
});
