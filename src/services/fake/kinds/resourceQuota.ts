/** ResourceQuotas: limits as quantities (apis/core/v1, core validation). Which names may be limited is not looked at. */
import { formatQuantity, parseQuantity } from "../../quantity.ts";
import { ResourceQuotas } from "../../quota.ts";
import { type FieldError, invalid } from "../fieldError.ts";
import { asObject, at, field, own, sameJson } from "../json.ts";
import { builtin } from "./builtin.ts";
import type { Draft, Kind } from "./Kind.ts";

const written = (value: unknown): unknown => {
  const quantity = parseQuantity(value);
  return quantity === undefined ? value : formatQuantity(quantity);
};

const QUANTITY =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

const hardErrors = (object: Draft): ReadonlyArray<FieldError> =>
  Object.entries(asObject(at(object, "spec", "hard"))).flatMap(([name, value]) => {
    const path = `spec.hard[${name}]`;
    const quantity = parseQuantity(value);
    if (quantity === undefined) return [invalid(path, value, QUANTITY)];
    return quantity.milli < 0n ? [invalid(path, value, "must be greater than or equal to 0")] : [];
  });

export const resourceQuota: Kind = {
  ...builtin(ResourceQuotas, {
    hasStatus: true,
    completeSpec: (spec) => {
      const hard = asObject(field(spec, "hard"));
      const canonical = own(
        Object.fromEntries(Object.entries(hard).map(([name, value]) => [name, written(value)])),
      );
      return field(spec, "hard") === undefined || sameJson(hard, canonical)
        ? spec
        : own({ ...spec, hard: canonical });
    },
  }),
  validateCreate: hardErrors,
  validateUpdate: hardErrors,
};
