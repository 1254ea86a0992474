/** Label selectors inside of specs of built-in kinds: from JSON to what they select, and what is wrong with them. */
import type { LabelSelector } from "../../../domain/kube/selector.ts";
import { selectorProblems } from "../../../domain/kube/selector.ts";
import { type FieldError, invalidUnshown } from "../fieldError.ts";
import { asArray, field, isObject, stringsOf, textOf } from "../json.ts";

/** The selector that stands in a spec; undefined where none is: that selects nothing. */
export const selectorOf = (value: unknown): LabelSelector | undefined =>
  isObject(value)
    ? {
        matchLabels: stringsOf(field(value, "matchLabels")),
        matchExpressions: (asArray(field(value, "matchExpressions")) ?? []).map((one) => ({
          key: textOf(field(one, "key")),
          operator: textOf(field(one, "operator")),
          values: (asArray(field(one, "values")) ?? []).map(textOf),
        })),
      }
    : undefined;

/** What is wrong with a selector. Our words, at the server's paths. */
export const selectorErrors = (path: string, value: unknown): ReadonlyArray<FieldError> => {
  const selector = selectorOf(value);
  if (selector === undefined) return [];
  return selectorProblems(selector).map((problem) =>
    invalidUnshown(`${path}.${problem.path}`, problem.message),
  );
};
