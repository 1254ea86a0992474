/** `nodeop reboot-agent`: what the container of a reboot Pod runs. All that it needs to know is in its environment. */
import { Effect } from "effect";
import { Command } from "effect/cli";

export const rebootAgentCommand = Command.make("reboot-agent", {}, () =>
  Effect.flatMap(
    Effect.promise(() => import("./process.ts")),
    ({ rebootAgentProcess }) => rebootAgentProcess,
  ),
).pipe(
  Command.withDescription(
    "Runs in the operator's reboot Pods and reboots their host when it is granted. Environment: POD_NAME, POD_NAMESPACE, POD_UID, SENTINEL_DIR.",
  ),
);
