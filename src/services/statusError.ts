/** From the Status that an API server answers with to the typed error that programs handle. */
import type { StatusBody } from "./ApiServer.ts";
import {
  AlreadyExists,
  BadRequest,
  Conflict,
  Expired,
  Forbidden,
  Invalid,
  type KubeError,
  NotFound,
  TooManyRequests,
  Unauthorized,
  Unavailable,
} from "./KubeError.ts";
import type { KubeRequest, WatchRequest } from "./KubeTransport.ts";

/** A request as a person would say it: `patch Node worker-1`, `patch status of NodeOp default/x`, `list Pods in kube-system`. */
export const describeRequest = (request: KubeRequest | WatchRequest): string => {
  const { kind } = request.resource;
  const verb = "verb" in request ? request.verb : "watch";
  const name = "verb" in request ? (request.name ?? nameInBody(request.body)) : undefined;
  const subresource = "verb" in request ? request.subresource : undefined;
  if (name === undefined) {
    const many = verb === "list" || verb === "watch" ? `${kind}s` : kind;
    const where = request.namespace === undefined ? "" : ` in ${request.namespace}`;
    return `${verb} ${many}${where}`;
  }
  const object =
    request.namespace === undefined ? `${kind} ${name}` : `${kind} ${request.namespace}/${name}`;
  if (subresource === "eviction") return `evict ${object}`;
  return subresource === undefined ? `${verb} ${object}` : `${verb} ${subresource} of ${object}`;
};

/** A create names its object in the body. */
const nameInBody = (body: unknown): string | undefined => {
  if (typeof body !== "object" || body === null || !("metadata" in body)) return undefined;
  const { metadata } = body;
  if (typeof metadata !== "object" || metadata === null) return undefined;
  if ("name" in metadata && typeof metadata.name === "string") return metadata.name;
  return "generateName" in metadata && typeof metadata.generateName === "string"
    ? `${metadata.generateName}*`
    : undefined;
};

/** The `reason`s that stand for one error whatever their code; others are judged by their code. */
const CODE_OF_REASON: Readonly<Record<string, number>> = {
  NotFound: 404,
  Unauthorized: 401,
  Forbidden: 403,
  Expired: 410,
  Gone: 410,
  Invalid: 422,
  BadRequest: 400,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  TooManyRequests: 429,
  ServerTimeout: 500,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
};

/**
 * The typed error of a failed request (or of its description): by `reason` first, then, where the reason is unknown or empty, by HTTP code. 409
 * has two reasons: AlreadyExists, and Conflict for everything else. A code that no error is meant for (a redirect, a proxy's
 * invention) counts as BadRequest below 500 and as Unavailable from there on.
 */
export const statusToError = (
  request: KubeRequest | WatchRequest | string,
  status: StatusBody,
): KubeError => {
  const base = {
    request: typeof request === "string" ? request : describeRequest(request),
    detail: status.message === "" ? `${status.code} ${status.reason}` : status.message,
  };
  const causes = status.details?.causes ?? [];
  const seconds = status.details?.retryAfterSeconds;
  const retry = seconds === undefined ? {} : { retryAfterSeconds: seconds };
  if (status.reason === "AlreadyExists") return new AlreadyExists(base);
  if (status.reason === "Conflict") return new Conflict(base);
  const code = CODE_OF_REASON[status.reason] ?? status.code;
  switch (code) {
    case 401:
      return new Unauthorized(base);
    case 403:
      return new Forbidden({ ...base, causes });
    case 404:
      return new NotFound(base);
    case 409:
      return new Conflict(base);
    case 410:
      return new Expired(base);
    case 422:
      return new Invalid({ ...base, causes });
    case 429:
      return new TooManyRequests({ ...base, causes, ...retry });
    default:
      return code >= 500
        ? new Unavailable({ ...base, code: status.code, ...retry })
        : new BadRequest({ ...base, code: status.code });
  }
};
