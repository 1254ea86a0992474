/** Manifests as people write them: YAML with several documents, each a NodeOpUpgrade, a NodeOp, a Node or an ordinary workload. */
import { Result } from "effect";
import { crds } from "../../domain/api/crd.ts";
import { decodeNodeOp, decodeNodeOpUpgrade } from "../../domain/api/decode.ts";
import { type ApiProblems, formatProblem } from "../../domain/api/problems.ts";
import type { StructuralSchema } from "../../domain/api/structural.ts";
import { unknownFields } from "../../domain/api/unknownFields.ts";
import type { NewKubeObject } from "../../domain/kube/object.ts";
import { API_GROUP, API_VERSION } from "../../domain/kube/resource.ts";
import { asWritten, IN_NO_NAMESPACE, metadataProblems } from "./metadataProblems.ts";
import { didYouMean, didYouMeanOneOf } from "./nearest.ts";
import { nodeProblems } from "./nodeManifest.ts";
import { objectName } from "./operations.ts";
import { WORKLOAD_KINDS, workloadProblems } from "./workloadManifest.ts";
import { type ManifestFile, type YamlValue, yamlDocuments } from "./yamlDocuments.ts";

/** The objects of one or several files. */
export interface Manifests {
  /** NodeOpUpgrades and NodeOps, in the order of the files. */
  readonly operations: ReadonlyArray<NewKubeObject>;
  /** The Nodes of the cluster; none: nodes are made up. */
  readonly nodes: ReadonlyArray<NewKubeObject>;
  /** What else is in the cluster: ReplicaSets, StatefulSets, Deployments, Pods, their budgets, quotas and namespaces. */
  readonly workloads?: ReadonlyArray<NewKubeObject>;
  /** The file that each object is from, by `objectName`, for sentences about it. */
  readonly files?: Readonly<Record<string, string>>;
}

/** An object and where it was found. */
interface Found {
  readonly object: NewKubeObject;
  readonly file: string;
  readonly line: number;
}

/** Reads files; the failure lists every problem of all of them, each naming file, object and path. */
export const readManifests = (
  files: ReadonlyArray<ManifestFile>,
): Result.Result<Manifests, ReadonlyArray<string>> => {
  const problems: Array<string> = [];
  const found: Array<Found> = [];
  const schemas = specSchemas();
  for (const file of files) {
    const { values, problems: inYaml } = yamlDocuments(file);
    problems.push(...inYaml);
    for (const value of values) {
      const object = asObject(file, value);
      if (typeof object === "string") problems.push(object);
      else {
        found.push({ object, file: file.path, line: value.line });
        problems.push(...problemsOf(object, schemas).map((problem) => `${file.path}: ${problem}`));
      }
    }
  }
  problems.push(...repetitions(found));
  const objects = found.map(({ object }) => object);
  const operations = objects.filter(({ kind }) => OPERATIONS.has(kind));
  const workloads = objects.filter(({ kind }) => Object.hasOwn(WORKLOAD_KINDS, kind));
  if (problems.length === 0 && operations.length === 0)
    problems.push(
      `${files.map(({ path }) => path).join(", ")}: no NodeOpUpgrade or NodeOp to simulate`,
    );
  if (problems.length > 0) return Result.fail(problems);
  return Result.succeed({
    operations,
    nodes: objects.filter(({ kind }) => kind === "Node"),
    ...(workloads.length === 0 ? {} : { workloads }),
    files: Object.fromEntries(found.map(({ object, file }) => [objectName(object), file])),
  });
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const KINDS: Readonly<Record<string, string>> = {
  Node: "v1",
  NodeOp: `${API_GROUP}/${API_VERSION}`,
  NodeOpUpgrade: `${API_GROUP}/${API_VERSION}`,
  ...WORKLOAD_KINDS,
};
const OPERATIONS: ReadonlySet<string> = new Set(["NodeOp", "NodeOpUpgrade"]);
const WANTED = `write NodeOpUpgrade, NodeOp or Node, or for what else runs there ${Object.keys(WORKLOAD_KINDS).join(", ")}`;

const quoted = (value: unknown): string =>
  Array.isArray(value)
    ? "a list"
    : typeof value === "object" && value !== null
      ? "an object"
      : JSON.stringify(value);

/** The value as an object of a kind that can be simulated, or a sentence that says why it is none. */
const asObject = ({ path }: ManifestFile, { value, line }: YamlValue): NewKubeObject | string => {
  const at = `${path}:${line}`;
  if (!isRecord(value))
    return `${at}: not a Kubernetes object; write apiVersion, kind, metadata and spec`;
  const { apiVersion, kind, metadata } = value;
  if (kind === "List") return `${at}: List: items: must be a list of objects`;
  if (typeof kind !== "string" || !Object.hasOwn(KINDS, kind)) {
    const what = kind === undefined ? "is missing" : `${quoted(kind)} cannot be simulated`;
    const meant = typeof kind === "string" ? didYouMean(kind, Object.keys(KINDS)) : "";
    return `${at}: kind: ${what}${meant === "" ? `; ${WANTED}` : meant}`;
  }
  if (apiVersion !== KINDS[kind])
    return `${at}: ${kind}: apiVersion: ${apiVersion === undefined ? "is missing" : `${quoted(apiVersion)} is not known`}; write ${KINDS[kind]}`;
  if (metadata !== undefined && !isRecord(metadata))
    return `${at}: ${kind}: metadata: must be an object with a name`;
  const name = metadata?.["name"];
  if (name === undefined || name === null || name === "") {
    const generated =
      metadata?.["generateName"] === undefined
        ? ""
        : "; kubectl apply takes no generateName either";
    return `${at}: ${kind}: metadata.name: is required; give the object a name${generated}`;
  }
  if (typeof name !== "string")
    return `${at}: ${kind}: metadata.name: must be a string, is ${quoted(name)}${typeof name === "object" ? "" : "; put it in quotes"}`;
  return withNamespace({
    ...value,
    apiVersion: KINDS[kind]!,
    kind,
    metadata: asWritten(metadata ?? {}),
  });
};

/** What `kubectl apply` would send: in namespace `default` where none is given, without the status, which is the operator's. */
const withNamespace = (object: NewKubeObject): NewKubeObject => {
  if (IN_NO_NAMESPACE.has(object.kind)) return object;
  const { status: _, metadata, ...rest } = object;
  const { apiVersion, kind } = object;
  const namespace = metadata.namespace ?? "default";
  return { ...rest, apiVersion, kind, metadata: { ...metadata, namespace } };
};

type Schemas = ReadonlyMap<string, StructuralSchema>;

/** The schemas of the two kinds, as `kubectl explain` knows them. */
const specSchemas = (): Schemas =>
  new Map(
    crds().flatMap(({ spec }) =>
      spec.versions.map(({ schema }) => [spec.names.kind, schema.openAPIV3Schema] as const),
    ),
  );

/** What the API server fills in, so that the decoder of stored objects can look at one that was not stored yet. */
const asStored = (object: NewKubeObject) => ({
  ...object,
  metadata: {
    uid: "",
    resourceVersion: "0",
    creationTimestamp: "1970-01-01T00:00:00Z",
    ...object.metadata,
  },
});

/** Everything that is wrong with one object, in sentences that begin with its name. */
const problemsOf = (object: NewKubeObject, schemas: Schemas): ReadonlyArray<string> => {
  const name = objectName(object);
  const inMetadata = metadataProblems(object).map((problem) => formatProblem(name, problem));
  if (object.kind === "Node")
    return [...inMetadata, ...nodeProblems(object).map((problem) => formatProblem(name, problem))];
  if (Object.hasOwn(WORKLOAD_KINDS, object.kind))
    return [
      ...inMetadata,
      ...workloadProblems(object).map((problem) => formatProblem(name, problem)),
    ];
  const decoded: Result.Result<unknown, ApiProblems> =
    object.kind === "NodeOp"
      ? decodeNodeOp(asStored(object))
      : decodeNodeOpUpgrade(asStored(object));
  const { metadata: _, ...rest } = object;
  const unknown = unknownFields(schemas.get(object.kind) ?? {}, rest).map((field) =>
    formatProblem(name, {
      path: field.path,
      sentence: `is not a known field${didYouMeanOneOf(field.name, field.known)}`,
    }),
  );
  return [
    ...inMetadata,
    ...Result.match(decoded, { onSuccess: () => [], onFailure: ({ problems }) => problems }),
    ...unknown,
  ];
};

const repetitions = (found: ReadonlyArray<Found>): ReadonlyArray<string> => {
  const seen = new Map<string, Found>();
  return found.flatMap((again) => {
    const name = objectName(again.object);
    const first = seen.get(name);
    if (first !== undefined)
      return [
        `${again.file}:${again.line}: ${name}: is given twice, first at ${first.file}:${first.line}; give each object a name of its own`,
      ];
    seen.set(name, again);
    return [];
  });
};
