/** The fake as a target: an API server alone, or in a simulated cluster where controllers act. */
import { Effect, Exit, Layer } from "effect";
import { crds } from "../../../src/domain/api/crd.ts";
import { FakeCluster } from "../../../src/services/fake/FakeCluster.ts";
import { transportOf } from "../../../src/services/fake/transport.ts";
import {
  type KubeTransport,
  KubeTransport as Transport,
} from "../../../src/services/KubeTransport.ts";
import { World } from "../../../src/services/simulation/World.ts";
import { simulatedCluster } from "../../../src/services/world/SimulatedCluster.ts";
import { Nodes } from "../../../src/domain/kube/resource.ts";
import { BOUND_TO, node } from "./objects.ts";
import { fooCrd } from "../../services/fake/support.ts";

const definitions = [...crds(), fooCrd];

/** As if the server had been there for a while: what happened at first is compacted. */
const aged = (cluster: FakeCluster): FakeCluster => {
  for (let name = 1; name <= 3; name++) {
    cluster.handle("setup", {
      verb: "create",
      resource: {
        group: "",
        version: "v1",
        plural: "namespaces",
        kind: "Namespace",
        namespaced: false,
      },
      body: { apiVersion: "v1", kind: "Namespace", metadata: { name: `earlier-${name}` } },
    });
  }
  cluster.compact(cluster.resourceVersion);
  return cluster;
};

/** The API server alone, on the clock of the test. */
export const fakeTarget: Layer.Layer<KubeTransport> = Layer.unwrap(
  Effect.map(FakeCluster.make({ crds: definitions }), (cluster) =>
    Layer.succeed(Transport, transportOf(aged(cluster), "user")),
  ),
);

const VIRTUAL_SECONDS_MAX = 600;

/** Runs a program in a simulated cluster with controllers and no machines, in virtual time. */
export const inSimulatedCluster = <A, E>(
  program: Effect.Effect<A, E, KubeTransport>,
): Exit.Exit<A, E> => {
  const world = new World({ seed: 1, startAt: Date.UTC(2026, 0, 1) });
  const chance = world.process("uids").chance("uids");
  const fake = new FakeCluster({
    now: () => world.now,
    chance: () => chance.next(),
    crds: definitions,
  });
  const cluster = simulatedCluster({
    world,
    cluster: aged(fake),
    nodes: [],
    rebootAgent: () => Effect.never,
    workloads: true,
    quotas: true,
  });
  fake.handle("setup", { verb: "create", resource: Nodes, body: node(BOUND_TO) });
  let end: Exit.Exit<A, E> | undefined;
  const process = world.process("contract");
  process.boot(
    program.pipe(
      Effect.provide(cluster.transport(process, "user")),
      Effect.exit,
      Effect.map((exit) => {
        end = exit;
      }),
    ),
  );
  world.run({ done: () => end !== undefined, until: world.now + VIRTUAL_SECONDS_MAX * 1000 });
  return end ?? Exit.die(new Error(`no end within ${VIRTUAL_SECONDS_MAX} virtual seconds`));
};
