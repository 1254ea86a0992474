/** What the answer to a request changes of what is observed, so that the pass goes on without waiting for the caches. */
import type { Observed } from "../../domain/rollout/observed.ts";

/** Applied after all requests of a pass were answered, one after the other. */
export type Update = (observed: Observed) => Observed;
