/** Nodes: a kubelet registers with its status, so creation keeps it (registry/core/node/strategy.go). */
import type { KubeObject } from "../../../domain/kube/object.ts";
import { Nodes } from "../../../domain/kube/resource.ts";
import {
  duplicate,
  type FieldError,
  forbidden,
  invalid,
  notSupported,
  required,
} from "../fieldError.ts";
import { asArray, at, field, textOf } from "../json.ts";
import { labelValueProblems, qualifiedNameProblems } from "../names.ts";
import { builtin } from "./builtin.ts";
import type { Draft, Kind } from "./Kind.ts";

const EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/** Taints are unique by key and effect; their errors say `metadata.taints`, as the server's do. */
const taintErrors = (object: Draft): ReadonlyArray<FieldError> => {
  const taints = asArray(at(object, "spec", "taints")) ?? [];
  const seen = new Set<string>();
  return taints.flatMap((taint, index) => {
    const path = `metadata.taints[${index}]`;
    const key = textOf(field(taint, "key"));
    const value = textOf(field(taint, "value"));
    const effect = textOf(field(taint, "effect"));
    const errors = [
      ...qualifiedNameProblems(key).map((why) => invalid(`${path}.key`, key, why)),
      ...labelValueProblems(value).map((why) => invalid(`${path}.value`, value, why)),
    ];
    if (effect === "") errors.push(required(`${path}.effect`));
    else if (!EFFECTS.includes(effect)) {
      errors.push(notSupported(`${path}.effect`, effect, EFFECTS));
    }
    const identity = `${key}:${effect}`;
    if (seen.has(identity)) {
      errors.push(duplicate(path, taint, "taints must be unique by key and effect pair"));
    }
    seen.add(identity);
    return errors;
  });
};

/** Where a Node runs is said once (core validation.go ValidateNodeUpdate). */
const providerErrors = (object: Draft, old: KubeObject): ReadonlyArray<FieldError> => {
  const before = textOf(at(old, "spec", "providerID"));
  return before === "" || before === textOf(at(object, "spec", "providerID"))
    ? []
    : [
        forbidden(
          "spec.providerID",
          'node updates may not change providerID except from "" to valid',
        ),
      ];
};

export const node: Kind = {
  ...builtin(Nodes, { hasStatus: true, completeSpec: (spec) => spec }),
  selectable: { "spec.unschedulable": "false" },
  prepareCreate: (object) => object,
  validateCreate: taintErrors,
  validateUpdate: (object, old) => [...taintErrors(object), ...providerErrors(object, old)],
};
