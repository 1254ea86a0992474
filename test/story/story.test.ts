/**
 * Golden stories: whole upgrades as a person reads them, one text file each. A change of behaviour is a change of a story
 * that a reviewer can read. `vitest run test/story -u` writes them anew.
 */
import * as NodeServices from "@effect/platform-node/NodeServices";
import { expect, it } from "@effect/vitest";
import { Effect, FileSystem, Result } from "effect";
import { parseFault } from "../../src/programs/simulate/fault.ts";
import { readManifests } from "../../src/programs/simulate/manifests.ts";
import { parseNodes } from "../../src/programs/simulate/nodesFlag.ts";
import { runSimulation } from "../../src/programs/simulate/simulation.ts";
import { story } from "../../src/programs/simulate/story.ts";
import { DATABASE, shop } from "../support/simulations.ts";

interface Scenario {
  readonly file?: string;
  readonly nodes: string;
  readonly faults?: ReadonlyArray<string>;
  /** Another object, beside the canary. */
  readonly beside?: string;
  readonly operatorNode?: string;
  /** Fields of the spec that differ from the canary's. */
  readonly spec?: string;
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  canary: { nodes: "1+3" },
  "single node": { nodes: "1+0" },
  order: { nodes: "3+4", spec: "concurrency: 2" },
  "all at once": { nodes: "1+3", spec: "concurrency: 0" },
  "quorum at risk": { nodes: "3+1", spec: "concurrency: 0" },
  "quorum kept": {
    nodes: "3+1",
    spec: "concurrency: 0\n  controlPlane: {maxUnavailable: 1}",
  },
  "failure stops the rest": { nodes: "1+3", faults: ["worker-1:script-fails"] },
  "failure does not stop the rest": {
    nodes: "1+3",
    spec: "stopOnFailure: false",
    faults: ["worker-1:script-fails"],
  },
  fallback: { nodes: "1+2", faults: ["worker-1:falls-back"] },
  "recovery only": { nodes: "1+2", spec: "upgradeActive: false\n  upgradeRecovery: true" },
  "operator killed twice": {
    nodes: "1+1",
    faults: ["operator:crash-after=9", "operator:crash-before=30"],
  },
  "deleted in the middle": { nodes: "1+2", faults: ["operation:deleted@60"] },
  "power loss while the script runs": { nodes: "1+1", faults: ["worker-1:power-loss@64"] },
  "power loss after the script": { nodes: "1+1", faults: ["worker-1:power-loss@66"] },
  "a node is not ready": {
    nodes: "1+2",
    spec: "stopOnFailure: false",
    faults: ["worker-1:not-ready"],
  },
  "an unready node is skipped": {
    nodes: "2+1",
    spec: "unreadyNodes: Skip\n  deadlines: {readySeconds: 600}",
    faults: ["cp-1:not-ready"],
  },
  "a node is deleted": { nodes: "1+2", faults: ["worker-1:node-deleted@60"] },
  "two operations at once": {
    nodes: "1+1",
    beside:
      "apiVersion: operator.kairos.io/v1alpha1\nkind: NodeOp\nmetadata: {name: firmware}\nspec: {command: [flash], concurrency: 1, cordon: true}",
  },
  "drained as budgets allow": { nodes: "1+2", beside: shop(1) },
  "a budget blocks a drain": {
    nodes: "1+2",
    beside: shop(0),
    spec: "deadlines: {drainSeconds: 600}",
  },
  "a namespace that is restricted": {
    nodes: "1+1",
    beside:
      "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: default\n  labels: {pod-security.kubernetes.io/enforce: restricted}",
  },
  // Two reboot Pods leave room for one of two upgrades.
  "a quota is full": {
    nodes: "0+2",
    spec: "concurrency: 2",
    beside: "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: small}\nspec: {hard: {pods: 3}}",
  },
  "volumes are detached first": { nodes: "1+2", beside: DATABASE },
  "a volume is not detached": {
    nodes: "1+2",
    beside: DATABASE,
    spec: "deadlines: {drainSeconds: 600}",
    faults: ["cp-1:volumes-stay"],
  },
  "the operator's own node": { nodes: "2+1", operatorNode: "cp-1" },
  "nobody is selected": { nodes: "1+1", spec: "nodeSelector: {matchLabels: {a: nobody}}" },
};

/** The canary with other fields: the last one of a name wins, as a person editing the file would have it. */
const withSpec = (canary: string, spec: string): string => {
  const names = [...spec.matchAll(/^ *(\w+):/gmu)].map(([, name]) => name);
  const kept = canary
    .split("\n")
    .filter((line) => !names.some((name) => line.startsWith(`  ${name}:`)))
    .filter((line) => !(names.includes("nodeSelector") && /^ {4,}/u.test(line)));
  return [...kept, `  ${spec}`, ""].join("\n");
};

it.effect.each(Object.entries(SCENARIOS).map(([name, scenario]) => ({ name, scenario })))(
  "$name",
  ({ name, scenario }) =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem;
      const canary = yield* fs.readFileString("examples/canary.yaml");
      const edited = scenario.spec === undefined ? canary : withSpec(canary, scenario.spec);
      const text = scenario.beside === undefined ? edited : `${edited}\n---\n${scenario.beside}\n`;
      const options = {
        manifests: Result.getOrThrow(readManifests([{ path: "canary.yaml", text }])),
        nodes: Result.getOrThrow(parseNodes(scenario.nodes)),
        operatorNode: scenario.operatorNode,
        faults: (scenario.faults ?? []).map((fault) => Result.getOrThrow(parseFault(fault))),
      };
      const told = story(yield* runSimulation(options), options, "npx nodeop simulate canary.yaml");
      const golden = `./${name.replaceAll(" ", "-").replaceAll("'", "")}.txt`;
      yield* Effect.promise(() => expect(told).toMatchFileSnapshot(golden));
    }).pipe(Effect.provide(NodeServices.layer)),
);
