/** Deployments, ReplicaSets and StatefulSets: defaults and validation, as far as their Pods depend on them (apis/apps v1 defaults, validation). */
import type { KubeObject } from "../../../domain/kube/object.ts";
import {
  Deployments,
  ReplicaSets,
  type Resource,
  StatefulSets,
} from "../../../domain/kube/resource.ts";
import { selectsLabels } from "../../../domain/kube/selector.ts";
import {
  type FieldError,
  forbidden,
  invalid,
  notNegative,
  notSupported,
  required,
} from "../fieldError.ts";
import {
  asArray,
  asObject,
  at,
  EMPTY,
  field,
  type JsonObject,
  own,
  sameJson,
  stringsOf,
  withFields,
} from "../json.ts";
import { builtin } from "./builtin.ts";
import type { Draft, Kind } from "./Kind.ts";
import { selectorErrors, selectorOf } from "./labelSelector.ts";
import { completePodSpec, podSpecErrors } from "./podSpec.ts";

/** A spec with its defaults and those of its template, completed once. */
const completing = (defaults: JsonObject): ((spec: JsonObject) => JsonObject) => {
  const known = new WeakMap<object, JsonObject>();
  return (spec) => {
    const before = known.get(spec);
    if (before !== undefined) return before;
    const template = asObject(field(spec, "template"));
    const result: JsonObject = own({
      ...defaults,
      ...spec,
      template: own({ ...template, spec: completePodSpec(asObject(field(template, "spec"))) }),
    });
    known.set(spec, result);
    known.set(result, result);
    return result;
  };
};

const isEmpty = (selector: unknown): boolean =>
  Object.keys(asObject(field(selector, "matchLabels"))).length === 0 &&
  (asArray(field(selector, "matchExpressions")) ?? []).length === 0;

const validating =
  (called: string) =>
  (object: Draft): ReadonlyArray<FieldError> => {
    const spec = asObject(object["spec"]);
    const selector = field(spec, "selector");
    const labels = stringsOf(at(spec, "template", "metadata", "labels"));
    const podSpec = asObject(at(spec, "template", "spec"));
    const restartPolicy = field(podSpec, "restartPolicy");
    const path = "spec.template.spec";
    const selects = selectorOf(selector);
    return [
      ...notNegative("spec.replicas", field(spec, "replicas")),
      ...notNegative("spec.minReadySeconds", field(spec, "minReadySeconds")),
      ...(selects === undefined ? [required("spec.selector")] : []),
      ...selectorErrors("spec.selector", selector),
      ...(selects !== undefined && isEmpty(selector)
        ? [invalid("spec.selector", selector, `empty selector is invalid for ${called}`)]
        : []),
      // None selects nothing, not even its own template.
      ...(selects !== undefined && (isEmpty(selector) || selectsLabels(selects, labels))
        ? []
        : [
            invalid(
              "spec.template.metadata.labels",
              at(spec, "template", "metadata", "labels") ?? null,
              "`selector` does not match template `labels`",
            ),
          ]),
      ...podSpecErrors(path, podSpec),
      ...(restartPolicy === "Always"
        ? []
        : [notSupported(`${path}.restartPolicy`, restartPolicy, ["Always"])]),
      ...(field(podSpec, "activeDeadlineSeconds") === undefined
        ? []
        : [
            forbidden(
              `${path}.activeDeadlineSeconds`,
              `activeDeadlineSeconds in ${called === "deployment" ? "ReplicaSet" : "StatefulSet"} is not Supported`,
            ),
          ]),
    ];
  };

const workload = (resource: Resource, called: string, defaults: JsonObject): Kind => {
  const validate = validating(called);
  return {
    ...builtin(resource, {
      hasStatus: true,
      hasGeneration: true,
      completeSpec: completing(own(defaults)),
    }),
    prepareCreate: (object) => own({ ...object, status: own({ replicas: 0 }) }),
    validateCreate: validate,
    validateUpdate: (object, old: KubeObject) => [
      ...validate(object),
      ...(sameJson(at(object, "spec", "selector"), at(old, "spec", "selector"))
        ? []
        : [invalid("spec.selector", at(object, "spec", "selector"), "field is immutable")]),
    ],
  };
};

const QUARTER = "25%";

/** Which part of a rollout may be missing or too much, where the Deployment does not say. */
const withStrategy = (spec: JsonObject): JsonObject => {
  const strategy = asObject(field(spec, "strategy"));
  const type = field(strategy, "type") ?? "RollingUpdate";
  const given = asObject(field(strategy, "rollingUpdate"));
  const complete =
    type === "RollingUpdate"
      ? {
          ...strategy,
          type,
          rollingUpdate: own({ maxUnavailable: QUARTER, maxSurge: QUARTER, ...given }),
        }
      : { ...strategy, type };
  return sameJson(complete, field(spec, "strategy"))
    ? spec
    : own({ ...spec, strategy: own(complete) });
};

const isZero = (value: unknown): boolean => value === 0 || value === "0%";

const strategyErrors = (object: Draft): ReadonlyArray<FieldError> => {
  const path = "spec.strategy";
  const strategy = at(object, "spec", "strategy");
  const rolling = field(strategy, "rollingUpdate");
  const type = field(strategy, "type");
  const unavailable = field(rolling, "maxUnavailable");
  if (type !== "RollingUpdate" && type !== "Recreate")
    return [notSupported(path, { Type: type, RollingUpdate: null }, ["Recreate", "RollingUpdate"])];
  if (type === "Recreate" && rolling !== undefined)
    return [
      forbidden(`${path}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'"),
    ];
  return type === "RollingUpdate" && isZero(unavailable) && isZero(field(rolling, "maxSurge"))
    ? [
        invalid(
          `${path}.rollingUpdate.maxUnavailable`,
          unavailable,
          "may not be 0 when `maxSurge` is 0",
        ),
      ]
    : [];
};

const set = workload(Deployments, "deployment", {
  replicas: 1,
  revisionHistoryLimit: 10,
  progressDeadlineSeconds: 600,
});

export const deployment: Kind = {
  ...set,
  complete: (object) => {
    const normal = set.complete(object);
    const spec = asObject(field(normal, "spec"));
    const completed = withStrategy(spec);
    return completed === spec ? normal : withFields(normal, { spec: completed });
  },
  prepareCreate: (object) => own({ ...object, status: EMPTY }),
  validateCreate: (object) => [...set.validateCreate(object), ...strategyErrors(object)],
  validateUpdate: (object, old) => [...set.validateUpdate(object, old), ...strategyErrors(object)],
};

export const replicaSet = workload(ReplicaSets, "deployment", { replicas: 1 });

export const statefulSet = workload(StatefulSets, "statefulset", {
  replicas: 1,
  podManagementPolicy: "OrderedReady",
  revisionHistoryLimit: 10,
  updateStrategy: own({ type: "RollingUpdate", rollingUpdate: own({ partition: 0 }) }),
  persistentVolumeClaimRetentionPolicy: own({ whenDeleted: "Retain", whenScaled: "Retain" }),
});
