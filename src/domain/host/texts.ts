/** What a host says about itself, as it was read: files and firmware variables, not yet interpreted. */

/** Variables that systemd-boot leaves for the system it has started (systemd "Boot Loader Interface"), as efivarfs gives them. */
export interface LoaderVariables {
  /** `LoaderDevicePartUUID`: the partition that the boot loader ran from; undefined when it was not a disk. */
  readonly devicePartUUID: Uint8Array | undefined;
  /** `LoaderEntrySelected`: the entry that was booted. */
  readonly entrySelected: Uint8Array | undefined;
}

/** The texts of one host. A file that does not exist is undefined; one that is empty is the empty text. */
export interface HostTexts {
  /** `/etc/kairos-release`, which Kairos systems have. */
  readonly kairosRelease: string | undefined;
  /** `/etc/os-release`, which every system has; early Kairos systems wrote about themselves in it. */
  readonly osRelease: string | undefined;
  /** The kernel command line. */
  readonly commandLine: string | undefined;
  /** Undefined where they are of no use, or the firmware's variables cannot be seen: no EFI, or not mounted. */
  readonly loader: LoaderVariables | undefined;
}
