/** A node is rebooted once: a restarted reboot Pod "will detect that reboot has already happened" (reference page 6). */
import type { Law } from "../law.ts";

export const oneReboot: Law = {
  law: "OneReboot",
  says: "An operation reboots a Node at most once; asking again is allowed only while the same boot goes on.",
  monitor: ({ ledger, report, seconds }) => {
    /** The boots that a reboot was issued in, by `<operation uid> <node uid>`. RebootGranted sees to it that none is made without. */
    const asked = new Map<string, Set<string>>();
    return {
      RebootIssued: ({ event, operation }) => {
        if (operation === undefined) return;
        const key = `${operation.uid} ${event.nodeUID}`;
        const boots = asked.get(key) ?? new Set<string>();
        asked.set(key, boots);
        if (boots.has(event.bootID)) return;
        boots.add(event.bootID);
        if (boots.size > 1)
          report(
            `${ledger.nameOf(operation.uid)} rebooted node ${event.node} again at ${seconds(event.at)}: it ended boots ${[...boots].join(", ")}`,
          );
      },
    };
  },
};
