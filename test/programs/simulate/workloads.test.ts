/** Ordinary workloads that a file brings run in the simulated cluster before the operation comes; bad ones are refused. */
import { describe, expect, it } from "@effect/vitest";
import { Effect, Result } from "effect";
import { PodDisruptionBudgets, Pods } from "../../../src/domain/kube/resource.ts";
import { readManifests } from "../../../src/programs/simulate/manifests.ts";
import { runSimulation, START_MILLIS } from "../../../src/programs/simulate/simulation.ts";
import { simulate } from "../../support/simulations.ts";

const OPERATION =
  'apiVersion: operator.kairos.io/v1alpha1\nkind: NodeOp\nmetadata: {name: op}\nspec: {command: [sh, -c, "true"], cordon: true, rebootOnSuccess: true}\n';
const template = `template: {metadata: {labels: {app: web}}, spec: {serviceAccountName: web, containers: [{name: web, image: "nginx:1"}]}}`;
const selector = "selector: {matchLabels: {app: web}}";
const set = (kind: string, spec = `{replicas: 4, ${selector}, ${template}}`) =>
  `---\napiVersion: apps/v1\nkind: ${kind}\nmetadata: {name: web, namespace: shop}\nspec: ${spec}\n`;
const budget = (spec: string) =>
  `---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web, namespace: shop}\nspec: {${selector}, ${spec}}\n`;
const pod = (spec: string, metadata = "{name: p}") =>
  `---\napiVersion: v1\nkind: Pod\nmetadata: ${metadata}\nspec: ${spec}\n`;
const NAMESPACE = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n";

const read = (...workloads: ReadonlyArray<string>) =>
  readManifests([{ path: "app.yaml", text: OPERATION + workloads.join("") }]);
const manifests = (...workloads: ReadonlyArray<string>) => Result.getOrThrow(read(...workloads));

/** What is said about files that are refused when they are read, or when the cluster has had its time. */
const problems = (...workloads: ReadonlyArray<string>): ReadonlyArray<string> =>
  Result.match(read(...workloads), {
    onFailure: (sentences) => sentences,
    onSuccess: (given) =>
      Effect.runSync(
        Effect.match(runSimulation({ manifests: given }), {
          onSuccess: (): ReadonlyArray<string> => [],
          onFailure: (refused) => refused.problems,
        }),
      ),
  });

describe("workloads", () => {
  it.each(["Deployment", "ReplicaSet", "StatefulSet"])(
    "the Pods of a %s run before the operation is there, and its budget is counted",
    (kind) => {
      const given = manifests(NAMESPACE, set(kind), budget("maxUnavailable: 1"));
      const { history, result } = simulate({ manifests: given });
      expect(result).toMatchObject({ phase: "Completed", violations: [] });
      expect(history[0]).toMatchObject({ at: START_MILLIS, name: "op" });
      const touched = history.filter(({ resource }) => resource.kind === "Pod");
      const own = touched.filter(({ namespace }) => namespace === "shop");
      // The operation reboots all nodes: each Pod is told of as not ready, and as ready again.
      expect(new Set(own.map(({ name }) => name)).size).toBe(4);
      expect(own[0]?.before?.["status"]).toMatchObject({ phase: "Running" });
      const budgets = history.filter(
        ({ resource }) => resource.plural === PodDisruptionBudgets.plural,
      );
      expect(budgets[0]?.before?.["status"]).toMatchObject({
        currentHealthy: 4,
        desiredHealthy: 3,
        disruptionsAllowed: 1,
      });
    },
  );

  it("the same seed gives the same history", () => {
    const given = manifests(set("ReplicaSet"), budget("minAvailable: 50%"));
    const once = simulate({ manifests: given });
    expect(simulate({ manifests: given }).history).toEqual(once.history);
  });

  it("a single Pod runs where it is to", () => {
    const given = manifests(pod("{nodeName: worker-1, containers: [{name: c, image: i}]}"));
    const own = simulate({ manifests: given }).history.find(
      ({ name, resource }) => name === "p" && resource.plural === Pods.plural,
    );
    expect(own?.before?.["spec"]).toMatchObject({ nodeName: "worker-1" });
    expect(own?.before?.["status"]).toMatchObject({ phase: "Running" });
  });
});

const quota = (spec: string) =>
  `---\napiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q}\nspec: ${spec}\n`;
const claim = (spec: string): string =>
  `---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: ${spec}\n`;

describe("what cannot run is refused with file, object and reason", () => {
  it.each([
    [
      "a count that is none",
      set("Deployment", `{replicas: "4", ${selector}, ${template}}`),
      'Deployment shop/web: spec.replicas: must be an integer, is "4"',
    ],
    [
      "no selector",
      set("StatefulSet", `{${template}}`),
      "StatefulSet shop/web: spec.selector: is required",
    ],
    [
      "a container without an image",
      pod("{containers: [{name: c}]}"),
      "Pod default/p: spec.containers[0].image: is required",
    ],
    [
      "a selector of other Pods",
      set("Deployment", `{selector: {matchLabels: {app: x}}, ${template}}`),
      'Deployment shop/web: spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ],
    [
      "a budget of half",
      budget("minAvailable: half"),
      "PodDisruptionBudget shop/web: spec.minAvailable: Invalid value: \"half\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
    ],
    [
      "a Pod of a ReplicaSet",
      pod(
        "{containers: [{name: c, image: i}]}",
        "{name: p, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web, uid: u}]}",
      ),
      "Pod default/p: metadata.ownerReferences: is the ReplicaSet web, which makes its Pods itself; give it instead",
    ],
    [
      "a ReplicaSet of a Deployment",
      set("ReplicaSet", `{${selector}, ${template}}`).replace(
        "metadata: {",
        "metadata: {ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: u}], ",
      ),
      "ReplicaSet shop/web: metadata.ownerReferences: is the Deployment web, which makes its ReplicaSets itself; give it instead",
    ],
    [
      "a quota for some Pods only",
      quota("{hard: {pods: 3}, scopes: [BestEffort]}"),
      "ResourceQuota default/q: spec.scopes: cannot be simulated; leave the quota out, or the field to have it limit all Pods",
    ],
    [
      "a quota of no amount",
      quota("{hard: {pods: many}}"),
      "ResourceQuota default/q: spec.hard[pods]: Invalid value: \"many\": quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    [
      "a namespace of a level that there is not",
      NAMESPACE.replace(
        "{name: shop}",
        "{name: shop, labels: {pod-security.kubernetes.io/enforce: strict}}",
      ),
      'Namespace shop: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted',
    ],
    [
      "a Pod that no node may run",
      pod("{nodeSelector: {disk: fast}, containers: [{name: c, image: i}]}"),
      "Pod default/p: does not run: 0/4 nodes are available: 4 node(s) didn't match Pod's node affinity/selector.",
    ],
    [
      "a namespace in a namespace",
      NAMESPACE.replace("{name: shop}", "{name: shop, namespace: x}"),
      "Namespace x/shop: metadata.namespace: a Namespace is in no namespace; leave it out",
    ],
    [
      "a claim without a volume",
      claim("{}"),
      "PersistentVolumeClaim default/data: spec.volumeName: is required",
    ],
    [
      "a claim of a volume that is not there",
      claim("{volumeName: pv-1}"),
      "PersistentVolumeClaim default/data: its PersistentVolume pv-1 is not there; give it, too",
    ],
    [
      "a volume in a namespace",
      "---\napiVersion: v1\nkind: PersistentVolume\nmetadata: {name: pv-1, namespace: x}\nspec: {}\n",
      "PersistentVolume x/pv-1: metadata.namespace: a PersistentVolume is in no namespace; leave it out",
    ],
    [
      "an attachment without a node",
      "---\napiVersion: storage.k8s.io/v1\nkind: VolumeAttachment\nmetadata: {name: a}\nspec: {attacher: x, source: {}}\n",
      "VolumeAttachment a: spec.nodeName: is required",
    ],
  ])("%s", (_, text, sentence) => expect(problems(text)).toEqual([`app.yaml: ${sentence}`]));
});
