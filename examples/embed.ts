/** Another Effect program: it asks how long an upgrade would take, and what a node that falls back would stop. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime";
import * as NodeServices from "@effect/platform-node/NodeServices";
import { Console, Effect } from "effect";
import { loadManifests, simulate } from "nodeop";

const program = Effect.gen(function* () {
  const manifests = yield* loadManifests([`${import.meta.dirname}/canary.yaml`]);
  const nodes = { controlPlanes: 3, workers: 5 };

  const planned = yield* simulate({ manifests, nodes });
  const minutes = Math.round(planned.virtualSeconds / 60);
  yield* Console.log(`${planned.phase}: ${planned.nodes.length} nodes in ${minutes} min`);

  const disturbed = yield* simulate({ manifests, nodes, faults: ["worker-2:falls-back"] });
  yield* Console.log(`${disturbed.phase}: ${disturbed.message}`);
  yield* Console.log(`${disturbed.violations.length} laws broken`);
});

NodeRuntime.runMain(program.pipe(Effect.provide(NodeServices.layer)));
