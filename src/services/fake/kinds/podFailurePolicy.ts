/** Validation of a Job's podFailurePolicy (batch validation.go validatePodFailurePolicy). */
import { type FieldError, invalid, invalidUnshown, notSupported } from "../fieldError.ts";
import { asArray, at, field, type JsonObject, textOf } from "../json.ts";

const ACTIONS = ["Count", "FailIndex", "FailJob", "Ignore"];

const exitCodeErrors = (
  path: string,
  requirement: unknown,
  containers: ReadonlySet<unknown>,
): ReadonlyArray<FieldError> => {
  const errors: Array<FieldError> = [];
  const operator = field(requirement, "operator");
  const container = field(requirement, "containerName");
  const values = asArray(field(requirement, "values")) ?? [];
  if (operator !== "In" && operator !== "NotIn") {
    errors.push(notSupported(`${path}.operator`, operator ?? "", ["In", "NotIn"]));
  }
  if (container !== undefined && !containers.has(container)) {
    errors.push(
      invalid(
        `${path}.containerName`,
        container,
        "must be one of the container or initContainer names in the pod template",
      ),
    );
  }
  if (values.length === 0) {
    errors.push(invalid(`${path}.values`, values, "at least one value is required"));
  }
  const zero = values.indexOf(0);
  if (operator === "In" && zero >= 0) {
    errors.push(invalid(`${path}.values[${zero}]`, 0, "must not be 0 for the In operator"));
  }
  return errors;
};

const ruleErrors = (
  path: string,
  rule: unknown,
  perIndex: boolean,
  containers: ReadonlySet<unknown>,
): ReadonlyArray<FieldError> => {
  const action = field(rule, "action") ?? "";
  const codes = field(rule, "onExitCodes");
  const conditions = asArray(field(rule, "onPodConditions")) ?? [];
  const errors: Array<FieldError> = [];
  if (!ACTIONS.includes(textOf(action))) {
    errors.push(notSupported(`${path}.action`, action, ACTIONS));
  } else if (action === "FailIndex" && !perIndex) {
    errors.push(invalid(`${path}.action`, action, "requires the backoffLimitPerIndex to be set"));
  }
  if (codes !== undefined) {
    errors.push(...exitCodeErrors(`${path}.onExitCodes`, codes, containers));
  }
  if (codes !== undefined && conditions.length > 0) {
    errors.push(
      invalidUnshown(path, "specifying both OnExitCodes and OnPodConditions is not supported"),
    );
  } else if (codes === undefined && conditions.length === 0) {
    errors.push(
      invalidUnshown(path, "specifying one of OnExitCodes and OnPodConditions is required"),
    );
  }
  return errors;
};

/** What is wrong with `spec.podFailurePolicy`; nothing when there is none. */
export const podFailurePolicyErrors = (spec: JsonObject): ReadonlyArray<FieldError> => {
  const rules = asArray(at(spec, "podFailurePolicy", "rules")) ?? [];
  const names = ["containers", "initContainers"].flatMap((list) =>
    (asArray(at(spec, "template", "spec", list)) ?? []).map((one) => field(one, "name")),
  );
  const perIndex = field(spec, "backoffLimitPerIndex") !== undefined;
  return rules.flatMap((rule, index) =>
    ruleErrors(`spec.podFailurePolicy.rules[${index}]`, rule, perIndex, new Set(names)),
  );
};
