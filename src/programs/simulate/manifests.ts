/** Manifests as people write them: YAML with several documents, each a NodeOpUpgrade, a NodeOp or a Node. */
import { Result } from "effect";
import { LineCounter, parseAllDocuments } from "yaml";
import { decodeNodeOp, decodeNodeOpUpgrade } from "../../domain/api/decode.ts";
import type { ApiProblems } from "../../domain/api/problems.ts";
import type { NewKubeObject } from "../../domain/kube/object.ts";
import { API_GROUP, API_VERSION } from "../../domain/kube/resource.ts";

/** The objects of one or several files. */
export interface Manifests {
  readonly operations: ReadonlyArray<NewKubeObject>;
  readonly nodes: ReadonlyArray<NewKubeObject>;
}

export interface ManifestFile {
  readonly path: string;
  readonly text: string;
}

/** Reads files; the failure lists every problem of all of them, each naming file, object and path. */
export const readManifests = (
  files: ReadonlyArray<ManifestFile>,
): Result.Result<Manifests, ReadonlyArray<string>> => {
  const problems: Array<string> = [];
  const operations: Array<NewKubeObject> = [];
  const nodes: Array<NewKubeObject> = [];
  for (const file of files)
    for (const document of documentsOf(file, problems)) {
      const object = asObject(file, document, problems);
      if (object === undefined) continue;
      problems.push(...problemsOf(object).map((problem) => `${file.path}: ${problem}`));
      if (object.kind === "Node") nodes.push(object);
      else operations.push(withNamespace(object));
    }
  problems.push(...repetitions([...operations, ...nodes]));
  if (problems.length === 0 && operations.length === 0)
    problems.push(
      `${files.map(({ path }) => path).join(", ")}: no NodeOpUpgrade or NodeOp to simulate`,
    );
  return problems.length === 0 ? Result.succeed({ operations, nodes }) : Result.fail(problems);
};

/** A document, and the line that it starts in. */
interface Document {
  readonly value: unknown;
  readonly line: number;
}

const documentsOf = (file: ManifestFile, problems: Array<string>): ReadonlyArray<Document> => {
  const lineCounter = new LineCounter();
  const parsed = parseAllDocuments(file.text, { lineCounter, prettyErrors: false, strict: true });
  if ("empty" in parsed) return [];
  return parsed.flatMap((document) => {
    for (const error of document.errors) {
      const { line, col } = lineCounter.linePos(error.pos[0]);
      problems.push(`${file.path}:${line}:${col}: not YAML: ${error.message}`);
    }
    if (document.errors.length > 0) return [];
    // Aliases are expanded up to a bound, so that a small file cannot become a huge object.
    const value: unknown = Result.getOrElse(
      Result.try(() => document.toJS({ maxAliasCount: 100 }) as unknown),
      (error) => {
        problems.push(`${file.path}: not YAML: ${String(error)}`);
        return undefined;
      },
    );
    const start = document.contents?.range?.[0] ?? 0;
    return value === undefined || value === null
      ? []
      : itemsOf({ value, line: lineCounter.linePos(start).line });
  });
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A `List`, as `kubectl get -o yaml` prints it, stands for its items. */
const itemsOf = (document: Document): ReadonlyArray<Document> => {
  const { value, line } = document;
  if (!isRecord(value) || value["kind"] !== "List" || !Array.isArray(value["items"]))
    return [document];
  return value["items"].map((item: unknown) => ({ value: item, line }));
};

const KINDS: Readonly<Record<string, string>> = {
  Node: "v1",
  NodeOp: `${API_GROUP}/${API_VERSION}`,
  NodeOpUpgrade: `${API_GROUP}/${API_VERSION}`,
};

const asObject = (
  file: ManifestFile,
  { value, line }: Document,
  problems: Array<string>,
): NewKubeObject | undefined => {
  const at = `${file.path}:${line}`;
  if (!isRecord(value)) {
    problems.push(`${at}: not a Kubernetes object; write apiVersion, kind, metadata and spec`);
    return undefined;
  }
  const { apiVersion, kind, metadata } = value;
  if (typeof kind !== "string" || KINDS[kind] === undefined) {
    problems.push(
      `${at}: kind: ${kind === undefined ? "is missing" : `${JSON.stringify(kind)} cannot be simulated`}; write NodeOpUpgrade, NodeOp or Node`,
    );
    return undefined;
  }
  if (apiVersion !== KINDS[kind]) {
    problems.push(
      `${at}: ${kind}: apiVersion: ${apiVersion === undefined ? "is missing" : `${JSON.stringify(apiVersion)} is not known`}; write ${KINDS[kind]}`,
    );
    return undefined;
  }
  if (!isRecord(metadata) || typeof metadata["name"] !== "string" || metadata["name"] === "") {
    problems.push(`${at}: ${kind}: metadata.name: is required; give the object a name`);
    return undefined;
  }
  return { ...value, apiVersion, kind, metadata };
};

const withNamespace = (object: NewKubeObject): NewKubeObject => ({
  ...object,
  metadata: { ...object.metadata, namespace: object.metadata.namespace ?? "default" },
});

/** What the API server fills in, so that the decoder of stored objects can look at one that was not stored yet. */
const asStored = (object: NewKubeObject) => ({
  ...withNamespace(object),
  metadata: {
    uid: "",
    resourceVersion: "0",
    creationTimestamp: "1970-01-01T00:00:00Z",
    ...withNamespace(object).metadata,
  },
});

const problemsOf = (object: NewKubeObject): ReadonlyArray<string> => {
  if (object.kind === "Node") return [];
  const decoded: Result.Result<unknown, ApiProblems> =
    object.kind === "NodeOp"
      ? decodeNodeOp(asStored(object))
      : decodeNodeOpUpgrade(asStored(object));
  return Result.match(decoded, { onSuccess: () => [], onFailure: ({ problems }) => problems });
};

const repetitions = (objects: ReadonlyArray<NewKubeObject>): ReadonlyArray<string> => {
  const seen = new Set<string>();
  return objects.flatMap(({ kind, metadata }) => {
    const name = `${kind} ${metadata.namespace === undefined ? "" : `${metadata.namespace}/`}${metadata.name}`;
    const isRepeated = seen.has(name);
    seen.add(name);
    return isRepeated ? [`${name}: is given twice; give each object a name of its own`] : [];
  });
};
