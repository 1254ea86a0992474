import { describe, expect, it } from "@effect/vitest";
import { bootStateOf, versionOf } from "../../src/services/hostFacts.ts";

describe("bootStateOf", () => {
  const cases: ReadonlyArray<readonly [string, string]> = [
    [
      "active",
      "BOOT_IMAGE=(loop0)/boot/vmlinuz console=tty1 root=LABEL=COS_ACTIVE cos-img/filename=/cOS/active.img panic=5 rd.cos.oemlabel=COS_OEM",
    ],
    [
      "passive",
      "BOOT_IMAGE=(loop0)/boot/vmlinuz root=LABEL=COS_PASSIVE cos-img/filename=/cOS/passive.img",
    ],
    ["recovery", "root=LABEL=COS_SYSTEM cos-img/filename=/cOS/recovery.img"],
    ["recovery", "root=LABEL=COS_RECOVERY"],
    ["recovery", "root=/dev/sda4 recovery-mode"],
    ["livecd", "root=live:LABEL=COS_LIVE rd.live.dir=/"],
    ["livecd", "cdroot root=live:CDLABEL=COS_LIVE"],
    ["livecd", "root=live:http://10.0.0.1/rootfs.squashfs netboot ip=dhcp"],
    ["unknown", "root=/dev/vda1 ro quiet"],
    ["unknown", ""],
    // Trusted Boot says it elsewhere; whatever else the line holds must not be believed.
    ["unknown", "rd.immucore.uki root=LABEL=COS_ACTIVE"],
  ];
  for (const [state, line] of cases)
    it(`${state}: ${line.slice(0, 60)}`, () => {
      expect(bootStateOf(line)).toBe(state);
    });
});

describe("versionOf", () => {
  it("puts the version together as the upgrade script does", () => {
    const release = [
      "# Kairos",
      'KAIROS_NAME="kairos-opensuse"',
      'KAIROS_VERSION="v3.4.2"',
      "KAIROS_SOFTWARE_VERSION_PREFIX='k3s'",
      "KAIROS_SOFTWARE_VERSION=v1.30.11+k3s1  ",
    ].join("\r\n");
    expect(versionOf(release)).toBe("v3.4.2-k3sv1.30.11+k3s1");
  });

  it("is unknown without KAIROS_VERSION, however much else is there", () => {
    expect(versionOf('NAME="openSUSE"\nVERSION_ID="15.6"\n')).toBeUndefined();
    expect(versionOf("KAIROS_VERSION=\nKAIROS_SOFTWARE_VERSION=v1")).toBeUndefined();
    expect(versionOf("XKAIROS_VERSION=v1\n#KAIROS_VERSION=v2")).toBeUndefined();
    expect(versionOf("")).toBeUndefined();
  });

  it("a system without Kubernetes keeps the dash, as the script does", () => {
    expect(versionOf("KAIROS_VERSION=v3.4.2")).toBe("v3.4.2-");
  });

  it("reads as a shell reads, and executes nothing", () => {
    expect(versionOf("export KAIROS_VERSION=v1\nKAIROS_VERSION=v2")).toBe("v2-");
    expect(versionOf('KAIROS_VERSION="a\\"b\\$c"')).toBe('a"b$c-');
    expect(versionOf("KAIROS_VERSION='$(reboot)'")).toBe("$(reboot)-");
  });
});
