/** Shell functions that read Kairos versions out of release files without running them as code. */

/**
 * POSIX sh: defines `version_of`, sets the four release files (each can be set from outside, as in the original), and
 * HOST_DIR, where the host's root is mounted.
 *
 * The original sources these files, so that a file on the host runs as code in a privileged container. Here they are
 * read line by line; a value that is not made of the characters of versions is unknown, and so is a version of which a
 * part is. An unknown version is empty and equals nothing.
 */
export const RELEASE_FILES = `HOST_DIR="\${HOST_DIR:-/host}"

# value_of FILE KEY: prints the value of KEY, nothing when it is not there; fails when it is no version.
value_of() {
  [ -f "$1" ] && [ -r "$1" ] || return 0
  value=
  while read -r line || [ -n "$line" ]; do
    case $line in "$2"=* | "export $2"=*) value=\${line#*=} ;; esac
  done <"$1"
  case $value in
    '"'*'"'*) value=\${value#'"'}; value=\${value%%'"'*} ;;
    "'"*"'"*) value=\${value#"'"}; value=\${value%%"'"*} ;;
    *) value=\${value%%[[:space:]]*} ;;
  esac
  case $value in *[!A-Za-z0-9._+~-]*) return 1 ;; esac
  printf '%s' "$value"
}

# version_of KAIROS_RELEASE OS_RELEASE: prints the version in the first file that has one, nothing when it is unknown.
version_of() {
  for release in "$1" "$2"; do
    version=$(value_of "$release" KAIROS_VERSION) || return 0
    [ -n "$version" ] || continue
    prefix=$(value_of "$release" KAIROS_SOFTWARE_VERSION_PREFIX) || return 0
    software=$(value_of "$release" KAIROS_SOFTWARE_VERSION) || return 0
    software=$prefix$software
    printf '%s' "$version\${software:+-$software}"
    return 0
  done
}

# host_file PATH: a file of the host. Where it is a link to an absolute path, that path is the host's, not this image's.
host_file() {
  file=$HOST_DIR$1
  for _ in 1 2 3 4 5 6 7 8; do
    [ -L "$file" ] || break
    link=$(readlink "$file")
    case $link in /*) file=$HOST_DIR$link ;; *) file=\${file%/*}/$link ;; esac
  done
  printf '%s' "$file"
}

TARGET_KAIROS_RELEASE="\${TARGET_KAIROS_RELEASE:-/etc/kairos-release}"
TARGET_OS_RELEASE="\${TARGET_OS_RELEASE:-/etc/os-release}"
HOST_KAIROS_RELEASE="\${HOST_KAIROS_RELEASE:-$(host_file /etc/kairos-release)}"
HOST_OS_RELEASE="\${HOST_OS_RELEASE:-$(host_file /etc/os-release)}"

target=$(version_of "$TARGET_KAIROS_RELEASE" "$TARGET_OS_RELEASE")
host=$(version_of "$HOST_KAIROS_RELEASE" "$HOST_OS_RELEASE")
`;
