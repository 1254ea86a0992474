/** Which objects of a kind a list or a watch is about, and by which index they are found. */
import { Result } from "effect";
import type { KubeObject } from "../../domain/kube/object.ts";
import {
  type FieldRequirement,
  matchesRequirements,
  parseFieldSelector,
  parseLabelSelector,
  type Requirement,
} from "../../domain/kube/selector.ts";
import type { StatusBody } from "../ApiServer.ts";
import { at, textOf } from "./json.ts";
import type { Kind } from "./kinds/Kind.ts";
import { badRequest } from "./status.ts";
import { INDEXED_FIELD } from "./Table.ts";

interface Selectors {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

/** Kinds with fields of their own, and custom ones, say it otherwise than those that know name and namespace only. */
const unknownField = (kind: Kind, path: string): string =>
  kind.custom || Object.keys(kind.selectable).length > 0
    ? `field label not supported: ${path}`
    : `${JSON.stringify(path)} is not a known field selector: only "metadata.name", "metadata.namespace"`;

/** Selectors as a watch asks for them are few and repeated: a fleet of kubelets differs in one value only. */
const compareField = (
  condition: FieldRequirement,
  kind: Kind,
): ((object: KubeObject) => boolean) => {
  const { path, operator, value } = condition;
  const steps = path.split(".");
  const absent = kind.selectable[path] ?? "";
  return (object) => (textOf(at(object, ...steps) ?? absent) === value) === (operator === "=");
};

const supports = (kind: Kind, path: string): boolean =>
  path === "metadata.name" ||
  (path === "metadata.namespace" && kind.resource.namespaced) ||
  Object.hasOwn(kind.selectable, path);

const exactValue = (
  conditions: ReadonlyArray<FieldRequirement>,
  path: string,
): string | undefined => conditions.find((one) => one.path === path && one.operator === "=")?.value;

export class Selection {
  readonly namespace: string | undefined;
  /** The one name that can match, if there is only one. */
  readonly name: string | undefined;
  /** The one value of the indexed field that can match, if there is only one. */
  readonly indexed: string | undefined;
  /** Whether it selects by labels or fields: such lists do not say how many items remain. */
  readonly isFiltered: boolean;
  readonly #labels: ReadonlyArray<Requirement>;
  readonly #fields: ReadonlyArray<(object: KubeObject) => boolean>;

  private constructor(
    kind: Kind,
    namespace: string | undefined,
    labels: ReadonlyArray<Requirement>,
    fields: ReadonlyArray<FieldRequirement>,
  ) {
    this.namespace = namespace ?? exactValue(fields, "metadata.namespace");
    this.name = exactValue(fields, "metadata.name");
    // Objects without a value are in no index.
    this.indexed = exactValue(fields, INDEXED_FIELD) || undefined;
    this.isFiltered = labels.length > 0 || fields.length > 0;
    this.#labels = labels;
    this.#fields = fields.map((condition) => compareField(condition, kind));
  }

  /** The selection of a request; a Status (400) where a selector does not parse or names a field that has none. */
  static parse(kind: Kind, selectors: Selectors): Result.Result<Selection, StatusBody> {
    const labels = parseLabelSelector(selectors.labelSelector ?? "");
    if (Result.isFailure(labels)) return Result.fail(badRequest(labels.failure));
    const fields = parseFieldSelector(selectors.fieldSelector ?? "");
    if (Result.isFailure(fields)) return Result.fail(badRequest(fields.failure));
    const unknown = fields.success.find((condition) => !supports(kind, condition.path));
    if (unknown !== undefined) {
      return Result.fail(badRequest(unknownField(kind, unknown.path)));
    }
    const namespace = selectors.namespace === "" ? undefined : selectors.namespace;
    return Result.succeed(new Selection(kind, namespace, labels.success, fields.success));
  }

  matches(object: KubeObject | undefined): boolean {
    return (
      object !== undefined &&
      (this.namespace === undefined || object.metadata.namespace === this.namespace) &&
      this.#fields.every((condition) => condition(object)) &&
      (this.#labels.length === 0 || matchesRequirements(this.#labels, object.metadata.labels))
    );
  }
}
