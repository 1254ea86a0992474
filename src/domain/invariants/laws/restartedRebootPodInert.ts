/** A restarted reboot Pod "will detect that reboot has already happened (using an annotation on itself …) and will exit" (page 6). */
import type { Law } from "../law.ts";

export const restartedRebootPodInert: Law = {
  law: "RestartedRebootPodInert",
  says: "A reboot Pod reboots only in the boot that it has recorded, and never after it reported completed or failed.",
  monitor: ({ report, seconds }) => ({
    RebootIssued: ({ event, pod }) => {
      // The script of the Go original reports first, and reboots then.
      if (pod === undefined || pod.original) return;
      const what = `reboot Pod ${pod.name} rebooted node ${event.node} in boot ${event.bootID} at ${seconds(event.at)}`;
      if (pod.rebootState === "completed" || pod.rebootState === "failed")
        report(`${what} after it had reported ${pod.rebootState}`);
      else if (pod.recordedBoot !== event.bootID)
        report(
          `${what}, but ${pod.recordedBoot === undefined ? "recorded no reboot before" : `had recorded a reboot of boot ${pod.recordedBoot}`}`,
        );
    },
  }),
};
