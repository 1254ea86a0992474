import { describe as suite, expect, it } from "@effect/vitest";
import { describe, labelText } from "../../../src/domain/labeler/describe.ts";
import { isLabelValue } from "../../../src/domain/labels.ts";
import {
  ALPINE,
  DEBIAN_OS_RELEASE,
  host,
  OPENSUSE,
  UBUNTU,
  UBUNTU_OS_RELEASE_V2,
} from "../../support/hosts.ts";

suite("a Kairos node is described", () => {
  it("as openSUSE with K3s", () => {
    expect(describe(host({ kairosRelease: OPENSUSE, osRelease: DEBIAN_OS_RELEASE }))).toEqual({
      labels: {
        "kairos.io/managed": "true",
        "kairos.io/id": "kairos",
        "kairos.io/family": "opensuse",
        "kairos.io/flavor": "opensuse",
        "kairos.io/flavor-release": "leap-15.6",
        "kairos.io/variant": "standard",
        "kairos.io/release": "v3.4.2",
        "kairos.io/model": "generic",
        "kairos.io/arch": "amd64",
        "kairos.io/trusted-boot": "false",
        "kairos.io/fips": "false",
        "kairos.io/software-version-prefix": "k3s",
        "kairos.io/software-version": "v1.30.11-k3s1",
        "kairos.io/boot-state": "active",
      },
      annotations: {
        "kairos.io/name": "kairos-standard-opensuse-leap-15.6",
        "kairos.io/id-like": "kairos-standard-opensuse-leap-15.6",
        "kairos.io/init-version": "v0.4.9",
        "kairos.io/version": "v3.4.2",
        "kairos.io/bug-report-url": "https://github.com/kairos-io/kairos/issues",
        "kairos.io/home-url": "https://github.com/kairos-io/kairos",
      },
    });
  });

  it("as Ubuntu without Kubernetes: what its file does not name has no label", () => {
    expect(describe(host({ kairosRelease: UBUNTU }))).toEqual({
      labels: {
        "kairos.io/managed": "true",
        "kairos.io/id": "kairos",
        "kairos.io/family": "ubuntu",
        "kairos.io/flavor": "ubuntu",
        "kairos.io/flavor-release": "24.04",
        "kairos.io/variant": "core",
        "kairos.io/release": "v3.5.0",
        "kairos.io/model": "nvidia-jetson-agx-orin",
        "kairos.io/arch": "arm64",
        "kairos.io/trusted-boot": "true",
        "kairos.io/fips": "true",
        "kairos.io/boot-state": "active",
      },
      annotations: { "kairos.io/version": "v3.5.0" },
    });
  });

  it("as Alpine with the older key of the architecture and without quotes", () => {
    const described = describe(host({ kairosRelease: ALPINE }));
    expect(described?.labels).toMatchObject({
      "kairos.io/flavor": "alpine",
      "kairos.io/flavor-release": "3.19",
      "kairos.io/model": "rpi4",
      "kairos.io/arch": "arm64",
      "kairos.io/software-version": "v1.29.3-k3s1",
    });
    expect(described?.annotations["kairos.io/version"]).toBe("v3.0.14-k3sv1.29.3+k3s1");
    expect(Object.keys(described?.labels ?? {})).not.toContain("kairos.io/targetarch");
  });

  it("by its os-release in version 2, whose ID is the distribution's", () => {
    expect(describe(host({ osRelease: UBUNTU_OS_RELEASE_V2 }))?.labels).toMatchObject({
      "kairos.io/managed": "true",
      "kairos.io/id": "kairos",
      "kairos.io/flavor": "ubuntu",
      "kairos.io/arch": "amd64",
      "kairos.io/boot-state": "active",
    });
  });

  it.each(["ID=kairos", 'ID="kairos-alpine"', "NAME=x\nID='Kairos-opensuse-leap'"])(
    "by an os-release that says %j and nothing else",
    (osRelease) => {
      expect(describe(host({ osRelease }))).toEqual({
        labels: { "kairos.io/managed": "true", "kairos.io/boot-state": "active" },
        annotations: {},
      });
    },
  );

  it.each(["kairos", "", "\n# nothing\n"])(
    "by a kairos-release that holds only %j",
    (kairosRelease) => {
      expect(describe(host({ kairosRelease, osRelease: DEBIAN_OS_RELEASE }))).toEqual({
        labels: { "kairos.io/managed": "true", "kairos.io/boot-state": "active" },
        annotations: {},
      });
    },
  );

  it("without a boot state where there is no command line", () => {
    const described = describe(host({ kairosRelease: "kairos", commandLine: undefined }));
    expect(described?.labels).toEqual({ "kairos.io/managed": "true" });
  });
});

suite("a node is not a Kairos node", () => {
  it.each([
    ["that has neither file", undefined],
    ["whose os-release is Debian's", DEBIAN_OS_RELEASE],
    ["whose name alone speaks of Kairos", 'NAME="kairos fan"\nID=debian\nVARIANT_ID=kairos'],
    ["whose version is empty", "ID=debian\nKAIROS_VERSION="],
  ])("%s", (_, osRelease) => {
    expect(describe(host({ osRelease }))).toBeUndefined();
  });
});

suite("a label's text", () => {
  it.each([
    ["v1.32.4+k3s1", "v1.32.4-k3s1"],
    ["v4.0.3", "v4.0.3"],
    ["Leap 15.6", "Leap-15.6"],
    ["-leading", "leading"],
    ["trailing.", "trailing"],
    ["a\u{1F600}b", "a-b"],
    ["x".repeat(70), "x".repeat(63)],
    [`${"x".repeat(62)}-y`, "x".repeat(62)],
    ["++++", ""],
    ["", ""],
  ])("of %j is %j", (value, text) => {
    expect(labelText(value)).toBe(text);
    expect(isLabelValue(text)).toBe(true);
  });

  it("that keeps nothing is no label", () => {
    const described = describe(host({ kairosRelease: "KAIROS_MODEL='+++'\nKAIROS_ID=kairos" }));
    expect(described?.labels).not.toHaveProperty("kairos.io/model");
  });
});
