/** The script of the Job's last container: it leaves, on the host, the sign that the upgrade script has succeeded. */

/**
 * For `/bin/sh -c`, POSIX with `sync FILE` of busybox or coreutils. Writes SENTINEL_DIR/JOB_UID with the boot id of the
 * host (BOOT_ID_FILE, by default the kernel's). The reboot that waits for this file may come at once, so it appears
 * whole and on disk or not at all: temporary file, fsync, rename, fsync of the directory. Any failure exits non-zero,
 * and the Job tries again.
 */
export const sentinelScript = (): string => `set -eu
: "\${SENTINEL_DIR:?must be the directory for sentinels}" "\${JOB_UID:?must be the uid of the Job}"
case $JOB_UID in
  .* | */*) echo "JOB_UID is no file name: $JOB_UID" >&2; exit 1 ;;
esac

boot_id=$(cat "\${BOOT_ID_FILE:-/proc/sys/kernel/random/boot_id}")
[ -n "$boot_id" ] || { echo "the host shows no boot id" >&2; exit 1; }

# A leading dot: nobody who looks for sentinels takes the unfinished one for another Job's.
part=$SENTINEL_DIR/.$JOB_UID.part
printf '%s\\n' "$boot_id" >"$part"
# Not every shell's printf reports a full disk.
[ "$(cat "$part")" = "$boot_id" ] || { echo "could not write $part" >&2; exit 1; }
sync "$part"
mv -f "$part" "$SENTINEL_DIR/$JOB_UID"
sync "$SENTINEL_DIR"
echo "Sentinel $SENTINEL_DIR/$JOB_UID: boot $boot_id"
`;
