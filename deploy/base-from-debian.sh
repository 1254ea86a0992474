#!/bin/sh
# Makes the base image where no registry can be reached: a Debian system from packages (debootstrap), and the Node that the
# lockfile brings (node_modules/node). The result is imported into podman as localhost/nodeop-base, or under the name given.
#
#   deploy/base-from-debian.sh [IMAGE]
#
# Needs root, debootstrap, podman and a Debian mirror. DEBIAN_SUITE (bookworm) and DEBIAN_MIRROR say which.
set -eu

image=${1:-localhost/nodeop-base}
suite=${DEBIAN_SUITE:-bookworm}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
node=$(dirname "$0")/../node_modules/node/bin/node

fail() {
  echo "base-from-debian: $1" >&2
  exit 1
}
[ "$(id -u)" = 0 ] || fail "must run as root: debootstrap makes device files"
command -v debootstrap >/dev/null || fail "debootstrap is missing; install it (apt-get install debootstrap)"
command -v podman >/dev/null || fail "podman is missing; install it (apt-get install podman runc)"
[ -x "$node" ] || fail "$node is missing; run: npm ci"

root=$(mktemp -d)
trap 'rm -rf --one-file-system "$root"' EXIT

# minbase holds util-linux, and with it nsenter; libstdc++6 is all that Node needs beyond it.
debootstrap --variant=minbase --include=libstdc++6 "$suite" "$root" "$mirror"
install -m 0755 "$node" "$root/usr/local/bin/node"
rm -rf "$root/usr/share/doc" "$root/usr/share/info" "$root/usr/share/locale" "$root/usr/share/man" \
  "$root/var/cache/apt" "$root/var/lib/apt/lists" "$root/var/log"
mkdir -p "$root/var/log"

tar --create --numeric-owner --one-file-system --directory "$root" . | podman import --message "Debian $suite and Node" - "$image"
