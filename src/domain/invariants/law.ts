/** What a law is: a sentence, and a monitor that is told every fact and reports where the sentence is not true. */
import type { Fact, Facts } from "./ledger/facts.ts";
import type { Ledger } from "./ledger/Ledger.ts";

/** A law that a history broke: where, and what happened, with the names of the objects. */
export interface Violation {
  readonly law: string;
  readonly message: string;
  /** The resourceVersion of the commit that broke it; absent when it was a host event, passing time or the end. */
  readonly rv?: number | undefined;
  /** Milliseconds of the cluster's clock. */
  readonly at: number;
}

/** How strictly to judge, and what was done to the world on purpose. */
export interface MonitorOptions {
  /** Nodes that faults were injected into: a retried script is no needless restart there. Default: none. */
  readonly disturbed?: (node: string) => boolean;
  /** When the history begins, in milliseconds of the cluster's clock: messages count from there. Default: 0. */
  readonly startedAt?: number;
  /** How long a free slot may wait for an eligible node, in milliseconds. Default: 1,000. */
  readonly reactionMillis?: number;
  /** How old the operator's knowledge may be when it acts, in milliseconds: cache lag plus request latency. Default: 0. */
  readonly lagMillis?: number;
  /** How many nodes may be in flight or unavailable over all operations (`--max-unavailable`). Default: any number. */
  readonly ceiling?: number;
  /** Until when after a Job's failure a node may still be started, in milliseconds. Default: 2,000. */
  readonly stopMillis?: number;
}

/** What a monitor works with. */
export interface MonitorContext {
  readonly ledger: Ledger;
  readonly options: Required<MonitorOptions>;
  /** Since when the operator has been up; undefined while it is down. */
  readonly operatorUpSince: () => number | undefined;
  /** A time of the cluster's clock for messages, as seconds since the history began: `12.345s`. */
  readonly seconds: (at: number) => string;
  /** Reports a violation at the commit or event being looked at. */
  readonly report: (message: string) => void;
}

/** The facts that a monitor wants, by name. */
export type Handlers = { readonly [Name in keyof Facts]?: (fact: Facts[Name]) => void };

/** One law. `monitor` makes a fresh monitor for one history. */
export interface Law {
  /** Short name, e.g. `Concurrency`. */
  readonly law: string;
  /** The law as a sentence. */
  readonly says: string;
  readonly monitor: (context: MonitorContext) => Handlers;
}

/** Tells a monitor a fact, if it wants it. */
export const tell = <Name extends keyof Facts>(handlers: Handlers, fact: Fact<Name>): void =>
  handlers[fact.is]?.(fact);
