/** Roles and their bindings: names, subjects, and what a binding refers to (k8s.io/kubernetes apis/rbac/validation). */
import type { Resource } from "../../../domain/kube/resource.ts";
import { ClusterRoleBindings, RoleBindings, Roles } from "../../../domain/kube/resource.ts";
import { type FieldError, invalid, notSupported, required } from "../fieldError.ts";
import { asArray, at, field, sameJson, textOf } from "../json.ts";
import { segmentProblems } from "../names.ts";
import { builtin } from "./builtin.ts";
import type { Draft, Kind } from "./Kind.ts";

type Errors = ReadonlyArray<FieldError>;

const SUBJECTS = ["ServiceAccount", "User", "Group"];

const clusterWide = (plural: string, kind: string): Resource => ({
  group: "rbac.authorization.k8s.io",
  version: "v1",
  plural,
  kind,
  namespaced: false,
});

const ruleErrors = (role: Draft): Errors =>
  (asArray(role["rules"]) ?? []).flatMap((rule, index) =>
    (asArray(field(rule, "verbs"))?.length ?? 0) === 0
      ? [required(`rules[${index}].verbs`, "verbs must contain at least one value")]
      : [],
  );

const subjectErrors = (binding: Draft): Errors =>
  (asArray(binding["subjects"]) ?? []).flatMap((subject, index) => {
    const kind = textOf(field(subject, "kind"));
    return [
      ...(textOf(field(subject, "name")) === "" ? [required(`subjects[${index}].name`)] : []),
      ...(SUBJECTS.includes(kind) ? [] : [notSupported(`subjects[${index}].kind`, kind, SUBJECTS)]),
    ];
  });

const refErrors = (binding: Draft, supported: ReadonlyArray<string>): Errors => {
  const kind = textOf(at(binding, "roleRef", "kind"));
  return [
    ...(supported.includes(kind) ? [] : [notSupported("roleRef.kind", kind, supported)]),
    ...(textOf(at(binding, "roleRef", "name")) === "" ? [required("roleRef.name")] : []),
  ];
};

const role = (resource: Resource): Kind => ({
  ...builtin(resource),
  nameProblems: segmentProblems,
  validateCreate: ruleErrors,
  validateUpdate: ruleErrors,
});

/** `supported`: the kinds of roles that it may refer to. What it refers to is fixed. */
const binding = (resource: Resource, supported: ReadonlyArray<string>): Kind => {
  const validate = (object: Draft): Errors => [
    ...refErrors(object, supported),
    ...subjectErrors(object),
  ];
  return {
    ...builtin(resource),
    nameProblems: segmentProblems,
    validateCreate: validate,
    validateUpdate: (object, old) => [
      ...validate(object),
      ...(sameJson(object["roleRef"], old["roleRef"])
        ? []
        : [invalid("roleRef", object["roleRef"], "cannot change roleRef")]),
    ],
  };
};

export const rbacKinds: ReadonlyArray<Kind> = [
  role(Roles),
  role(clusterWide("clusterroles", "ClusterRole")),
  binding(RoleBindings, ["Role", "ClusterRole"]),
  binding(ClusterRoleBindings, ["ClusterRole"]),
];
