/** How much time the laws give an operator that is some way from its API server. */
import type { MonitorOptions } from "../../domain/invariants/law.ts";
import type { Latencies } from "../../services/simulation/Network.ts";

/** What the laws allow without latency, and how many exchanges an operator may need before it acts. */
const REACTION_MILLIS = 1000;
const STOP_MILLIS = 2000;
const REACTION_MESSAGES = 8;
/** The dry run before the first claim: five exchanges one after the other, three of them for the account of the agents. */
const REHEARSAL_MESSAGES = 10;

/** What laws have to allow an operator that is this far from the API server. */
export const toleranceFor = ({
  latency,
  watchLatency = latency,
}: Latencies = {}): MonitorOptions => {
  const once = latency?.maxMillis ?? 0;
  const lagMillis = once + (watchLatency?.maxMillis ?? 0);
  const reactionMillis =
    REACTION_MILLIS + REACTION_MESSAGES * lagMillis + REHEARSAL_MESSAGES * once;
  return lagMillis === 0
    ? {}
    : { lagMillis, reactionMillis, stopMillis: STOP_MILLIS + REACTION_MESSAGES * lagMillis };
};
