/** The script that writes the new image to a node's partitions, run in that image with the host's root mounted. */
import { RELEASE_FILES } from "./releaseFiles.ts";

/** What of a NodeOpUpgrade's spec the script depends on. At least one partition must be selected. */
export interface UpgradeOptions {
  readonly upgradeActive: boolean;
  readonly upgradeRecovery: boolean;
  /** Upgrade whatever the versions are. */
  readonly force: boolean;
  /** Let the agent tell more. */
  readonly debug: boolean;
  /** Paths of the image that are not written to the node, beside /etc/hostname and /etc/hosts. */
  readonly excludePaths: ReadonlyArray<string>;
}

/** Kubernetes mounts its own over these in every container: what the image has there is never the image's. */
const ALWAYS_EXCLUDED = ["/etc/hostname", "/etc/hosts"];

/** Any text as one word of a shell command. */
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

const UP_TO_DATE = `
if [ -n "$target" ] && [ "$host" = "$target" ]; then
  echo "Up to date"
  echo "Current version: $host"
  echo "Target version: $target"
  printf '%s' "$target" >&3
  exit 0
fi
`;

/** Agents before v2.25.2 refuse the whole upgrade when they meet the flag, so their own help decides. */
const exclusions = (paths: ReadonlyArray<string>): string => `
if ! help=$(kairos-agent upgrade --help 2>&1 3>&-); then
  echo "kairos-agent upgrade --help failed: $help" >&2
fi
case " $help " in
  *[!A-Za-z0-9-]--exclude-path[!A-Za-z0-9-]*)
    set -- ${paths.map((path) => `--exclude-path ${quoted(path)}`).join(" ")}
    ;;
  *)
    echo "This image's kairos-agent does not know --exclude-path: ${paths.length} paths are not excluded"
    set --
    ;;
esac
`;

const upgrade = (partition: "active" | "recovery", debug: boolean): string => `
# Upgrade ${partition} partition
kairos-agent${debug ? " --debug" : ""} upgrade${partition === "recovery" ? " --recovery" : ""} --source dir:/ "$@" 3>&-
`;

/**
 * The script of a NodeOpUpgrade for `/bin/sh -c`. It fails as soon as anything fails, and ends with the image's version
 * in the termination message (empty when unknown). When only the active partition is upgraded, not by force, and its
 * version is known and the image's, it prints "Up to date" with both versions and changes nothing: the recovery
 * partition's version is not known, so it is always written.
 * Environment: as of `preflightScript`.
 */
export const upgradeScript = (options: UpgradeOptions): string => {
  const { upgradeActive, upgradeRecovery, force, debug, excludePaths } = options;
  const partitions = [
    ...(upgradeRecovery ? (["recovery"] as const) : []),
    ...(upgradeActive ? (["active"] as const) : []),
  ];
  if (partitions.length === 0) {
    return `echo "No partition is selected: set upgradeActive or upgradeRecovery to true" >&2\nexit 1\n`;
  }
  return `set -e
# Opened here, because the host's /dev, mounted below, hides the file that the kubelet reads.
exec 3>"\${TERMINATION_LOG:-/dev/termination-log}"

${RELEASE_FILES}${force || upgradeRecovery ? "" : UP_TO_DATE}
echo "From \${host:-an unknown version} to \${target:-an unknown version}"
mount --rbind "$HOST_DIR/dev" /dev
mount --rbind "$HOST_DIR/run" /run
${exclusions([...ALWAYS_EXCLUDED, ...excludePaths])}${partitions.map((partition) => upgrade(partition, debug)).join("")}
printf '%s' "$target" >&3
exit 0
`;
};
