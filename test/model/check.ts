/**
 * Runs the protocol model from the command line and prints what a search finds, with the shortest histories.
 *
 *   node test/model/check.ts repaired 1 2 1      1 node, 2 operators, 1 fault
 *   node test/model/check.ts ablate sweep        the repaired protocol without one repair
 *   node test/model/check.ts --help
 *
 * Exit code 0 when every law holds and nothing is stuck, 3 when not.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime";
import * as NodeServices from "@effect/platform-node/NodeServices";
import { Console, Duration, Effect, Option, Runtime, Schema } from "effect";
import { Argument, Command, Flag } from "effect/cli";
import { ablations, search } from "./ablations.ts";
import { makeCeilingModel } from "./ceiling.ts";
import { makeHoldModel } from "./hold.ts";
import { makeModel } from "./model.ts";
import type { Repairs } from "./protocol.ts";
import { asWritten, faults, repaired, repairNames } from "./protocol.ts";
import type { Findings } from "./search.ts";
import { explore } from "./search.ts";

/** A search found a broken law or a stuck state; the histories have been printed. */
class ProtocolBroken extends Schema.TaggedError<ProtocolBroken>()("ProtocolBroken", {
  what: Schema.String,
}) {
  override readonly [Runtime.errorExitCode] = 3;
  override readonly [Runtime.errorReported] = false;
  override get message() {
    return `${this.what}: a law was broken or a state is stuck, see the histories above`;
  }
}

/** Searches, prints the figures and the shortest histories, and fails when there is any. */
const report = Effect.fnUntraced(function* (what: string, run: () => Findings) {
  const [duration, found] = yield* Effect.timed(Effect.sync(run));
  const { capped, depth, states, stuck, transitions, violations } = found;
  const seconds = (Duration.toMillis(duration) / 1000).toFixed(1);
  yield* Console.log(
    `${what}: ${states} states, ${transitions} transitions, depth ${depth}, ` +
      `stuck ${stuck?.count ?? "not searched"}, ${seconds} s${capped ? ", not all states seen" : ""}`,
  );
  for (const [law, trace] of violations)
    yield* Console.log(`  ${law} [${trace.length}]: ${trace.join(" · ")}`);
  const isStuck = stuck !== undefined && stuck.count > 0;
  if (isStuck)
    yield* Console.log(
      `  STUCK [${stuck.trace.length}]: ${stuck.trace.join(" · ")} → ${stuck.state}`,
    );
  return violations.size > 0 || isStuck ? yield* new ProtocolBroken({ what }) : undefined;
});

const count = (name: string, description: string, least: number, most: number) =>
  Argument.Int(name).pipe(
    Argument.withSchema(Schema.Int.check(Schema.isBetween({ minimum: least, maximum: most }))),
    Argument.withDefault(1),
    Argument.withDescription(`${description}, ${least}–${most}, 1 when absent`),
  );
const configuration = {
  nodes: count("nodes", "Nodes, one at a time, stop on failure", 1, 2),
  operators: count("operators", "Operator processes that act at once", 1, 3),
  faultBudget: count("faults", "World faults per history", 0, 5),
  deadlines: Flag.Boolean("deadlines").pipe(
    Flag.withDefault(false),
    Flag.withDescription("A deadline may pass at any time"),
  ),
  fault: Flag.Literals("fault", faults).pipe(
    Flag.atLeast(0),
    Flag.withDescription("Only this kind of fault (repeatable); all kinds when absent"),
  ),
  maxStates: Flag.Int("max-states").pipe(
    Flag.withDefault(6_000_000),
    Flag.withDescription("Give up after this many states, 6000000 when absent"),
  ),
};

const protocol = (name: string, repairs: Repairs, description: string) =>
  Command.make(name, configuration, ({ fault, maxStates, ...config }) =>
    report(name, () => {
      const kinds = fault.length > 0 ? fault : faults;
      return explore(makeModel({ ...config, repairs, faults: kinds }), { maxStates });
    }),
  ).pipe(Command.withDescription(description));

/** Every ablation breaks something, so this command prints them all before it fails. */
const ablate = Command.make(
  "ablate",
  {
    repair: Argument.Literals("repair", repairNames).pipe(
      Argument.optional,
      Argument.withDescription("The repair to take out; each in turn when absent"),
    ),
  },
  Effect.fnUntraced(function* ({ repair }) {
    const chosen = ablations.filter(({ without }) =>
      Option.match(repair, { onNone: () => true, onSome: (name) => name in without }),
    );
    const results = yield* Effect.forEach(chosen, (ablation) =>
      Effect.result(report(ablation.name, () => search(ablation))),
    );
    for (const result of results) yield* Effect.fromResult(result);
  }),
).pipe(Command.withDescription("Without one repair: the cheapest history that breaks"));

const hold = Command.make(
  "hold",
  { exclusion: Argument.Literals("exclusion", ["claims", "hold", "takeover"]) },
  ({ exclusion }) =>
    report(`two operations, ${exclusion}`, () => explore(makeHoldModel(exclusion))),
).pipe(Command.withDescription("Two operations over the same nodes"));

const ceiling = Command.make(
  "ceiling",
  { kept: Argument.Literals("kept", ["statuses", "blind", "unversioned", "unfenced", "book"]) },
  ({ kept }) => report(`a ceiling, ${kept}`, () => explore(makeCeilingModel(kept))),
).pipe(Command.withDescription("A ceiling over the nodes in flight of two operations"));

/** The command line. */
export const check = Command.make("check").pipe(
  Command.withDescription("Searches the node protocol of design.md §4 exhaustively."),
  Command.withSubcommands([
    protocol("repaired", repaired, "The protocol with every repair"),
    protocol("written", asWritten, "The naive protocol, without any"),
    ablate,
    hold,
    ceiling,
  ]),
);

if (import.meta.main)
  check.pipe(
    Command.run({ version: "1" }),
    Effect.provide(NodeServices.layer),
    NodeRuntime.runMain,
  );
