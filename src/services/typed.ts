/** Typed views of Kubernetes resources: how the JSON of an object becomes a value, decided once per object. */
import { Exit, Result, Schema, SchemaIssue } from "effect";
import { objectKey } from "../domain/kube/object.ts";
import type { Resource } from "../domain/kube/resource.ts";
import type { TypedResource } from "./KubeApi.ts";
import { Undecodable } from "./KubeError.ts";
import { metadataOf } from "./metadata.ts";

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1();

/** `spec.concurrency: Expected an integer; spec.image: Missing key` */
const describe = (issue: SchemaIssue.Issue): string =>
  formatIssues(issue)
    .issues.map(({ path, message }) =>
      path === undefined || path.length === 0
        ? message
        : `${path.map(String).join(".")}: ${message}`,
    )
    .join("; ");

/** `decode Node worker-1`, or `decode Node` when the JSON does not even have a name. */
const requestOf = (resource: Resource, json: unknown): string => {
  const { ref } = metadataOf(json);
  return ref === undefined
    ? `decode ${resource.kind}`
    : `decode ${resource.kind} ${objectKey(ref)}`;
};

/**
 * A resource decoded by a function of one's own: for projections that must be fast, or for raw JSON. The function
 * answers with the value or with what is wrong, path first (`spec.image: missing`). It runs once per object identity,
 * so its values are shared and must not be changed.
 */
export const typedWith = <A>(
  resource: Resource,
  decode: (json: unknown) => Result.Result<A, string>,
): TypedResource<A> => {
  const known = new WeakMap<object, Exit.Exit<A, Undecodable>>();
  // A decoder that throws has met an object that its author did not think of: that object is what is wrong.
  const guarded = (json: unknown): Result.Result<A, string> =>
    Result.flatMap(
      Result.try({
        try: () => decode(json),
        catch: (thrown) => `its decoder threw ${String(thrown)}`,
      }),
      (answer) => answer,
    );
  const fresh = (json: unknown): Exit.Exit<A, Undecodable> =>
    Result.match(guarded(json), {
      onSuccess: (value): Exit.Exit<A, Undecodable> => Exit.succeed(value),
      onFailure: (detail) =>
        Exit.fail(new Undecodable({ request: requestOf(resource, json), detail })),
    });
  return {
    resource,
    decode: (json) => {
      if (typeof json !== "object" || json === null) return fresh(json);
      const before = known.get(json);
      if (before !== undefined) return before;
      const decoded = fresh(json);
      known.set(json, decoded);
      return decoded;
    },
  };
};

/**
 * A resource decoded by a Schema, with Go's rules for JSON (`null` for absent slices, maps and optionals, see
 * `Schema.toCodecGoJson`). What the Schema does not name is dropped. The error names the object and every path.
 */
export const typed = <A>(
  resource: Resource,
  schema: Schema.ConstraintDecoder<A>,
): TypedResource<A> => {
  const decode = Schema.decodeUnknownResult(Schema.toCodecGoJson(schema), { errors: "all" });
  return typedWith(resource, (json) =>
    Result.mapError(decode(json), (failure) => describe(failure.issue)),
  );
};
