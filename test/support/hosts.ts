/** What real-looking hosts say about themselves: release files of several flavors and ages, command lines, EFI variables. */
import type { HostTexts } from "../../src/domain/host/texts.ts";

/** A text as efivarfs shows a variable: attributes, then UTF-16. */
export const efiVariable = (text: string): Uint8Array =>
  new Uint8Array([6, 0, 0, 0, ...Buffer.from(text, "utf16le")]);

/** `LoaderDevicePartUUID` of a system that was started from a disk. */
export const INSTALLED = efiVariable("d3a2ef2a-7e6b-4a2e-9f05-9b1f1f0a7c11");

/** The same for every system of a host that boots unified kernel images. */
export const UKI_COMMAND_LINE =
  "console=ttyS0 console=tty1 net.ifnames=1 rd.immucore.oemlabel=COS_OEM rd.immucore.oemtimeout=2 rd.immucore.uki selinux=0 panic=5 rd.shell=0";

export const ACTIVE_COMMAND_LINE =
  "BOOT_IMAGE=(loop0)/boot/vmlinuz root=LABEL=COS_ACTIVE cos-img/filename=/cOS/active.img panic=5";

export const OPENSUSE = `KAIROS_ARCH="amd64"
KAIROS_BUG_REPORT_URL="https://github.com/kairos-io/kairos/issues"
KAIROS_FAMILY="opensuse"
KAIROS_FIPS="false"
KAIROS_FLAVOR="opensuse"
KAIROS_FLAVOR_RELEASE="leap-15.6"
KAIROS_HOME_URL="https://github.com/kairos-io/kairos"
KAIROS_ID="kairos"
KAIROS_ID_LIKE="kairos-standard-opensuse-leap-15.6"
KAIROS_INIT_VERSION="v0.4.9"
KAIROS_MODEL="generic"
KAIROS_NAME="kairos-standard-opensuse-leap-15.6"
KAIROS_RELEASE="v3.4.2"
KAIROS_SOFTWARE_VERSION="v1.30.11+k3s1"
KAIROS_SOFTWARE_VERSION_PREFIX="k3s"
KAIROS_TARGETARCH="amd64"
KAIROS_TRUSTED_BOOT="false"
KAIROS_VARIANT="standard"
KAIROS_VERSION="v3.4.2"
`;

export const UBUNTU = `KAIROS_ARCH="arm64"
KAIROS_FAMILY="ubuntu"
KAIROS_FIPS="true"
KAIROS_FLAVOR="ubuntu"
KAIROS_FLAVOR_RELEASE="24.04"
KAIROS_ID="kairos"
KAIROS_MODEL="nvidia-jetson-agx-orin"
KAIROS_RELEASE="v3.5.0"
KAIROS_TRUSTED_BOOT="true"
KAIROS_VARIANT="core"
KAIROS_VERSION="v3.5.0"
`;

/** An early release of version 3 on Alpine: no KAIROS_ARCH, no quotes, and keys that are nobody's label. */
export const ALPINE = `KAIROS_NAME=kairos-standard-alpine-3.19
KAIROS_VERSION=v3.0.14-k3sv1.29.3+k3s1
KAIROS_ID=kairos
KAIROS_ID_LIKE=kairos-standard-alpine-3.19
KAIROS_VERSION_ID=v3.0.14-k3sv1.29.3+k3s1
KAIROS_PRETTY_NAME="kairos-standard-alpine-3.19 v3.0.14-k3sv1.29.3+k3s1"
KAIROS_IMAGE_REPO=quay.io/kairos/alpine:3.19-standard-arm64-rpi4-v3.0.14-k3sv1.29.3-k3s1
KAIROS_ARTIFACT=kairos-alpine-3.19-standard-arm64-rpi4-v3.0.14-k3sv1.29.3+k3s1
KAIROS_FAMILY=alpine
KAIROS_FLAVOR=alpine
KAIROS_FLAVOR_RELEASE=3.19
KAIROS_MODEL=rpi4
KAIROS_RELEASE=v3.0.14
KAIROS_SOFTWARE_VERSION=v1.29.3+k3s1
KAIROS_SOFTWARE_VERSION_PREFIX=k3s
KAIROS_TARGETARCH=arm64
KAIROS_VARIANT=standard
`;

/** Version 2 wrote its assignments into the os-release of its distribution, and kept the ID of that. */
export const UBUNTU_OS_RELEASE_V2 = `PRETTY_NAME="Ubuntu 22.04.3 LTS"
NAME="Ubuntu"
VERSION_ID="22.04"
ID=ubuntu
ID_LIKE=debian

KAIROS_ID="kairos"
KAIROS_FLAVOR="ubuntu"
KAIROS_FLAVOR_RELEASE="22.04"
KAIROS_MODEL="generic"
KAIROS_RELEASE="v2.4.3"
KAIROS_TARGETARCH="amd64"
KAIROS_VARIANT="standard"
KAIROS_VERSION="v2.4.3-k3sv1.26.9+k3s1"
`;

export const DEBIAN_OS_RELEASE = `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
ID=debian
HOME_URL="https://www.debian.org/"
`;

/** A host that boots its active system and has the given files, and no others. */
export const host = (files: Partial<HostTexts>): HostTexts => ({
  kairosRelease: undefined,
  osRelease: undefined,
  commandLine: ACTIVE_COMMAND_LINE,
  loader: undefined,
  ...files,
});
