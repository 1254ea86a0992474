import { describe, expect, it } from "@effect/vitest";
import { bootStateOf } from "../../../src/domain/host/bootState.ts";
import { efiVariable, INSTALLED, UKI_COMMAND_LINE } from "../../support/hosts.ts";

const nothing = { devicePartUUID: undefined, entrySelected: undefined };

describe("a host with a boot loader's command line", () => {
  it.each([
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
  ])("is %s: %s", (state, commandLine) => {
    expect(bootStateOf({ commandLine, loader: undefined })).toBe(state);
    expect(bootStateOf({ commandLine, loader: nothing })).toBe(state);
  });
});

/** The boot state of an installed host whose boot loader started this entry. */
const ukiBoot = (entry: string) =>
  bootStateOf({
    commandLine: UKI_COMMAND_LINE,
    loader: { devicePartUUID: INSTALLED, entrySelected: efiVariable(entry) },
  });

describe("a host under Trusted Boot", () => {
  it.each([
    ["active", "active.conf"],
    ["active", "active+3-0.conf"],
    ["active", "active.conf\0"],
    ["active", "active_install-mode.conf"],
    ["passive", "passive.conf"],
    ["recovery", "recovery.conf"],
    ["unknown", "statereset.conf"],
    ["unknown", "windows.conf"],
    ["unknown", "active.efi"],
    ["unknown", "inactive.conf"],
    ["unknown", ""],
  ])("is %s when its boot loader started %j", (state, entry) => {
    expect(ukiBoot(entry)).toBe(state);
  });

  it("is livecd when the boot loader ran from no disk", () => {
    const loader = { ...nothing, entrySelected: efiVariable("active.conf") };
    expect(bootStateOf({ commandLine: UKI_COMMAND_LINE, loader })).toBe("livecd");
  });

  it("is unknown when no variable can be seen, whatever else the command line holds", () => {
    const commandLine = `${UKI_COMMAND_LINE} root=LABEL=COS_ACTIVE`;
    expect(bootStateOf({ commandLine, loader: undefined })).toBe("unknown");
  });

  it("is unknown when the variable is cut short", () => {
    const loader = { devicePartUUID: INSTALLED, entrySelected: new Uint8Array([6, 0, 0, 0, 97]) };
    expect(bootStateOf({ commandLine: UKI_COMMAND_LINE, loader })).toBe("unknown");
  });
});
