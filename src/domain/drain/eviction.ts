/** What the API server's answer to an eviction means (reliability.md (c) 19). */

/** A failed request as far as it matters here: the typed error of the API. */
export interface EvictionError {
  readonly _tag: string;
  /** What the server said. */
  readonly detail: string;
  readonly code?: number | undefined;
  readonly causes?: ReadonlyArray<{ readonly reason?: string }>;
  readonly retryAfterSeconds?: number;
}

/** Why a Pod could not be evicted now, and after how many milliseconds it is tried again. */
export interface Delay {
  readonly _tag: "Delayed";
  readonly why: "Budget" | "Throttled" | "NamespaceTerminating" | "Changed";
  readonly detail: string;
  readonly afterMillis: number;
}

/** A Pod that is not there any more needs no eviction. */
export interface Gone {
  readonly _tag: "Gone";
}

/** As often as kubectl. */
const BLOCKED_MILLIS = 5000;
const SHORT_MILLIS = 1000;
const SEVERAL_BUDGETS = "more than one PodDisruptionBudget";

const hasCause = ({ causes }: EvictionError, reason: string): boolean =>
  causes?.some((cause) => cause.reason === reason) === true;

/** What is done about an eviction that was refused; undefined for what only a request can suffer, whatever it asks for. */
export const refusedEviction = (error: EvictionError): Delay | Gone | undefined => {
  const { detail, retryAfterSeconds = 0 } = error;
  const delayed = (why: Delay["why"], millis: number): Delay => ({
    _tag: "Delayed",
    why,
    detail,
    afterMillis: Math.max(millis, retryAfterSeconds * 1000),
  });
  switch (error._tag) {
    case "NotFound":
      return { _tag: "Gone" };
    // Another Pod of that name, most likely on another node: the next look at the node tells.
    case "Conflict":
      return delayed("Changed", SHORT_MILLIS);
    case "TooManyRequests":
      return hasCause(error, "DisruptionBudget")
        ? delayed("Budget", BLOCKED_MILLIS)
        : delayed("Throttled", SHORT_MILLIS);
    // The server does not support it, and says so as an internal error: only who changes the budgets can help.
    case "Unavailable":
      return error.code === 500 && detail.includes(SEVERAL_BUDGETS)
        ? delayed("Budget", BLOCKED_MILLIS)
        : undefined;
    case "Forbidden":
      return hasCause(error, "NamespaceTerminating")
        ? delayed("NamespaceTerminating", BLOCKED_MILLIS)
        : undefined;
    default:
      return undefined;
  }
};
