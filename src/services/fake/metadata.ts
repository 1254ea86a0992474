/** `metadata` of incoming objects: which fields there are, of which types, and what they may hold (apimachinery ObjectMeta). */
import { Result } from "effect";
import type { ObjectMeta } from "../../domain/kube/object.ts";
import { duplicate, type FieldError, forbidden, invalid, required, tooLong } from "./fieldError.ts";
import {
  asArray,
  asObject,
  at,
  EMPTY,
  field,
  isComplete,
  isObject,
  isValid,
  type JsonObject,
  markComplete,
  markValid,
  own,
  sameJson,
  textOf,
} from "./json.ts";
import { labelValueProblems, type NameCheck, qualifiedNameProblems } from "./names.ts";

const ANNOTATIONS_BYTES_MAX = 256 * 1024;

/** Metadata on its way in: checked for types, everything optional. */
export type IncomingMeta = Partial<ObjectMeta>;

type Shape = "string" | "number" | "strings" | "list" | "owners";

const FIELDS: Readonly<Record<string, Shape>> = {
  name: "string",
  generateName: "string",
  namespace: "string",
  uid: "string",
  resourceVersion: "string",
  generation: "number",
  creationTimestamp: "string",
  deletionTimestamp: "string",
  deletionGracePeriodSeconds: "number",
  labels: "strings",
  annotations: "strings",
  ownerReferences: "owners",
  finalizers: "list",
};

const UNTRACKED: ReadonlySet<string> = new Set(["managedFields", "selfLink"]);

/** Whether ObjectMeta has a field of that name. */
export const isMetadataField = (name: string): boolean =>
  Object.hasOwn(FIELDS, name) || UNTRACKED.has(name);

/** What Go's decoder calls a JSON value of the wrong type. */
const goType = (value: unknown): string =>
  Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;

/** The type of the first value that is not of the shape; undefined when all are. */
const mismatch = (value: unknown, shape: Shape): { found: string; wanted: string } | undefined => {
  const found = goType(value);
  switch (shape) {
    case "string":
    case "number":
      return found === shape
        ? undefined
        : { found, wanted: shape === "string" ? "string" : "int64" };
    case "strings": {
      if (!isObject(value)) return { found, wanted: "map[string]string" };
      const wrong = Object.values(value).find((one) => typeof one !== "string" && one !== null);
      return wrong === undefined ? undefined : { found: goType(wrong), wanted: "string" };
    }
    case "list": {
      const wrong = asArray(value)?.find((one) => typeof one !== "string");
      if (!Array.isArray(value)) return { found, wanted: "[]string" };
      return wrong === undefined ? undefined : { found: goType(wrong), wanted: "string" };
    }
    case "owners": {
      const wrong = asArray(value)?.find((one) => !isObject(one));
      if (!Array.isArray(value)) return { found, wanted: "[]v1.OwnerReference" };
      return wrong === undefined
        ? undefined
        : { found: goType(wrong), wanted: "v1.OwnerReference" };
    }
  }
};

const isEmpty = (value: unknown): boolean =>
  value === null ||
  value === "" ||
  (Array.isArray(value) && value.length === 0) ||
  (isObject(value) && Object.keys(value).length === 0);

/** Stands for the form that ObjectMeta gives to metadata. */
const OBJECT_META = {};

/** Remembers that metadata has the right fields and types, because the server has made it. */
export const trustMetadata = (meta: object): void => {
  markComplete(meta, OBJECT_META);
};

/** Whether metadata has the right fields and types. */
export const isMeta = (value: unknown): value is JsonObject & IncomingMeta =>
  isObject(value) && isComplete(value, OBJECT_META);

/**
 * The metadata as Go's ObjectMeta would hold it: unknown fields dropped, empty ones absent, `managedFields` (which this
 * server does not track) too. Fails with the words of Go's decoder where a value has the wrong type.
 */
export const coerceMetadata = (
  value: unknown,
  custom: boolean,
): Result.Result<IncomingMeta, string> => {
  if (value === undefined || value === null) return Result.succeed(EMPTY);
  if (!isObject(value)) {
    return Result.fail(
      `json: cannot unmarshal ${goType(value)} into Go struct field .metadata of type v1.ObjectMeta`,
    );
  }
  if (isMeta(value)) return Result.succeed(value);
  const struct = custom ? "ObjectMeta" : "ObjectMeta.metadata";
  const result: Record<string, unknown> = {};
  for (const [name, shape] of Object.entries(FIELDS)) {
    const given = field(value, name);
    if (given === undefined || isEmpty(given)) continue;
    const wrong = mismatch(given, shape);
    if (wrong !== undefined) {
      return Result.fail(
        `json: cannot unmarshal ${wrong.found} into Go struct field ${struct}.${name} of type ${wrong.wanted}`,
      );
    }
    result[name] = given;
  }
  // Every field has the type that OBJECT_META stands for.
  trustMetadata(own(result));
  return isMeta(result) ? Result.succeed(result) : Result.fail("metadata is not owned");
};

const kindAndName = (owner: unknown): string =>
  `${textOf(at(owner, "kind"))}/${textOf(at(owner, "name"))}`;

const ownerErrors = (owners: ReadonlyArray<unknown>): ReadonlyArray<FieldError> => {
  const path = "metadata.ownerReferences";
  const errors: Array<FieldError> = [];
  for (const owner of owners) {
    const apiVersion = field(owner, "apiVersion");
    const version = typeof apiVersion === "string" ? (apiVersion.split("/").at(-1) ?? "") : "";
    if (version === "") {
      errors.push(invalid(`${path}.apiVersion`, apiVersion ?? "", "version must not be empty"));
    }
    for (const name of ["kind", "name", "uid"]) {
      const value = field(owner, name);
      if (typeof value !== "string" || value === "") {
        errors.push(invalid(`${path}.${name}`, value ?? "", "must not be empty"));
      }
    }
  }
  const [first, second] = owners.filter((owner) => field(owner, "controller") === true);
  if (second !== undefined) {
    errors.push(
      invalid(
        path,
        owners,
        `Only one reference can have Controller set to true. Found "true" in references for ${kindAndName(first)} and ${kindAndName(second)}`,
      ),
    );
  }
  return errors;
};

/** Labels anywhere: in metadata, in pod templates. */
export const labelErrors = (path: string, labels: unknown): ReadonlyArray<FieldError> =>
  Object.entries(asObject(labels)).flatMap(([key, value]) => [
    ...qualifiedNameProblems(key).map((why) => invalid(path, key, why)),
    ...labelValueProblems(textOf(value)).map((why) => invalid(path, value, why)),
  ]);

const STANDARD_FINALIZERS: ReadonlySet<string> = new Set([
  "orphan",
  "foregroundDeletion",
  "kubernetes",
]);

/** `qualified`: built-in kinds want a domain in front, custom resources only a qualified name. */
const finalizerErrors = (
  finalizers: ReadonlyArray<string>,
  qualified: boolean,
): ReadonlyArray<FieldError> => {
  const path = "metadata.finalizers";
  const errors = finalizers.flatMap((name, index) => {
    const problems = qualifiedNameProblems(name).map((why) => invalid(path, name, why));
    return problems.length === 0 &&
      qualified &&
      !name.includes("/") &&
      !STANDARD_FINALIZERS.has(name)
      ? [
          invalid(
            `${path}[${index}]`,
            name,
            "name is neither a standard finalizer name nor is it fully qualified",
          ),
        ]
      : problems;
  });
  return finalizers.includes("orphan") && finalizers.includes("foregroundDeletion")
    ? [
        ...errors,
        invalid(path, finalizers, "finalizer orphan and foregroundDeletion cannot be both set"),
      ]
    : errors;
};

const annotationErrors = (annotations: unknown): ReadonlyArray<FieldError> => {
  const path = "metadata.annotations";
  let bytes = 0;
  const errors: Array<FieldError> = [];
  for (const [key, value] of Object.entries(asObject(annotations))) {
    for (const why of qualifiedNameProblems(key.toLowerCase())) {
      errors.push(invalid(path, key, why));
    }
    bytes += Buffer.byteLength(key) + Buffer.byteLength(textOf(value));
  }
  if (bytes > ANNOTATIONS_BYTES_MAX) errors.push(tooLong(path, ANNOTATIONS_BYTES_MAX));
  return errors;
};

/** Stand for what is valid metadata of custom and of built-in kinds: unchanged metadata is shared and not checked again. */
const CUSTOM = {};
const BUILTIN = {};

/** What is wrong with the metadata of a new or changed object (objectmeta.go ValidateObjectMetaAccessor). */
export const metadataErrors = (
  meta: IncomingMeta,
  kind: { readonly nameProblems: NameCheck; readonly custom: boolean },
): ReadonlyArray<FieldError> => {
  const form = kind.custom ? CUSTOM : BUILTIN;
  if (isValid(meta, form)) return [];
  const { name, generateName } = meta;
  const errors = [
    ...(generateName === undefined
      ? []
      : kind
          .nameProblems(generateName, true)
          .map((why) => invalid("metadata.generateName", generateName, why))),
    ...(name === undefined
      ? [required("metadata.name", "name or generateName is required")]
      : kind.nameProblems(name, false).map((why) => invalid("metadata.name", name, why))),
    ...labelErrors("metadata.labels", meta.labels),
    ...annotationErrors(meta.annotations),
    ...ownerErrors(meta.ownerReferences ?? []),
    ...finalizerErrors(meta.finalizers ?? [], !kind.custom),
  ];
  if (errors.length === 0) markValid(meta, form);
  return errors;
};

/** What an update must not do to metadata (objectmeta.go ValidateObjectMetaAccessorUpdate). */
export const metadataUpdateErrors = (
  next: IncomingMeta,
  previous: ObjectMeta,
): ReadonlyArray<FieldError> => {
  const errors: Array<FieldError> = [];
  if (previous.deletionTimestamp !== undefined) {
    const added = (next.finalizers ?? []).filter((one) => !previous.finalizers?.includes(one));
    if (added.length > 0) {
      const list = `[]string{${added.map((one) => JSON.stringify(one)).join(", ")}}`;
      errors.push(
        forbidden(
          "metadata.finalizers",
          `no new finalizers can be added if the object is being deleted, found new finalizers ${list}`,
        ),
      );
    }
  }
  for (const name of ["uid", "deletionTimestamp", "deletionGracePeriodSeconds"] as const) {
    if (!sameJson(next[name], previous[name])) {
      errors.push(invalid(`metadata.${name}`, next[name], "field is immutable"));
    }
  }
  return errors;
};

/** The entries whose name is taken, by an earlier one or by one in `seen`, which gets the names of these. */
export const duplicateNames = (
  path: string,
  entries: ReadonlyArray<unknown>,
  seen: Set<unknown> = new Set(),
): ReadonlyArray<FieldError> => {
  return entries.flatMap((entry, index) => {
    const name = field(entry, "name");
    if (name === undefined || name === "" || !seen.has(name)) {
      seen.add(name);
      return [];
    }
    return [duplicate(`${path}[${index}].name`, name)];
  });
};
