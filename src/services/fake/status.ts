/**
 * The Status bodies of failed requests (Kubernetes API conventions, "Response Status Kind"; texts from apimachinery
 * api/errors, read off a kube-apiserver 1.36.3).
 */
import type { Resource } from "../../domain/kube/resource.ts";
import { resourceName } from "../../domain/kube/resource.ts";
import type { StatusBody, StatusCause } from "../ApiServer.ts";
import type { FieldError } from "./fieldError.ts";
import { causeOf, formatFieldError } from "./fieldError.ts";

/** `details` of a Status with the API group, which `StatusBody` does not name because nobody reads it. */
interface Details {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: ReadonlyArray<StatusCause>;
  readonly retryAfterSeconds?: number;
}

/** A Status of any reason. Admission hooks make theirs with it. */
export const failure = (
  code: number,
  reason: string,
  message: string,
  details?: Details,
): StatusBody => ({
  kind: "Status",
  apiVersion: "v1",
  status: "Failure",
  reason,
  code,
  message,
  ...(details === undefined ? {} : { details }),
});

const ofResource = (of: Resource, name: string): Details => ({
  name,
  ...(of.group === "" ? {} : { group: of.group }),
  kind: of.plural,
});

/** `Foo.example.com`, `Pod`: how errors about the content of an object name its kind. */
const kindName = (of: Resource): string => (of.group === "" ? of.kind : `${of.kind}.${of.group}`);

/** 404: no object of that name. */
export const notFound = (of: Resource, name: string): StatusBody =>
  failure(404, "NotFound", `${resourceName(of)} "${name}" not found`, ofResource(of, name));

/** 404: no such resource or subresource. */
export const noSuchResource = (): StatusBody =>
  failure(404, "NotFound", "the server could not find the requested resource", {});

/** 405: the resource has no such verb at this place. */
export const methodNotAllowed = (): StatusBody =>
  failure(
    405,
    "MethodNotAllowed",
    "the server does not allow this method on the requested resource",
    {},
  );

/** 405: the resource has no such verb, whatever the name. */
export const verbNotSupported = (of: Resource, verb: string): StatusBody =>
  failure(
    405,
    "MethodNotAllowed",
    `${verb} is not supported on resources of kind "${resourceName(of)}"`,
    ofResource(of, ""),
  );

/** 409: a create met an object of that name; one that is being deleted is said to be. */
export const alreadyExists = (of: Resource, name: string, isLeaving: boolean): StatusBody =>
  failure(
    409,
    "AlreadyExists",
    `${isLeaving ? "object is being deleted: " : ""}${resourceName(of)} "${name}" already exists`,
    ofResource(of, name),
  );

/** 409: the object is not the one, or not the version, that the request was made for. */
export const conflict = (of: Resource, name: string, why: string): StatusBody =>
  failure(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${resourceName(of)} "${name}": ${why}`,
    ofResource(of, name),
  );

/** 409: a precondition of a delete does not hold. It names the kind where other conflicts name the resource. */
export const preconditionFailed = (of: Resource, name: string, why: string): StatusBody =>
  failure(409, "Conflict", `Operation cannot be fulfilled on ${kindName(of)} "${name}": ${why}`, {
    ...ofResource(of, name),
    kind: of.kind,
  });

export const OPTIMISTIC_LOCK =
  "the object has been modified; please apply your changes to the latest version and try again";

/** 422: fields are wrong. The message says each mistake once, `causes` as often as it was found. */
const invalidKind = (
  group: string,
  kind: string,
  name: string,
  errors: ReadonlyArray<FieldError>,
): StatusBody => {
  const texts = [...new Set(errors.map(formatFieldError))];
  const [first] = texts;
  const text = texts.length === 1 && first !== undefined ? first : `[${texts.join(", ")}]`;
  return failure(
    422,
    "Invalid",
    `${group === "" ? kind : `${kind}.${group}`} "${name}" is invalid: ${text}`,
    {
      ...(name === "" ? {} : { name }),
      ...(group === "" ? {} : { group }),
      kind,
      causes: errors.map(causeOf),
    },
  );
};

/** 422: fields of an object are wrong. */
export const invalid = (
  of: Resource,
  name: string,
  errors: ReadonlyArray<FieldError>,
): StatusBody => invalidKind(of.group, of.kind, name, errors);

/** 422 under the resource's plural: an update without resourceVersion where one is demanded. */
export const versionRequired = (of: Resource, name: string, error: FieldError): StatusBody =>
  invalidKind(of.group, of.plural, name, [error]);

/** 422: the options of a request are wrong. */
export const invalidOptions = (kind: string, errors: ReadonlyArray<FieldError>): StatusBody =>
  invalidKind("meta.k8s.io", kind, "", errors);

/** 422: what a patch makes of an object, under strict field validation; the server names no object then. */
export const invalidPatch = (error: FieldError): StatusBody => invalidKind("", "", "", [error]);

/** 422: a JSON patch that does not apply, e.g. a failed `test`. The server does not say what failed. */
export const unprocessable = (): StatusBody =>
  failure(422, "Invalid", "the server rejected our request due to an error in our request", {});

/** 400: the request cannot be understood. */
export const badRequest = (message: string): StatusBody => failure(400, "BadRequest", message);

/** 415: a patch of a type that the resource does not take. */
export const unsupportedMediaType = (accepted: ReadonlyArray<string>): StatusBody =>
  failure(
    415,
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`,
  );

/** 403: refused by policy. */
export const forbidden = (of: Resource, name: string, why: string): StatusBody =>
  failure(
    403,
    "Forbidden",
    `${resourceName(of)} "${name}" is forbidden: ${why}`,
    ofResource(of, name),
  );

/** 410: the version is no longer kept. */
export const expired = (message: string): StatusBody => failure(410, "Expired", message);

/** 504: a version that this server has not reached. */
export const versionTooLarge = (asked: number, current: number): StatusBody =>
  failure(504, "Timeout", `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1,
  });

/** 500 without a reason, as the server answers what it does not translate. */
export const internalError = (message: string): StatusBody => failure(500, "", message);
