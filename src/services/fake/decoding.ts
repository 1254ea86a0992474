/** From the body of a write request to a draft of the kind: type, metadata, namespace, unknown fields. */
import { Result } from "effect";
import { apiVersionOf } from "../../domain/kube/resource.ts";
import type { StatusBody } from "../ApiServer.ts";
import type { KubeRequest } from "../KubeTransport.ts";
import { invalid } from "./fieldError.ts";
import { asObject, field, isObject, type JsonObject, own, textOf } from "./json.ts";
import { type Draft, type Kind, withMeta } from "./kinds/Kind.ts";
import { coerceMetadata, isMeta, isMetadataField } from "./metadata.ts";
import { badRequest, invalidPatch } from "./status.ts";

const isAbsent = (value: unknown): boolean => value === undefined || value === "";

/** The body's apiVersion and kind, which built-in kinds may leave out. */
const withType = (body: JsonObject, kind: Kind): Result.Result<JsonObject, StatusBody> => {
  const { resource } = kind;
  const expected = apiVersionOf(resource);
  const { apiVersion, kind: given } = body;
  if (kind.custom && isAbsent(given)) {
    return Result.fail(
      badRequest(
        `the object provided is unrecognized (must be of type ${resource.kind}): Object 'Kind' is missing`,
      ),
    );
  }
  if (!isAbsent(apiVersion) && apiVersion !== expected) {
    return Result.fail(
      badRequest(
        `the API version in the data (${textOf(apiVersion)}) does not match the expected API version (${expected})`,
      ),
    );
  }
  if (!kind.custom && !isAbsent(given) && given !== resource.kind) {
    return Result.fail(
      badRequest(
        `${textOf(given)} in version "${resource.version}" cannot be handled as a ${resource.kind}`,
      ),
    );
  }
  return Result.succeed(
    isAbsent(apiVersion) || isAbsent(given)
      ? own({ ...body, apiVersion: expected, kind: isAbsent(given) ? resource.kind : given })
      : body,
  );
};

const isDraft = (body: JsonObject): body is Draft => isMeta(body["metadata"]);

const decodeBody = (
  body: unknown,
  kind: Kind,
  request: KubeRequest,
): Result.Result<Draft, StatusBody> => {
  const { resource } = kind;
  if (!isObject(body)) {
    return Result.fail(
      badRequest(`the object provided is unrecognized (must be of type ${resource.kind})`),
    );
  }
  const typed = withType(body, kind);
  if (Result.isFailure(typed)) return Result.fail(typed.failure);
  const meta = coerceMetadata(typed.success["metadata"], kind.custom);
  if (Result.isFailure(meta)) {
    const what = `${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}`;
    return Result.fail(
      request.verb === "patch"
        ? invalidPatch(invalid("patch", JSON.stringify(body), meta.failure))
        : badRequest(`${what}: ${meta.failure}`),
    );
  }
  const { namespace } = request;
  const given = meta.success.namespace;
  if (resource.namespaced && given !== undefined && given !== namespace) {
    return Result.fail(
      badRequest(
        "the namespace of the provided object does not match the namespace sent on the request",
      ),
    );
  }
  const home = resource.namespaced ? namespace : undefined;
  const metadata = given === home ? meta.success : withMeta(meta.success, { namespace: home });
  const typedAs = typed.success;
  return Result.succeed(
    isDraft(typedAs) && typedAs.metadata === metadata ? typedAs : own({ ...typedAs, metadata }),
  );
};

const strictFailure = (
  draft: Draft,
  kind: Kind,
  request: KubeRequest,
  unknown: ReadonlyArray<string>,
): StatusBody => {
  const fields = unknown.map((path) => `unknown field "${path}"`).join(", ");
  const why = `strict decoding error: ${fields}`;
  const { resource } = kind;
  return request.verb === "patch"
    ? invalidPatch(invalid("patch", JSON.stringify(draft), why))
    : badRequest(
        `${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: ${why}`,
      );
};

/** Fields of a custom resource's metadata that ObjectMeta does not have. */
const unknownMetadata = (body: unknown, { custom }: Kind): ReadonlyArray<string> =>
  custom
    ? Object.keys(asObject(field(body, "metadata")))
        .filter((name) => !isMetadataField(name))
        .map((name) => `metadata.${name}`)
    : [];

/**
 * The body of a request as an object of the kind, of the request's namespace and with metadata in Go's form. 400 where
 * that is impossible; with `fieldValidation: Strict` fields that the schema does not know are refused. The body must be
 * owned.
 */
export const decodeObject = (
  body: unknown,
  kind: Kind,
  request: KubeRequest,
): Result.Result<Draft, StatusBody> => {
  const draft = decodeBody(body, kind, request);
  if (Result.isFailure(draft) || request.query?.fieldValidation !== "Strict") return draft;
  const unknown = [...unknownMetadata(body, kind), ...kind.unknownFields(draft.success)];
  return unknown.length === 0
    ? draft
    : Result.fail(strictFailure(draft.success, kind, request, unknown));
};
