/**
 * The directory on a host's disk in which Jobs leave their sentinels (reference page, "How Upgrade Is Performed" 5; design.md §4
 * "Job's container"). What was written with fsync survives a power loss; what was not, survives only an orderly reboot.
 */

interface Sentinel {
  readonly bootID: string;
  readonly synced: boolean;
}

export class SentinelDirectory {
  readonly #files = new Map<string, Sentinel>();
  readonly #waiting = new Map<string, Set<(bootID: string) => void>>();

  /** The boot id in the sentinel of a Job, by the Job's uid. */
  read(job: string): string | undefined {
    return this.#files.get(job)?.bootID;
  }

  /** The uids of the Jobs that have a sentinel here. */
  jobs(): ReadonlyArray<string> {
    return [...this.#files.keys()];
  }

  write(job: string, bootID: string, options: { readonly synced: boolean }): void {
    this.#files.set(job, { bootID, synced: options.synced });
    const waiting = this.#waiting.get(job);
    this.#waiting.delete(job);
    for (const tell of waiting ?? []) tell(bootID);
  }

  remove(job: string): void {
    this.#files.delete(job);
  }

  /** Calls `tell` once, when the Job's sentinel exists; at once if it does. Returns a function that cancels it. */
  whenWritten(job: string, tell: (bootID: string) => void): () => void {
    const present = this.read(job);
    if (present !== undefined) {
      tell(present);
      return () => {};
    }
    const waiting = this.#waiting.get(job) ?? new Set();
    this.#waiting.set(job, waiting.add(tell));
    return () => waiting.delete(tell);
  }

  /** The machine goes down in order: everything reaches the disk, and nobody waits any more. */
  unmounted(): void {
    for (const [job, file] of this.#files) this.#files.set(job, { ...file, synced: true });
    this.#waiting.clear();
  }

  /** The power fails: what was not synced is gone, and nobody waits any more. */
  lostPower(): void {
    for (const [job, file] of this.#files) if (!file.synced) this.#files.delete(job);
    this.#waiting.clear();
  }
}
