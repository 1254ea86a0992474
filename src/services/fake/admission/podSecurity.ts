/**
 * Admission plugin PodSecurity: what a namespace's label `pod-security.kubernetes.io/enforce` asks of its Pods when they
 * are created (k8s.io/pod-security-admission). Judged is what Pods of this project depend on; docs/fake.md says what is not.
 */
import type { KubeObject } from "../../../domain/kube/object.ts";
import { Namespaces, Pods } from "../../../domain/kube/resource.ts";
import type { StatusBody } from "../../ApiServer.ts";
import { type FieldError, invalid } from "../fieldError.ts";
import { asArray, asObject, at, field, textOf } from "../json.ts";
import { isOf } from "../kinds/Kind.ts";
import { forbidden } from "../status.ts";
import type { WriteContext } from "../writing.ts";

const LABEL = "pod-security.kubernetes.io/enforce";

/** What of a Pod a level does not allow: `reason (detail)`; undefined: nothing. */
type Check = (pod: Containers) => string | undefined;

interface Containers {
  readonly spec: unknown;
  /** Init containers first. */
  readonly containers: ReadonlyArray<unknown>;
}

const quoted = (names: ReadonlyArray<string>): string =>
  names.map((name) => JSON.stringify(name)).join(", ");

const several = (what: string, names: ReadonlyArray<string>): string =>
  `${what}${names.length === 1 ? "" : "s"} ${quoted(names)}`;

const nameOf = (one: unknown): string => textOf(field(one, "name"));

const security = (of: unknown, ...path: ReadonlyArray<string>): unknown =>
  at(of, "securityContext", ...path);

/** The names of the containers of which something holds. */
const those = ({ containers }: Containers, is: (container: unknown) => boolean) =>
  containers.filter(is).map(nameOf);

const hostNamespaces: Check = ({ spec }) => {
  const shared = ["hostNetwork", "hostPID", "hostIPC"].filter((name) => field(spec, name) === true);
  return shared.length === 0
    ? undefined
    : `host namespaces (${shared.map((name) => `${name}=true`).join(", ")})`;
};

const volumesOf = (spec: unknown): ReadonlyArray<unknown> => asArray(field(spec, "volumes")) ?? [];

const hostPathVolumes: Check = ({ spec }) => {
  const names = volumesOf(spec)
    .filter((volume) => field(volume, "hostPath") !== undefined)
    .map(nameOf);
  return names.length === 0 ? undefined : `hostPath volumes (${several("volume", names)})`;
};

const privileged: Check = (pod) => {
  const names = those(pod, (container) => security(container, "privileged") === true);
  return names.length === 0
    ? undefined
    : `privileged (${several("container", names)} must not set securityContext.privileged=true)`;
};

const capabilities = (container: unknown, list: "add" | "drop"): ReadonlyArray<string> =>
  (asArray(security(container, "capabilities", list)) ?? []).map(textOf);

/** Which of the added capabilities are not in a list, and by which containers. */
const addedBeyond = (pod: Containers, allowed: ReadonlySet<string>) => {
  const beyond = (container: unknown) =>
    capabilities(container, "add").filter((one) => !allowed.has(one));
  const names = those(pod, (container) => beyond(container).length > 0);
  const added = [...new Set(pod.containers.flatMap(beyond))].toSorted();
  return names.length === 0
    ? undefined
    : `${several("container", names)} must not include ${quoted(added)} in securityContext.capabilities.add`;
};

/** Those that container runtimes give anyway. */
const DEFAULT_CAPABILITIES: ReadonlySet<string> = new Set([
  "AUDIT_WRITE",
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "KILL",
  "MKNOD",
  "NET_BIND_SERVICE",
  "SETFCAP",
  "SETGID",
  "SETPCAP",
  "SETUID",
  "SYS_CHROOT",
]);

const defaultCapabilities: Check = (pod) => {
  const added = addedBeyond(pod, DEFAULT_CAPABILITIES);
  return added === undefined ? undefined : `non-default capabilities (${added})`;
};

const allowPrivilegeEscalation: Check = (pod) => {
  const names = those(
    pod,
    (container) => security(container, "allowPrivilegeEscalation") !== false,
  );
  return names.length === 0
    ? undefined
    : `allowPrivilegeEscalation != false (${several("container", names)} must set securityContext.allowPrivilegeEscalation=false)`;
};

const restrictedCapabilities: Check = (pod) => {
  const keeping = those(pod, (container) => !capabilities(container, "drop").includes("ALL"));
  const added = addedBeyond(pod, new Set(["NET_BIND_SERVICE"]));
  const details = [
    ...(keeping.length === 0
      ? []
      : [`${several("container", keeping)} must set securityContext.capabilities.drop=["ALL"]`]),
    ...(added === undefined ? [] : [added]),
  ];
  return details.length === 0 ? undefined : `unrestricted capabilities (${details.join("; ")})`;
};

const UNRESTRICTED_VOLUMES = [
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "persistentVolumeClaim",
  "projected",
  "secret",
];

const restrictedVolumes: Check = ({ spec }) => {
  const bad = volumesOf(spec).filter((volume) =>
    UNRESTRICTED_VOLUMES.every((type) => field(volume, type) === undefined),
  );
  if (bad.length === 0) return undefined;
  const types = bad.flatMap((volume) =>
    Object.keys(asObject(volume)).filter((name) => name !== "name"),
  );
  const distinct = [...new Set(types)].toSorted();
  const uses = bad.length === 1 ? "uses" : "use";
  return `restricted volume types (${several("volume", bad.map(nameOf))} ${uses} ${several("restricted volume type", distinct)})`;
};

/** Who says something that is wrong, the Pod or containers; and which containers say nothing while the Pod does not either. */
const setters = (
  pod: Containers,
  path: ReadonlyArray<string>,
  isRight: (value: unknown) => boolean,
) => {
  const ofPod = security(pod.spec, ...path);
  const isWrong = (value: unknown) => value !== undefined && !isRight(value);
  const wrong = those(pod, (container) => isWrong(security(container, ...path)));
  const silent = isRight(ofPod)
    ? []
    : those(pod, (container) => security(container, ...path) === undefined);
  return {
    wrong: [
      ...(isWrong(ofPod) ? ["pod"] : []),
      ...(wrong.length === 0 ? [] : [several("container", wrong)]),
    ],
    silent,
    values: [ofPod, ...pod.containers.map((container) => security(container, ...path))].filter(
      isWrong,
    ),
  };
};

const runAsNonRoot: Check = (pod) => {
  const { wrong, silent } = setters(pod, ["runAsNonRoot"], (value) => value === true);
  if (wrong.length > 0)
    return `runAsNonRoot != true (${wrong.join(" and ")} must not set securityContext.runAsNonRoot=false)`;
  return silent.length === 0
    ? undefined
    : `runAsNonRoot != true (pod or ${several("container", silent)} must set securityContext.runAsNonRoot=true)`;
};

const runAsUser: Check = (pod) => {
  const { wrong } = setters(pod, ["runAsUser"], (value) => value !== 0);
  return wrong.length === 0
    ? undefined
    : `runAsUser=0 (${wrong.join(" and ")} must not set runAsUser=0)`;
};

const PROFILES: ReadonlyArray<unknown> = ["RuntimeDefault", "Localhost"];

const seccompProfile: Check = (pod) => {
  const path = ["seccompProfile", "type"];
  const { wrong, silent, values } = setters(pod, path, (value) => PROFILES.includes(value));
  if (wrong.length > 0) {
    const types = [...new Set(values.map(textOf))].toSorted();
    return `seccompProfile (${wrong.join(" and ")} must not set securityContext.seccompProfile.type to ${quoted(types)})`;
  }
  return silent.length === 0
    ? undefined
    : `seccompProfile (pod or ${several("container", silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`;
};

/** Without a word about it a profile is left to the container runtime. */
const baselineSeccompProfile: Check = (pod) => {
  const { wrong } = setters(pod, ["seccompProfile", "type"], (value) => PROFILES.includes(value));
  return wrong.length === 0
    ? undefined
    : `seccompProfile (${wrong.join(" and ")} must not set securityContext.seccompProfile.type to "Unconfined")`;
};

/** What each level asks, in the order in which a refusal lists it. */
const LEVELS: Readonly<Record<string, ReadonlyArray<Check>>> = {
  privileged: [],
  baseline: [
    defaultCapabilities,
    hostNamespaces,
    hostPathVolumes,
    privileged,
    baselineSeccompProfile,
  ],
  restricted: [
    hostNamespaces,
    privileged,
    allowPrivilegeEscalation,
    restrictedCapabilities,
    restrictedVolumes,
    runAsNonRoot,
    runAsUser,
    seccompProfile,
  ],
};

/** What is wrong with the label of a namespace. */
export const podSecurityLabelErrors = (
  labels: Readonly<Record<string, string>> | undefined,
): ReadonlyArray<FieldError> => {
  const level = labels?.[LABEL];
  return level === undefined || Object.hasOwn(LEVELS, level)
    ? []
    : [
        invalid(
          `metadata.labels[${LABEL}]`,
          level,
          `must be one of ${Object.keys(LEVELS).join(", ")}`,
        ),
      ];
};

/** Why the Pod must not be in its namespace. */
export const podSecurity = (context: WriteContext, object: KubeObject): StatusBody | undefined => {
  if (!isOf(context.shelf.kind, Pods)) return undefined;
  const { name, namespace = "" } = object.metadata;
  const level = context.store.shelf(Namespaces)?.table.get({ name: namespace })?.metadata.labels?.[
    LABEL
  ];
  if (level === undefined || !Object.hasOwn(LEVELS, level)) return undefined;
  const spec = asObject(object["spec"]);
  const containers = ["initContainers", "containers"].flatMap(
    (list) => asArray(field(spec, list)) ?? [],
  );
  const violated = (LEVELS[level] ?? []).flatMap((check) => check({ spec, containers }) ?? []);
  return violated.length === 0
    ? undefined
    : forbidden(Pods, name, `violates PodSecurity "${level}:latest": ${violated.join(", ")}`);
};
