/** What a simulation answers: the same facts for people, for programs and for embedding Effect programs. */
import { Schema } from "effect";
import type { Commit } from "../../domain/history.ts";
import type { Fault } from "./fault.ts";
import type { StoryLine } from "./Recorder.ts";

/** The phase of a target that was never claimed. */
export const NOT_STARTED = "NotStarted";

/** One target node at the end. Times are RFC 3339 on the simulation's clock. */
export const SimulatedNodeResult = Schema.Struct({
  /** The operation that this is about, as `NodeOpUpgrade default/canary`; only where several were simulated. */
  operation: Schema.optionalKey(Schema.String),
  name: Schema.String,
  controlPlane: Schema.Boolean,
  /** Completed, Failed, or what it was in when the simulation stopped; `NotStarted` when it was never claimed. */
  phase: Schema.String,
  rebootStatus: Schema.optionalKey(Schema.String),
  reason: Schema.optionalKey(Schema.String),
  message: Schema.optionalKey(Schema.String),
  startedAt: Schema.optionalKey(Schema.String),
  endedAt: Schema.optionalKey(Schema.String),
});
/** How far one node got, and why; see the schema of this name. */
export interface SimulatedNodeResult extends Schema.Schema.Type<typeof SimulatedNodeResult> {}

/** A law that was broken: what happened, at which commit, how many virtual seconds in. */
export const SimulatedViolation = Schema.Struct({
  law: Schema.String,
  message: Schema.String,
  rv: Schema.optionalKey(Schema.Int),
  virtualSeconds: Schema.Finite,
});
/** One broken law; see the schema of this name. */
export interface SimulatedViolation extends Schema.Schema.Type<typeof SimulatedViolation> {}

/** Everything is done, and the operation stays Running for nodes that match later, as `includeNewNodes` says. */
const open = Schema.optionalKey(Schema.Literal(true));

/** What one of several operations came to. */
export const SimulatedOperationResult = Schema.Struct({
  /** `NodeOpUpgrade default/canary`. */
  operation: Schema.String,
  phase: Schema.String,
  message: Schema.String,
  open,
});
/** What one of several operations came to; see the schema of this name. */
export interface SimulatedOperationResult extends Schema.Schema.Type<
  typeof SimulatedOperationResult
> {}

/** The outcome of a simulation, as `simulate --output json` prints it. */
export const SimulationResult = Schema.Struct({
  seed: Schema.Int,
  /** Completed, Failed, Running (it waits for something that never came) or Deleted; of several operations the worst. */
  phase: Schema.String,
  message: Schema.String,
  /** Nothing is left to do: all operations are Completed, or Running for new nodes only, at least one of them. */
  open,
  /** From the creation of the operation to its end. */
  virtualSeconds: Schema.Finite,
  peakInFlight: Schema.Int,
  /** Each operation's outcome; only where several were simulated. */
  operations: Schema.optionalKey(Schema.Array(SimulatedOperationResult)),
  nodes: Schema.Array(SimulatedNodeResult),
  /** The operator's requests, by verb and resource: `patch nodeops.operator.kairos.io/status`. */
  requests: Schema.Record(Schema.String, Schema.Int),
  /** How many of them were writes. */
  writes: Schema.Int,
  violations: Schema.Array(SimulatedViolation),
  /** A sentence for each fault that was asked for and did not happen; absent when all did. */
  faultsMissed: Schema.optionalKey(Schema.Array(Schema.String)),
});
/** The typed outcome of a simulation; see the schema of this name. */
export interface SimulationResult extends Schema.Schema.Type<typeof SimulationResult> {}

/** Everything that a simulation tells: the result, and what makes a story of it. */
export interface Simulation {
  readonly result: SimulationResult;
  readonly lines: ReadonlyArray<StoryLine>;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly laws: number;
  /** Whether the operations upgrade nodes, and do not just run a command on them. */
  readonly upgrades: boolean;
  /** Commits from the creation of the operation to its end, and the operator's calls: the ranges of K. */
  readonly commits: number;
  readonly calls: number;
  /**
   * The first commit of each moment. A fault strikes at the end of its commit's moment, so that the same fault at another
   * commit of it gives the same history.
   */
  readonly moments: ReadonlyArray<number>;
  /** Faults whose commit or call never came. */
  readonly missed: ReadonlyArray<Fault>;
  /** The commit log from the creation of the operation on, for tests. */
  readonly history: ReadonlyArray<Commit>;
}
