/** What built-in kinds have in common: spec and status in Go structs, status reset by ordinary writes. */
import type { Resource } from "../../../domain/kube/resource.ts";
import { EMPTY, field, isObject, type JsonObject, withFields } from "../json.ts";
import { subdomainProblems } from "../names.ts";
import { goJson } from "./goJson.ts";
import { changes, keepField, type Kind, noErrors } from "./Kind.ts";

export interface BuiltinOptions {
  readonly hasStatus?: boolean;
  readonly hasGeneration?: boolean;
  /** Fills in defaults; returns the same object when it has them. */
  readonly completeSpec?: (spec: JsonObject) => JsonObject;
}

/** A built-in kind with nothing special about it; others override parts of it. */
export const builtin = (resource: Resource, options: BuiltinOptions = {}): Kind => {
  const { hasStatus = false, completeSpec } = options;
  return {
    resource,
    custom: false,
    hasStatus,
    unconditionalUpdate: true,
    nameProblems: subdomainProblems,
    hasGeneration: options.hasGeneration ?? false,
    selectable: {},
    defaultPropagation: "Background",
    returnsDeleted: false,
    unknownFields: () => [],
    complete: (object) => {
      const normal = goJson(object);
      if (completeSpec === undefined) return normal;
      const given = field(normal, "spec");
      const completed = completeSpec(isObject(given) ? given : EMPTY);
      return completed === given ? normal : withFields(normal, { spec: completed });
    },
    prepareCreate: (object) => (hasStatus ? withFields(object, { status: EMPTY }) : object),
    prepareUpdate: (object, old) => (hasStatus ? keepField(object, old, "status") : object),
    prepareStatus: (object, old) => keepField(object, old, "spec"),
    validateCreate: noErrors,
    validateUpdate: noErrors,
    validateStatus: noErrors,
    advancesGeneration: (object, old) => changes(object, old, "spec"),
  };
};
