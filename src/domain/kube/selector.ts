/** Label selectors as objects in specs: what they select, what is wrong with them, and their form as text. */
import type { Labels, Requirement } from "./requirement.ts";
import { formatRequirement, keyProblem, meets, valueProblem, valueSet } from "./requirement.ts";

export type { Labels, Requirement } from "./requirement.ts";
export type { FieldRequirement } from "./selectorText.ts";
export { parseFieldSelector, parseLabelSelector } from "./selectorText.ts";

/** One entry of `matchExpressions` as a user wrote it; `selectorProblems` tells what is wrong with it. */
interface LabelSelectorRequirement {
  readonly key: string;
  /** `In`, `NotIn`, `Exists` or `DoesNotExist`; anything else is a problem. */
  readonly operator: string;
  readonly values?: ReadonlyArray<string> | undefined;
}

/** `metav1.LabelSelector`: all of `matchLabels` and all of `matchExpressions`; empty matches everything. */
export interface LabelSelector {
  readonly matchLabels?: Labels | undefined;
  readonly matchExpressions?: ReadonlyArray<LabelSelectorRequirement> | undefined;
}

/** What is wrong where: `path` is relative to the selector, `message` says what is expected. */
export interface SelectorProblem {
  readonly path: string;
  readonly message: string;
}

const operatorProblem = (written: LabelSelectorRequirement): SelectorProblem | undefined => {
  const count = written.values?.length ?? 0;
  switch (written.operator) {
    case "In":
    case "NotIn":
      return count > 0
        ? undefined
        : { path: "values", message: "must be specified when `operator` is 'In' or 'NotIn'" };
    case "Exists":
    case "DoesNotExist":
      return count === 0
        ? undefined
        : {
            path: "values",
            message: "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
          };
    default:
      return {
        path: "operator",
        message: `"${written.operator}" is not a valid selector operator: use In, NotIn, Exists or DoesNotExist`,
      };
  }
};

/** Everything that is wrong with a selector (apimachinery metav1 validation.ValidateLabelSelector); empty when valid. */
export const selectorProblems = (selector: LabelSelector): ReadonlyArray<SelectorProblem> => {
  const problems: Array<SelectorProblem> = [];
  const note = (path: string, message: string | undefined): void => {
    if (message !== undefined) problems.push({ path, message });
  };
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    note(`matchLabels[${key}]`, keyProblem(key));
    note(`matchLabels[${key}]`, valueProblem(value));
  }
  for (const [index, written] of (selector.matchExpressions ?? []).entries()) {
    const at = `matchExpressions[${index}]`;
    const problem = operatorProblem(written);
    if (problem !== undefined) note(`${at}.${problem.path}`, problem.message);
    note(`${at}.key`, keyProblem(written.key));
    for (const [position, value] of (written.values ?? []).entries()) {
      note(`${at}.values[${position}]`, valueProblem(value));
    }
  }
  return problems;
};

const requirementOf = (written: LabelSelectorRequirement): Requirement | undefined => {
  const { key, operator } = written;
  return operator === "In" ||
    operator === "NotIn" ||
    operator === "Exists" ||
    operator === "DoesNotExist"
    ? { key, operator, values: valueSet(written.values ?? []) }
    : undefined;
};

/** The selector as conditions; an operator that Kubernetes does not know is none (see `selectorProblems`). */
const requirementsOf = (selector: LabelSelector): ReadonlyArray<Requirement> => [
  ...Object.entries(selector.matchLabels ?? {}).map(([key, value]): Requirement => ({
    key,
    operator: "In",
    values: [value],
  })),
  ...(selector.matchExpressions ?? []).flatMap((written) => requirementOf(written) ?? []),
];

/** Whether labels meet all conditions; none are met by everything. Absent labels are no labels. */
export const matchesRequirements = (
  requirements: ReadonlyArray<Requirement>,
  labels: Labels | undefined,
): boolean => requirements.every((requirement) => meets(requirement, labels ?? {}));

type Matcher = (labels: Labels | undefined) => boolean;

/** Selectors of stored objects are asked about thousands of Pods each. */
const matchers = new WeakMap<LabelSelector, Matcher>();

const matcher = (selector: LabelSelector): Matcher => {
  const known = matchers.get(selector) ?? newMatcher(selector);
  matchers.set(selector, known);
  return known;
};

const newMatcher = (selector: LabelSelector): Matcher => {
  if (selectorProblems(selector).length > 0) return () => false;
  const requirements = requirementsOf(selector);
  return (labels) => matchesRequirements(requirements, labels);
};

/**
 * Whether a selector selects labels: `matchLabels` and `matchExpressions` together, `NotIn` and `DoesNotExist` also where
 * the key is absent, `{}` everything. A selector with problems selects nothing: what nobody understands must reboot nobody.
 */
export const selectsLabels = (selector: LabelSelector, labels: Labels | undefined): boolean =>
  matcher(selector)(labels);

/**
 * The nodes a selector targets, in the order given. No selector targets all: the page's rule ("If no selector is
 * provided, all Nodes will match"), where Kubernetes reads an absent selector as nothing.
 */
export const targets = <N extends { readonly labels?: Labels | undefined }>(
  selector: LabelSelector | undefined,
  nodes: ReadonlyArray<N>,
): ReadonlyArray<N> => {
  if (selector === undefined) return nodes;
  const selects = matcher(selector);
  return nodes.filter((node) => selects(node.labels));
};

/** The selector as text for a `labelSelector` parameter, "" for `{}`. It must have no problems. */
export const formatLabelSelector = (selector: LabelSelector): string =>
  requirementsOf(selector).map(formatRequirement).join(",");
