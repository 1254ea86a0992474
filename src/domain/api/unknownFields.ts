/** Fields that an object has and its schema does not: what `kubectl apply` refuses by strict field validation. */
import type { StructuralSchema } from "./structural.ts";

/** A field that the schema does not know. */
export interface UnknownField {
  /** Where it is, its own name last. */
  readonly path: ReadonlyArray<string | number>;
  readonly name: string;
  /** The fields that its object may have. */
  readonly known: ReadonlyArray<string>;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Every unknown field of a value, in the order in which they stand; values of a wrong type are not looked into. */
export const unknownFields = (
  schema: StructuralSchema,
  value: unknown,
  path: ReadonlyArray<string | number> = [],
): ReadonlyArray<UnknownField> => {
  if (schema["x-kubernetes-preserve-unknown-fields"] === true) return [];
  const { properties, additionalProperties, items } = schema;
  if (Array.isArray(value))
    return items === undefined
      ? []
      : value.flatMap((item, index) => unknownFields(items, item, [...path, index]));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, field]): ReadonlyArray<UnknownField> => {
    const at = [...path, name];
    const child =
      properties !== undefined && Object.hasOwn(properties, name)
        ? properties[name]
        : additionalProperties;
    if (child !== undefined) return unknownFields(child, field, at);
    return properties === undefined ? [] : [{ path: at, name, known: Object.keys(properties) }];
  });
};
