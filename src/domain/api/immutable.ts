/** Immutability of what defines an operation, as CEL transition rules on `spec`. */
import { type CelRule, celRules } from "./fields.ts";

const immutableField = (field: string): CelRule => ({
  rule: `has(self.${field}) == has(oldSelf.${field}) && (!has(self.${field}) || self.${field} == oldSelf.${field})`,
  message: `${field} is immutable, because it defines the operation; to run another one, create one with a new name`,
  fieldPath: `.${field}`,
  reason: "FieldValueForbidden",
});

/**
 * Annotation for `spec`: none of these fields may be set, changed or removed after creation. The rules sit on
 * `spec`, because a rule on the field itself would not run when the field is added or removed.
 */
export const immutable = (fields: ReadonlyArray<string>, others: ReadonlyArray<CelRule> = []) =>
  celRules([...others, ...fields.map(immutableField)]);
