/** What a kubelet makes of a Pod with one container, as flags of podman and docker. */
import { Schema } from "effect";

const Mount = Schema.Struct({
  name: Schema.String,
  mountPath: Schema.String,
  readOnly: Schema.optionalKey(Schema.Boolean),
});

const Variable = Schema.Struct({
  name: Schema.String,
  value: Schema.optionalKey(Schema.String),
  valueFrom: Schema.optionalKey(
    Schema.Struct({ fieldRef: Schema.Struct({ fieldPath: Schema.String }) }),
  ),
});

const identity = {
  runAsUser: Schema.optionalKey(Schema.Int),
  runAsGroup: Schema.optionalKey(Schema.Int),
};

const Container = Schema.Struct({
  args: Schema.Array(Schema.String),
  env: Schema.Array(Variable),
  volumeMounts: Schema.optionalKey(Schema.Array(Mount)),
  securityContext: Schema.Struct({
    ...identity,
    privileged: Schema.optionalKey(Schema.Boolean),
    allowPrivilegeEscalation: Schema.optionalKey(Schema.Boolean),
    readOnlyRootFilesystem: Schema.optionalKey(Schema.Boolean),
    capabilities: Schema.optionalKey(Schema.Struct({ drop: Schema.Array(Schema.String) })),
  }),
});

/** The part of a Pod's `spec` that says how its container runs. */
export const PodSpec = Schema.Struct({
  hostPID: Schema.optionalKey(Schema.Boolean),
  securityContext: Schema.optionalKey(Schema.Struct(identity)),
  containers: Schema.Tuple([Container]),
});
export interface PodSpec extends Schema.Schema.Type<typeof PodSpec> {}

/** Whose rights and namespaces the container has. */
export const securityFlags = (spec: {
  readonly hostPID?: boolean;
  readonly securityContext?: PodSpec["securityContext"];
  readonly containers: readonly [Pick<PodSpec["containers"][0], "securityContext">];
}): ReadonlyArray<string> => {
  const { hostPID, securityContext: pod, containers } = spec;
  const [{ securityContext: own }] = containers;
  const user = own.runAsUser ?? pod?.runAsUser;
  const group = own.runAsGroup ?? pod?.runAsGroup;
  return [
    ...(user === undefined ? [] : [`--user=${user}${group === undefined ? "" : `:${group}`}`]),
    ...(own.readOnlyRootFilesystem === true ? ["--read-only", "--read-only-tmpfs=false"] : []),
    ...(own.capabilities?.drop ?? []).map((capability) => `--cap-drop=${capability}`),
    ...(own.allowPrivilegeEscalation === false ? ["--security-opt=no-new-privileges"] : []),
    ...(own.privileged === true ? ["--privileged"] : []),
    ...(hostPID === true ? ["--pid=host"] : []),
  ];
};

/** What a Pod gets from where it runs. */
export interface Surroundings {
  /** Field path of the Pod → its value. */
  readonly fields: Readonly<Record<string, string>>;
  /** Name of a volume → the directory that is mounted for it. */
  readonly volumes?: Readonly<Record<string, string>>;
}

/** The one that is named; a Pod that wants more than it is given would wait for ever. */
const given = (what: string, name: string, all: Readonly<Record<string, string>> = {}): string => {
  const value = all[name];
  if (value === undefined) throw new Error(`the Pod wants ${what} ${name}; give it`);
  return value;
};

/** The flags with which the Pod's container runs. Its arguments are for the caller to add: they come after the image. */
export const podFlags = (spec: PodSpec, { fields, volumes }: Surroundings) => {
  const [{ env, volumeMounts = [] }] = spec.containers;
  return [
    ...securityFlags(spec),
    ...env.map(({ name, value, valueFrom }) => {
      const path = valueFrom?.fieldRef.fieldPath;
      return `--env=${name}=${path === undefined ? (value ?? "") : given("field", path, fields)}`;
    }),
    ...volumeMounts.map(
      ({ name, mountPath, readOnly }) =>
        `--volume=${given("volume", name, volumes)}:${mountPath}${readOnly === true ? ":ro" : ""}`,
    ),
  ];
};
