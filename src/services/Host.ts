/** The machine under a reboot agent: its boot id, the sentinels of Jobs, which system it runs, and how to reboot it. */
import { Context, type Effect, type Option, Schema } from "effect";
import type { BootState } from "../domain/history.ts";

/** Something about the host could not be found out or done. Trying again may help: nothing here is permanent. */
export class HostError extends Schema.TaggedError<HostError>()("HostError", {
  /** What was attempted, with the path or command. */
  operation: Schema.String,
  detail: Schema.String,
}) {
  override get message() {
    return `${this.operation}: ${this.detail}`;
  }
}

/** Which system a host has booted. */
export interface HostSystem {
  readonly bootState: BootState;
  /** `v3.4.2-k3sv1.30.11-k3s1`; undefined when the host does not say. */
  readonly version: string | undefined;
}

/**
 * The host of one node. A sentinel is a file named exactly like the uid of a Job and holds the id of the boot in which
 * that Job's script ended; the Job's last container writes it (design.md §4, "Job's container").
 */
export class Host extends Context.Service<
  Host,
  {
    /** The id that the kernel made for this boot. */
    readonly bootID: Effect.Effect<string, HostError>;
    /** The boot id in the Job's sentinel; none while it is not there. `job` is the Job's uid. */
    readonly sentinel: (job: string) => Effect.Effect<Option.Option<string>, HostError>;
    /** Waits until the Job's sentinel is there and gives its boot id. */
    readonly awaitSentinel: (job: string) => Effect.Effect<string, HostError>;
    /** Removes the sentinels of all other Jobs. */
    readonly pruneSentinels: (exceptJob: string) => Effect.Effect<void, HostError>;
    readonly system: Effect.Effect<HostSystem, HostError>;
    /** Asks the host to reboot. Succeeds when it has accepted; the machine goes down some time later, if all is well. */
    readonly reboot: Effect.Effect<void, HostError>;
  }
>()("nodeop/services/Host") {}
