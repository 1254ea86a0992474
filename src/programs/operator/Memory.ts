/** What the operator remembers between passes. Losing it in a crash costs a little time, never correctness. */
import type { NodeOp } from "../../domain/api/nodeop.ts";
import type { Decision, Note } from "../../domain/rollout/decision.ts";
import { ChildrenMemory } from "./ChildrenMemory.ts";

/** At most two status writes per second and object, one where the status is large (design.md §3). */
export const statusIntervalMillis = (entries: number): number => (entries < LARGE_MIN ? 500 : 1000);
const LARGE_MIN = 500;

const FIRST_DELAY_MILLIS = 1000;
const DELAY_MILLIS_MAX = 60_000;

/** How often something was tried, and when it may be tried again. */
interface Attempts {
  count: number;
  notBefore: number;
}

interface KnownTargets {
  readonly of: NodeOp["spec"]["nodeSelector"];
  readonly membership: number;
  readonly names: ReadonlyArray<string>;
}

/** The memory of one operation, or of one incarnation of it: it goes with the uid. */
export class OperationMemory {
  readonly uid: string;
  /** When the status was last written, in milliseconds since the epoch. */
  statusWrittenAt = Number.NEGATIVE_INFINITY;
  /** Whether the account of the reboot agents is there. */
  hasAgentAccess = false;
  /** What went wrong with a node's last action, until an action on it succeeds. */
  readonly problems = new Map<string, Note>();
  /** The targets of the last pass, and what they were computed from. */
  targets: KnownTargets | undefined;
  readonly children = new ChildrenMemory();
  /** The last decision: what has not changed since is not worked out again. */
  decision: Decision | undefined;
  readonly #attempts = new Map<string, Attempts>();

  constructor(uid: string) {
    this.uid = uid;
  }

  /** When this may be done again; in the past when it never was, or long ago. */
  notBefore(what: string): number {
    return this.#attempts.get(what)?.notBefore ?? Number.NEGATIVE_INFINITY;
  }

  /** Notes one more attempt: the next one waits 1 s, 2 s, 4 s … up to a minute. */
  attempted(what: string, now: number): void {
    const attempts = this.#attempts.get(what) ?? { count: 0, notBefore: 0 };
    attempts.notBefore =
      now + Math.min(DELAY_MILLIS_MAX, FIRST_DELAY_MILLIS * 2 ** Math.min(attempts.count, 10));
    attempts.count++;
    this.#attempts.set(what, attempts);
  }

  /** Nothing of this kind before then, without counting it as an attempt. */
  postpone(what: string, until: number): void {
    const count = this.#attempts.get(what)?.count ?? 0;
    this.#attempts.set(what, { count, notBefore: until });
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
