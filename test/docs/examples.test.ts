/** Every example ends as its header comment says, and does what the comment says of it. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@effect/vitest";
import { Effect, Result, Schema } from "effect";
import * as nodeop from "nodeop";
import { decodeNodeOpUpgrade } from "../../src/domain/api/decode.ts";
import type { Commit } from "../../src/domain/history.ts";
import { parseFault } from "../../src/programs/simulate/fault.ts";
import { SimulationResult } from "../../src/programs/simulate/result.ts";
import type { Simulation } from "../../src/programs/simulate/result.ts";
import { runSimulation } from "../../src/programs/simulate/simulation.ts";
import { run } from "./commandLine.ts";
import { codeSpans, document, ROOT } from "./documents.ts";

const NAMES = readdirSync(join(ROOT, "examples")).filter((name) => name.endsWith(".yaml"));

/** What the header of an example promises. */
const promiseOf = (name: string) => {
  const { text } = document(`examples/${name}`);
  const command = /^# Run it: +(.+)$/mu.exec(text)?.[1];
  const [, phase, code] = /^# It ends: +([A-Z][a-z]+)(?:, exit code (\d))?/mu.exec(text) ?? [];
  return { command, phase, code: Number(code ?? "0") };
};

const manifestsOf = (name: string) => {
  const { path, text } = document(`examples/${name}`);
  return Result.getOrThrow(nodeop.readManifests([{ path, text }]));
};

/** The spec of an example's NodeOpUpgrade with all defaults. */
const specOf = (name: string) => {
  const [object] = manifestsOf(name).operations;
  const stored = { uid: "u", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" };
  return Result.getOrThrow(
    decodeNodeOpUpgrade({ ...object, metadata: { ...object!.metadata, ...stored } }),
  ).spec;
};

const simulation = (name: string, ...faults: ReadonlyArray<string>): Simulation =>
  Effect.runSync(
    runSimulation({
      manifests: manifestsOf(name),
      faults: faults.map((fault) => Result.getOrThrow(parseFault(fault))),
    }),
  );

const decodeResult = Schema.decodeUnknownSync(Schema.fromJsonString(SimulationResult));

/** The Node as a commit left it, as far as these tests look. */
interface NodeState {
  readonly spec?: { readonly unschedulable?: boolean };
  readonly status?: { readonly nodeInfo?: { readonly bootID?: string } };
}

const nodeCommits = ({ history }: Simulation): ReadonlyArray<Commit> =>
  history.filter(({ resource }) => resource.kind === "Node");

const stateOf = ({ after }: Commit): NodeState => (after ?? {}) as NodeState;

const isCordoned = (commit: Commit): boolean => stateOf(commit).spec?.unschedulable === true;

const bootsOf = (commits: ReadonlyArray<Commit>): number =>
  new Set(commits.map((commit) => stateOf(commit).status?.nodeInfo?.bootID)).size;

describe.each(NAMES)("examples/%s", (name) => {
  it("ends as its comment says, with every law kept", { timeout: 60_000 }, async () => {
    const { command, phase, code } = promiseOf(name);
    expect(command).toMatch(`npx nodeop simulate examples/${name}`);
    const ended = await run(`${command} --output json`);
    const result = decodeResult(ended.stdout);
    expect({ phase: result.phase, code: ended.code }).toEqual({ phase, code });
    expect(result.violations).toEqual([]);
  });
});

describe("what the comments of the examples say", () => {
  it("full.yaml is the canary with a pull secret: the rest of its options are defaults", () => {
    const { imagePullSecrets, ...full } = specOf("full.yaml");
    expect(imagePullSecrets).toEqual([{ name: "private-registry-secret" }]);
    expect(full).toEqual(specOf("canary.yaml"));
  });

  it("recovery-only.yaml neither cordons nor reboots, and skips no node", () => {
    const upgrade = simulation("recovery-only.yaml");
    const commits = nodeCommits(upgrade);
    expect(commits.filter(isCordoned)).toEqual([]);
    for (const { name } of upgrade.result.nodes)
      expect(bootsOf(commits.filter((commit) => commit.name === name))).toBe(1);
    expect(upgrade.result.nodes.map(({ reason }) => reason)).toEqual(
      upgrade.result.nodes.map(() => undefined),
    );
    expect(upgrade.result.peakInFlight).toBe(2);
  });

  it("nodeop.yaml cordons and reboots each worker once, and leaves the control plane alone", () => {
    const commits = nodeCommits(simulation("nodeop.yaml"));
    const byOperator = commits.filter(({ actor }) => actor === "operator");
    const workers = ["worker-1", "worker-2", "worker-3"];
    expect([...new Set(byOperator.map(({ name }) => name))]).toEqual(workers);
    for (const worker of workers) {
      const own = commits.filter(({ name }) => name === worker);
      expect(own.some(isCordoned)).toBe(true);
      expect(bootsOf(own)).toBe(2);
      expect(isCordoned(own.at(-1)!)).toBe(false);
    }
  });

  it("canary-fails.yaml upgrades cp-1, leaves worker-1 failed and cordoned, and starts nobody else", () => {
    const upgrade = simulation("canary-fails.yaml", "worker-1:script-fails");
    expect(upgrade.result.nodes.map(({ name, phase }) => `${name} ${phase}`)).toEqual([
      "cp-1 Completed",
      "worker-1 Failed",
      "worker-2 NotStarted",
      "worker-3 NotStarted",
    ]);
    const last = nodeCommits(upgrade).findLast(({ name }) => name === "worker-1");
    expect(isCordoned(last!)).toBe(true);
    const scripts = upgrade.history.filter(
      ({ resource, actor, verb, after }) =>
        resource.kind === "Pod" &&
        verb === "create" &&
        actor === "job-controller" &&
        JSON.stringify(after?.["spec"]).includes('"nodeName":"worker-1"'),
    );
    expect(scripts).toHaveLength(3);
  });

  it("canary-fails.yaml without the fault is Completed", () => {
    expect(simulation("canary-fails.yaml").result.phase).toBe("Completed");
  });
});

describe("examples/embed.ts", () => {
  const { text } = document("examples/embed.ts");
  const readme = document("README.md").text;

  it("has as many lines as the README says, at most 25", () => {
    const lines = text.trimEnd().split("\n").length;
    expect(lines).toBeLessThanOrEqual(25);
    expect(readme).toContain(`is a program of ${lines} lines`);
  });

  it("is among the files whose types are checked", () => {
    expect((JSON.parse(document("tsconfig.json").text) as { include: unknown }).include).toContain(
      "examples",
    );
  });

  it("runs, and prints what happened", { timeout: 60_000 }, async () => {
    const { code, stdout, stderr } = await run("npx node --conditions=source examples/embed.ts");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(
      /^Completed: 8 nodes in \d+ min\nFailed: .*worker-2.*\n0 laws broken\n$/u,
    );
  });

  it("uses a package that exports what the README names", () => {
    const sentence = /\*\*As a library\.\*\* (.*?) are exported/u.exec(readme)?.[1] ?? "";
    const named = codeSpans(sentence);
    expect(named).toContain("simulate");
    expect(Object.keys(nodeop)).toEqual(expect.arrayContaining([...named]));
  });
});
