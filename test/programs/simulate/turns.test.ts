/** A simulation is no wall: what else runs in its program has its turns, and so have signals to its process. */
import { expect, it } from "@effect/vitest";
import { Effect, Exit, Fiber, Result } from "effect";
import { readManifests } from "../../../src/programs/simulate/manifests.ts";
import { runSimulation } from "../../../src/programs/simulate/simulation.ts";

const TEXT =
  'apiVersion: operator.kairos.io/v1alpha1\nkind: NodeOp\nmetadata: {name: op}\nspec: {command: [sh, -c, "true"], concurrency: 50}\n';
const simulation = runSimulation({
  manifests: Result.getOrThrow(readManifests([{ path: "op.yaml", text: TEXT }])),
  nodes: { controlPlanes: 1, workers: 40 },
});

it.live("it can be interrupted while it runs", () =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(simulation);
    yield* Effect.sleep(1);
    yield* Fiber.interrupt(fiber);
    const exit = yield* Fiber.await(fiber);
    expect(Exit.hasInterrupts(exit)).toBe(true);
  }),
);

it.live("with turns in between it answers the same as without", () =>
  Effect.map(simulation, (inTurns) => {
    const atOnce = Effect.runSync(simulation);
    expect(inTurns.result).toEqual(atOnce.result);
    expect(inTurns.lines).toEqual(atOnce.lines);
  }),
);
