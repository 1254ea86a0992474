import { describe, expect, it } from "@effect/vitest";
import { shortVersion, versionOfImage } from "../../src/domain/version.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const TAG = "leap-15.6-standard-amd64-generic-v3.4.2-k3sv1.30.11-k3s1";

describe("versionOfImage", () => {
  it.each([
    [`quay.io/kairos/opensuse:${TAG}`, "v3.4.2-k3sv1.30.11-k3s1"],
    [`quay.io/kairos/opensuse:${TAG}@${DIGEST}`, "v3.4.2-k3sv1.30.11-k3s1"],
    [`localhost:5000/opensuse:${TAG}`, "v3.4.2-k3sv1.30.11-k3s1"],
    [`quay.io/kairos/opensuse:${TAG}-uki`, "v3.4.2-k3sv1.30.11-k3s1"],
    ["quay.io/kairos/ubuntu:24.04-core-arm64-rpi4-v3.5.0", "v3.5.0"],
    [
      "quay.io/kairos/ubuntu:22.04-standard-amd64-generic-v3.5.0-rc1-k0sv1.33.1-k0s.0",
      "v3.5.0-rc1-k0sv1.33.1-k0s.0",
    ],
    [
      "quay.io/kairos/hadron:v0.0.1-standard-amd64-generic-v3.6.0-k3sv1.34.2-k3s1",
      "v3.6.0-k3sv1.34.2-k3s1",
    ],
    ["quay.io/kairos/ubuntu:20.04-core-arm64-nvidia-jetson-agx-orin-v3.0.0", "v3.0.0"],
    ["registry.local/edge:v1.2.3", "v1.2.3"],
    ["edge:site7-v1.2.3", "v1.2.3"],
  ])("of %s is %s", (image, version) => {
    expect(versionOfImage(image)).toBe(version);
  });

  it.each([
    "quay.io/kairos/opensuse",
    "quay.io/kairos/opensuse:latest",
    "quay.io/kairos/opensuse:leap-15.6-standard-amd64-generic-master",
    `quay.io/kairos/opensuse@${DIGEST}`,
    "registry-v1.2.3.local:5000/opensuse",
    "quay.io/kairos-v1.2.3/opensuse:nightly",
    "localhost:5000/edge-v1.2.3",
    "edge:1.2.3",
    "edge:v1.2",
    "edge:revv1.2.3",
    "",
  ])("of %j is not known", (image) => {
    expect(versionOfImage(image)).toBeUndefined();
  });
});

describe("shortVersion", () => {
  it.each([
    ["v3.4.2-k3sv1.30.11-k3s1", "v3.4.2"],
    ["v3.4.2-k3sv1.30.11+k3s1", "v3.4.2"],
    ["v3.5.0-rc1-k0sv1.33.1-k0s.0", "v3.5.0-rc1"],
    ["v3.5.0-dev1", "v3.5.0-dev1"],
    ["v2.4.2-v1.26.9-k3s1", "v2.4.2"],
    ["v3.4.2", "v3.4.2"],
    ["", ""],
  ])("of %j is %j", (full, short) => {
    expect(shortVersion(full)).toBe(short);
  });
});
