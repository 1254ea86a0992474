/**
 * What can happen to one API call on its way: the crash points and message faults of a distributed system, as plain
 * data. Deciding is separate from doing: `SimTransport` does it.
 */
import type { KubeRequest } from "../KubeTransport.ts";

/** One read or write that a process is about to send; watches are not calls. */
export interface ApiCall {
  /** 1 for the first call of this process, 2 for the next, … Every incarnation counts anew. */
  readonly number: number;
  readonly process: string;
  readonly incarnation: number;
  readonly actor: string;
  readonly request: KubeRequest;
}

/** When a held request is applied, counted from its arrival at the server. It never is, if that moment never comes. */
export type HoldUntil =
  /** After so many later successful writes of anybody (dry runs do not count); 0: on arrival. */
  | { readonly laterWrites: number }
  /** After so many milliseconds of virtual time. */
  | { readonly millis: number };

/**
 * The fate of one call. With crashes at `KillBefore`, `Hold` for 0 later writes, `KillAfter`, and `KillBefore` of the
 * next call, a process dies at every distinguishable moment around a call.
 */
export type Interception =
  | { readonly kind: "Deliver" }
  /** The process dies before the request leaves it. */
  | { readonly kind: "KillBefore" }
  /** The request is applied, then the process dies before the answer reaches it. */
  | { readonly kind: "KillAfter" }
  /**
   * The request is applied late. Its sender `dies` as soon as it is sent, or `givesUp`: it is told `Unreachable` at once
   * and goes on, as after a timeout.
   */
  | { readonly kind: "Hold"; readonly until: HoldUntil; readonly sender: "dies" | "givesUp" }
  /** The request is never applied; the sender is told `Unreachable`. */
  | { readonly kind: "LoseRequest" }
  /** The request is applied; the sender is told `Unreachable`. */
  | { readonly kind: "LoseAnswer" };

/** Decides the fate of each call of one process, in their order. */
export type Interceptor = (call: ApiCall) => Interception;

/** The fate of the call with this number. */
export interface PlannedInterception {
  readonly call: number;
  readonly interception: Interception;
}

export const deliver: Interception = { kind: "Deliver" };

/** Does what is planned for a call, and delivers all others. Two plans for one call are a broken invariant. */
export const planned = (plan: ReadonlyArray<PlannedInterception>): Interceptor => {
  const byNumber = new Map(plan.map(({ call, interception }) => [call, interception]));
  if (byNumber.size < plan.length) throw new RangeError("a call is planned twice");
  return ({ number }) => byNumber.get(number) ?? deliver;
};

/** Whether a request, when it succeeds, changes what the server stores. */
export const isWrite = ({ verb, query }: KubeRequest): boolean =>
  verb !== "get" && verb !== "list" && query?.dryRun !== true;
