/** The command line as its users meet it: answers on stdout, sentences on stderr, exit codes of design.md §6. */
import * as NodeServices from "@effect/platform-node/NodeServices";
import { describe, expect, it } from "@effect/vitest";
import { Effect, FileSystem, Path } from "effect";
import { FAULT_FORMS } from "../../src/programs/simulate/fault.ts";
import { SimulationResult } from "../../src/programs/simulate/result.ts";
import { VERSION } from "../../src/programs/version.ts";
import { nodeop } from "./support.ts";
import { Schema } from "effect";

const CANARY = "examples/canary.yaml";
const decode = Schema.decodeUnknownSync(Schema.fromJsonString(SimulationResult));

/** Runs `use` with a file of this text. */
const withFile = <A, E, R>(text: string, use: (path: string) => Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem;
    const path = yield* Path.Path;
    const file = path.join(yield* fs.makeTempDirectoryScoped(), "upgrade.yaml");
    yield* fs.writeFileString(file, text);
    return yield* use(file);
  }).pipe(Effect.scoped, Effect.provide(NodeServices.layer));

const upgrade = (spec: string, name = "x") =>
  `apiVersion: operator.kairos.io/v1alpha1\nkind: NodeOpUpgrade\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
const IMAGE = "quay.io/kairos/opensuse:leap-15.6-standard-amd64-generic-v3.4.2-k3sv1.30.11-k3s1";
const node = (name: string, labels = "{}") =>
  `---\napiVersion: v1\nkind: Node\nmetadata: {name: ${name}, labels: ${labels}}\n`;

const json = (seed: number) => nodeop("simulate", CANARY, "-o", "json", "--seed", `${seed}`);

describe("simulate", () => {
  it.live("without arguments tells the documented canary upgrade on 1+3 nodes", () =>
    Effect.gen(function* () {
      const { stdout, exitCode } = yield* nodeop();
      expect(exitCode).toBe(0);
      expect(stdout).toContain("kairos-upgrade: 4 nodes (1 control plane, 3 workers)");
      expect(stdout).toContain("cp-1 → worker-1 → worker-2 → worker-3      v3.4.1 → v3.4.2");
      expect(stdout).toMatch(/Completed: 4 upgraded, 0 skipped, 0 failed\. Peak 1 in flight/u);
    }),
  );

  it.live("JSON is the same byte for byte for a seed, and another for another seed", () =>
    Effect.gen(function* () {
      const [first, again, other] = [yield* json(7), yield* json(7), yield* json(8)];
      expect(again.stdout).toBe(first.stdout);
      expect(other.stdout).not.toBe(first.stdout);
      const result = decode(first.stdout);
      expect(result).toMatchObject({
        seed: 7,
        phase: "Completed",
        peakInFlight: 1,
        violations: [],
      });
      expect(result.nodes.map(({ name }) => name)).toEqual([
        "cp-1",
        "worker-1",
        "worker-2",
        "worker-3",
      ]);
      expect(result.writes).toBeGreaterThan(0);
      expect(first.stdout).not.toContain("simulated in");
      expect(first.stderr).toMatch(/simulated in \d/u);
    }),
  );

  it.live("a rollout that fails exits 2, and so does one that waits for nodes", () =>
    Effect.gen(function* () {
      const failed = yield* nodeop("simulate", CANARY, "--fault", "worker-1:script-fails");
      expect(failed.exitCode).toBe(2);
      expect(failed.stdout).toContain("2 not started");
      const waits = yield* withFile(
        upgrade(`{image: ${IMAGE}, nodeSelector: {matchLabels: {role: nobody}}}`),
        (file) => nodeop("simulate", file),
      );
      expect(waits.exitCode).toBe(2);
      expect(waits.stdout).toContain("No node matches selector role=nobody");
    }),
  );

  it.live("a file may bring its own Nodes, and then --nodes is refused", () =>
    withFile(
      upgrade(`{image: ${IMAGE}, concurrency: 1, nodeSelector: {matchLabels: {up: "yes"}}}`) +
        node("b", '{up: "yes"}') +
        node("a", '{up: "yes", node-role.kubernetes.io/master: "true"}') +
        node("left-out"),
      (file) =>
        Effect.gen(function* () {
          const ran = yield* nodeop("simulate", file, "-o", "json");
          expect(decode(ran.stdout).nodes.map(({ name }) => name)).toEqual(["a", "b"]);
          const refused = yield* nodeop("simulate", file, "--nodes", "1+1");
          expect(refused).toMatchObject({ exitCode: 1, stdout: "" });
          expect(refused.stderr).toContain("--nodes 1+1: the manifests bring their own Nodes");
        }),
    ),
  );

  it.live("a fault whose moment never comes is told", () =>
    Effect.gen(function* () {
      const fault = ["--fault", "operator:crash-before=100000"];
      const ran = yield* nodeop("simulate", CANARY, ...fault);
      expect(ran.exitCode).toBe(0);
      const sentence =
        /operator:crash-before=100000: the operator made (\d+) calls; write K from 1 to \1$/mu;
      expect(ran.stdout).toMatch(new RegExp(`^Did not happen: ${sentence.source}`, "mu"));
      const asJson = yield* nodeop("simulate", CANARY, ...fault, "-o", "json");
      expect(decode(asJson.stdout).faultsMissed).toEqual([expect.stringMatching(sentence)]);
      expect(asJson.stderr).toMatch(sentence);
    }),
  );
});

const refusedFile = (text: string, ...sentences: ReadonlyArray<string>) =>
  withFile(text, (file) =>
    Effect.gen(function* () {
      const ran = yield* nodeop("simulate", file);
      expect(ran).toMatchObject({ exitCode: 1, stdout: "" });
      for (const sentence of sentences) expect(ran.stderr).toContain(`${file}${sentence}`);
      expect(ran.stderr.split("\n").length).toBe(sentences.length);
    }),
  );
const refusedFlags = (flags: ReadonlyArray<string>, ...sentences: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const ran = yield* nodeop("simulate", CANARY, ...flags);
    expect(ran).toMatchObject({ exitCode: 1, stdout: "" });
    for (const sentence of sentences) expect(ran.stderr).toContain(sentence);
  });

const refusedFileTwice = (text: string) =>
  withFile(text, (file) =>
    Effect.gen(function* () {
      const ran = yield* nodeop("simulate", file);
      expect(ran).toMatchObject({ exitCode: 1, stdout: "" });
      expect(ran.stderr).toBe(
        `${file}:6: NodeOpUpgrade default/x: is given twice, first at ${file}:1; give each object a name of its own`,
      );
    }),
  );

describe("bad input is refused with a sentence, exit 1, and nothing half-run", () => {
  it.live("missing image", () =>
    refusedFile(
      upgrade("{}"),
      ": NodeOpUpgrade default/x: spec.image: is required; name the container image with the new Kairos version",
    ),
  );
  it.live("every error of a file at once", () =>
    refusedFile(
      `${upgrade('{image: "", concurrency: -1, stopOnFailure: 3}')}---\n${upgrade("{image: [a]}", "y")}`,
      ": NodeOpUpgrade default/x: spec.image: must not be empty",
      ": NodeOpUpgrade default/x: spec.concurrency: must be 0 or more, is -1",
      ": NodeOpUpgrade default/x: spec.stopOnFailure: must be true or false",
      ": NodeOpUpgrade default/y: spec.image: must be",
    ),
  );
  it.live("malformed selector", () =>
    refusedFile(
      upgrade(`{image: ${IMAGE}, nodeSelector: {matchExpressions: [{key: a, operator: Near}]}}`),
      ': NodeOpUpgrade default/x: spec.nodeSelector.matchExpressions[0].operator: must be one of In, NotIn, Exists, DoesNotExist, is "Near"',
    ),
  );
  it.live("neither partition selected", () =>
    refusedFile(
      upgrade(`{image: ${IMAGE}, upgradeActive: false}`),
      ": NodeOpUpgrade default/x: spec: select at least one partition",
    ),
  );
  it.live("unknown kind", () =>
    refusedFile(
      "apiVersion: v1\nkind: Service\nmetadata: {name: p}\n",
      ':1: kind: "Service" cannot be simulated',
    ),
  );
  it.live("unknown version", () =>
    refusedFile(
      upgrade(`{image: ${IMAGE}}`).replace("v1alpha1", "v9"),
      ':1: NodeOpUpgrade: apiVersion: "operator.kairos.io/v9" is not known; write operator.kairos.io/v1alpha1',
    ),
  );
  it.live("broken YAML, with line and column", () =>
    refusedFile("kind: [a\n", ":2:1: not YAML: a { or [ is not closed"),
  );
  it.live("an empty file", () => refusedFile("", ": no NodeOpUpgrade or NodeOp to simulate"));
  it.live("a file that is not there", () =>
    Effect.gen(function* () {
      const ran = yield* nodeop("simulate", "no/such.yaml");
      expect(ran).toMatchObject({ exitCode: 1, stdout: "" });
      expect(ran.stderr).toBe("no/such.yaml: cannot be read: there is no such file");
    }),
  );
  it.live("the same object twice", () =>
    refusedFileTwice(`${upgrade(`{image: ${IMAGE}}`)}---\n${upgrade(`{image: ${IMAGE}}`)}`),
  );
  it.live("no nodes", () =>
    refusedFlags(["--nodes", "0+0"], "--nodes 0+0: there is nothing to upgrade"),
  );
  it.live("nodes that are not numbers", () =>
    refusedFlags(["--nodes", "many"], "--nodes many: not two numbers; write"),
  );
  it.live("all flags and faults at once", () =>
    refusedFlags(
      [
        "--upgrade",
        "soon",
        "--fault",
        "worker-9:script-fails",
        "--fault",
        "worker-1:nonsense",
        "--fault",
        "cp-1",
      ],
      '--upgrade: "soon" is not a duration',
      "there is no node worker-9; there are cp-1, worker-1, worker-2, worker-3",
      '--fault worker-1:nonsense: unknown kind "nonsense"',
      "--fault cp-1: not of the form TARGET:KIND",
    ),
  );
  it.live("a directory", () =>
    Effect.gen(function* () {
      const ran = yield* nodeop("simulate", "examples");
      expect(ran).toMatchObject({ exitCode: 1, stdout: "" });
      expect(ran.stderr).toMatch(/^examples: cannot be read: it is a directory; name the files/u);
    }),
  );
  it.live.each([
    {
      flags: "--nodes 1+-1",
      sentence: "--nodes 1+-1: not two numbers; write control planes + workers",
    },
    {
      flags: "--nodes 99999999+1",
      sentence: "--nodes 99999999+1: at most 20000 nodes can be simulated",
    },
    { flags: "--seed x", sentence: "--seed x: not a whole number; write one, as in --seed 7" },
    { flags: "--seed 1.5", sentence: "--seed 1.5: not a whole number" },
    {
      flags: "--seed 99999999999999999999",
      sentence: "--seed 99999999999999999999: not a whole number",
    },
    { flags: "--seed 1 --seed 2", sentence: "--seed: is given more than once; write it once" },
    { flags: "--upgrade 0s", sentence: '--upgrade: "0s" is no time at all; write one like 90s' },
    { flags: "--upgrade=-1m", sentence: '--upgrade: "-1m" is not a duration; write one like 90s' },
    {
      flags: "--upgrade -1m",
      sentence: "--upgrade: its value is missing; write --upgrade DURATION, or --upgrade=…",
    },
    {
      flags: "--upgrade 999999999h",
      sentence: '--upgrade: "999999999h" is too long; write at most 720h',
    },
    {
      flags: "--fault cp-1:slow-reboot=0s",
      sentence: '--fault cp-1:slow-reboot=0s: "0s" is no time at all',
    },
    {
      flags: "--fault garbage",
      sentence: "--fault garbage: not of the form TARGET:KIND; write one like",
    },
    {
      flags: "--fault cp-1:power-los@3",
      sentence: 'unknown kind "power-los"; did you mean power-loss?',
    },
    { flags: "--output yaml", sentence: "--output yaml: write text or json" },
    { flags: "--fualt a:b", sentence: "--fualt: there is no such flag; did you mean --fault?" },
  ])("$flags", ({ flags, sentence }) =>
    Effect.gen(function* () {
      const ran = yield* nodeop("simulate", CANARY, ...flags.split(" "));
      expect(ran).toMatchObject({ exitCode: 1, stdout: "" });
      const lines = ran.stderr.split("\n").filter((line) => !line.startsWith("See: "));
      expect(lines).toEqual([expect.stringContaining(sentence)]);
    }),
  );
  it.live.each([
    { line: "manifests --replicas 1.5", sentence: "--replicas 1.5: write a whole number" },
    { line: "manifests --replicas x", sentence: "--replicas x: write a whole number" },
    {
      line: "node-labeler --every -1",
      sentence: "--every -1: write a whole number of seconds from 1 to 86400",
    },
  ])("$line", ({ line, sentence }) =>
    Effect.gen(function* () {
      const [command = "", ...flags] = line.split(" ");
      const ran = yield* nodeop(command, ...flags);
      expect(ran).toMatchObject({ exitCode: 1, stdout: "" });
      expect(ran.stderr).toBe(`${sentence}\nSee: nodeop ${command} --help`);
    }),
  );
  it.live("no file, unknown output, unknown command: one sentence and where to look", () =>
    Effect.gen(function* () {
      const noFile = yield* nodeop("simulate");
      expect(noFile).toMatchObject({ exitCode: 1, stdout: "" });
      expect(noFile.stderr).toContain(
        "FILE is missing; name at least one, as in examples/canary.yaml\nSee: nodeop simulate --help",
      );
      const output = yield* nodeop("simulate", CANARY, "-o", "xml");
      expect(output).toMatchObject({ exitCode: 1, stdout: "" });
      const command = yield* nodeop("upgrade");
      expect(command).toMatchObject({ exitCode: 1, stdout: "" });
    }),
  );
});

describe("help and version", () => {
  it.live("every command has --help on stdout", () =>
    Effect.gen(function* () {
      for (const args of [["--help"], ["simulate", "--help"]]) {
        const ran = yield* nodeop(...args);
        expect(ran.exitCode).toBe(0);
        expect(ran.stdout).toContain("USAGE");
      }
    }),
  );
  it.live("the help of simulate explains every kind of fault, and the exit codes", () =>
    Effect.gen(function* () {
      const { stdout } = yield* nodeop("simulate", "--help");
      const words = stdout.replaceAll(/ +/gu, " ");
      for (const [form, meaning] of FAULT_FORMS)
        expect(words).toContain(` ${form} ${meaning}
`);
      expect(stdout).toContain("Exit codes: 0 all is done, 1 bad input, 2 the rollout did not");
    }),
  );
  it.live("the version is the package's", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem;
      const manifest: unknown = JSON.parse(yield* fs.readFileString("package.json"));
      expect(manifest).toMatchObject({ version: VERSION });
      expect((yield* nodeop("--version")).stdout).toContain(VERSION);
    }).pipe(Effect.provide(NodeServices.layer)),
  );
});
