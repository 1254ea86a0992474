/** The ways in which a request to a Kubernetes API server fails, by the `reason` of its Status body. */
import { Schema } from "effect";

const fields = {
  /** What was asked, as a person would say it: `patch Node worker-1`. */
  request: Schema.String,
  /** What the server answered, or what went wrong on the way. */
  detail: Schema.String,
};
const Cause = Schema.Struct({
  reason: Schema.optionalKey(Schema.String),
  message: Schema.optionalKey(Schema.String),
  field: Schema.optionalKey(Schema.String),
});
const say = (error: { readonly request: string; readonly detail: string }): string =>
  `${error.request}: ${error.detail}`;

/** 404: no such object (or no such resource). */
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", fields) {
  override get message() {
    return say(this);
  }
}
/** 409 with reason AlreadyExists: a create met an object of that name. */
export class AlreadyExists extends Schema.TaggedError<AlreadyExists>()("AlreadyExists", fields) {
  override get message() {
    return say(this);
  }
}
/** 409 with reason Conflict: the object changed since it was read, or a precondition does not hold. */
export class Conflict extends Schema.TaggedError<Conflict>()("Conflict", fields) {
  override get message() {
    return say(this);
  }
}
/** 410: the resourceVersion or continue token is too old; list again from the start. */
export class Expired extends Schema.TaggedError<Expired>()("Expired", fields) {
  override get message() {
    return say(this);
  }
}
/** 422: the object does not validate; `causes` names the fields. */
export class Invalid extends Schema.TaggedError<Invalid>()("Invalid", {
  ...fields,
  causes: Schema.Array(Cause),
}) {
  override get message() {
    return say(this);
  }
}
/** 400, 405, 406, 415: the request itself is wrong; repeating it never helps. */
export class BadRequest extends Schema.TaggedError<BadRequest>()("BadRequest", {
  ...fields,
  code: Schema.Int,
}) {
  override get message() {
    return say(this);
  }
}
/** 403: not allowed, by RBAC, by an admission policy, by quota. */
export class Forbidden extends Schema.TaggedError<Forbidden>()("Forbidden", {
  ...fields,
  causes: Schema.Array(Cause),
}) {
  override get message() {
    return say(this);
  }
}
/** 401: the credentials are missing, wrong or expired. */
export class Unauthorized extends Schema.TaggedError<Unauthorized>()("Unauthorized", fields) {
  override get message() {
    return say(this);
  }
}
/** 429: too many requests, or (cause `DisruptionBudget`) an eviction that a budget does not allow now. */
export class TooManyRequests extends Schema.TaggedError<TooManyRequests>()("TooManyRequests", {
  ...fields,
  retryAfterSeconds: Schema.optionalKey(Schema.Finite),
  causes: Schema.Array(Cause),
}) {
  override get message() {
    return say(this);
  }
}
/** 5xx: the server could not do it now. The request may or may not have been applied. */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", {
  ...fields,
  code: Schema.Int,
  retryAfterSeconds: Schema.optionalKey(Schema.Finite),
}) {
  override get message() {
    return say(this);
  }
}
/**
 * No answer: the connection failed, timed out or was cut. The request may or may not have been applied, unless `sent`
 * is false: then nothing of it left this machine.
 */
export class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", {
  ...fields,
  sent: Schema.optionalKey(Schema.Boolean),
}) {
  override get message() {
    return say(this);
  }
}
/** The server answered with something that is not the object that was asked for. */
export class Undecodable extends Schema.TaggedError<Undecodable>()("Undecodable", fields) {
  override get message() {
    return say(this);
  }
}

/** Every way in which a request fails. */
export type KubeError =
  | NotFound
  | AlreadyExists
  | Conflict
  | Expired
  | Invalid
  | BadRequest
  | Forbidden
  | Unauthorized
  | TooManyRequests
  | Unavailable
  | Unreachable;
