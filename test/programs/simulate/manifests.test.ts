/** What is said about files that cannot be simulated: one sentence each, with file, object, path and what to write. */
import { describe, expect, it } from "@effect/vitest";
import { Effect, Result } from "effect";
import { readManifests } from "../../../src/programs/simulate/manifests.ts";
import { runSimulation } from "../../../src/programs/simulate/simulation.ts";

const IMAGE = "quay.io/kairos/opensuse:leap-15.6-standard-amd64-generic-v3.4.2-k3sv1.30.11-k3s1";

const problems = (...texts: ReadonlyArray<string>): ReadonlyArray<string> => {
  const files = texts.map((text, index) => ({ path: `${index + 1}.yaml`, text }));
  return Result.match(readManifests(files), {
    onSuccess: (): ReadonlyArray<string> => [],
    onFailure: (sentences) => sentences,
  });
};

const upgrade = (metadata: string, spec = `{image: "${IMAGE}"}`, rest = "") =>
  `apiVersion: operator.kairos.io/v1alpha1\nkind: NodeOpUpgrade\nmetadata: ${metadata}\nspec: ${spec}\n${rest}`;
const node = (metadata: string, rest = "") =>
  `${upgrade("{name: x}")}---\napiVersion: v1\nkind: Node\nmetadata: ${metadata}\n${rest}`;

describe("YAML that cannot be read is answered with line, column and what to do", () => {
  const bomb = ["a: &a [x,x,x,x,x,x,x,x,x]", "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]"];
  const bigger = [...bomb, "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]", "d: [*c,*c,*c,*c,*c,*c,*c,*c]"];
  it.each([
    ["a tab", "kind: A\nspec:\n\timage: x\n", ":3:1: not YAML: tabs are not allowed"],
    ["a key twice", "a: 1\na: 2\n", ":2:1: not YAML: the key is given twice in one object"],
    ["indentation", "a:\n  b: 1\n c: 2\n", ":3:1: not YAML: the indentation fits no line above"],
    ["a second colon", "a: b: c\n", ':1:4: not YAML: a second ": " in one line'],
    ["an open brace", "a: {b: 1\n", ":2:1: not YAML: a { or [ is not closed"],
    ["an open quote", "a: 'x\n", ":2:1: not YAML: a single quote (') is not closed"],
    ["a reserved character", "a: @x\n", ":1:4: not YAML: plain value cannot start with"],
    ["an unknown tag", "a: !!foo b\n", ":1:4: not YAML: unresolved tag"],
    ["an alias of nothing", "a: *x\n", ":1:4: not YAML: *x stands for nothing"],
    ["an alias of itself", "a: &a [*a]\n", ":1:8: not YAML: *a is part of what it stands for"],
    ["an alias bomb", bigger.join("\n"), ":2:8: not YAML: aliases repeat more than can be meant"],
    ["bottomless nesting", `a: ${"[".repeat(100_000)}`, ": not YAML: it is nested too deeply"],
    ["a binary file", "\u007fELF\u0000\u0001", ": is not text in UTF-8; name a YAML file"],
    ["bytes that are no UTF-8", "a: \uFFFD", ": is not text in UTF-8; name a YAML file"],
    ["plain text", "hello\n", ":1: not a Kubernetes object; write apiVersion, kind"],
    ["a list", "- a\n", ":1: not a Kubernetes object; write apiVersion, kind"],
    [
      "a List of nothing",
      "apiVersion: v1\nkind: List\nitems: 3\n",
      ":1: List: items: must be a list",
    ],
  ])("%s", (_, text, sentence) => {
    const [only, ...others] = problems(text);
    expect(others).toEqual([]);
    expect(only).toMatch(/^1\.yaml:/u);
    expect(only).toContain(sentence);
  });

  it("an item of a List is named by its own line", () => {
    const list = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n- 3\n";
    expect(problems(list)).toEqual([
      '1.yaml:4: kind: "Service" cannot be simulated; write NodeOpUpgrade, NodeOp or Node, or for what else runs there Deployment, ReplicaSet, StatefulSet, Pod, PodDisruptionBudget, ResourceQuota, Namespace, PersistentVolume, PersistentVolumeClaim, VolumeAttachment',
      "1.yaml:6: not a Kubernetes object; write apiVersion, kind, metadata and spec",
    ]);
  });

  it.each(["", "---\n", "---\n---\n# nothing\n"])("%j holds nothing to simulate", (text) =>
    expect(problems(text)).toEqual(["1.yaml: no NodeOpUpgrade or NodeOp to simulate"]),
  );

  it("empty documents between others are passed over, and merge keys are merged", () => {
    const merged = upgrade("{name: x}", `{<<: *careful, image: "${IMAGE}"}`);
    const text = `---\n---\n${upgrade("{name: y, labels: &careful {}}")}---\n`;
    expect(problems(text)).toEqual([]);
    expect(problems(merged.replace("{name: x}", "{name: x, labels: &careful {}}"))).toEqual([]);
  });
});

describe("unknown fields are refused, as kubectl does", () => {
  it("a misspelt field is named with the field that was meant", () =>
    expect(
      problems(
        upgrade(
          "{name: x, labls: {}}",
          `{image: "${IMAGE}", concurency: 1, imagePullSecrets: [{nam: a}]}`,
          "spek: 3\n",
        ),
      ),
    ).toEqual([
      "1.yaml: NodeOpUpgrade default/x: metadata.labls: is not a known field; did you mean labels?",
      "1.yaml: NodeOpUpgrade default/x: spec.concurency: is not a known field; did you mean concurrency?",
      "1.yaml: NodeOpUpgrade default/x: spec.imagePullSecrets[0].nam: is not a known field; did you mean name?",
      "1.yaml: NodeOpUpgrade default/x: spek: is not a known field; did you mean spec?",
    ]));

  it("where none is near, the few that there are are listed", () =>
    expect(problems(upgrade("{name: x}", `{image: "${IMAGE}", nodeSelector: {foo: 1}}`))).toEqual([
      "1.yaml: NodeOpUpgrade default/x: spec.nodeSelector.foo: is not a known field; write one of matchLabels, matchExpressions",
    ]));

  it("what the API server and the operator write is passed over", () =>
    expect(
      problems(
        upgrade(
          '{name: x, uid: a, resourceVersion: "3", generation: 2, creationTimestamp: "2026-01-01T00:00:00Z", managedFields: []}',
          undefined,
          "status: {phase: Nonsense, unheardOf: 1}\n",
        ),
      ),
    ).toEqual([]));
});

describe("metadata is held to the API server's rules", () => {
  it.each([
    ["{name: Bad_Name}", "metadata.name: a lowercase RFC 1123 subdomain must consist of"],
    [`{name: ${"a".repeat(254)}}`, "metadata.name: must be no more than 253 characters"],
    ["{name: x, namespace: Ops}", "metadata.namespace: a lowercase RFC 1123 label must"],
    ["{name: x, namespace: 3}", "metadata.namespace: must be a string, is 3"],
    ['{name: x, labels: {"a b": c}}', 'metadata.labels["a b"]: name part must consist of'],
    ["{name: x, labels: {a: b c}}", "metadata.labels.a: a valid label must be an empty string"],
    ["{name: x, labels: {a: true}}", "metadata.labels.a: must be a string, is true"],
    ['{name: x, annotations: {"a b": c}}', 'metadata.annotations["a b"]: name part must'],
    ["{name: x, finalizers: 3}", "metadata.finalizers: must be a list, is 3"],
    ["{generateName: x-}", "metadata.name: is required; give the object a name; kubectl apply"],
    ["{name: 3}", "metadata.name: must be a string, is 3; put it in quotes"],
    ["3", "metadata: must be an object with a name"],
  ])("%s", (metadata, sentence) => {
    const [only, ...others] = problems(upgrade(metadata));
    expect(others).toEqual([]);
    expect(only).toContain(sentence);
    // Examples and regular expressions are left to the documentation of Kubernetes.
    expect(only).not.toContain("regex");
  });

  it("an object of an unknown kind or version is told which is meant", () => {
    expect(problems(upgrade("{name: x}").replace("NodeOpUpgrade", "NodeopUpgrade"))).toEqual([
      '1.yaml:1: kind: "NodeopUpgrade" cannot be simulated; did you mean NodeOpUpgrade?',
    ]);
    expect(problems(upgrade("{name: x}").replace("operator.kairos.io/", ""))).toEqual([
      '1.yaml:1: NodeOpUpgrade: apiVersion: "v1alpha1" is not known; write operator.kairos.io/v1alpha1',
    ]);
  });

  it("one object in two files is told with both places; in another namespace it is another", () => {
    expect(problems(upgrade("{name: x}"), `\n${upgrade("{name: x, namespace: default}")}`)).toEqual(
      [
        "2.yaml:2: NodeOpUpgrade default/x: is given twice, first at 1.yaml:1; give each object a name of its own",
      ],
    );
    expect(problems(upgrade("{name: x}"), upgrade("{name: x, namespace: ops}"))).toEqual([]);
  });
});

describe("Nodes of a file are checked", () => {
  it.each([
    ["{name: N_1}", "", "N_1: metadata.name: a lowercase RFC 1123 subdomain"],
    ["{name: n, namespace: a}", "", "metadata.namespace: a Node is in no namespace; leave it out"],
    ["{name: n, labels: {up: true}}", "", "metadata.labels.up: must be a string, is true"],
    ["{name: n}", "spec: {unschedulable: 'no'}", "spec.unschedulable: must be true or false"],
    [
      "{name: n}",
      "spec: {taints: [{key: a, effect: Never}]}",
      'spec.taints[0].effect: Unsupported value: "Never": supported values: "NoSchedule"',
    ],
    [
      "{name: n}",
      "status: {conditions: [{type: Ready, status: true}]}",
      "status.conditions[0].status: must be one of True, False, Unknown, is true",
    ],
  ])("%s %s", (metadata, rest, sentence) => {
    const [only, ...others] = problems(node(metadata, rest));
    expect(others).toEqual([]);
    expect(only).toContain(sentence);
    expect(only).toMatch(/^1\.yaml: Node /u);
  });

  it("all that is wrong in all files is told at once", () =>
    expect(
      problems("a: 'x", upgrade("{name: X}", "{concurrency: -1}"), node("{name: n, labls: {}}")),
    ).toHaveLength(5));
});

it("what only the API server refuses names file, object and why, and nothing is run", () => {
  const manifests = Result.getOrThrow(
    readManifests([{ path: "up.yaml", text: upgrade("{name: x}") }]),
  );
  const [operation] = manifests.operations;
  const refused = Effect.runSync(
    Effect.flip(
      runSimulation({
        manifests: { ...manifests, operations: [operation!, operation!] },
      }),
    ),
  );
  expect(refused.problems).toEqual([
    expect.stringMatching(
      /^up\.yaml: NodeOpUpgrade default\/x: the API server refuses it: .*exists/u,
    ),
  ]);
});
