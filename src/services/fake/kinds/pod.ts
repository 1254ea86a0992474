/** Pods: defaults, what may change of a running one, graceful deletion (k8s.io/kubernetes registry/core/pod/strategy.go). */
import type { KubeObject } from "../../../domain/kube/object.ts";
import { Pods } from "../../../domain/kube/resource.ts";
import { type FieldError, forbidden, invalid } from "../fieldError.ts";
import {
  asArray,
  asObject,
  at,
  field,
  isObject,
  type JsonObject,
  own,
  sameJson,
  withFields,
} from "../json.ts";
import { builtin } from "./builtin.ts";
import { type Draft, keepField, type Kind, withMeta } from "./Kind.ts";
import { completePodSpec, podSpecErrors } from "./podSpec.ts";

/** How long a Pod stays on a node that is not ready or not reachable (admission plugin DefaultTolerationSeconds). */
const TOLERATION_SECONDS = 300;
const TOLERATED = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] as const;

const tolerates = (toleration: unknown, key: string): boolean => {
  const tolerated = field(toleration, "key") ?? "";
  const effect = field(toleration, "effect") ?? "";
  return (tolerated === key || tolerated === "") && (effect === "NoExecute" || effect === "");
};

const withTolerations = (spec: JsonObject): JsonObject => {
  const tolerations = asArray(field(spec, "tolerations")) ?? [];
  const missing = TOLERATED.filter((key) => !tolerations.some((one) => tolerates(one, key)));
  if (missing.length === 0) return spec;
  const added = missing.map((key) =>
    own({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: TOLERATION_SECONDS }),
  );
  return own({ ...spec, tolerations: own([...tolerations, ...added]) });
};

const admitted = new WeakMap<object, JsonObject>();

/** A Pod's own spec, after the admission plugins that are on by default. */
const completeSpec = (spec: JsonObject): JsonObject => {
  const known = admitted.get(spec);
  if (known !== undefined) return known;
  const account = field(spec, "serviceAccountName") ?? field(spec, "serviceAccount") ?? "default";
  const result = withTolerations(
    own({
      enableServiceLinks: true,
      ...completePodSpec(spec),
      serviceAccountName: account,
      serviceAccount: account,
    }),
  );
  admitted.set(spec, result);
  admitted.set(result, result);
  return result;
};

const imageless = (list: unknown): unknown =>
  asArray(list)?.map((one) => (isObject(one) ? { ...one, image: "", imagePullPolicy: "" } : one));

/** The spec without what a client may change, to compare what it may not. */
const fixedPart = (spec: JsonObject): JsonObject => {
  const { tolerations: _t, activeDeadlineSeconds: _a, ...rest } = spec;
  return {
    ...rest,
    containers: imageless(field(spec, "containers")),
    initContainers: imageless(field(spec, "initContainers")),
  };
};

const FIXED =
  "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

const deadlineErrors = (spec: JsonObject, old: JsonObject): ReadonlyArray<FieldError> => {
  const path = "spec.activeDeadlineSeconds";
  const before = field(old, "activeDeadlineSeconds");
  const after = field(spec, "activeDeadlineSeconds");
  if (typeof before !== "number") return [];
  if (typeof after !== "number") {
    return [invalid(path, null, "must not update from a positive integer to nil value")];
  }
  return after > before
    ? [invalid(path, after, "must be less than or equal to previous value")]
    : [];
};

const timeless = (toleration: unknown): JsonObject => ({
  ...asObject(toleration),
  tolerationSeconds: 0,
});

/** Tolerations may be added, and of existing ones the seconds changed (ValidateTolerationsUpdate). */
const tolerationUpdateErrors = (spec: JsonObject, old: JsonObject): ReadonlyArray<FieldError> => {
  const now = (asArray(field(spec, "tolerations")) ?? []).map(timeless);
  const lost = (asArray(field(old, "tolerations")) ?? [])
    .map(timeless)
    .some((one) => !now.some((other) => sameJson(one, other)));
  return lost
    ? [
        forbidden(
          "spec.tolerations",
          "existing toleration can not be modified except its tolerationSeconds",
        ),
      ]
    : [];
};

const containerCount = (spec: JsonObject): number =>
  asArray(field(spec, "containers"))?.length ?? 0;

const specUpdateErrors = (object: Draft, previous: KubeObject): ReadonlyArray<FieldError> => {
  const spec = asObject(object["spec"]);
  const old = asObject(previous["spec"]);
  if (spec === old) return [];
  if (containerCount(spec) !== containerCount(old)) {
    return [forbidden("spec.containers", "pod updates may not add or remove containers")];
  }
  const fixed = sameJson(fixedPart(spec), fixedPart(old)) ? [] : [forbidden("spec", FIXED)];
  return [...fixed, ...deadlineErrors(spec, old), ...tolerationUpdateErrors(spec, old)];
};

const validate = (object: Draft): ReadonlyArray<FieldError> =>
  podSpecErrors("spec", asObject(object["spec"]));

const isTerminal = (pod: KubeObject): boolean => {
  const phase = at(pod, "status", "phase");
  return phase === "Succeeded" || phase === "Failed";
};

const secondsOf = (value: unknown): number | undefined =>
  typeof value === "number" ? value : undefined;

export const pod: Kind = {
  ...builtin(Pods, { hasStatus: true, hasGeneration: true, completeSpec }),
  selectable: {
    "spec.nodeName": "",
    "spec.restartPolicy": "",
    "spec.schedulerName": "",
    "spec.serviceAccountName": "",
    "spec.hostNetwork": "false",
    "status.phase": "",
    "status.podIP": "",
    "status.nominatedNodeName": "",
  },
  returnsDeleted: true,
  gracePeriod: (object, asked) => {
    const period = asked ?? secondsOf(at(object, "spec", "terminationGracePeriodSeconds")) ?? 0;
    // No kubelet would confirm the end of a Pod that no node has, or that has ended.
    if (at(object, "spec", "nodeName") === undefined || isTerminal(object)) return 0;
    return period < 0 ? 1 : period;
  },
  prepareCreate: (object) => withFields(object, { status: own({ phase: "Pending" }) }),
  prepareStatus: (object, old) => {
    const { deletionTimestamp, ownerReferences } = old.metadata;
    return withFields(keepField(object, old, "spec"), {
      metadata: withMeta(object.metadata, { deletionTimestamp, ownerReferences }),
    });
  },
  validateCreate: validate,
  validateUpdate: (object, old) => [...validate(object), ...specUpdateErrors(object, old)],
};
