/** The spec of Pods and of pod templates: defaults and validation (k8s.io/kubernetes apis/core/v1 defaults, core validation). */
import {
  type FieldError,
  invalid,
  notFound,
  notNegative,
  notSupported,
  required,
} from "../fieldError.ts";
import {
  asArray,
  EMPTY,
  field,
  isObject,
  isValid,
  type JsonObject,
  markValid,
  own,
  textOf,
} from "../json.ts";
import { duplicateNames } from "../metadata.ts";
import { partNameProblems, subdomainProblems } from "../names.ts";

/** `:latest` and no tag at all are pulled always, a tag or digest when absent. */
const pullPolicy = (image: unknown): string => {
  const name = textOf(image).split("/").at(-1);
  if (name === undefined || name.includes("@")) return "IfNotPresent";
  const [, tag = "latest"] = name.split(":");
  return tag === "latest" ? "Always" : "IfNotPresent";
};

/** Fields of the Pod are named in the words of a version. */
const completeVariable = (variable: unknown): unknown => {
  const source = field(variable, "valueFrom");
  const ref = field(source, "fieldRef");
  if (!isObject(variable) || !isObject(source) || !isObject(ref)) return variable;
  const fieldRef = own({ apiVersion: "v1", ...ref });
  return own({ ...variable, valueFrom: own({ ...source, fieldRef }) });
};

const completeContainer = (container: unknown): unknown => {
  if (!isObject(container)) return container;
  const env = asArray(field(container, "env"));
  return own({
    resources: EMPTY,
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
    imagePullPolicy: pullPolicy(field(container, "image")),
    ...container,
    ...(env === undefined ? {} : { env: own(env.map(completeVariable)) }),
  });
};

const CONTAINER_LISTS = ["containers", "initContainers"] as const;

const completed = new WeakMap<object, JsonObject>();

/** The spec with the defaults that every pod spec gets. The same object when it has them. */
export const completePodSpec = (spec: JsonObject): JsonObject => {
  const known = completed.get(spec);
  if (known !== undefined) return known;
  const lists: Record<string, unknown> = {};
  for (const name of CONTAINER_LISTS) {
    const containers = asArray(field(spec, name));
    if (containers !== undefined) lists[name] = own(containers.map(completeContainer));
  }
  const result: JsonObject = own({
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    securityContext: EMPTY,
    schedulerName: "default-scheduler",
    ...spec,
    ...lists,
  });
  completed.set(spec, result);
  completed.set(result, result);
  return result;
};

const INT32_MAX = 2 ** 31 - 1;

const volumeErrors = (path: string, volumes: ReadonlyArray<unknown>): ReadonlyArray<FieldError> => [
  ...volumes.flatMap((volume, index) => {
    const name = textOf(field(volume, "name"));
    const at = `${path}[${index}].name`;
    return name === ""
      ? [required(at)]
      : partNameProblems(name).map((why) => invalid(at, name, why));
  }),
  ...duplicateNames(path, volumes),
];

const envErrors = (path: string, env: ReadonlyArray<unknown>): ReadonlyArray<FieldError> =>
  env.flatMap((one, index) => {
    const name = textOf(field(one, "name"));
    if (name === "") return [required(`${path}[${index}].name`)];
    return /^[ -<>-~]+$/u.test(name)
      ? []
      : [
          invalid(
            `${path}[${index}].name`,
            name,
            "a valid environment variable name must consist only of printable ASCII characters other than '='",
          ),
        ];
  });

const mountErrors = (
  path: string,
  mounts: ReadonlyArray<unknown>,
  volumes: ReadonlySet<unknown>,
): ReadonlyArray<FieldError> => {
  const paths = new Set<unknown>();
  return mounts.flatMap((mount, index) => {
    const name = field(mount, "name");
    const mountPath = field(mount, "mountPath");
    const errors: Array<FieldError> = [];
    if (name === undefined || name === "") errors.push(required(`${path}[${index}].name`));
    else if (!volumes.has(name)) errors.push(notFound(`${path}[${index}].name`, name));
    if (mountPath === undefined || mountPath === "") {
      errors.push(required(`${path}[${index}].mountPath`));
    } else if (paths.has(mountPath)) {
      errors.push(invalid(`${path}[${index}].mountPath`, mountPath, "must be unique"));
    }
    paths.add(mountPath);
    return errors;
  });
};

const containerErrors = (
  path: string,
  container: unknown,
  volumes: ReadonlySet<unknown>,
): ReadonlyArray<FieldError> => {
  const name = textOf(field(container, "name"));
  const image = textOf(field(container, "image"));
  const errors: Array<FieldError> = [];
  if (name === "") errors.push(required(`${path}.name`));
  else errors.push(...partNameProblems(name).map((why) => invalid(`${path}.name`, name, why)));
  if (image === "") errors.push(required(`${path}.image`));
  else if (image !== image.trim()) {
    errors.push(invalid(`${path}.image`, image, "must not have leading or trailing whitespace"));
  }
  return [
    ...errors,
    ...envErrors(`${path}.env`, asArray(field(container, "env")) ?? []),
    ...mountErrors(
      `${path}.volumeMounts`,
      asArray(field(container, "volumeMounts")) ?? [],
      volumes,
    ),
  ];
};

const EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

const tolerationErrors = (path: string, toleration: unknown): ReadonlyArray<FieldError> => {
  const key = field(toleration, "key") ?? "";
  const operator = field(toleration, "operator") ?? "";
  const value = field(toleration, "value") ?? "";
  const effect = field(toleration, "effect") ?? "";
  const errors: Array<FieldError> = [];
  if (key === "" && operator !== "Exists") {
    errors.push(
      invalid(
        `${path}.operator`,
        operator,
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ),
    );
  }
  if (field(toleration, "tolerationSeconds") !== undefined && effect !== "NoExecute") {
    errors.push(
      invalid(
        `${path}.effect`,
        effect,
        "effect must be 'NoExecute' when `tolerationSeconds` is set",
      ),
    );
  }
  if (operator === "Exists" && value !== "") {
    errors.push(
      invalid(`${path}.operator`, value, "value must be empty when `operator` is 'Exists'"),
    );
  } else if (operator !== "" && operator !== "Exists" && operator !== "Equal") {
    errors.push(notSupported(`${path}.operator`, operator, ["Equal", "Exists"]));
  }
  if (effect !== "" && !EFFECTS.includes(textOf(effect))) {
    errors.push(notSupported(`${path}.effect`, effect, EFFECTS));
  }
  return errors;
};

const RESTART_POLICIES = ["Always", "OnFailure", "Never"];

const scalarErrors = (path: string, spec: JsonObject): ReadonlyArray<FieldError> => {
  const errors: Array<FieldError> = [];
  const restartPolicy = field(spec, "restartPolicy");
  if (!RESTART_POLICIES.includes(textOf(restartPolicy))) {
    errors.push(notSupported(`${path}.restartPolicy`, restartPolicy, RESTART_POLICIES));
  }
  const deadline = field(spec, "activeDeadlineSeconds");
  if (typeof deadline === "number" && (deadline < 1 || deadline > INT32_MAX)) {
    errors.push(
      invalid(
        `${path}.activeDeadlineSeconds`,
        deadline,
        `must be between 1 and ${INT32_MAX}, inclusive`,
      ),
    );
  }
  const nodeName = field(spec, "nodeName");
  if (typeof nodeName === "string") {
    const problems = subdomainProblems(nodeName, false);
    errors.push(...problems.map((why) => invalid(`${path}.nodeName`, nodeName, why)));
  }
  return [...errors, ...notNegative(`${path}.priority`, field(spec, "priority"))];
};

/** Stands for what is a valid spec of a Pod. */
const POD_SPEC = {};

/** What is wrong with a pod spec that has its defaults. */
export const podSpecErrors = (path: string, spec: JsonObject): ReadonlyArray<FieldError> => {
  if (isValid(spec, POD_SPEC)) return [];
  const volumes = asArray(field(spec, "volumes")) ?? [];
  const names = new Set(volumes.map((volume) => field(volume, "name")));
  const containers = asArray(field(spec, "containers")) ?? [];
  const inits = asArray(field(spec, "initContainers")) ?? [];
  const taken = new Set<unknown>();
  const errors = [
    ...volumeErrors(`${path}.volumes`, volumes),
    ...(containers.length === 0 ? [required(`${path}.containers`)] : []),
    ...containers.flatMap((one, index) =>
      containerErrors(`${path}.containers[${index}]`, one, names),
    ),
    ...duplicateNames(`${path}.containers`, containers, taken),
    ...inits.flatMap((one, index) =>
      containerErrors(`${path}.initContainers[${index}]`, one, names),
    ),
    ...duplicateNames(`${path}.initContainers`, inits, taken),
    ...scalarErrors(path, spec),
    ...(asArray(field(spec, "tolerations")) ?? []).flatMap((one, index) =>
      tolerationErrors(`${path}.tolerations[${index}]`, one),
    ),
  ];
  if (errors.length === 0) markValid(spec, POD_SPEC);
  return errors;
};
