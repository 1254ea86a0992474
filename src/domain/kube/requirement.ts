/** One condition on labels: what makes it valid and when labels meet it (apimachinery labels.Requirement). */
import { isDnsSubdomain } from "./dns.ts";
import { isLabelValue } from "../labels.ts";

/** Labels as they stand in an object's metadata. */
export type Labels = Readonly<Record<string, string>>;

/** One condition on labels. `=`, `==` and `!=` are `In` and `NotIn` of one value; `Gt` and `Lt` exist only as text. */
export interface Requirement {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt";
  /** Sorted and without duplicates. */
  readonly values: ReadonlyArray<string>;
}

const SHAPE =
  "consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

const prefixProblem = (prefix: string): string | undefined => {
  if (prefix === "") return "prefix part must be non-empty";
  if (prefix.length > 253) return "prefix part must be no more than 253 characters";
  return isDnsSubdomain(prefix)
    ? undefined
    : "prefix part must consist of lower case alphanumeric characters, '-' or '.', and every part between dots must start and end with an alphanumeric character";
};

const nameProblem = (name: string): string | undefined => {
  if (name === "") return "name part must be non-empty";
  if (name.length > 63) return "name part must be no more than 63 characters";
  return isLabelValue(name) ? undefined : `name part must ${SHAPE}`;
};

/** Why a text is no label key (apimachinery validation.IsQualifiedName); undefined when it is one. */
export const keyProblem = (key: string): string | undefined => {
  const [first = "", second, third] = key.split("/");
  if (second === undefined) return nameProblem(first);
  return third === undefined
    ? (prefixProblem(first) ?? nameProblem(second))
    : `a qualified name must ${SHAPE}, with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`;
};

/** Why a text is no label value (apimachinery validation.IsValidLabelValue); undefined when it is one. */
export const valueProblem = (value: string): string | undefined => {
  if (isLabelValue(value)) return undefined;
  return value.length > 63
    ? "must be no more than 63 characters"
    : `a valid label must be an empty string or ${SHAPE}`;
};

/** Sorted and without duplicates, as a `Requirement` holds its values. */
export const valueSet = (values: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...new Set(values)].toSorted();

/** Go's `strconv.ParseInt(text, 10, 64)`; undefined where that is an error. */
export const int64 = (text: string): bigint | undefined => {
  if (!/^[+-]?\d+$/u.test(text)) return undefined;
  const value = BigInt(text.replace("+", ""));
  return BigInt.asIntN(64, value) === value ? value : undefined;
};

/** Whether labels meet the condition. `NotIn` and `DoesNotExist` are also met where the key is absent. */
export const meets = ({ key, operator, values }: Requirement, labels: Labels): boolean => {
  // Own properties only: an object inherits "constructor", labels do not.
  const present = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "In":
      return present !== undefined && values.includes(present);
    case "NotIn":
      return present === undefined || !values.includes(present);
    case "Exists":
      return present !== undefined;
    case "DoesNotExist":
      return present === undefined;
    default: {
      const left = int64(present ?? "");
      const right = int64(values[0] ?? "");
      if (left === undefined || right === undefined) return false;
      return operator === "Gt" ? left > right : left < right;
    }
  }
};

/** The condition as `labels.Requirement` prints it. */
export const formatRequirement = ({ key, operator, values }: Requirement): string => {
  switch (operator) {
    case "In":
      return values.length === 1 ? `${key}=${values[0]}` : `${key} in (${values.join(",")})`;
    case "NotIn":
      return values.length === 1 ? `${key}!=${values[0]}` : `${key} notin (${values.join(",")})`;
    case "Exists":
      return key;
    case "DoesNotExist":
      return `!${key}`;
    case "Gt":
      return `${key}>${values.join(",")}`;
    default:
      return `${key}<${values.join(",")}`;
  }
};
