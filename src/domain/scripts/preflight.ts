/** The script that looks, before a node is disturbed, whether it runs the image's version already. */
import { RELEASE_FILES } from "./releaseFiles.ts";

/**
 * The preflight of a NodeOpUpgrade for `/bin/sh -c`, run in the new image with the host's root at HOST_DIR, which may be
 * read-only. Prints both versions. When both are known and equal, writes `node is already at <version>` to the
 * termination message, which skips the node. Always exits 0: what cannot be told here, the upgrade itself decides.
 * Environment: HOST_DIR, TERMINATION_LOG, and TARGET_ and HOST_ with KAIROS_RELEASE and OS_RELEASE, as in the original.
 */
export const preflightScript = (): string => `${RELEASE_FILES}
echo "Host: \${host:-unknown}, Target: \${target:-unknown}"
if [ -n "$target" ] && [ "$host" = "$target" ]; then
  printf 'node is already at %s' "$target" >"\${TERMINATION_LOG:-/dev/termination-log}"
fi
exit 0
`;
