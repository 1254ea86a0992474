/** Jobs: defaults, the generated selector, what of a Job may change (registry/batch/job/strategy.go, batch validation). */
import type { KubeObject } from "../../../domain/kube/object.ts";
import { Jobs } from "../../../domain/kube/resource.ts";
import { type FieldError, invalid, notNegative, notSupported, required } from "../fieldError.ts";
import {
  asArray,
  asObject,
  at,
  field,
  isObject,
  isValid,
  type JsonObject,
  markValid,
  own,
  sameJson,
  stringsOf,
  textOf,
  withFields,
} from "../json.ts";
import { labelErrors } from "../metadata.ts";
import { builtin } from "./builtin.ts";
import { type Draft, type Kind, withMeta } from "./Kind.ts";
import { jobStatusErrors } from "./jobStatus.ts";
import { podFailurePolicyErrors } from "./podFailurePolicy.ts";
import { completePodSpec, podSpecErrors } from "./podSpec.ts";

const NAME_LABELS = ["batch.kubernetes.io/job-name", "job-name"] as const;
const UID_LABEL = "batch.kubernetes.io/controller-uid";
const UID_LABELS = [UID_LABEL, "controller-uid"] as const;
const BACKOFF_LIMIT_DEFAULT = 6;

const completeRule = (rule: unknown): unknown => {
  const conditions = asArray(field(rule, "onPodConditions"));
  if (!isObject(rule) || conditions === undefined) return rule;
  const complete = conditions.map((one) => own({ status: "True", ...asObject(one) }));
  return own({ ...rule, onPodConditions: own(complete) });
};

const withPolicyDefaults = (policy: unknown): unknown => {
  const rules = asArray(field(policy, "rules"));
  return isObject(policy) && rules !== undefined
    ? own({ ...policy, rules: own(rules.map(completeRule)) })
    : policy;
};

const completed = new WeakMap<object, JsonObject>();

const completeSpec = (spec: JsonObject): JsonObject => {
  const known = completed.get(spec);
  if (known !== undefined) return known;
  const template = asObject(field(spec, "template"));
  const policy = withPolicyDefaults(field(spec, "podFailurePolicy"));
  const parallelism = field(spec, "parallelism");
  // A Job that names a parallelism but no completions is a work queue: it has none.
  const completions = parallelism === undefined ? { completions: 1 } : {};
  const result: JsonObject = own({
    ...completions,
    parallelism: 1,
    backoffLimit: BACKOFF_LIMIT_DEFAULT,
    completionMode: "NonIndexed",
    suspend: false,
    manualSelector: false,
    podReplacementPolicy: policy === undefined ? "TerminatingOrFailed" : "Failed",
    ...spec,
    ...(policy === undefined ? {} : { podFailurePolicy: policy }),
    template: own({ ...template, spec: completePodSpec(asObject(field(template, "spec"))) }),
  });
  completed.set(spec, result);
  completed.set(result, result);
  return result;
};

const templateLabels = (spec: JsonObject): Readonly<Record<string, string>> =>
  stringsOf(at(spec, "template", "metadata", "labels"));

/** The labels and the selector by which a Job finds its own Pods and no others. */
const withSelector = (spec: JsonObject, name: string, uid: string): JsonObject => {
  if (field(spec, "manualSelector") === true) return spec;
  const template = asObject(field(spec, "template"));
  const labels = own({
    ...Object.fromEntries(UID_LABELS.map((label) => [label, uid])),
    ...Object.fromEntries(NAME_LABELS.map((label) => [label, name])),
    ...templateLabels(spec),
  });
  const selector = asObject(field(spec, "selector"));
  const matchLabels = own({ [UID_LABEL]: uid, ...asObject(field(selector, "matchLabels")) });
  return own({
    ...spec,
    selector: own({ ...selector, matchLabels }),
    template: own({
      ...template,
      metadata: own({ ...asObject(field(template, "metadata")), labels }),
    }),
  });
};

/** Without labels of its own a Job shows those of its template (SetDefaults_Job). */
const withLabels = (job: Draft): Draft => {
  const labels = templateLabels(asObject(job["spec"]));
  return job.metadata.labels !== undefined || Object.keys(labels).length === 0
    ? job
    : withFields(job, {
        metadata: withMeta(job.metadata, { labels }),
      });
};

const selectorErrors = (job: Draft, spec: JsonObject): ReadonlyArray<FieldError> => {
  const selector = field(spec, "selector");
  const labels = templateLabels(spec);
  const matchLabels = asObject(field(selector, "matchLabels"));
  const matches =
    selector !== undefined &&
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value);
  const errors: Array<FieldError> = [];
  if (selector === undefined) errors.push(required("spec.selector"));
  if (field(spec, "manualSelector") !== true) {
    const expected = { matchLabels: { [UID_LABEL]: job.metadata.uid } };
    if (!sameJson(selector, expected)) {
      errors.push(invalid("spec.selector", selector, "`selector` not auto-generated"));
    }
    for (const label of [...NAME_LABELS, ...UID_LABELS]) {
      const wanted = label.endsWith("name") ? job.metadata.name : job.metadata.uid;
      if (labels[label] !== wanted) {
        const path = `spec.template.metadata.labels[${label}]`;
        errors.push(invalid(path, labels, `must be '${wanted}'`));
      }
    }
  }
  if (!matches) {
    errors.push(
      invalid(
        "spec.template.metadata.labels",
        labels,
        "`selector` does not match template `labels`",
      ),
    );
  }
  return errors;
};

const restartPolicyErrors = (spec: JsonObject): ReadonlyArray<FieldError> => {
  const path = "spec.template.spec.restartPolicy";
  const policy = at(spec, "template", "spec", "restartPolicy");
  if (policy === "Always") return [required(path, 'valid values: "OnFailure", "Never"')];
  if (policy !== "OnFailure" && policy !== "Never") {
    return [notSupported(path, policy, ["OnFailure", "Never"])];
  }
  return field(spec, "podFailurePolicy") !== undefined && policy !== "Never"
    ? [invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified')]
    : [];
};

const COUNTS = [
  "parallelism",
  "completions",
  "activeDeadlineSeconds",
  "backoffLimit",
  "ttlSecondsAfterFinished",
];

const enumErrors = (spec: JsonObject): ReadonlyArray<FieldError> => {
  const modes = ["NonIndexed", "Indexed"];
  const replacements =
    field(spec, "podFailurePolicy") === undefined ? ["Failed", "TerminatingOrFailed"] : ["Failed"];
  const check = (name: string, supported: ReadonlyArray<string>) =>
    supported.includes(textOf(field(spec, name)))
      ? []
      : [notSupported(`spec.${name}`, field(spec, name), supported)];
  const isUncounted =
    field(spec, "completionMode") === "Indexed" && field(spec, "completions") === undefined;
  return [
    ...check("completionMode", modes),
    ...(isUncounted ? [required("spec.completions", "when completion mode is Indexed")] : []),
    ...check("podReplacementPolicy", replacements),
  ];
};

/** Stands for what is a valid spec of a Job. */
const JOB_SPEC = {};

const validate = (job: Draft): ReadonlyArray<FieldError> => {
  const spec = asObject(job["spec"]);
  if (isValid(spec, JOB_SPEC)) return [];
  const template = asObject(at(spec, "template", "spec"));
  const errors = [
    ...selectorErrors(job, spec),
    ...COUNTS.flatMap((name) => notNegative(`spec.${name}`, field(spec, name))),
    ...podFailurePolicyErrors(spec),
    ...enumErrors(spec),
    ...labelErrors("spec.template.labels", templateLabels(spec)),
    ...podSpecErrors("spec.template.spec", template),
    ...restartPolicyErrors(spec),
  ];
  if (errors.length === 0) markValid(spec, JOB_SPEC);
  return errors;
};

const IMMUTABLE = [
  "completions",
  "selector",
  "completionMode",
  "podFailurePolicy",
  "backoffLimitPerIndex",
  "managedBy",
  "successPolicy",
];

const withoutResources = (list: unknown): unknown =>
  asArray(list)?.map((one) => ({ ...asObject(one), resources: {} }));

/** Of a suspended Job without Pods the template's scheduling may still change, and its resources. */
const mutablePart = (template: JsonObject): JsonObject => {
  const spec = asObject(field(template, "spec"));
  const { nodeSelector: _n, tolerations: _t, schedulingGates: _g, affinity, ...fixed } = spec;
  const { nodeAffinity: _a, ...otherAffinity } = asObject(affinity);
  return {
    ...fixed,
    affinity: otherAffinity,
    containers: withoutResources(field(spec, "containers")),
    initContainers: withoutResources(field(spec, "initContainers")),
  };
};

const isSuspendedIdle = (job: KubeObject): boolean => {
  const suspended = (asArray(at(job, "status", "conditions")) ?? []).some(
    (one) => field(one, "type") === "Suspended" && field(one, "status") === "True",
  );
  return (
    at(job, "spec", "suspend") === true &&
    (at(job, "status", "startTime") === undefined || suspended) &&
    (at(job, "status", "active") ?? 0) === 0
  );
};

const updateErrors = (job: Draft, old: KubeObject): ReadonlyArray<FieldError> => {
  const spec = asObject(job["spec"]);
  const before = asObject(old["spec"]);
  if (spec === before) return [];
  const template = asObject(field(spec, "template"));
  const oldTemplate = asObject(field(before, "template"));
  const idle = isSuspendedIdle(old);
  const templateKept = idle
    ? sameJson(mutablePart(template), mutablePart(oldTemplate))
    : sameJson(template, oldTemplate);
  const path = idle ? "spec.template.spec" : "spec.template";
  return [
    ...IMMUTABLE.filter((name) => !sameJson(field(spec, name), field(before, name))).map((name) =>
      invalid(`spec.${name}`, field(spec, name) ?? null, "field is immutable"),
    ),
    ...(templateKept
      ? []
      : [invalid(path, idle ? field(template, "spec") : template, "field is immutable")]),
  ];
};

/** Counters that are zero are not written. */
const withoutZeros = (job: Draft): Draft => {
  const status = asObject(job["status"]);
  const zeros = ["active", "succeeded", "failed"].filter((name) => field(status, name) === 0);
  return zeros.length === 0
    ? job
    : withFields(job, {
        status: own(
          Object.fromEntries(Object.entries(status).filter(([name]) => !zeros.includes(name))),
        ),
      });
};

const base = builtin(Jobs, { hasStatus: true, hasGeneration: true, completeSpec });

export const job: Kind = {
  ...base,
  defaultPropagation: "Orphan",
  prepareCreate: (object) => {
    const { name = "", uid = "" } = object.metadata;
    const spec = withSelector(asObject(object["spec"]), name, uid);
    return withLabels(withFields(object, { spec, status: own({}) }));
  },
  prepareUpdate: (object, old) => withLabels(base.prepareUpdate(object, old)),
  prepareStatus: (object, old) => withoutZeros(base.prepareStatus(object, old)),
  validateCreate: validate,
  validateUpdate: (object, old) => [...validate(object), ...updateErrors(object, old)],
  validateStatus: jobStatusErrors,
};
