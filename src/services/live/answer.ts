/** What an HTTP answer means: the object that was asked for, or the typed error of its Status or of its lack of one. */
import { Predicate, Result } from "effect";
import type { StatusBody, StatusCause } from "../ApiServer.ts";
import { type KubeError, Unreachable } from "../KubeError.ts";
import type { KubeRequest, WatchRequest } from "../KubeTransport.ts";
import { describeRequest, statusToError } from "../statusError.ts";

/** An answer whose body has been read. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/** What a kube-apiserver answers to the path of a resource that it does not have: the words of Go's HTTP library. */
const NO_SUCH_PATH = "404 page not found";
/** Characters of a foreign body that are worth repeating. */
const EXCERPT_LENGTH_MAX = 120;

const excerpt = (body: string): string => {
  const text = body.trim().replaceAll(/\s+/gu, " ");
  return text.length > EXCERPT_LENGTH_MAX ? `${text.slice(0, EXCERPT_LENGTH_MAX)}…` : text;
};

const parseJson = (body: string): Result.Result<unknown, unknown> =>
  Result.try((): unknown => JSON.parse(body));

const stringIn = (object: object, key: string): string | undefined => {
  const value: unknown = Reflect.get(object, key);
  return typeof value === "string" ? value : undefined;
};
const causeOf = (json: unknown): ReadonlyArray<StatusCause> => {
  if (!Predicate.isObject(json)) return [];
  const [reason, message, field] = [
    stringIn(json, "reason"),
    stringIn(json, "message"),
    stringIn(json, "field"),
  ];
  return [
    {
      ...(reason === undefined ? {} : { reason }),
      ...(message === undefined ? {} : { message }),
      ...(field === undefined ? {} : { field }),
    },
  ];
};

/** Whole seconds of a Retry-After header; its form with a date is not used by API servers. */
const secondsOf = (header: string | undefined): number | undefined =>
  header !== undefined && /^\d+$/u.test(header.trim()) ? Number(header) : undefined;

/**
 * The Status of JSON that is one, with what it leaves out from the HTTP answer. Undefined if it is something else.
 * Also for the object of a watch's ERROR frame, where there is no HTTP answer.
 */
export const statusOf = (
  json: unknown,
  code: number,
  retryAfter: string | undefined,
): StatusBody | undefined => {
  if (!Predicate.isObject(json) || Reflect.get(json, "kind") !== "Status") return undefined;
  const details: unknown = Reflect.get(json, "details");
  const given: object = Predicate.isObject(details) ? details : {};
  const causes: unknown = Reflect.get(given, "causes");
  const inBody: unknown = Reflect.get(given, "retryAfterSeconds");
  const seconds = typeof inBody === "number" && inBody > 0 ? inBody : secondsOf(retryAfter);
  const own: unknown = Reflect.get(json, "code");
  return {
    kind: "Status",
    apiVersion: "v1",
    status: "Failure",
    reason: stringIn(json, "reason") ?? "",
    code: typeof own === "number" ? own : code,
    message: stringIn(json, "message") ?? "",
    details: {
      causes: Array.isArray(causes) ? causes.flatMap(causeOf) : [],
      ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }),
    },
  };
};

/** Somebody else answered: a proxy, a load balancer, a login page, another server. */
const foreign = (
  request: KubeRequest | WatchRequest,
  server: string,
  { status, headers, body }: HttpAnswer,
): KubeError => {
  const what = `${server} answered ${status} without a Kubernetes ${status < 300 ? "object" : "Status"} ("${excerpt(body)}")`;
  const detail = `${what}; is there a proxy in between, and is this the address of an API server?`;
  // An absence that decisions are built on must have been told by an API server.
  if (status < 300 || (status === 404 && body.trim() !== NO_SUCH_PATH))
    return new Unreachable({ request: describeRequest(request), detail });
  const seconds = secondsOf(headers["retry-after"]);
  return statusToError(request, {
    kind: "Status",
    apiVersion: "v1",
    status: "Failure",
    reason: "",
    code: status,
    message:
      status === 404
        ? `${server} has no resource ${request.resource.plural} of ${request.resource.group || "the core group"} ${request.resource.version}; is its CustomResourceDefinition installed?`
        : detail,
    ...(seconds === undefined ? {} : { details: { retryAfterSeconds: seconds } }),
  });
};

/** The error of an answer that is no success. */
export const errorOf = (
  request: KubeRequest | WatchRequest,
  server: string,
  answer: HttpAnswer,
): KubeError => {
  const json = Result.getOrElse(parseJson(answer.body), () => undefined);
  const status = statusOf(json, answer.status, answer.headers["retry-after"]);
  return status === undefined ? foreign(request, server, answer) : statusToError(request, status);
};

/** The object (or list, or Status of success) of an answer, or its error. */
export const objectOf = (
  request: KubeRequest,
  server: string,
  answer: HttpAnswer,
): Result.Result<unknown, KubeError> => {
  if (answer.status < 200 || answer.status > 299)
    return Result.fail(errorOf(request, server, answer));
  const json = parseJson(answer.body);
  return Result.isSuccess(json) && Predicate.isObject(json.success)
    ? Result.succeed(json.success)
    : Result.fail(foreign(request, server, answer));
};
