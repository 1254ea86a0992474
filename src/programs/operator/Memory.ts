/** What the operator remembers between passes. Losing it in a crash costs a little time, never correctness. */
import type { NodeOp } from "../../domain/api/nodeop.ts";
import type { Decision, Note } from "../../domain/rollout/decision.ts";
import type { Rehearsal } from "../../domain/rollout/observed.ts";
import type { DrainProgress } from "../../domain/drain/progress.ts";
import { ChildrenMemory } from "./ChildrenMemory.ts";

/**
 * At most two status writes per second and object (design.md §3). Where the status is large each write costs the API server
 * half a second of its time, whether it is about one node or fifty: then one per second while many nodes wait for it or a
 * slot may be filled, else one in two.
 */
export const statusIntervalMillis = (
  entries: number,
  waiting: { readonly moving: number; readonly vacancy: boolean },
): number => {
  if (entries < LARGE_MIN) return 500;
  return waiting.vacancy || waiting.moving >= MANY_MIN ? 1000 : 2000;
};
const LARGE_MIN = 500;
const MANY_MIN = 10;

const FIRST_DELAY_MILLIS = 1000;
const DELAY_MILLIS_MAX = 60_000;
const FORGOTTEN_AFTER_MILLIS = 10 * 60_000;
/** From the shortest first delay this many are far beyond the longest. */
const DOUBLINGS_MAX = 16;

/** How often something was tried, when it may be tried again, and since when it has failed every time. */
interface Attempts {
  readonly count: number;
  readonly notBefore: number;
  readonly failingSince?: number;
}

const NO_ATTEMPTS: Attempts = { count: 0, notBefore: Number.NEGATIVE_INFINITY };

const NO_DRAINS: ReadonlyMap<string, DrainProgress> = new Map();

interface KnownMembers {
  readonly of: NodeOp["spec"]["nodeSelector"];
  readonly membership: number;
  readonly targets: ReadonlyArray<string>;
  readonly controlPlanes: ReadonlyArray<string>;
}

/** The memory of one operation, or of one incarnation of it: it goes with the uid. */
export class OperationMemory {
  readonly uid: string;
  /** When the status was last written, in milliseconds since the epoch. */
  statusWrittenAt = Number.NEGATIVE_INFINITY;
  /** Whether the account of the reboot agents is there. */
  hasAgentAccess = false;
  /** The last dry run of its children. */
  rehearsal: Rehearsal | undefined;
  /** What goes wrong with a node's requests, until one of them succeeds or none is wanted any more. */
  readonly problems = new Map<string, Note>();
  /** How far the drains are, by node name. */
  drains: ReadonlyMap<string, DrainProgress> = NO_DRAINS;
  /** The targets and control planes of the last pass, and what they were computed from. */
  members: KnownMembers | undefined;
  readonly children = new ChildrenMemory();
  /** The last decision: what has not changed since is not worked out again. */
  decision: Decision | undefined;
  readonly #attempts = new Map<string, Attempts>();

  constructor(uid: string) {
    this.uid = uid;
  }

  /** When this may be done again; in the past when it never was, or long ago. */
  notBefore(what: string): number {
    return (this.#attempts.get(what) ?? NO_ATTEMPTS).notBefore;
  }

  /** Notes one more attempt, which succeeded: the next one waits 1 s, 2 s, 4 s … up to a minute. */
  attempted(what: string, now: number): void {
    this.#attempts.set(what, this.#next(what, now, FIRST_DELAY_MILLIS));
  }

  /**
   * Notes one more attempt, which failed, and answers for how many milliseconds it has failed now without a success in
   * between. The next one waits `firstDelayMillis`, then twice as long each time, up to a minute.
   */
  failed(what: string, now: number, firstDelayMillis = FIRST_DELAY_MILLIS): number {
    const failingSince = this.#recent(what, now).failingSince ?? now;
    this.#attempts.set(what, { ...this.#next(what, now, firstDelayMillis), failingSince });
    return now - failingSince;
  }

  /** What is wanted is tried as soon as it may be: what was left alone for long since is another matter. */
  #recent(what: string, now: number): Attempts {
    const attempts = this.#attempts.get(what);
    return attempts === undefined || now > attempts.notBefore + FORGOTTEN_AFTER_MILLIS
      ? NO_ATTEMPTS
      : attempts;
  }

  #next(what: string, now: number, firstDelayMillis: number): Attempts {
    const { count } = this.#recent(what, now);
    const delay = Math.min(
      DELAY_MILLIS_MAX,
      firstDelayMillis * 2 ** Math.min(count, DOUBLINGS_MAX),
    );
    return { count: count + 1, notBefore: now + delay };
  }

  forget(what: string): void {
    this.#attempts.delete(what);
  }
}

/** The memories of all operations, by key. */
export class Memory {
  readonly #operations = new Map<string, OperationMemory>();

  of(key: string, uid: string): OperationMemory {
    const known = this.#operations.get(key);
    if (known?.uid === uid) return known;
    const fresh = new OperationMemory(uid);
    this.#operations.set(key, fresh);
    return fresh;
  }

  /** Something of a node changed; `node` as its label value. Unknown operations are gathered in full anyway. */
  changed(key: string, node: string): void {
    this.#operations.get(key)?.children.changed(node);
  }

  drop(key: string): void {
    this.#operations.delete(key);
  }
}
