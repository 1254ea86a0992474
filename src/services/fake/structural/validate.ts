/** Validation by a structural schema, in the words of the API server (kube-openapi validation, apiextensions listtype). */
import {
  duplicate,
  type FieldError,
  invalid,
  notSupported,
  required,
  tooLong,
  tooMany,
  wrongType,
} from "../fieldError.ts";
import {
  asArray,
  field,
  isObject,
  isValid,
  type JsonObject,
  markValid,
  sameJson,
} from "../json.ts";
import { changedFields } from "../lineage.ts";
import type { Constraints, SchemaNode } from "./schema.ts";

const joined = (path: string, name: string): string =>
  path === "" || name === "" ? path + name : `${path}.${name}`;

const jsonType = (value: unknown): string => {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
};

/** A fraction where an integer is due gets an error of its type and one of its format. */
const fractionErrors = (node: SchemaNode, path: string): ReadonlyArray<FieldError> => {
  const [wanted, found] =
    node.format === undefined ? ["integer", "number"] : [node.format, "float64"];
  return [
    wrongType(path, found, `${path} in body must be of type ${wanted}: "${found}"`),
    integerFormat(node, path),
  ];
};

const integerFormat = ({ format }: SchemaNode, path: string): FieldError => {
  const which = format === undefined ? "(default format)" : `with format ${format}`;
  return invalid("<nil>", "", `Checked value must be of type integer ${which} in ${path}`);
};

const typeErrors = (node: SchemaNode, value: unknown, path: string): ReadonlyArray<FieldError> => {
  const found = jsonType(value);
  const wanted = node.intOrString ? "integer,string" : node.type;
  if (wanted === undefined || (found === "null" && node.nullable)) return [];
  if (wanted === "integer" && found === "number") return fractionErrors(node, path);
  const fits = wanted.split(",").includes(found) || (wanted === "number" && found === "integer");
  return fits
    ? []
    : [wrongType(path, found, `${path} in body must be of type ${wanted}: "${found}"`)];
};

const DATE_TIME =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[tT]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?([zZ]|[+-]\d{2}:\d{2})$/u;
const INT32_MAX = 2 ** 31 - 1;

const formatErrors = (
  node: SchemaNode,
  value: unknown,
  path: string,
): ReadonlyArray<FieldError> => {
  if (node.format === "date-time" && typeof value === "string" && !DATE_TIME.test(value)) {
    return [wrongType(path, value, `${path} in body must be of type date-time: "${value}"`)];
  }
  const isOutside =
    node.format === "int32" &&
    typeof value === "number" &&
    (value > INT32_MAX || value < -INT32_MAX - 1);
  return isOutside ? [integerFormat(node, path)] : [];
};

const numberErrors = (limits: Constraints, value: number, path: string) => {
  const errors: Array<FieldError> = [];
  const { minimum, maximum, multipleOf } = limits;
  if (minimum !== undefined) {
    const below = limits.exclusiveMinimum ? value <= minimum : value < minimum;
    const words = limits.exclusiveMinimum ? "greater than" : "greater than or equal to";
    if (below) errors.push(invalid(path, value, `${path} in body should be ${words} ${minimum}`));
  }
  if (maximum !== undefined) {
    const above = limits.exclusiveMaximum ? value >= maximum : value > maximum;
    const words = limits.exclusiveMaximum ? "less than" : "less than or equal to";
    if (above) errors.push(invalid(path, value, `${path} in body should be ${words} ${maximum}`));
  }
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) {
    errors.push(invalid(path, value, `${path} in body should be a multiple of ${multipleOf}`));
  }
  return errors;
};

/** The first thing that is wrong with a string: after it the server looks no further. */
const stringErrors = (
  limits: Constraints,
  value: string,
  path: string,
): ReadonlyArray<FieldError> => {
  const { minLength, maxLength, pattern } = limits;
  const length = minLength === undefined && maxLength === undefined ? 0 : [...value].length;
  if (maxLength !== undefined && length > maxLength) return [tooLong(path, maxLength)];
  if (minLength !== undefined && length < minLength) {
    return [invalid(path, value, `${path} in body should be at least ${minLength} chars long`)];
  }
  return pattern === undefined || pattern.regexp.test(value)
    ? []
    : [invalid(path, value, `${path} in body should match '${pattern.text}'`)];
};

const countErrors = (
  count: number,
  [min, max]: readonly [number | undefined, number | undefined],
  what: "items" | "properties",
  path: string,
): ReadonlyArray<FieldError> => {
  if (max !== undefined && count > max) return [tooMany(path, count, max)];
  return min !== undefined && count < min
    ? [invalid(path, count, `${path} in body should have at least ${min} ${what}`)]
    : [];
};

const enumErrors = (limits: Constraints, value: unknown, path: string): ReadonlyArray<FieldError> =>
  limits.enum === undefined || limits.enum.some((one) => sameJson(one, value))
    ? []
    : [
        notSupported(
          path,
          value,
          limits.enum.map((one) => (typeof one === "string" ? one : JSON.stringify(one))),
        ),
      ];

const objectErrors = (
  node: SchemaNode,
  value: JsonObject,
  old: unknown,
  path: string,
): ReadonlyArray<FieldError> => {
  const { minProperties, maxProperties } = node.constraints;
  const errors: Array<FieldError> = [];
  if (minProperties !== undefined || maxProperties !== undefined) {
    const count = Object.keys(value).length;
    errors.push(...countErrors(count, [minProperties, maxProperties], "properties", path));
  }
  for (const name of changedFields(value, old) ?? Object.keys(value)) {
    if (!Object.hasOwn(value, name)) continue;
    const child = node.properties.get(name) ?? node.additional;
    const before = field(old, name);
    const entry = value[name];
    // The path is only made for what changed: an object may have thousands of entries that did not.
    if (child === undefined || (before !== undefined && before === entry)) continue;
    errors.push(...valueErrors(child, entry, before, joined(path, name)));
  }
  for (const name of node.required) {
    if (!Object.hasOwn(value, name)) errors.push(required(joined(path, name)));
  }
  return errors;
};

const arrayErrors = (
  node: SchemaNode,
  value: ReadonlyArray<unknown>,
  old: unknown,
  path: string,
): ReadonlyArray<FieldError> => {
  const { minItems, maxItems } = node.constraints;
  const errors = [...countErrors(value.length, [minItems, maxItems], "items", path)];
  const before = asArray(old) ?? [];
  const { items } = node;
  if (items !== undefined) {
    for (const [index, item] of value.entries()) {
      errors.push(...valueErrors(items, item, before[index], `${path}[${index}]`));
    }
  }
  return errors;
};

/** What identifies an entry of a list: its keys, or all of it. */
const identityOf = (node: SchemaNode, item: unknown): unknown =>
  node.listType === "map"
    ? Object.fromEntries(node.listMapKeys.map((key) => [key, field(item, key)]))
    : item;

const uniquenessErrors = (
  node: SchemaNode,
  value: ReadonlyArray<unknown>,
  path: string,
): ReadonlyArray<FieldError> => {
  if (node.listType === "atomic") return [];
  const seen = new Set<string>();
  return value.flatMap((item, index) => {
    const identity = identityOf(node, item);
    const key = JSON.stringify(identity);
    if (seen.has(key)) return [duplicate(`${path}[${index}]`, identity)];
    seen.add(key);
    return [];
  });
};

const valueErrors = (
  node: SchemaNode,
  value: unknown,
  old: unknown,
  path: string,
): ReadonlyArray<FieldError> => {
  // What did not change is not judged again (validation ratcheting, KEP-4008).
  if (old !== undefined && value === old) return [];
  const composite = typeof value === "object" && value !== null;
  if (composite && isValid(value, node)) return [];
  const wrong = typeErrors(node, value, path);
  if (wrong.length > 0 || value === null) return wrong;
  const limits = node.constraints;
  const errors = [...enumErrors(limits, value, path), ...formatErrors(node, value, path)];
  if (typeof value === "number") errors.push(...numberErrors(limits, value, path));
  else if (typeof value === "string") errors.push(...stringErrors(limits, value, path));
  else if (Array.isArray(value)) {
    errors.push(...arrayErrors(node, value, old, path), ...uniquenessErrors(node, value, path));
  } else if (isObject(value)) errors.push(...objectErrors(node, value, old, path));
  // Beside an old value unchanged parts were skipped: only a full look makes a value known as valid.
  if (composite && errors.length === 0 && old === undefined) markValid(value, node);
  return errors;
};

/** After one of these the rest was not checked, and the server says so. */
const BLOCKING: ReadonlySet<FieldError["reason"]> = new Set([
  "FieldValueNotSupported",
  "FieldValueRequired",
  "FieldValueTooLong",
  "FieldValueTooMany",
  "FieldValueTypeInvalid",
]);

/** Whether rules cannot be evaluated after these errors. */
export const isBlocking = (errors: ReadonlyArray<FieldError>): boolean =>
  errors.some((error) => BLOCKING.has(error.reason));

/** The error that stands for the rules that were not evaluated. */
export const notChecked: FieldError = invalid(
  "<nil>",
  null,
  "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
);

/**
 * What the schema says against a whole object. `old` is absent on creation. Both must be owned and must share what is
 * equal (`reuse`): work is done only for what changed.
 */
export const schemaErrors = (
  node: SchemaNode,
  value: unknown,
  old: unknown,
): ReadonlyArray<FieldError> => valueErrors(node, value, old, "");

/** The same for a write to the status subresource, where the server looks at nothing else and names fields from there. */
export const statusErrors = (
  node: SchemaNode,
  status: unknown,
  old: unknown,
): ReadonlyArray<FieldError> => {
  const child = node.properties.get("status");
  if (child === undefined || status === undefined) return [];
  return valueErrors(child, status, old, "").map((error) =>
    error.field === "<nil>" ? error : { ...error, field: joined("status", error.field) },
  );
};
