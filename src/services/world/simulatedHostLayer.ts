/** The reboot agent's `Host` on a simulated machine: the same questions as on a real one, answered by its model. */
import { Effect, Layer, Option } from "effect";
import { Host } from "../Host.ts";
import type { SimulatedHost } from "./host.ts";
import type { MachineProcess } from "./machine.ts";

/** For the agent that runs as process `self` in the Pod of uid `pod`. */
export const simulatedHostLayer = (
  host: SimulatedHost,
  pod: string,
  self: MachineProcess,
): Layer.Layer<Host> =>
  Layer.succeed(Host, {
    bootID: Effect.sync(() => host.boot.bootID),
    sentinel: (job) => Effect.sync(() => Option.fromUndefinedOr(host.sentinels.read(job))),
    awaitSentinel: (job) =>
      Effect.callback<string>((resume) => {
        const tell = (bootID: string) => self.post(() => resume(Effect.succeed(bootID)));
        return Effect.sync(host.sentinels.whenWritten(job, tell));
      }),
    pruneSentinels: (exceptJob) =>
      Effect.sync(() => {
        for (const job of host.sentinels.jobs()) if (job !== exceptJob) host.sentinels.remove(job);
      }),
    system: Effect.sync(() => ({
      bootState: host.boot.bootState,
      version: host.boot.system.version,
    })),
    reboot: Effect.sync(() => host.reboot({ cause: "agent", pod })),
  });
