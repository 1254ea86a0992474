/** Evaluates the CEL rules of a schema on a value and its predecessor (apiextensions schema/cel/validation.go). */
import {
  duplicate,
  type FieldError,
  forbidden,
  invalid,
  invalidUnshown,
  required,
} from "../fieldError.ts";
import { field, isObject } from "../json.ts";
import { changedFields } from "../lineage.ts";
import type { CelRule } from "./celRule.ts";
import { celRoot, celValue } from "./celValue.ts";
import type { SchemaNode } from "./schema.ts";

/** A value, what it was before (undefined: nothing comparable) and where it stands. */
interface Subject {
  readonly node: SchemaNode;
  readonly value: unknown;
  readonly old: unknown;
  readonly path: string;
  readonly root: boolean;
}

const seen = ({ node, root }: Subject, value: unknown): unknown =>
  root && isObject(value) ? celRoot(node, value) : celValue(node, value);

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

/** What the rule answers, or the error of its evaluation as text; CEL's own errors are results here, not failures. */
const evaluate = (program: CelRule["program"], context: object): unknown => {
  try {
    return program(context);
  } catch (error) {
    return new Error(
      lowerFirst(String(error instanceof Error ? error.message : error).split("\n")[0] ?? ""),
    );
  }
};

const broken = (rule: CelRule, subject: Subject, context: object): FieldError => {
  const { path, value } = subject;
  const where = path === "" ? rule.fieldPath.replace(/^\./u, "") : `${path}${rule.fieldPath}`;
  const said =
    rule.messageProgram === undefined ? undefined : evaluate(rule.messageProgram, context);
  const message =
    typeof said === "string" && said !== "" ? said : (rule.message ?? `failed rule: ${rule.rule}`);
  const place = where === "" ? "<nil>" : where;
  switch (rule.reason) {
    case "FieldValueForbidden":
      return forbidden(place, message);
    case "FieldValueRequired":
      return required(place, message);
    case "FieldValueDuplicate":
      return duplicate(place, value);
    default:
      return typeof value === "object"
        ? invalidUnshown(place, message)
        : invalid(place, value, message);
  }
};

const ownErrors = (subject: Subject): ReadonlyArray<FieldError> => {
  const { node, value, old, path } = subject;
  const unchanged = old !== undefined && old === value;
  // Only rules that compare with the old value can fail on what did not change: the rest is ratcheted (KEP-4008).
  const due = node.rules.filter((rule) =>
    rule.transition ? old !== undefined && old !== null : !unchanged,
  );
  if (due.length === 0) return [];
  const context = { self: seen(subject, value), oldSelf: seen(subject, old ?? null) };
  return due.flatMap((rule) => {
    const result = evaluate(rule.program, context);
    if (result === true) return [];
    return result instanceof Error
      ? [
          invalid(
            path === "" ? "<nil>" : path,
            node.type ?? "",
            `${result.message} evaluating rule: ${rule.message ?? rule.rule}`,
          ),
        ]
      : [broken(rule, subject, context)];
  });
};

/** The old entry that a new one of a list corresponds to: by key in a `map` list, none in others. */
const counterpart = (node: SchemaNode, item: unknown, old: unknown): unknown =>
  node.listType === "map" && Array.isArray(old)
    ? old.find((one) => node.listMapKeys.every((key) => field(one, key) === field(item, key)))
    : undefined;

const childErrors = (subject: Subject): ReadonlyArray<FieldError> => {
  const { node, value, old, path } = subject;
  const errors: Array<FieldError> = [];
  if (Array.isArray(value)) {
    const { items } = node;
    if (items?.hasRules !== true) return errors;
    for (const [index, item] of value.entries()) {
      const before = counterpart(node, item, old);
      errors.push(
        ...check({ node: items, value: item, old: before, path: `${path}[${index}]`, root: false }),
      );
    }
  } else if (isObject(value)) {
    // What did not change can only break rules that compare it with itself.
    const changed = node.hasTransitions ? undefined : changedFields(value, old);
    for (const name of changed ?? Object.keys(value)) {
      const property = node.properties.get(name);
      const child = property ?? node.additional;
      if (child?.hasRules !== true) continue;
      const below =
        property === undefined ? `${path}[${name}]` : path === "" ? name : `${path}.${name}`;
      errors.push(
        ...check({
          node: child,
          value: value[name],
          old: field(old, name),
          path: below,
          root: false,
        }),
      );
    }
  }
  return errors;
};

const check = (subject: Subject): ReadonlyArray<FieldError> => {
  const { node, value, old } = subject;
  if (!node.hasRules || value === null || value === undefined) return [];
  if (typeof value !== "object") return ownErrors(subject);
  const unchanged = old === value;
  if (unchanged && (!node.hasTransitions || node.steady.has(value))) return [];
  if (old === undefined && node.fulfilled.has(value)) return [];
  const errors = [...ownErrors(subject), ...childErrors(subject)];
  if (errors.length === 0 && unchanged) node.steady.add(value);
  if (errors.length === 0 && old === undefined) node.fulfilled.add(value);
  return errors;
};

/**
 * The broken rules of a whole object. `old` is absent on creation. What did not change is only checked against rules that
 * use `oldSelf`. Both must be owned and must share what is equal (`reuse`).
 */
export const ruleErrors = (
  node: SchemaNode,
  value: unknown,
  old: unknown,
): ReadonlyArray<FieldError> => check({ node, value, old, path: "", root: true });
