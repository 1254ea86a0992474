/** PodDisruptionBudgets: what a budget may say, and the counts of its status (registry/policy/poddisruptionbudget, policy validation). */
import type { KubeObject } from "../../../domain/kube/object.ts";
import { PodDisruptionBudgets } from "../../../domain/kube/resource.ts";
import { type FieldError, invalid, notNegative, notSupported } from "../fieldError.ts";
import { asObject, at, field, own, textOf, withFields } from "../json.ts";
import { builtin } from "./builtin.ts";
import type { Draft, Kind } from "./Kind.ts";
import { selectorErrors } from "./labelSelector.ts";

const COUNTS = ["currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods"];
const ZEROS = own(Object.fromEntries(COUNTS.map((name) => [name, 0])));

const PERCENT =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

const intOrPercentErrors = (path: string, value: unknown): ReadonlyArray<FieldError> => {
  if (typeof value !== "string") return notNegative(path, value);
  const percent = /^(\d+)%$/u.exec(value)?.[1];
  if (percent === undefined) return [invalid(path, value, PERCENT)];
  return Number(percent) > 100 ? [invalid(path, value, "must not be greater than 100%")] : [];
};

const POLICIES = ["AlwaysAllow", "IfHealthyBudget"];

const specErrors = (object: Draft): ReadonlyArray<FieldError> => {
  const spec = asObject(object["spec"]);
  const min = field(spec, "minAvailable");
  const max = field(spec, "maxUnavailable");
  const policy = field(spec, "unhealthyPodEvictionPolicy");
  return [
    ...(min === undefined || max === undefined
      ? []
      : [invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set")]),
    ...intOrPercentErrors("spec.minAvailable", min),
    ...intOrPercentErrors("spec.maxUnavailable", max),
    ...selectorErrors("spec.selector", field(spec, "selector")),
    ...(policy === undefined || POLICIES.includes(textOf(policy))
      ? []
      : [notSupported("spec.unhealthyPodEvictionPolicy", policy, POLICIES)]),
  ];
};

const base = builtin(PodDisruptionBudgets, {
  hasStatus: true,
  hasGeneration: true,
  completeSpec: (spec) => spec,
});

/** A status has all its counts. */
const withCounts = (object: Draft): Draft =>
  withFields(object, { status: own({ ...ZEROS, ...asObject(object["status"]) }) });

export const disruptionBudget: Kind = {
  ...base,
  unconditionalUpdate: false,
  prepareCreate: (object) => withFields(object, { status: ZEROS }),
  prepareStatus: (object, old: KubeObject) => withCounts(base.prepareStatus(object, old)),
  validateCreate: specErrors,
  validateUpdate: specErrors,
  validateStatus: (object) =>
    COUNTS.flatMap((name) => notNegative(`status.${name}`, at(object, "status", name))),
};
