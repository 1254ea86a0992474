import { describe, expect, it } from "@effect/vitest";
import { versionOf } from "../../../src/domain/host/release.ts";

const kairos = (kairosRelease: string) => versionOf({ kairosRelease, osRelease: undefined });

describe("the version of a host", () => {
  it("is put together as the upgrade script does it", () => {
    const release = [
      "# Kairos",
      'KAIROS_NAME="kairos-opensuse"',
      'KAIROS_VERSION="v3.4.2"',
      "KAIROS_SOFTWARE_VERSION_PREFIX='k3s'",
      "KAIROS_SOFTWARE_VERSION=v1.30.11+k3s1  ",
    ].join("\r\n");
    expect(kairos(release)).toBe("v3.4.2-k3sv1.30.11+k3s1");
  });

  it("is unknown without KAIROS_VERSION, however much else is there", () => {
    expect(kairos('NAME="openSUSE"\nVERSION_ID="15.6"\n')).toBeUndefined();
    expect(kairos("KAIROS_VERSION=\nKAIROS_SOFTWARE_VERSION=v1")).toBeUndefined();
    expect(kairos("XKAIROS_VERSION=v1\n#KAIROS_VERSION=v2")).toBeUndefined();
    expect(kairos("")).toBeUndefined();
  });

  it("is that of Kairos alone where there is no Kubernetes", () => {
    expect(kairos("KAIROS_VERSION=v3.4.2")).toBe("v3.4.2");
    expect(kairos("KAIROS_VERSION=v3.4.2\nKAIROS_SOFTWARE_VERSION=")).toBe("v3.4.2");
  });

  it("is read as a shell reads it, and nothing is executed", () => {
    expect(kairos("export KAIROS_VERSION=v1\nKAIROS_VERSION=v2")).toBe("v2");
    expect(kairos('KAIROS_VERSION="v1\\.2"')).toBe("v1.2");
  });

  it.each(["$(reboot)", "v1 v2", "v1;reboot", "ä"])(
    "is unknown where %j stands for it",
    (value) => {
      expect(kairos(`KAIROS_VERSION='${value}'`)).toBeUndefined();
      expect(kairos(`KAIROS_VERSION=v1\nKAIROS_SOFTWARE_VERSION="${value}"`)).toBeUndefined();
    },
  );

  it("is in os-release where kairos-release has none", () => {
    const osRelease = "ID=ubuntu\nKAIROS_VERSION=v2.4.3";
    expect(versionOf({ kairosRelease: undefined, osRelease })).toBe("v2.4.3");
    expect(versionOf({ kairosRelease: "kairos", osRelease })).toBe("v2.4.3");
    expect(versionOf({ kairosRelease: "KAIROS_VERSION=v3", osRelease })).toBe("v3");
  });

  it("that cannot be read in the first file is not replaced by that of the second, which may be older", () => {
    const osRelease = "KAIROS_VERSION=v2.4.3";
    expect(versionOf({ kairosRelease: "KAIROS_VERSION='v 3'", osRelease })).toBeUndefined();
  });
});
