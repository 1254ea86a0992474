/** Custom resources: everything about them comes from their CustomResourceDefinition (apiextensions registry/customresource). */
import type { KubeObject } from "../../../domain/kube/object.ts";
import { type FieldError, invalid } from "../fieldError.ts";
import { sameJson, withFields } from "../json.ts";
import { subdomainProblems } from "../names.ts";
import { coerceRoot, unknownFields } from "../structural/coerce.ts";
import { ruleErrors } from "../structural/rules.ts";
import { compileCrd, type CrdLike } from "../structural/schema.ts";
import { isBlocking, notChecked, schemaErrors, statusErrors } from "../structural/validate.ts";
import { type Draft, keepField, type Kind } from "./Kind.ts";

const sameOutsideMetadata = (a: Draft | KubeObject, b: KubeObject): boolean => {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  names.delete("metadata");
  return [...names].every((name) => sameJson(a[name], b[name]));
};

const kinds = new WeakMap<CrdLike, Kind>();

/**
 * The kind that a CustomResourceDefinition defines, compiled once per definition: it holds no objects, so that clusters
 * share it. Throws where the definition cannot be served.
 */
export const customResource = (crd: CrdLike): Kind => {
  const known = kinds.get(crd);
  if (known !== undefined) return known;
  const kind = compileKind(crd);
  kinds.set(crd, kind);
  return kind;
};

const compileKind = (crd: CrdLike): Kind => {
  const { resource, hasStatus, schema } = compileCrd(crd);
  const withRules = (
    errors: ReadonlyArray<FieldError>,
    object: Draft,
    old: KubeObject | undefined,
  ): ReadonlyArray<FieldError> =>
    isBlocking(errors) ? [...errors, notChecked] : [...errors, ...ruleErrors(schema, object, old)];
  const validate = (object: Draft, old: KubeObject | undefined): ReadonlyArray<FieldError> => {
    const wrongKind =
      object["kind"] === resource.kind
        ? []
        : [invalid("kind", object["kind"], `must be ${resource.kind}`)];
    return withRules([...wrongKind, ...schemaErrors(schema, object, old)], object, old);
  };
  const keepStatus = (object: Draft, old: KubeObject): Draft =>
    hasStatus ? keepField(object, old, "status") : object;
  return {
    resource,
    custom: true,
    hasStatus,
    unconditionalUpdate: false,
    nameProblems: subdomainProblems,
    hasGeneration: true,
    selectable: {},
    defaultPropagation: "Background",
    returnsDeleted: false,
    unknownFields: (object) => unknownFields(schema, object),
    complete: (object) => coerceRoot(schema, object),
    prepareCreate: (object) => (hasStatus ? withFields(object, { status: undefined }) : object),
    prepareUpdate: keepStatus,
    // A status write is the old object with another status, its metadata included.
    prepareStatus: (object, old) => withFields(old, { status: object["status"] }),
    validateCreate: (object) => validate(object, undefined),
    validateUpdate: validate,
    validateStatus: (object, old) =>
      withRules(statusErrors(schema, object["status"], old["status"]), object, old),
    advancesGeneration: (object, old) =>
      !sameOutsideMetadata(hasStatus ? keepStatus(object, old) : object, old),
  };
};
