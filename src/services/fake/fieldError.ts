/** What is wrong with one field of an object, in the words of Kubernetes (apimachinery util/validation/field). */
import type { StatusCause } from "../ApiServer.ts";

const TEXT = {
  FieldValueRequired: "Required value",
  FieldValueInvalid: "Invalid value",
  FieldValueTypeInvalid: "Invalid value",
  FieldValueNotSupported: "Unsupported value",
  FieldValueDuplicate: "Duplicate value",
  FieldValueForbidden: "Forbidden",
  FieldValueTooLong: "Too long",
  FieldValueTooMany: "Too many",
  FieldValueNotFound: "Not found",
} as const;

/** The `reason` of a cause: what kind of mistake it is. */
type FieldReason = keyof typeof TEXT;

export interface FieldError {
  readonly reason: FieldReason;
  /** Path of the field, such as `spec.containers[0].image`. */
  readonly field: string;
  /** Everything after the path. */
  readonly body: string;
}

/** A value as an error prints it: strings quoted, everything else as JSON. */
const printed = (value: unknown): string => JSON.stringify(value) ?? "null";

const make = (reason: FieldReason, field: string, ...parts: ReadonlyArray<string>): FieldError => ({
  reason,
  field,
  body: [TEXT[reason], ...parts.filter((part) => part !== "")].join(": "),
});

export const required = (path: string, detail = ""): FieldError =>
  make("FieldValueRequired", path, detail);

export const invalid = (path: string, value: unknown, detail: string): FieldError =>
  make("FieldValueInvalid", path, printed(value), detail);

/** An invalid value that is not shown, because it is large or says nothing. */
export const invalidUnshown = (path: string, detail: string): FieldError =>
  make("FieldValueInvalid", path, detail);

export const wrongType = (path: string, value: unknown, detail: string): FieldError =>
  make("FieldValueTypeInvalid", path, printed(value), detail);

export const notSupported = (
  path: string,
  value: unknown,
  supported: ReadonlyArray<string>,
): FieldError =>
  make(
    "FieldValueNotSupported",
    path,
    printed(value),
    `supported values: ${supported.map((one) => JSON.stringify(one)).join(", ")}`,
  );

export const duplicate = (path: string, value: unknown, detail = ""): FieldError =>
  make("FieldValueDuplicate", path, printed(value), detail);

export const forbidden = (path: string, detail: string): FieldError =>
  make("FieldValueForbidden", path, detail);

export const tooLong = (path: string, bytesMax: number): FieldError =>
  make("FieldValueTooLong", path, `may not be more than ${bytesMax} bytes`);

export const tooMany = (path: string, count: number, max: number): FieldError =>
  make("FieldValueTooMany", path, String(count), `must have at most ${max} items`);

export const notFound = (path: string, value: unknown): FieldError =>
  make("FieldValueNotFound", path, printed(value));

/** A number below its minimum, as validation of built-in kinds says it; undefined and other types are none. */
export const notNegative = (path: string, value: unknown): ReadonlyArray<FieldError> =>
  typeof value === "number" && value < 0
    ? [invalid(path, value, "must be greater than or equal to 0")]
    : [];

/** `spec.image: Required value` */
export const formatFieldError = (error: FieldError): string => `${error.field}: ${error.body}`;

export const causeOf = (error: FieldError): StatusCause => ({
  reason: error.reason,
  message: error.body,
  field: error.field,
});
